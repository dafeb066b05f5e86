// Nothing about users, addresses or messages is written anywhere.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("Privacy") struct Privacy {
    @Test("a whole session writes no file, and logs no user, address or text")
    func leavesNoTrace() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let bob = fleet.chats[0]
      let home = try Home()
      var options = NodeProcess.Options(username: "unmistakable", bootstraps: fleet.addresses, network: fleet.network)
      options.environment = home.environment
      options.directory = home.path
      let node = try NodeProcess(options)
      let (user, bobsName) = (try node.user(), try bob.user())
      let text = "a text that nobody else shall read"

      try node.request("find", ["user": .string(bobsName)])
      try node.send(text, to: bobsName)
      #expect(try bob.nextText(from: user) == text)
      try bob.send(text + ", and its answer", to: user)
      #expect(try node.nextText(from: bobsName) == text + ", and its answer")
      _ = try node.refusal(of: "find", ["user": "no user at all"])
      _ = try node.refusal(
        of: "send", ["user": .string(bobsName), "text": .string(String(repeating: text, count: 2000))])
      try node.sendLine("no JSON, but \(text)")
      _ = try node.nextStrayAnswer()
      let address = try #require(try node.request("status")["address"]?.string)
      #expect(try openFiles(of: node.process.id) == [], "while it runs")
      #expect(home.files == [], "while it runs")

      // Others come and go, politely and not.
      let carol = try fleet.startChat("carol")
      try carol.send("short visit", to: user)
      fleet.kill([carol])
      try fleet.bootstraps[0].request("quit")
      #expect(try node.quit() == .exited(0))
      #expect(home.files == [], "after it has quit")

      let said = node.process.standardError
      for secret in [
        "unmistakable", "bob", "carol", user, address, fleet.addresses[0], "127.0.0.1", text, "short visit",
      ] {
        #expect(!said.contains(secret), "standard error: \(said)")
      }
    }

    @Test("neither do the screen and the line mode write a file", arguments: [[], ["--plain"]])
    func person(options: [String]) throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let home = try Home()
      let arguments = [
        "chat", "--username", "alice", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
        fleet.addresses[0],
      ]
      let environment = home.environment.merging(["TERM": "xterm"]) { $1 }
      let alice = try LineProcess(
        arguments + options, environment: environment, directory: home.path,
        connection: .terminal(columns: 80, rows: 24))
      let user = try alice.waitForOutput("user", within: Patience.ready) { LineMode.user(named: "alice", in: $0) }
      try fleet.chats[0].send("hello", to: user)
      try alice.waitForOutput(containing: "hello")
      try alice.type("/msg \(try fleet.chats[0].user()) good day")
      #expect(try fleet.chats[0].nextText(from: user) == "good day")
      #expect(home.files == [])
      #expect(try openFiles(of: alice.process.id).filter { !$0.hasPrefix("/dev/pts/") } == [])
      try alice.type("/quit")
      #expect(try alice.exitCode() == 0)
      #expect(home.files == [])
    }

    /// What a process has open besides pipes, sockets, kernel objects and harmless devices.
    private func openFiles(of id: pid_t) throws -> [String] {
      let directory = "/proc/\(id)/fd"
      return try FileManager.default.contentsOfDirectory(atPath: directory)
        .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)") }
        .filter { file in
          !["pipe:", "socket:", "anon_inode:", "/dev/null", "/dev/urandom", "/dev/random"].contains {
            file.hasPrefix($0)
          }
        }
    }
  }
}
