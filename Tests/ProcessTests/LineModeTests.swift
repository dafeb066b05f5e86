// The line mode, as a person at a terminal and a script at a pipe meet it.
//
// How its lines look is its own affair, so these tests compare the program with itself: whatever a peer sends, no line of
// output may equal one that the program would print for a real event.

import Foundation
import Processes
import Testing

/// One `node chat` without `--rpc`.
struct LineMode {
  let line: LineProcess
  let user: String

  init(
    _ name: String, in fleet: Fleet, options: [String] = [], connection: ChildProcess.Connection = .pipes
  ) throws {
    line = try LineProcess(
      [
        "chat", "--plain", "--username", name, "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
        fleet.addresses[0],
      ] + options, connection: connection)
    user = try line.waitForOutput("user", within: Patience.ready) { Self.user(named: name, in: $0) }
  }

  /// The `name#id` in a text.
  static func user(named name: String, in text: String) -> String? {
    let id = text.firstMatch(
      of: /#([0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5})/)
    guard let id, text[..<id.range.lowerBound].hasSuffix(name) else { return nil }
    return "\(name)#\(id.output.1)"
  }
}

extension RealProcesses {
  @Suite("The line mode") struct LineModeTests {
    let fleet: Fleet
    let bob: NodeProcess

    init() throws {
      fleet = try Fleet(bootstraps: 1, names: ["bob"])
      bob = fleet.chats[0]
    }

    @Test("a line is a message to the current peer, in a pipe and in a terminal", arguments: [false, true])
    func conversation(inTerminal: Bool) throws {
      let alice = try LineMode("alice", in: fleet, connection: inTerminal ? .terminal(columns: 80, rows: 24) : .pipes)
      try alice.line.type("/msg \(try bob.user()) the first")
      #expect(try bob.nextText(from: alice.user) == "the first")
      try alice.line.type("the second, with Ünïcödé 🦊")
      #expect(try bob.nextText(from: alice.user) == "the second, with Ünïcödé 🦊")
      try bob.send("an answer: שלום", to: alice.user)
      try alice.line.waitForOutput(containing: "an answer: שלום")
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 0)
      try bob.waitFor("session") { $0["state"] == "closed" }
      try fleet.quit()
    }

    @Test("what a script pipes in is delivered before the end of input ends the node")
    func script() throws {
      let run = try LineProcess.run(
        [
          "chat", "--username", "alice", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
          fleet.addresses[0],
        ],
        input: "/msg \(try bob.user()) one\ntwo\nthree", within: Patience.retrying)
      #expect(run.code == 0, "\(run)")
      for expected in ["one", "two", "three"] { #expect(try bob.waitFor("message")["text"]?.string == expected) }
      try fleet.quit()
    }

    @Test("with --to every line of a pipe is a text, whatever it begins with, and only delivery is a success")
    func addressed() throws {
      let arguments = [
        "chat", "--username", "alice", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
        fleet.addresses[0], "--to",
      ]
      let run = try LineProcess.run(
        arguments + [try bob.user()], input: "one\n/quit\n\n//x\n  indented", within: Patience.retrying)
      #expect(run.code == 0, "\(run)")
      for expected in ["one", "/quit", "//x", "  indented"] {
        #expect(try bob.waitFor("message")["text"]?.string == expected)
      }
      let elsewhere = try Fleet(bootstraps: 1, names: ["carol"])
      let lost = try LineProcess.run(
        arguments + [try elsewhere.chats[0].user()], input: "one\n", within: Patience.retrying)
      #expect(lost.code == 75, "\(lost)")
      #expect(try LineProcess.run(arguments + ["nobody"]).code == 64)
      #expect(try LineProcess.run(arguments + [try bob.user(), "--rpc"]).code == 64)
      try elsewhere.quit()
      try fleet.quit()
    }

    @Test("a script whose message could not be delivered ends with 75")
    func undelivered() throws {
      let elsewhere = try Fleet(bootstraps: 1, names: ["carol"])
      let run = try LineProcess.run(
        [
          "chat", "--username", "alice", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
          fleet.addresses[0],
        ],
        input: "/msg \(try elsewhere.chats[0].user()) hello\n", within: Patience.retrying)
      #expect(run.code == 75, "\(run)")
      try elsewhere.quit()
      try fleet.quit()
    }

    @Test("every command works, or says what is wrong")
    func commands() throws {
      let alice = try LineMode("alice", in: fleet)
      let bobsName = try bob.user()
      try alice.line.type("/help")
      for command in [
        "/find", "/msg", "/close", "/accept", "/ignore", "/sessions", "/id", "/status", "/ring", "/peers", "/clear",
        "/help",
        "/quit",
      ] {
        try alice.line.waitForOutput(containing: command)
      }
      try alice.line.type("/find \(bobsName)")
      try alice.line.waitForOutput(containing: bobsName)
      try alice.line.type("/status")
      let address = try #require(try bob.request("find", ["user": .string(alice.user)])["address"]?.string)
      try alice.line.waitForOutput(containing: address)
      try alice.line.type("/msg \(bobsName) hello")
      #expect(try bob.nextText(from: alice.user) == "hello")
      try alice.line.type("/close \(bobsName)")
      try bob.waitFor("session") { $0["state"] == "closed" }
      for wrong in ["/find", "/find bob", "/msg", "/msg nobody", "/close \(bobsName)", "/find \(bobsName)X"] {
        let before = alice.line.output.utf8.count + alice.line.process.standardError.utf8.count
        try alice.line.type(wrong)
        try alice.line.waitForOutput("answer to \(wrong)") { $0.utf8.count > before ? () : nil }
      }
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 75, "a script learns that not every line went out")
      try fleet.quit()
    }

