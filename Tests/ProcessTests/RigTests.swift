// The rig judges the engine, so the rig is judged first.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("The rig") struct Rig {
    @Test("these tests run on the thread they share, not in the common pool")
    func ownThread() {
      #expect(TurnsThread.shared.isCurrent)
    }

    @Test("JSON survives being written and read")
    func json() throws {
      for text in textsOfTheWorld {
        let value: JSON = ["text": .string(text), "list": [1, -2.5, true, false, nil, [], [:]]]
        let read = try JSON(parsing: value.description)
        #expect(read == value)
        #expect(read["text"]?.string.map { Array($0.utf8) } == Array(text.utf8))
      }
    }

    @Test("what is no JSON is refused")
    func noJSON() {
      let samples = [
        "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "01", "1.", "+1", "nul", "\"\\x\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a", "\"\n\"", "1 2", "{1:2}", "'a'",
        String(repeating: "[", count: 100_000),
      ]
      for sample in samples {
        #expect(throws: JSONError.self, "\(sample.prefix(20))") { try JSON(parsing: sample) }
      }
    }

    @Test("a text of invalid UTF-8 is refused")
    func invalidUTF8() {
      #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xC3, 0x28, 0x22]) }
      #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test("the oracle knows the owner of a key, going round")
    func oracle() {
      let (a, b) = (String(repeating: "1", count: 40), String(repeating: "a", count: 40))
      let oracle = Oracle(nodes: [b, a])
      #expect(oracle.owner(of: a) == a)
      #expect(oracle.owner(of: Fleet.stepped(a, by: 1)) == b)
      #expect(oracle.owner(of: Fleet.stepped(b, by: 1)) == a)
      #expect(oracle.successor(of: b) == a)
      #expect(oracle.predecessor(of: a) == b)
    }

    @Test("the oracle refuses an answer that contradicts itself")
    func oracleRefuses() {
      let (a, b) = (String(repeating: "1", count: 40), String(repeating: "a", count: 40))
      let oracle = Oracle(nodes: [a, b])
      func fault(_ owner: String, _ hops: Int, _ path: [String]) -> String? {
        oracle.fault(
          in: [
            "owner": .string(owner), "hops": .integer(hops), "path": .array(path.map { .string($0) }),
            "address": "127.0.0.1:1", "milliseconds": 0.1,
          ], to: b, asker: a)
      }
      #expect(fault(b, 1, [b]) == nil)
      #expect(fault(a, 0, []) != nil)
      #expect(fault(b, 2, [b]) != nil)
      #expect(fault(b, 0, []) != nil)
      #expect(fault(b, 1, [a]) != nil)
      #expect(fault(b, 3, [b, b, b]) != nil)
      #expect(oracle.fault(in: ["owner": .string(b)], to: b, asker: a) != nil)
    }

    @Test("one step forth and back go round")
    func steps() {
      let (zero, ones) = (String(repeating: "0", count: 40), String(repeating: "f", count: 40))
      #expect(Fleet.stepped(zero, by: -1) == ones)
      #expect(Fleet.stepped(ones, by: 1) == zero)
    }

    @Test("a child that is dropped is gone, and no zombie is left")
    func noZombies() throws {
      var child: ChildProcess? = try ChildProcess("/bin/cat", []) { _, _ in }
      let id = try #require(child?.id)
      child = nil
      #expect(kill(id, 0) == -1 && errno == ESRCH)
    }

    @Test("a child inherits no descriptor but its own three")
    func descriptors() throws {
      let heard = Heard()
      let child = try ChildProcess("/bin/ls", ["/proc/self/fd"]) { bytes, _ in heard.append(bytes) }
      #expect(child.ending(within: Patience.quitting) == .exited(0))
      // 3 is the directory that `ls` reads.
      #expect(heard.text.split(separator: "\n") == ["0", "1", "2", "3"])
    }

    @Test("a child with a terminal has it as its own")
    func terminal() throws {
      let heard = Heard()
      let child = try ChildProcess(
        "/bin/sh", ["-c", "stty size; test -t 0 && test -t 1 && test -t 2 && echo yes >/dev/tty"],
        connection: .terminal(columns: 91, rows: 17)
      ) { bytes, _ in heard.append(bytes) }
      #expect(child.ending(within: Patience.quitting) == .exited(0))
      #expect(heard.text == "17 91\r\nyes\r\n")
    }

    @Test("a child that does not read its input is a failure and no standstill")
    func inputNotTaken() throws {
      let child = try ChildProcess("/bin/cat", []) { _, _ in }
      child.signal(SIGSTOP)
      #expect(throws: ProcessError.self) {
        try child.write([UInt8](repeating: 0, count: 1 << 20), within: .milliseconds(50))
      }
    }

    @Test("writing to a child that has ended is an error and not a signal")
    func brokenPipe() throws {
      let child = try ChildProcess("/bin/true", []) { _, _ in }
      #expect(child.ending(within: Patience.quitting) == .exited(0))
      #expect(throws: ProcessError.self) { try child.write(Array("hello".utf8)) }
    }
  }
}

/// What a child has said.
final class Heard: @unchecked Sendable {
  private let lock = NSLock()
  private var bytes: [UInt8] = []

  func append(_ more: ArraySlice<UInt8>) { lock.withLock { bytes += more } }
  var text: String { lock.withLock { String(decoding: bytes, as: UTF8.self) } }
}
