// Rings of real processes: what they promise when all is well, and when a third of them is killed.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("Rings") struct Rings {
    /// Three bootstrap nodes and as many chat nodes as a small party.
    static let bootstraps = 3
    static let chats = 24
    /// What is promised: ready after the last start, and right again after a third was killed.
    static let promised = Duration.seconds(5) * Patience.factor

    @Test(
      "3 bootstrap and 24 chat nodes: all ready, all find all, every lookup agrees with the sorted list; and still after a third is killed"
    )
    func party() throws {
      let fleet = try Fleet(bootstraps: Self.bootstraps)
      for number in 0..<Self.chats { try fleet.startChat("user \(number)") }
      let started = ContinuousClock.now
      for node in fleet.nodes { try node.waitUntilReady(within: Self.promised) }
      #expect(ContinuousClock.now - started < Self.promised)
      try fleet.settle()
      try fleet.agree(on: try fleet.interestingKeys())
      try expectEverybodyFindsEverybody(fleet)
      try expectNeighboursTalk(fleet)

      // A third at once, two of the three bootstrap nodes among them.
      let victims =
        Array(fleet.bootstraps.prefix(2)) + Array(fleet.chats.prefix((Self.bootstraps + Self.chats) / 3 - 2))
      let killed = ContinuousClock.now
      fleet.kill(victims)
      try fleet.agree(on: try fleet.interestingKeys(), within: Self.promised)
      #expect(ContinuousClock.now - killed < Self.promised)
      try fleet.settle()
      try expectEverybodyFindsEverybody(fleet)
      try expectNeighboursTalk(fleet)

      // The one that is left lets newcomers in.
      try fleet.startChat("newcomer").waitUntilReady()
      try fleet.settle()
      try expectNeighboursTalk(fleet)
      try fleet.quit()
    }

    @Test("after `quit` the user's record is gone everywhere, at once")
    func quitRemovesRecord() throws {
      let fleet = try Fleet(bootstraps: 2, names: (0..<6).map { "user \($0)" })
      try fleet.settle()
      let leaving = fleet.chats[0]
      let user = try leaving.user()
      for node in fleet.chats.dropFirst() {
        #expect(try node.request("find", ["user": .string(user)])["user"]?.string == user)
      }
      #expect(try leaving.quit() == .exited(0))
      fleet.forget(leaving)
      for node in fleet.chats {
        #expect(try node.refusal(of: "find", ["user": .string(user)])?.reason == "user_not_found")
      }
      try fleet.quit()
    }

    @Test("being terminated is leaving: the record is gone")
    func terminated() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["alice", "bob", "carol"])
      for (node, signal) in [(fleet.chats[0], SIGTERM), (fleet.chats[1], SIGINT)] {
        let user = try node.user()
        node.signal(signal)
        _ = try node.ending()
        fleet.forget(node)
        #expect(try fleet.chats.last?.refusal(of: "find", ["user": .string(user)])?.reason == "user_not_found")
      }
      try fleet.quit()
    }

    @Test("nodes started at the same moment stand in one ring", arguments: [2, 5])
    func sameMoment(count: Int) throws {
      let fleet = try Fleet(bootstraps: count)
      try fleet.settle()
      try fleet.agree(on: try fleet.interestingKeys())
      try fleet.quit()
    }

    @Test("a node that stands alone keeps trying, and joins when a bootstrap appears")
    func lateBootstrap() throws {
      let address = try FreePorts.addresses(1)[0]
      let network = Fleet.freshNetwork()
      let alice = try NodeProcess(.init(username: "alice", bootstraps: [address], network: network))
      #expect(try alice.waitUntilReady(within: Patience.standingAlone)["successors"] == [])
      let late = try NodeProcess(.init(listen: address, bootstraps: [address], network: network))
      try late.waitUntilReady()
      let joined: Void? = try eventually(within: Patience.settling) {
        let successors = try alice.request("status")["successors"]?.strings
        return successors == [try late.node()] ? () : nil
      }
      #expect(joined != nil)
      let bob = try NodeProcess(.init(username: "bob", bootstraps: [address], network: network))
      try bob.send("you were here before the bootstrap", to: try alice.user())
      #expect(try alice.nextText(from: try bob.user()) == "you were here before the bootstrap")
      for node in [alice, bob, late] { #expect(try node.quit() == .exited(0)) }
    }

    @Test("nodes that listen on every address find and talk to each other over IPv6 too")
    func overIPv6() throws {
      let network = Fleet.freshNetwork()
      let bootstrap = try NodeProcess(.init(listen: "[::1]:0", bootstraps: [], network: network))
      let address = try #require(try bootstrap.waitUntilReady()["address"]?.string)
      let names = ["alice", "bob", "carol"]
      let nodes = try names.map { name in
        try NodeProcess(.init(username: name, listen: "[::]:0", bootstraps: [address], network: network))
      }
      for node in nodes {
        #expect(try node.waitUntilReady()["address"]?.string?.hasPrefix("[::1]:") == true)
        for other in nodes where other !== node {
          try node.send("over IPv6", to: try other.user())
          #expect(try other.nextText(from: try node.user()) == "over IPv6")
        }
      }
      for node in nodes + [bootstrap] { #expect(try node.quit() == .exited(0)) }
    }

    @Test("two rings that hear of each other become one")
    func merge() throws {
      let network = Fleet.freshNetwork()
      let addresses = try FreePorts.addresses(2)
      // The second bootstrap node of each is the other's first, and not there yet when the first rings stand.
      let first = try Fleet(bootstraps: 1, names: ["alice", "bob"], network: network)
      let second = try NodeProcess(.init(username: "carol", bootstraps: [addresses[0]], network: network))
      #expect(try second.waitUntilReady(within: Patience.standingAlone)["successors"] == [])
      let bridge = try NodeProcess(.init(listen: addresses[0], bootstraps: first.addresses, network: network))
      try bridge.waitUntilReady()
      let carol = try second.user()
      let found: Void? = try eventually(within: Patience.settling) {
        try first.chats[0].refusal(of: "find", ["user": .string(carol)]) == nil ? () : nil
      }
      #expect(found != nil)
      for node in [second, bridge] { #expect(try node.quit() == .exited(0)) }
      try first.quit()
    }

    @Test("a node that stands still for a while is passed by, and is a member again when it goes on")
    func standsStill() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["alice", "bob", "carol", "dave"])
      try fleet.settle()
      let all = try fleet.oracle()
      let still = fleet.chats[3]
      let stillNode = try still.node()
      let rest = Oracle(nodes: all.nodes.filter { $0 != stillNode })
      still.signal(SIGSTOP)
      for node in fleet.nodes where node !== still {
        let passed: Void? = try eventually(within: Patience.settling) {
          let answer = try node.request("lookup", ["key": .string(stillNode)], within: Patience.retrying)
          return rest.fault(in: answer, to: stillNode, asker: try node.node()) == nil ? () : nil
        }
        #expect(passed != nil)
      }
      still.signal(SIGCONT)
      try fleet.settle()
      try fleet.agree(on: try fleet.interestingKeys())
      try fleet.quit()
    }

    @Test("garbage from the network ends that connection and hurts nobody")
    func garbage() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["alice", "bob"])
      let (alice, bob) = (fleet.chats[0], fleet.chats[1])
      let address = try #require(try alice.request("status")["address"]?.string)
      var samples: [[UInt8]] = [
        [], [0], Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
        [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC],
        [UInt8](repeating: 0, count: 1 << 20), [UInt8](repeating: 0xFF, count: 1 << 20), [0xFF, 0xFF, 0xFF, 0x7F],
      ]
      var generator = SystemRandomNumberGenerator()
      for _ in 0..<100 {
        samples.append(
          (0..<Int.random(in: 1...3000, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
      for sample in samples { try TCP.shout(sample, at: address) }
      try bob.send("still there?", to: try alice.user())
      #expect(try alice.nextText(from: try bob.user()) == "still there?")
      #expect(alice.process.standardError == "")
      try fleet.quit()
    }

    // MARK: -

    private func expectEverybodyFindsEverybody(_ fleet: Fleet) throws {
      let users = try fleet.chats.map { try $0.user() }
      let nodes = try fleet.chats.map { try $0.node() }
      for chat in fleet.chats {
        let tickets = try users.map { try chat.ask("find", ["user": .string($0)]) }
        for (index, ticket) in tickets.enumerated() {
          let found = try chat.answer(to: ticket).value
          #expect(found["user"]?.string == users[index] && found["node"]?.string == nodes[index])
        }
      }
    }

    /// Each user writes to the next one.
    private func expectNeighboursTalk(_ fleet: Fleet) throws {
      for (index, chat) in fleet.chats.enumerated() {
        let next = fleet.chats[(index + 1) % fleet.chats.count]
        try chat.send("hello, neighbour", to: try next.user())
        #expect(try next.nextText(from: try chat.user()) == "hello, neighbour")
      }
    }
  }
}
