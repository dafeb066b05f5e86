// What becomes of a script's input when the program ends: it is sent, or the exit code says that it was not.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("Ends of input") struct EndingTests {
    /// `node chat`, whose input and output are pipes, or a terminal.
    private func chat(
      _ options: [String], on network: String, through bootstrap: String,
      connection: ChildProcess.Connection = .pipes
    ) throws -> LineProcess {
      try LineProcess(
        [
          "chat", "--plain", "--username", "alice", "--listen", "127.0.0.1:0", "--network", network, "--bootstrap",
          bootstrap,
        ] + options, connection: connection)
    }

    @Test(
      "a signal before a node is ready, with a line waiting for that, is no success",
      arguments: [SIGTERM, SIGINT, SIGHUP])
    func beforeReady(signal: Int32) throws {
      let server = try StrangeServer(.silent)
      defer { server.end() }
      let run = try chat(
        ["--to", "Alice#QWTYE-C2DXH-M44WC-MY5C0"], on: Fleet.freshNetwork(), through: server.address)
      try run.type("hi")
      run.process.closeInput()
      try run.waitForOutput(containing: "looking for others")
      run.process.signal(signal)
      #expect(try run.exitCode() == 75)
    }

    @Test("a signal before the end of a pipe is no success, in a terminal it is")
    func beforeTheEnd() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let bob = fleet.chats[0]
      for (connection, code) in [(.pipes, 75), (.terminal(columns: 80, rows: 24), 0)]
        as [(ChildProcess.Connection, Int32)]
      {
        let alice = try chat(
          ["--to", try bob.user()], on: fleet.network, through: fleet.addresses[0], connection: connection)
        try alice.type("the first of several")
        let message = try bob.waitFor("message")
        #expect(message["text"]?.string == "the first of several")
        // What comes after the acknowledgement has come, so that has as well.
        try bob.send("go on", to: try #require(message["user"]?.string))
        try alice.waitForOutput(containing: "go on")
        alice.process.signal(SIGTERM)
        #expect(try alice.exitCode() == code)
        try bob.waitFor("session") { $0["state"] == "closed" }
      }
      try fleet.quit()
    }

    @Test("a bot's request without an id is done before the end of input ends the node")
    func notification() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let bob = fleet.chats[0]
      let request =
        #"{"jsonrpc":"2.0","method":"send","params":{"user":"\#(try bob.user())","text":"no answer, please"}}"#
      let run = try LineProcess.run(
        [
          "chat", "--rpc", "--username", "alice", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
          fleet.addresses[0],
        ], input: request + "\n")
      #expect(run.code == 0 && !run.output.contains(#""result""#), "\(run)")
      #expect(try bob.waitFor("message", within: .seconds(1))["text"]?.string == "no answer, please")
      try fleet.quit()
    }
  }
}
