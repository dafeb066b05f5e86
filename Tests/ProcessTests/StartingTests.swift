// Starting, wrong starting, and what a node does when those it asks do not answer.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("Starting") struct Starting {
    // Exit codes of sysexits.h that `node` uses.
    static let usage: Int32 = 64
    static let unavailable: Int32 = 69
    static let inputOutput: Int32 = 74
    static let temporary: Int32 = 75
    static let configuration: Int32 = 78

    /// The exit code and what was said, of `node chat --rpc` with these arguments; fails if it goes on running.
    private func start(_ arguments: [String]) throws -> (code: Int32, output: String, errors: String) {
      try LineProcess.run(["chat", "--rpc", "--network", Fleet.freshNetwork()] + arguments)
    }

    // MARK: Names and addresses

    @Test("a bad username is wrong usage, and the error says what is wrong")
    func badUsernames() throws {
      let names = [
        "", String(repeating: "x", count: 33), "a#b", "#", "a\nb", "a\u{7}b", "a\u{7F}", "\u{85}", "\t", "a\u{9B}b",
        String(repeating: "🦊", count: 33),
      ]
      for name in names {
        let run = try start(["--username", name, "--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1"])
        #expect(run.code == Self.usage, "\(name.debugDescription)")
        #expect(run.output == "" && !run.errors.isEmpty, "\(name.debugDescription)")
        // What is shown of a name cannot drive the terminal.
        #expect(!run.errors.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
      }
    }

    @Test("a username of 32 characters after composition is taken, and shown as typed")
    func goodUsernames() throws {
      let names = [
        "x", String(repeating: "x", count: 32), String(repeating: "é", count: 32), "Žofie", "李小龍", "محمد", "two words",
        String(repeating: "e\u{301}", count: 32),
      ]
      for name in names {
        let node = try NodeProcess(.init(username: name, bootstraps: ["127.0.0.1:1"], network: Fleet.freshNetwork()))
        #expect(try node.user().split(separator: "#").first.map(String.init) == name)
        #expect(try node.quit() == .exited(0))
      }
    }

    @Test("a bad address is wrong usage, and the error names it")
    func badAddresses() throws {
      let addresses = [
        "nonsense", "127.0.0.1", "127.0.0.1:", ":7000", "127.0.0.1:70000", "127.0.0.1:-1", "127.0.0.1:http",
        "[::1:7000",
        "::1:7000:x", "127.0.0.1:70 00",
      ]
      for option in ["--listen", "--advertise", "--bootstrap"] {
        for address in addresses {
          let run = try start(["--username", "alice", "\(option)=\(address)"])
          #expect(run.code == Self.usage, "\(option) \(address)")
          #expect(run.output == "" && run.errors.contains(address), "\(option) \(address): \(run.errors)")
        }
      }
    }

    @Test("an unknown option, command or argument is wrong usage")
    func wrongUsage() throws {
      let samples = [
        ["--no-such-option"], ["dance"], ["chat", "--no-such-option"], ["chat", "--rpc", "stray"], ["lookup"],
        ["lookup", "neither a key nor a user"], ["bootstrap", "--username", "alice"], ["chat", "--username"],
      ]
      for arguments in samples {
        let run = try LineProcess.run(arguments)
        #expect(run.code == Self.usage, "\(arguments)")
        #expect(!run.errors.isEmpty, "\(arguments)")
      }
    }

    @Test("every command explains itself")
    func help() throws {
      for command in [[], ["chat"], ["bootstrap"], ["lookup"], ["ring"]] {
        let run = try LineProcess.run(command + ["--help"])
        #expect(run.code == 0 && run.output.contains("USAGE"), "\(command)")
      }
      let overview = try LineProcess.run(["--help"]).output
      for command in ["chat", "bootstrap", "lookup", "ring"] { #expect(overview.contains(command)) }
      let version = try LineProcess.run(["--version"])
      #expect(version.code == 0 && version.output.contains(/\d+\.\d+\.\d+/))
    }

    @Test("a taken port is an input/output failure, for chat and for bootstrap nodes")
    func portTaken() throws {
      let server = try StrangeServer(.silent)
      defer { server.end() }
      for options in [NodeProcess.Options(username: "alice", network: "x"), NodeProcess.Options(network: "x")] {
        var options = options
        options.listen = server.address
        options.bootstraps = ["127.0.0.1:1"]
        let node = try NodeProcess(options)
        #expect(try node.exitCode() == Self.inputOutput)
        #expect(!node.process.standardError.isEmpty)
        #expect(node.lines == 0)
      }
    }

    @Test("an address of another machine is an input/output failure")
    func foreignAddress() throws {
      let run = try start(["--username", "alice", "--listen", "192.0.2.1:0", "--bootstrap", "127.0.0.1:1"])
      #expect(run.code == Self.inputOutput && !run.errors.isEmpty)
    }

    @Test("a key file that cannot be read is an input/output failure, one with nonsense a bad configuration")
    func keyFiles() throws {
      let home = try Home()
      let directory = home.path
      let nonsense = home.path + "/nonsense"
      try "this is no key".write(toFile: nonsense, atomically: false, encoding: .utf8)
      let options = ["--username", "alice", "--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1", "--key-file"]
      #expect(try start(options + [directory]).code == Self.inputOutput)
      #expect(try start(options + [home.path + "/no/such/directory/key"]).code == Self.inputOutput)
      #expect(try start(options + [nonsense]).code == Self.configuration)
      #expect(try String(contentsOfFile: nonsense, encoding: .utf8) == "this is no key", "it is left as it was")
    }

    @Test("with a key file a user has the same id next time, and the file is for nobody else's eyes")
    func keyFileKept() throws {
      let home = try Home()
      let path = home.path + "/key"
      var users: Set<String> = []
      for _ in 0..<2 {
        var options = NodeProcess.Options(username: "alice", bootstraps: ["127.0.0.1:1"], network: Fleet.freshNetwork())
        options.extra = ["--key-file", path]
        let node = try NodeProcess(options)
        users.insert(try node.user())
        #expect(try node.quit() == .exited(0))
      }
      #expect(users.count == 1)
      var information = stat()
      #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o600)
    }

    @Test("without a key file a user has another id each time")
    func newIdentities() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["alice", "alice", "alice"])
      let users = try fleet.chats.map { try $0.user() }
      #expect(Set(users).count == 3)
      for user in users {
        #expect(try fleet.chats[0].request("find", ["user": .string(user)])["user"]?.string == user)
      }
      try fleet.quit()
    }

    // MARK: Bootstraps that are none

    @Test(
      "a bootstrap that is not a node is no obstacle: the node starts a ring of its own",
      arguments: StrangeServer.Manner.allCases)
    func strangeBootstrap(manner: StrangeServer.Manner) throws {
      let server = try StrangeServer(manner)
      defer { server.end() }
      let node = try NodeProcess(.init(username: "alice", bootstraps: [server.address], network: Fleet.freshNetwork()))
      let ready = try node.waitUntilReady(within: Patience.standingAlone)
      #expect(ready["successors"] == [] && ready["predecessor"] == .null)
      #expect(try node.request("lookup", ["key": .string(String(repeating: "7", count: 40))])["hops"] == 0)
      #expect(try node.quit() == .exited(0))
      #expect(node.breaches == [])
    }

    @Test(
      "with --require-bootstrap a bootstrap that is not a node ends the start with 69",
      arguments: StrangeServer.Manner.allCases)
    func requiredStrangeBootstrap(manner: StrangeServer.Manner) throws {
      let server = try StrangeServer(manner)
      defer { server.end() }
      try expectUnavailable([server.address])
    }

    @Test("with --require-bootstrap closed ports end the start with 69")
    func requiredClosedBootstrap() throws { try expectUnavailable(try FreePorts.addresses(3)) }

    private func expectUnavailable(_ bootstraps: [String]) throws {
      var options = NodeProcess.Options(username: "alice", bootstraps: bootstraps, network: Fleet.freshNetwork())
      options.extra = ["--require-bootstrap"]
      let node = try NodeProcess(options)
      #expect(try node.exitCode(within: Patience.standingAlone) == Self.unavailable)
      #expect(!node.process.standardError.isEmpty)
      #expect(node.notifications("ready").isEmpty)
    }

    @Test("one bootstrap that answers suffices, whatever the others are")
    func oneSuffices() throws {
      let servers = try StrangeServer.Manner.allCases.map { try StrangeServer($0) }
      defer { for server in servers { server.end() } }
      let fleet = try Fleet(bootstraps: 1)
      let bootstraps = servers.map(\.address) + (try FreePorts.addresses(1)) + fleet.addresses
      var options = NodeProcess.Options(username: "alice", bootstraps: bootstraps, network: fleet.network)
      options.extra = ["--require-bootstrap"]
      let node = try NodeProcess(options)
      #expect(try node.waitUntilReady()["successors"]?.strings == [try fleet.bootstraps[0].node()])
      #expect(try node.quit() == .exited(0))
      try fleet.quit()
    }

    @Test("nodes of different networks never meet")
    func networks() throws {
      let fleet = try Fleet(bootstraps: 1)
      let node = try NodeProcess(.init(username: "alice", bootstraps: fleet.addresses, network: Fleet.freshNetwork()))
      #expect(try node.waitUntilReady(within: Patience.standingAlone)["successors"] == [])
      #expect(try fleet.bootstraps[0].request("status")["successors"] == [])
      #expect(try node.quit() == .exited(0))
      try fleet.quit()
    }

    @Test("a node's own address among the bootstraps is no answer")
    func ownAddress() throws {
      let address = try FreePorts.addresses(1)[0]
      let node = try NodeProcess(.init(listen: address, bootstraps: [address], network: Fleet.freshNetwork()))
      #expect(try node.waitUntilReady(within: Patience.standingAlone)["successors"] == [])
      #expect(try node.quit() == .exited(0))
    }

    // MARK: Commands that ask and go

    @Test("`node lookup` and `node ring` ask any member")
    func askingCommands() throws {
      let fleet = try Fleet(bootstraps: 2, names: ["alice", "bob"])
      try fleet.settle()
      let oracle = try fleet.oracle()
      let options = ["--network", fleet.network, "--bootstrap", fleet.addresses[0]]
      let key = Fleet.stepped(oracle.nodes[1], by: 1)
      let lookup = try LineProcess.run(["lookup", key] + options)
      #expect(lookup.code == 0 && lookup.output.contains(oracle.nodes[2]))
      let alice = try fleet.chats[0].request("status")
      let find = try LineProcess.run(["lookup", try fleet.chats[0].user()] + options)
      let address = try #require(alice["address"]?.string)
      #expect(find.code == 0 && find.output.contains(address))
      let ring = try LineProcess.run(["ring"] + options)
      #expect(ring.code == 0)
      for node in oracle.nodes { #expect(ring.output.contains(node)) }
      let json = try LineProcess.run(["ring", "--json"] + options)
      #expect(json.code == 0)
      _ = try JSON(parsing: json.output)
      for node in oracle.nodes { #expect(json.output.contains(node)) }
      // They were guests, and have not become members.
      #expect(try fleet.oracle().nodes == oracle.nodes)
      try fleet.settle()

      let bob = fleet.chats[1]
      let bobsName = try bob.user()
      #expect(try bob.quit() == .exited(0))
      fleet.forget(bob)
      #expect(try LineProcess.run(["lookup", bobsName] + options).code == 1, "not found is 1")
      try fleet.quit()
    }

    @Test("`node lookup` and `node ring` with nobody to ask are alone: 75")
    func askingNobody() throws {
      let closed = try FreePorts.addresses(1)[0]
      for command in [["lookup", String(repeating: "0", count: 40)], ["ring"]] {
        let run = try LineProcess.run(command + ["--network", Fleet.freshNetwork(), "--bootstrap", closed])
        #expect(run.code == Self.temporary && !run.errors.isEmpty, "\(command)")
      }
    }
  }
}
