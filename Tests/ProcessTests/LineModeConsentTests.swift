// A person in line mode among strangers: who may talk to them, and what the strangers' characters do to the terminal.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("A person among strangers") struct AmongStrangers {
    @Test("who wants to be asked sees who wants to talk, accepts them by name, and ignores them later")
    func asked() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let bob = fleet.chats[0]
      let bobsName = try bob.user()
      let alice = try LineMode("alice", in: fleet, options: ["--ask"])
      let sent = try bob.ask("send", ["user": .string(alice.user), "text": "hello, stranger"])
      try alice.line.waitForOutput(containing: "\(bobsName) wants to talk: /accept bob or /ignore bob")
      try bob.waitFor("session") { $0["user"]?.string == alice.user && $0["state"] == "waiting" }
      try alice.line.type("/sessions")
      try alice.line.waitForOutput("the request, once more") {
        $0.components(separatedBy: "wants to talk").count == 3 ? () : nil
      }
      #expect(!alice.line.output.contains("hello, stranger"))
      for (mistake, word) in [
        ("/accept", "needs a user"), ("/accept carol", "Nobody called carol"),
        ("/ignore \(alice.user)", "is you, so"),
      ] {
        try alice.line.type(mistake)
        try alice.line.waitForOutput(containing: word)
      }
      try alice.line.type("/accept bob")
      #expect(try bob.answer(to: sent).value["id"]?.integer == 1)
      try alice.line.waitForOutput(containing: "bob: hello, stranger")
      try alice.line.type("/ignore BOB")
      try bob.waitFor("session") { $0["state"] == "closed" }
      try alice.line.waitForOutput(containing: "/accept bob undoes this")
      _ = try bob.ask("send", ["user": .string(alice.user), "text": "why?"])
      try bob.waitFor("session") { $0["state"] == "waiting" }
      try alice.line.type("/accept bob")
      try alice.line.type("/msg \(bobsName) sorry")
      #expect(try bob.nextText(from: alice.user) == "sorry")
      try alice.line.waitForOutput(containing: "bob: why?")
      #expect(alice.line.outputLines.filter { $0.contains("wants to talk") }.count == 2)
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 75, "a script learns that not every line was understood")
      try fleet.quit()
    }

    @Test("a name that two strangers have accepts neither")
    func twoOfAName() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob", "BOB"])
      let alice = try LineMode("alice", in: fleet, options: ["--ask"])
      for bob in fleet.chats {
        _ = try bob.ask("open", ["user": .string(alice.user)])
        try alice.line.waitForOutput(containing: "\(try bob.user()) wants to talk")
      }
      try alice.line.type("/accept bob")
      try alice.line.waitForOutput(containing: "more than one bob")
      let second = try fleet.chats[1].user()
      try alice.line.waitForOutput(containing: "/accept \(second) or")
      try alice.line.type("/accept \(second)")
      try fleet.chats[1].waitFor("session") { $0["state"] == "open" }
      #expect(!fleet.chats[0].notifications("session").contains { $0["state"] == "open" })
      try alice.line.type("/quit")
      _ = try alice.line.exitCode()
      try fleet.quit()
    }

    @Test("no character there is drives a terminal or a pipe", arguments: [false, true])
    func everyScalar(inTerminal: Bool) throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let alice = try LineMode("alice", in: fleet, connection: inTerminal ? .terminal(columns: 80, rows: 24) : .pipes)
      let scalars = (UInt32(0)...0x10FFFF).compactMap(Unicode.Scalar.init)
      for start in stride(from: 0, to: scalars.count, by: 8000) {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[start..<min(start + 8000, scalars.count)])
        try fleet.chats[0].send(text, to: alice.user)
      }
      try fleet.chats[0].send("the end", to: alice.user)
      try alice.line.waitForOutput(containing: "bob: the end")
      var count = 0
      for line in alice.line.outputLines {
        var isIsolated = false
        for scalar in line.unicodeScalars {
          count += 1
          switch scalar {
          case "\u{2068}", "\u{2069}":
            if !inTerminal || isIsolated != (scalar == "\u{2069}") { Issue.record("an isolate that is not ours") }
            isIsolated.toggle()
          case "\r" where inTerminal: break  // the terminal's own, before each line's end
          default:
            if DisplayTests.isForbidden(scalar) { Issue.record("U+\(String(scalar.value, radix: 16)) is written") }
          }
        }
        if isIsolated { Issue.record("a line ends within an isolate") }
      }
      #expect(count > 1_112_000)
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 0)
      try fleet.quit()
    }

    @Test("a text from right to left keeps its place behind its name, in a terminal", arguments: [false, true])
    func rightToLeft(inTerminal: Bool) throws {
      let fleet = try Fleet(bootstraps: 1, names: ["אבי"])
      let alice = try LineMode("alice", in: fleet, connection: inTerminal ? .terminal(columns: 80, rows: 24) : .pipes)
      try fleet.chats[0].send("שלום: 21:05", to: alice.user)
      let (before, behind) = inTerminal ? ("\u{2068}", "\u{2069}") : ("", "")
      try alice.line.waitForOutput(containing: " \(before)אבי\(behind): \(before)שלום: 21:05\(behind)")
      let id = try fleet.chats[0].user().split(separator: "#").last.map(String.init) ?? ""
      try alice.line.waitForOutput(containing: "session with \(before)אבי\(behind)#\(id) opened")
      // As it would be copied from there.
      try alice.line.type("/msg \(before)אבי\(behind)#\(id) שלום")
      #expect(try fleet.chats[0].nextText(from: alice.user) == "שלום")
      try alice.line.type("/quit")
      #expect(try alice.line.exitCode() == 0)
      try fleet.quit()
    }
  }
}
