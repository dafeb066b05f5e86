// How many texts a second one session carries, sealed, acknowledged and over a real socket: as many as there are to say in a turn of
// the loop together in one message and one system call, or each by itself. Two nodes, each on a loop and a thread of its own.

import ArgumentParser
import Chat
import Foundation
import NodeKit
import Processes
import UVRuntime

struct TextsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "texts",
    abstract: "Texts a second over one session, with and without batching.")

  @Option(help: "How many texts for each row.")
  var texts = 100_000

  @Option(parsing: .upToNextOption, help: "Lengths of a text, in bytes.")
  var lengths = [16, 64, 256, 1024, 16_384]

  @Option(name: .shortAndLong, help: "How often to repeat each row; the median is told.")
  var repetitions = 3

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard (1...100_000_000).contains(texts), lengths.allSatisfy((1...32_768).contains), (1...100).contains(repetitions)
    else { throw ValidationError("1 to 100000000 texts of 1 to 32768 bytes, 1 to 100 times") }
  }

  func run() throws {
    var table = Table(named: "texts", asJSON: json)
    for length in lengths {
      for isBatched in [false, true] {
        let runs = try (0..<repetitions).map { _ in
          try TextsRun(texts: texts, length: length, isBatched: isBatched).measure()
        }
        let run = runs.sorted { $0.seconds < $1.seconds }[runs.count / 2]
        table.add([
          ("bytes", .integer(length)), ("batched", .string(isBatched ? "yes" : "no")), ("texts", .integer(texts)),
          ("texts/s", .integer(Int(Double(texts) / run.seconds))),
          ("MB/s", .number(Double(texts * length) / run.seconds / 1e6)),
          ("texts/write", .number(Double(texts) / Double(max(run.writes, 1)))),
          ("CPU us/text", .number(run.processorSeconds * 1e6 / Double(texts))),
        ])
      }
    }
    table.end()
  }
}

/// One node writes to another until all is acknowledged. Belongs to its loop's thread.
private final class TextsRun: @unchecked Sendable {
  struct Result {
    var seconds: Double
    /// By the writer.
    var writes: UInt64
    /// Of both nodes.
    var processorSeconds: Double
  }

  /// As many as a session's window holds; what is beyond it waits in the node, and says nothing of the engine.
  private static let window = 256

  private let texts: Int
  private let text: String
  private let isBatched: Bool
  private let loop: EventLoop
  private var node: LoopNode?
  private var reader: User?
  private var sent = 0
  private var acknowledged = 0
  private var isPosted = false
  private var began: (time: LoopTime, writes: UInt64, processor: Double)?
  private var result = Swift.Result<Result, NodeFailure>.failure(.stopped)

  init(texts: Int, length: Int, isBatched: Bool) throws {
    self.texts = texts
    text = String(repeating: "x", count: length)
    self.isBatched = isBatched
    loop = try EventLoop()
  }

  func measure() throws -> Result {
    let bob = Reader()
    let (user, address) = try bob.start()
    reader = user
    var configuration = NodeConfiguration()
    configuration.username = try UserName("alice")
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = [address]
    node = try LoopNode(configuration, on: loop) { [self] in if case .ready = $0 { writeInNextTurn() } }
    loop.run()
    node = nil
    bob.join()
    return try result.get()
  }

  private func writeInNextTurn() {
    guard !isPosted, sent < texts, sent - acknowledged < Self.window else { return }
    isPosted = true
    loop.post { [self] in
      isPosted = false
      began = began ?? (LoopTime.current, loop.statistics.flushes, ProcessorTime.own)
      repeat { write() } while isBatched && sent < texts && sent - acknowledged < Self.window
      writeInNextTurn()
    }
  }

  private func write() {
    guard let node, let reader else { return }
    sent += 1
    node.send(text, to: reader) { [self] answer in
      acknowledged += 1
      if case .failure(let failure) = answer { return end(.failure(failure)) }
      if acknowledged == texts, let began {
        end(
          .success(
            Result(
              seconds: Double((LoopTime.current - began.time).inNanoseconds) / 1e9,
              writes: loop.statistics.flushes - began.writes,
              processorSeconds: ProcessorTime.own - began.processor)))
      }
      writeInNextTurn()
    }
  }

  private func end(_ result: Swift.Result<Result, NodeFailure>) {
    self.result = result
    node?.leave { [loop] in loop.stop() }
  }
}

/// The node that is written to, on a thread of its own.
private final class Reader: @unchecked Sendable {
  private let condition = NSCondition()
  private var outcome: Result<(User, String), any Error>?
  private var isOver = false

  /// Who it is, and at which address, once it is ready.
  func start() throws -> (User, String) {
    Thread { [self] in live() }.start()
    return try wait { outcome }.get()
  }

  /// Waits until it has left.
  func join() {
    wait { isOver ? () : nil }
  }

  private func live() {
    do {
      let loop = try EventLoop()
      var configuration = NodeConfiguration()
      configuration.username = try UserName("bob")
      configuration.listen = "127.0.0.1:0"
      configuration.bootstraps = []
      var leave: () -> Void = {}
      let node = try LoopNode(configuration, on: loop) { [self] event in
        switch event {
        case .ready(let status):
          if let user = status.user { tell { outcome = .success((user, status.address.description)) } }
        case .sessionClosed: leave()
        default: break
        }
      }
      leave = { node.leave { loop.stop() } }
      loop.run()
      leave = {}
    } catch {
      tell { outcome = .failure(error) }
    }
    tell { isOver = true }
  }

  private func tell(_ change: () -> Void) {
    condition.lock()
    change()
    condition.broadcast()
    condition.unlock()
  }

  private func wait<Value>(_ value: () -> Value?) -> Value {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let value = value() { return value }
      condition.wait()
    }
  }
}
