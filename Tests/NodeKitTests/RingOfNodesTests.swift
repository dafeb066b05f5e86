// Real nodes on one loop over loopback: they form a ring, talk, and leave.

import Chat
import Chord
import RawPeers
import Testing
import UVRuntime

@testable import NodeKit

@Suite("Nodes on one loop")
struct RingOfNodesTests {
  @Test("a node that knows nobody stands alone, and says so before it is ready")
  func alone() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let news = alice.events.map(\.kind)
      if news != ["started a new ring", "ready"] { Issue.record("\(news)") }
      if !alice.status.successors.isEmpty || alice.status.predecessor != nil { Issue.record("not alone") }
      let owner = try await rig.answer("a lookup") { alice.node.lookup(Identifier(7), $0) }
      if try owner.get().owner.id != alice.id { Issue.record("a lone node owns every key") }
    }
  }

  @Test("two nodes find each other and talk both ways")
  func two() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      try await rig.formed([alice, bob])
      let user = try #require(bob.node.user)
      let finding = try await rig.answer("a find") { alice.node.find(user, $0) }.get()
      if finding.peer != Peer(id: bob.id, endpoint: bob.status.address) { Issue.record("found \(finding)") }
      try await rig.talk(alice, bob, "hello")
      try await rig.talk(bob, alice, "שלום 👋🏽\n\u{0}end")
      if alice.node.sessions.map(\.user) != [user] { Issue.record("\(alice.node.sessions)") }
      if alice.status.peers != 1 || bob.status.peers != 1 { Issue.record("one link between two nodes") }
      if alice.allFailures + bob.allFailures != 0 { Issue.record("\(alice.node.linkFailures)") }
    }
  }

  @Test("five nodes started at once stand in one ring, agree on every owner, and everybody talks to everybody")
  func five() async throws {
    try await withRig { rig in
      var members = [try rig.start("a")]
      for name in ["b", "c", "d", "e"] { members.append(try rig.start(name, knows: [members[0]])) }
      try await rig.until("all are ready", limit: .seconds(5)) { members.allSatisfy(\.isReady) }
      try await rig.formed(members)
      let ids = members.map(\.id).sorted()
      for part in 0..<8 {
        let key = Identifier(fraction: UInt32(part) << 29)
        let owner = ids.first { $0 >= key } ?? ids[0]
        for member in members {
          let found = try await rig.answer("a lookup") { member.node.lookup(key, $0) }.get()
          if found.owner.id != owner { Issue.record("another owner of \(key)") }
        }
      }
      for from in members {
        for to in members where to !== from { try await rig.talk(from, to, "from one to another") }
      }
    }
  }

  @Test("whoever leaves is gone from the ring and from the directory at once, and the others go on")
  func leaving() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      let carol = try await rig.ready("carol", knows: [alice])
      try await rig.formed([alice, bob, carol])
      try await rig.talk(bob, alice, "before")
      let user = try #require(bob.node.user)
      try await rig.leave([bob])
      try await rig.formed([alice, carol], limit: .seconds(3))
      let finding = try await rig.answer("a find") { carol.node.find(user, $0) }
      if case .failure(.userNotFound) = finding {} else { Issue.record("\(finding)") }
      if !alice.events.contains(.sessionClosed(user, reason: "the other side left")) { Issue.record("no word") }
      try await rig.talk(carol, alice, "after")
    }
  }

  @Test("a callback may call the node back: an echo that answers within the event, and one that leaves within it")
  func reentrancy() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let hasLeft = Counter()
      let echo = try rig.start("echo", knows: [alice]) { _ in
      } onEvent: { echo, event in
        guard case .message(let user, let text, _) = event else { return }
        echo.node.send("re: \(text)", to: user) { _ in
          // Within an answer, too.
          if text == "go" { echo.node.leave { hasLeft.count += 1 } }
        }
      }
      try await rig.until("the echo is ready") { echo.isReady }
      let user = try #require(echo.node.user)
      for number in 0..<100 { alice.node.send("\(number)", to: user) { _ in } }
      try await rig.until("a hundred answers") { alice.heard(from: user).count == 100 }
      if alice.heard(from: user) != (0..<100).map({ "re: \($0)" }) { Issue.record("out of order") }
      alice.node.send("go", to: user) { _ in }
      try await rig.until("the echo has left", limit: .seconds(4)) { hasLeft.count == 1 }
    }
  }

  @Test("a node may leave within its first event, and asks nothing more")
  func leavesAtOnce() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let hasLeft = Counter()
      let hasty = try rig.start("hasty", knows: [alice]) { _ in
      } onEvent: { hasty, event in
        guard case .ready = event else { return }
        hasty.node.leave { hasLeft.count += 1 }
      }
      try await rig.until("it has left", limit: .seconds(5)) { hasLeft.count == 1 }
      let user = try #require(hasty.node.user)
      let finding = try await rig.answer("a find") { alice.node.find(user, $0) }
      if case .failure(.userNotFound) = finding {} else { Issue.record("\(finding)") }
    }
  }

  @Test("two that dial each other at the same moment keep one link, and no text is lost or out of order")
  func crossing() async throws {
    try await withRig { rig in
      for round in 0..<10 {
        let alice = try await rig.ready("alice")
        let bob = try await rig.ready("bob", knows: [alice])
        try await rig.formed([alice, bob])
        guard let toAlice = alice.node.user, let toBob = bob.node.user else { return }
        let acknowledged = Counter()
        // Without a link, both dial in the same turn of the loop.
        alice.node.links.disconnect(bob.id)
        bob.node.links.disconnect(alice.id)
        for number in 0..<50 {
          alice.node.send("a\(number)", to: toBob) { if case .success = $0 { acknowledged.count += 1 } }
          bob.node.send("b\(number)", to: toAlice) { if case .success = $0 { acknowledged.count += 1 } }
        }
        try await rig.until("all is acknowledged", limit: .seconds(10)) { acknowledged.count == 100 }
        if alice.heard(from: toBob) != (0..<50).map({ "b\($0)" }) { Issue.record("round \(round): \(alice.events)") }
        if bob.heard(from: toAlice) != (0..<50).map({ "a\($0)" }) { Issue.record("round \(round): \(bob.events)") }
        try await rig.until("one link", limit: .seconds(4)) {
          alice.status.peers == 1 && bob.status.peers == 1 && rig.loop.openConnections == 2
        }
        try await rig.leave([alice, bob])
        try await rig.until("nothing is left") { rig.loop.openConnections == 0 }
      }
    }
  }

  @Test("a link that has fallen silent on its way does not keep out the one by which the other side comes back")
  func silentLink() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      // Of two connections the one that alice has dialled would stay: her identifier is the smaller one.
      var identity = Identity.random()
      while identity.nodeID < alice.id { identity = Identity.random() }
      var first: RawPeer?
      var address = Endpoint(host: .v4(0), port: 0)
      let listener = try TCPListener(on: rig.loop, address: .loopback4(port: 0)) {
        first = RawPeer(accepted: $0, identity, network: "test", listens: address)
      }
      address = Endpoint(listener.address)
      let peer = Peer(id: identity.nodeID, endpoint: address)
      alice.node.links.send(Frame.encoded { Message.query(1).encode(into: &$0) }, to: peer)
      try await rig.until("alice has a link") { alice.node.links.isLinked(peer.id) }
      // From here on the other side hears and says nothing on it.
      first?.connection.pauseReading()
      let silence = rig.loop.now
      try await rig.until("it has stood for a while") { rig.loop.now - silence > LinkRules.sameMoment }
      let second = try await rig.linked(alice, as: identity, listens: true)
      // While she asks whether the first still lives, she does not answer over it.
      second.write(.ping(7))
      try await rig.until("alice has closed her end of one", limit: .seconds(4)) { rig.loop.openConnections == 3 }
      try await rig.until("it is answered", limit: .seconds(3)) { second.frames.contains { $0.type == 0x15 } }
      if second.isOver || !second.goodbyes.isEmpty { Issue.record("the link that lives was closed") }
      listener.close()
      first?.connection.close()
    }
  }

  @Test("when one link is found silent, the others that are quiet are looked at too")
  func silentLinks() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let peers = [try await rig.linked(alice), try await rig.linked(alice), try await rig.linked(alice)]
      // Nobody here answers pings of links, and after this nobody has said anything for long enough.
      let silence = rig.loop.now
      try await rig.until("all are quiet") { rig.loop.now - silence > .milliseconds(3100) }
      let first = try #require(alice.node.links.remotes.first)
      alice.node.links.disconnect(first.peer.id)
      try await rig.until("none is left", limit: .seconds(5)) { alice.status.peers == 0 && peers.allSatisfy(\.isOver) }
    }
  }

  @Test("a link that is cut under a session is replaced, and the texts go on where they were")
  func cut() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      try await rig.formed([alice, bob])
      try await rig.talk(alice, bob, "0")
      guard let from = alice.node.user, let to = bob.node.user else { return }
      let acknowledged = Counter()
      for number in 1...60 {
        alice.node.send("\(number)", to: to) { if case .success = $0 { acknowledged.count += 1 } }
        // In the middle of it, from either side.
        if number % 20 == 10 { alice.node.links.disconnect(bob.id) }
        if number % 20 == 0 { bob.node.links.disconnect(alice.id) }
        if number % 5 == 0 { try await rig.until("a moment") { acknowledged.count >= number - 30 } }
      }
      try await rig.until("all is acknowledged", limit: .seconds(15)) { acknowledged.count == 60 }
      if bob.heard(from: from) != (0...60).map({ "\($0)" }) { Issue.record("\(bob.heard(from: from))") }
      if bob.events.contains(where: { if case .sessionClosed = $0 { true } else { false } }) {
        Issue.record("the session was closed by a cut")
      }
      try await rig.formed([alice, bob])
    }
  }

  @Test("a node started with the identity of one that died takes its place")
  func reborn() async throws {
    try await withRig { rig in
      let identity = Identity.random()
      let alice = try await rig.ready("alice")
      let first = try rig.start("bob", knows: [alice]) { $0.identity = identity }
      try await rig.until("bob is ready") { first.isReady }
      try await rig.formed([alice, first])
      try await rig.talk(alice, first, "to the first")
      // It dies: no goodbye, every socket gone.
      first.node.departure = Departure()
      first.node.departure?.isOut = true
      first.node.bootstrapper.stop()
      first.node.standIn.cancel()
      first.node.links.abort()
      let second = try rig.start("bob", knows: [alice]) { $0.identity = identity }
      try await rig.until("bob is back") { second.isReady }
      if second.id != first.id || second.node.user != first.node.user { Issue.record("another bob") }
      try await rig.formed([alice, second])
      try await rig.talk(alice, second, "to the second")
      try await rig.talk(second, alice, "from the second")
    }
  }

  @Test("an observer asks and does not join")
  func observer() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      try await rig.formed([alice, bob])
      let observer = try rig.start(nil, knows: [alice]) { $0.role = .observer }
      try await rig.until("the observer is ready") { observer.isReady }
      let key = Identifier(fraction: 1 << 31)
      let seen = try await rig.answer("a lookup") { observer.node.lookup(key, $0) }.get()
      let known = try await rig.answer("a lookup") { alice.node.lookup(key, $0) }.get()
      if seen.owner != known.owner { Issue.record("\(seen) is not \(known)") }
      let user = try #require(bob.node.user)
      let finding = try await rig.answer("a find") { observer.node.find(user, $0) }.get()
      if finding.peer.id != bob.id { Issue.record("\(finding)") }
      for contact in observer.node.contacts {
        let view = try await rig.answer("a view") { observer.node.view(of: contact, $0) }.get()
        if !view.isMember { Issue.record("\(view)") }
      }
      let refused = try await rig.answer("a send") { observer.node.send("hello", to: user, $0) }
      if case .failure(.noUser) = refused {} else { Issue.record("\(refused)") }
      try await rig.formed([alice, bob])
      if alice.allFailures + bob.allFailures + observer.allFailures != 0 { Issue.record("a link failed") }
    }
  }
}

/// How often something happened.
final class Counter {
  var count = 0
}