    @Test("a wrong command is an error with a suggestion, and never sent as text")
    func unknownCommand() throws {
      let alice = try LineMode("alice", in: fleet)
      try alice.line.type("/msg \(try bob.user()) hello")
      #expect(try bob.nextText(from: alice.user) == "hello")
      for (wrong, right) in [
        ("/fidn bob", "/find"), ("/mgs bob hello", "/msg"), ("/sesions", "/sessions"), ("/Quit", "/quit"),
      ] {
        try alice.line.type(wrong)
        try alice.line.waitForOutput(containing: right)
      }
      for nonsense in ["/", "/xyzzy", "/ find", "/\u{1F98A}"] { try alice.line.type(nonsense) }
      try alice.line.type("the next text")
      #expect(try bob.nextText(from: alice.user) == "the next text")
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 75, "a script learns that not every line went out")
      try fleet.quit()
    }

    @Test("a line before there is a peer is an error, and the node goes on")
    func noPeerYet() throws {
      let alice = try LineMode("alice", in: fleet)
      let before = alice.line.output.utf8.count + alice.line.process.standardError.utf8.count
      try alice.line.type("hello, anybody?")
      try alice.line.waitForOutput("error") { $0.utf8.count > before ? () : nil }
      try alice.line.type("/msg \(try bob.user()) now")
      #expect(try bob.nextText(from: alice.user) == "now")
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 75, "a script learns that not every line went out")
      try fleet.quit()
    }

    @Test("input that is no UTF-8 is an error, is not sent, and the node goes on")
    func invalidUTF8() throws {
      let alice = try LineMode("alice", in: fleet)
      try alice.line.type("/msg \(try bob.user()) hello")
      #expect(try bob.nextText(from: alice.user) == "hello")
      try alice.line.process.write([0xC3, 0x28, 0xFF, 0x0A])
      try alice.line.type("the next text")
      #expect(try bob.nextText(from: alice.user) == "the next text")
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 75, "a script learns that not every line went out")
      try fleet.quit()
    }

    @Test("no text can pass for an event: further lines and control characters are marked")
    func forgery() throws {
      let alice = try LineMode("alice", in: fleet)
      try bob.send("genuine", to: alice.user)
      try alice.line.waitForOutput(containing: "genuine")
      // What a real event looks like.
      let events = alice.line.outputLines
      let breaks = [
        "\n", "\r", "\r\n", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}", "\u{1B}E", "\u{1B}[1E", "\u{9B}1E",
        "\u{0}\n",
      ]
      for lineBreak in breaks {
        for event in events { try bob.send("x\(lineBreak)\(event)", to: alice.user) }
      }
      try bob.send("\u{1B}]0;title\u{7}\u{8}\u{8}\u{1B}[2J\u{7F}\u{90}\u{202E}the end", to: alice.user)
      try alice.line.waitForOutput(containing: "the end")
      let output = alice.line.output
      for event in Set(events) {
        let times = alice.line.outputLines.filter { $0 == event }.count
        #expect(times == events.filter { $0 == event }.count, "forged: \(event)")
      }
      let controls = output.unicodeScalars.filter {
        $0 != "\n" && ($0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}")
      }
      #expect(controls.isEmpty, "\(controls.map { String($0.value, radix: 16) })")
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 0)
      try fleet.quit()
    }

    @Test("no text drives the terminal")
    func terminalSequences() throws {
      let alice = try LineMode("alice", in: fleet, connection: .terminal(columns: 80, rows: 24))
      try bob.send("\u{1B}]0;hijacked\u{7}\u{1B}[2J\u{9B}31m the end", to: alice.user)
      try alice.line.waitForOutput(containing: "the end")
      for sequence in ["\u{1B}]0;hijacked", "\u{1B}[2J\u{9B}", "\u{9B}", "\u{7}"] {
        #expect(!alice.line.output.contains(sequence))
      }
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 0)
      try fleet.quit()
    }

    @Test("a terminal that goes away ends the node")
    func hangUp() throws {
      let alice = try LineMode("alice", in: fleet, connection: .terminal(columns: 80, rows: 24))
      alice.line.process.signal(SIGHUP)
      #expect(alice.line.process.ending(within: Patience.quitting) != nil)
      #expect(try bob.refusal(of: "find", ["user": .string(alice.user)])?.reason == "user_not_found")
      try fleet.quit()
    }
  }
}
