// What a program may ask of a node, when, and what it gets.

import Chat
import Chord
import Testing
import UVRuntime

@testable import NodeKit

@Suite("What a program asks of a node")
struct RequestTests {
  @Test("a request made before the node is in a ring waits for it")
  func early() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let user = try #require(alice.node.user)
      let bob = try rig.start("bob", knows: [alice])
      if bob.isReady { Issue.record("ready before the loop has turned") }
      let found = Answers<Finding>()
      bob.node.find(user) { found.all.append($0) }
      _ = try await rig.answer("a lookup") { bob.node.lookup(Identifier(3), $0) }.get()
      try await rig.talk(bob, alice, "early")
      if try found.all.map({ try $0.get().peer.id }) != [alice.id] { Issue.record("\(found.all)") }
    }
  }

  @Test("a record that somebody else has written is stored, and its user found there; an older one is refused")
  func putsARecord() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      let identity = Identity.random()
      let carol = User(name: try UserName("carol"), identity: identity)
      var writer = DirectoryWriter(user: carol, identity: identity, network: "test")
      let utc = rig.loop.wallClockMilliseconds
      let (first, second) = (
        writer.record(endpoints: [bob.status.address], at: utc),
        writer.record(endpoints: [alice.status.address], at: utc + 1000)
      )
      let (older, newer) = (try #require(first), try #require(second))
      let copies = try await rig.answer("a put") { alice.node.put(newer, $0) }.get()
      if copies < 1 { Issue.record("\(copies) copies") }
      let finding = try await rig.answer("a find") { bob.node.find(carol, $0) }.get()
      let peer = Peer(id: identity.nodeID, endpoint: alice.status.address)
      if finding.peer != peer { Issue.record("\(finding)") }
      let refusal = try await rig.answer("an older record") { bob.node.put(older, $0) }
      if refusal != .failure(.busy) { Issue.record("\(refusal)") }
    }
  }

  @Test("a text that a program does not take is not acknowledged, and comes again when it does")
  func takesTexts() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      let (aliceIs, bobIs) = (try #require(alice.node.user), try #require(bob.node.user))
      try await rig.talk(alice, bob, "first")
      bob.node.takesTexts = false
      let sent = Answers<UInt64>()
      alice.node.send("second", to: bobIs) { sent.all.append($0) }
      // What comes after it on the same link is dealt with, so the text has come as well.
      _ = try await rig.answer("a lookup") { alice.node.lookup(bob.id, $0) }
      if !sent.all.isEmpty || bob.heard(from: aliceIs) != ["first"] { Issue.record("taken all the same") }
      bob.node.takesTexts = true
      try await rig.until("the text comes again") { sent.all.count == 1 }
      if bob.heard(from: aliceIs) != ["first", "second"] { Issue.record("\(bob.heard(from: aliceIs))") }
    }
  }

  @Test(
    "a node that asks first tells who wants to talk; accepted they talk, ignored they do not, and oneself is neither")
  func consent() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try rig.start("bob", knows: [alice]) { $0.asksBeforeAccepting = true }
      try await rig.until("bob is ready") { bob.isReady }
      let (aliceIs, bobIs) = (try #require(alice.node.user), try #require(bob.node.user))
      let sent = Answers<UInt64>()
      alice.node.send("hello", to: bobIs) { sent.all.append($0) }
      try await rig.until("both are told") {
        bob.events.contains(.sessionRequested(aliceIs)) && alice.events.contains(.sessionAwaited(bobIs))
      }
      if bob.node.requests != [aliceIs] || !bob.node.sessions.isEmpty { Issue.record("\(bob.node.requests)") }
      try bob.node.accept(aliceIs)
      try await rig.until("the text is delivered") { sent.all.count == 1 }
      if bob.heard(from: aliceIs) != ["hello"] || !bob.node.requests.isEmpty { Issue.record("\(bob.events)") }
      try bob.node.ignore(aliceIs)
      try await rig.until("the session is closed for both") {
        alice.node.sessions.isEmpty && bob.node.sessions.isEmpty
      }
      let before = bob.events.count
      alice.node.send("why?", to: bobIs) { sent.all.append($0) }
      try await rig.until("alice is told to wait") {
        alice.events.count { $0 == .sessionAwaited(bobIs) } == 2
      }
      if bob.events.count != before { Issue.record("\(bob.events.suffix(2))") }
      try bob.node.accept(aliceIs)
      try await rig.talk(bob, alice, "sorry")
      try await rig.until("what waited comes") { bob.heard(from: aliceIs) == ["hello", "why?"] }
      #expect(throws: NodeFailure.oneself) { try bob.node.accept(bobIs) }
      #expect(throws: NodeFailure.oneself) { try bob.node.ignore(bobIs) }
      let nobody = try await rig.ready(nil, knows: [alice])
      #expect(throws: NodeFailure.noUser) { try nobody.node.ignore(bobIs) }
    }
  }

  @Test("a request that comes after leaving, or is open when the node leaves, is told so, once")
  func afterLeaving() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      let nobody = User(name: try UserName("nobody"), identity: .random())
      let open = Answers<Void>()
      bob.node.open(nobody) { open.all.append($0) }
      let waiting = Counter()
      bob.node.leave { waiting.count += 1 }
      let during = try await rig.answer("an answer while leaving") { bob.node.lookup(Identifier(1), $0) }
      if case .failure(.stopped) = during {} else { Issue.record("\(during)") }
      try await rig.until("bob has left", limit: .seconds(4)) { waiting.count == 1 }
      if open.all.count != 1 { Issue.record("answered \(open.all.count) times") }
      let user = try #require(alice.node.user)
      let find = try await rig.answer("find") { bob.node.find(user, $0) }
      if case .failure(.stopped) = find {} else { Issue.record("\(find)") }
      let send = try await rig.answer("send") { bob.node.send("x", to: user, $0) }
      if case .failure(.stopped) = send {} else { Issue.record("\(send)") }
      let close = try await rig.answer("close") { bob.node.close(user, $0) }
      if case .failure(.stopped) = close {} else { Issue.record("\(close)") }
      let peer = Peer(id: alice.id, endpoint: alice.status.address)
      let view = try await rig.answer("view") { bob.node.view(of: peer, $0) }
      if case .failure(.stopped) = view {} else { Issue.record("\(view)") }
    }
  }

  @Test("a request that still waits for a ring when the node leaves is told that it has stopped")
  func earlyThenLeaving() async throws {
    try await withRig { rig in
      let bob = try rig.start("bob") { $0.bootstraps = ["192.0.2.1:7401"] }
      let user = User(name: try UserName("nobody"), identity: .random())
      let found = Answers<Finding>()
      bob.node.find(user) { found.all.append($0) }
      try await rig.leave([bob])
      guard case .failure(.stopped)? = found.all.first, found.all.count == 1 else {
        Issue.record("\(found.all)")
        return
      }
    }
  }

  @Test("a program that asks again in every answer does not keep the loop from the rest, also when the node has left")
  func asksAgain() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let user = User(name: try UserName("nobody"), identity: .random())
      var (answers, mostInTurn) = (0, 0)
      var inTurn = (turn: UInt64(0), count: 0)
      func ask() {
        alice.node.send("", to: user) { _ in
          inTurn = (rig.loop.turn, inTurn.turn == rig.loop.turn ? inTurn.count + 1 : 1)
          mostInTurn = max(mostInTurn, inTurn.count)
          answers += 1
          if answers % 1_000 != 0 { ask() }
        }
      }
      ask()
      try await rig.until("a thousand answers") { answers == 1_000 }
      try await rig.leave([alice])
      ask()
      try await rig.until("a thousand more") { answers == 2_000 }
      if mostInTurn > 8 { Issue.record("\(mostInTurn) answers in one turn") }
    }
  }

  @Test("leaving twice, at once or later, calls back each time")
  func leavingTwice() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let calls = Counter()
      alice.node.leave { calls.count += 1 }
      alice.node.leave { calls.count += 1 }
      try await rig.until("both are told", limit: .seconds(4)) { calls.count == 2 }
      alice.node.leave { calls.count += 1 }
      if calls.count != 3 { Issue.record("a node that is out says so at once") }
    }
  }

  @Test("a node that leaves before it has found anybody is out at once")
  func leavesEarly() async throws {
    try await withRig { rig in
      let calls = Counter()
      let alice = try rig.start("alice", knows: [])
      alice.node.leave { calls.count += 1 }
      try await rig.until("it has left", limit: .seconds(4)) { calls.count == 1 }
    }
  }

  @Test("empty and over-long texts, oneself, and users who are not there are refused, and nothing else suffers")
  func refusals() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob", knows: [alice])
      guard let me = alice.node.user, let user = bob.node.user else { return }
      let nobody = User(name: try UserName("nobody"), identity: .random())
      let cases: [(String, User, NodeFailure)] = [
        ("", user, .emptyText), (String(repeating: "x", count: 32_769), user, .messageTooLarge), ("x", me, .oneself),
        ("x", nobody, .userNotFound),
      ]
      for (text, to, failure) in cases {
        let answer = try await rig.answer("\(failure)") { alice.node.send(text, to: to, $0) }
        if case .failure(failure) = answer {} else { Issue.record("\(answer), not \(failure)") }
      }
      let closed = try await rig.answer("close") { alice.node.close(user, $0) }
      if case .failure(.noSession) = closed {} else { Issue.record("\(closed)") }
      try await rig.talk(alice, bob, String(repeating: "é", count: 16_384))
    }
  }

  @Test("a port that is taken, and an address that this machine does not have, are refused with what to do")
  func ports() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let address = alice.address
      for (listen, word) in [(address, "another program"), ("192.0.2.1:0", "no such address")] {
        do {
          _ = try rig.start("bob") { $0.listen = listen }
          Issue.record("listens at \(listen)")
        } catch NodeError.cannotListen(listen, let why) {
          if !why.contains(word) { Issue.record("\(why)") }
        }
      }
    }
  }

  @Test(
    "an address that is none is refused before anything is opened",
    arguments: [
      "", ":", "7401", "localhost", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
      "256.0.0.1:1", "[::1]", "[::1:7401", "::1:7401", "host name:1", "\u{0}:1", "127.0.0.1:7401 ", "[]:1",
    ])
  func badAddresses(_ text: String) async throws {
    try await withRig { rig in
      var places: [@Sendable (inout NodeConfiguration) -> Void] = [{ $0.listen = text }, { $0.advertise = text }]
      // A bootstrap may have a name, and these could be some: whether they are shows when they are looked up.
      if !["256.0.0.1:1", "\u{0}:1"].contains(text) { places.append { $0.bootstraps = [text] } }
      for (place, set) in places.enumerated() {
        do {
          _ = try rig.start("bob") { set(&$0) }
          Issue.record("taken in place \(place)")
        } catch NodeError.badAddress(let address, let why) {
          if address != text || why.isEmpty { Issue.record("\(address): \(why)") }
        }
        if rig.loop.openHandles != 0 { Issue.record("something was opened: \(rig.loop.openHandleNames)") }
      }
    }
  }

  @Test("addresses that nobody can dial are not told to others")
  func undialable() async throws {
    try await withRig { rig in
      for text in ["0.0.0.0:7401", "127.0.0.1:0", "[::]:7401"] {
        do {
          _ = try rig.start("bob") { $0.advertise = text }
          Issue.record("advertises \(text)")
        } catch NodeError.badAddress(text, _) {}
      }
      do {
        _ = try rig.start("bob") { $0.bootstraps = ["127.0.0.1:0"] }
        Issue.record("a bootstrap at port 0")
      } catch NodeError.badAddress("127.0.0.1:0", _) {}
    }
  }

  @Test("bootstraps that refuse, or are this node itself, are told apart, told once, and hold nothing up")
  func bootstraps() async throws {
    try await withRig { rig in
      let gone = try await rig.ready(nil)
      let address = gone.address
      try await rig.leave([gone])
      let alice = try rig.start("alice") { $0.bootstraps = [address] }
      try await rig.until("alice is ready", limit: .seconds(3)) { alice.isReady }
      let failed = NodeEvent.bootstrapFailed(address: address, reason: .refused)
      // Alone, a node tries again twice a second.
      try await rig.until("a second attempt", limit: .seconds(5)) { alice.failures(.refused) >= 2 }
      if alice.events.filter({ $0 == failed }).count != 1 { Issue.record("\(alice.events)") }
      if alice.node.bootstrapFailures.map(\.reason) != [.refused] { Issue.record("\(alice.node.bootstrapFailures)") }
      let own = try rig.start("own") { configuration in
        configuration.listen = address
        configuration.bootstraps = [address]
      }
      try await rig.until("a node whose bootstrap is itself is ready", limit: .seconds(3)) { own.isReady }
      if own.node.bootstrapFailures.map(\.reason) != [.ourselves] { Issue.record("\(own.node.bootstrapFailures)") }
      if own.events.contains(where: { if case .bootstrapFailed = $0 { true } else { false } }) {
        Issue.record("told of itself")
      }
      // And now there is somebody for the other one.
      try await rig.formed([alice, own])
      try await rig.talk(alice, own, "hello")
    }
  }
}
