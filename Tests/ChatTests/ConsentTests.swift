import Chord
import Testing

@testable import Chat

@Suite("Consent")
struct ConsentTests {
  let world = World()
  let alice: Int
  /// Wants to be asked.
  let bob: Int

  init() throws {
    alice = try world.add("alice")
    bob = try world.add("bob", asks: true)
  }

  var aliceUser: User { world.user(alice) }
  var bobUser: User { world.user(bob) }

  private var waitings: Int { world.sent.count { if case .waiting = $0 { true } else { false } } }

  /// What a machine answers to the `open` of somebody.
  private func answer(
    to identity: Identity, named name: String, session: UInt32 = 7, by member: Int
  ) throws -> [Conversations.Effect] {
    let opening = ChatMessage.Opening(
      from: User(name: try UserName(name), identity: identity), salt: identity.salt, to: world.user(member),
      session: session, epoch: 1, first: 1, knownEpoch: 0, received: 0)
    var effects: [Conversations.Effect] = []
    world.members[member].machine.handle(
      .received(.open(opening), from: peer(identity), key: identity.publicKey), at: world.now, into: &effects)
    return effects
  }

  private func peer(_ identity: Identity) -> Peer { Peer(id: identity.nodeID, endpoint: World.endpoint(9)) }

  // MARK: Asking

  @Test("who wants to be asked is told once who wants to talk, and until then there is no session")
  func asks() {
    world.give(alice, .open(bobUser, 1))
    world.give(alice, .send(bobUser, "hello", 2))
    world.run(for: .seconds(25))
    #expect(world.told(bob).requests == [aliceUser] && world.members[bob].machine.requests == [aliceUser])
    #expect(world.told(bob).sessions.isEmpty && world.told(bob).texts.isEmpty)
    #expect(world.members[bob].machine.table.count == 0)
    #expect(world.told(alice).awaited == [bobUser] && world.told(alice).answers.isEmpty)
    #expect(waitings == 3)
  }

  @Test("accepting opens the session for both, and what waited is delivered")
  func accepts() {
    world.give(alice, .open(bobUser, 1))
    world.give(alice, .send(bobUser, "hello", 2))
    world.run(for: .seconds(14))
    world.give(bob, .accept(aliceUser))
    world.run(for: .seconds(1))
    #expect(world.told(alice).answer(1) == .opened(1, bobUser) && world.told(alice).answer(2) == .delivered([2], id: 1))
    #expect(world.told(bob).texts.map(\.text) == ["hello"])
    #expect(world.told(alice).sessions.map(\.open) == [true] && world.told(bob).sessions.map(\.open) == [true])
    #expect(world.members[bob].machine.requests.isEmpty)
    world.give(alice, .close(bobUser, 3))
    world.run(for: .seconds(1))
    world.give(alice, .send(bobUser, "again", 4))
    world.run(for: .seconds(1))
    #expect(world.told(alice).answer(4) == .delivered([4], id: 1))
    #expect(world.told(bob).requests.count == 1, "who was accepted is accepted for the session")
  }

  @Test("whoever is not answered hears that after 30 s, for an `open` as for a text, and not before")
  func patience() {
    world.give(alice, .open(bobUser, 1))
    world.give(alice, .send(bobUser, "hello", 2))
    world.run(for: .milliseconds(29_900))
    #expect(world.told(alice).answers.isEmpty)
    world.run(for: .milliseconds(200))
    #expect(world.told(alice).failure(1) == .notAccepted && world.told(alice).failure(2) == .notAccepted)
    #expect(world.members[alice].machine.table.count == 0)
  }

  @Test("accepting after the other side has given up opens the session all the same")
  func acceptsLate() {
    world.give(alice, .send(bobUser, "hello", 1))
    world.run(for: .seconds(40))
    #expect(world.told(alice).failure(1) == .notAccepted)
    world.give(bob, .accept(aliceUser))
    world.run(for: .seconds(1))
    #expect(world.told(alice).sessions.map(\.open) == [true] && world.told(bob).sessions.map(\.open) == [true])
    world.give(alice, .send(bobUser, "still me", 2))
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.map(\.text) == ["still me"])
  }

  @Test("accepting somebody who has gone meanwhile leaves nothing behind")
  func acceptsNobody() {
    world.give(alice, .open(bobUser, 1))
    world.run(for: .seconds(1))
    world.kill(alice)
    world.give(bob, .accept(aliceUser))
    world.run(for: .seconds(15))
    #expect(world.members[bob].machine.table.count == 0 && world.told(bob).sessions.isEmpty)
    #expect(world.told(bob).answers.isEmpty, "nobody asked for an answer")
    world.run(for: .seconds(15))
    #expect(world.members[bob].machine.table.count == 0)
  }

  @Test("to write to somebody is to accept them, and so is to be named before they come")
  func impliedAndAhead() throws {
    let carol = try world.add("carol")
    world.give(bob, .send(aliceUser, "hi", 1))
    world.run(for: .seconds(1))
    world.give(bob, .close(aliceUser, 2))
    world.give(bob, .accept(world.user(carol)))
    world.run(for: .seconds(1))
    world.give(alice, .send(bobUser, "hi Bob", 1))
    world.give(carol, .send(bobUser, "hi there", 1))
    world.run(for: .seconds(1))
    #expect(Set(world.told(bob).texts.map(\.text)) == ["hi Bob", "hi there"])
    #expect(world.told(bob).requests.isEmpty)
  }

  @Test("two who both want to be asked, and write to each other, are not asked")
  func bothAsk() throws {
    let carol = try world.add("carol", asks: true)
    world.give(bob, .send(world.user(carol), "from bob", 1))
    world.give(carol, .send(bobUser, "from carol", 1))
    world.run(for: .seconds(12))
    #expect(world.told(bob).delivered == [1] && world.told(carol).delivered == [1])
    world.run(for: .seconds(60))
    #expect(world.members[bob].machine.requests.isEmpty && world.members[carol].machine.requests.isEmpty)
  }

  @Test("who waits goes on waiting when the link is lost, and is asked about once")
  func lostLink() {
    world.give(alice, .open(bobUser, 1))
    world.run(for: .seconds(2))
    for _ in 0..<3 {
      world.cut(alice, bob)
      world.run(for: .seconds(4))
    }
    #expect(world.told(bob).requests == [aliceUser] && world.told(alice).answers.isEmpty)
    world.give(bob, .accept(aliceUser))
    world.run(for: .seconds(1))
    #expect(world.told(alice).answer(1) == .opened(1, bobUser))
  }

  @Test("a session whose other side has started anew and does not accept it again is closed in the end")
  func startedAnew() throws {
    world.give(alice, .send(bobUser, "hello", 1))
    world.run(for: .seconds(1))
    world.give(bob, .accept(aliceUser))
    world.run(for: .seconds(1))
    #expect(world.told(alice).delivered == [1])
    let identity = world.members[bob].identity
    world.kill(bob)
    let again = try world.add("bob", identity: identity, asks: true)
    world.give(alice, .send(bobUser, "and now?", 2))
    world.run(for: .seconds(35))
    #expect(world.told(again).requests == [aliceUser] && world.told(again).texts.isEmpty)
    #expect(world.told(alice).failure(2) == .notAccepted)
    #expect(world.told(alice).sessions.last?.reason == .notAccepted)
  }

  @Test("a stranger's `waiting` changes nothing, nor does one for a session that stands")
  func falseWaiting() {
    world.give(bob, .open(aliceUser, 1))
    world.run(for: .seconds(1))
    let number = world.members[alice].machine.table[0].number
    let mallory = World.identity(50)
    world.give(alice, .received(.waiting(session: number), from: peer(mallory), key: mallory.publicKey))
    let bobPeer = Peer(id: world.members[bob].id, endpoint: world.members[bob].endpoint)
    world.give(
      alice, .received(.waiting(session: number), from: bobPeer, key: world.members[bob].identity.publicKey))
    world.give(alice, .send(bobUser, "hello", 2))
    world.run(for: .seconds(1))
    #expect(world.told(alice).delivered == [1] && world.told(alice).awaited.isEmpty)
  }

  // MARK: Ignoring

  @Test("ignoring closes the session, and what comes later changes, shows and keeps nothing")
  func ignores() throws {
    let carol = try world.add("carol")
    world.give(alice, .send(world.user(carol), "hello", 1))
    world.run(for: .seconds(1))
    world.give(carol, .send(aliceUser, "never mind", 1))
    world.give(carol, .ignore(aliceUser))
    world.run(for: .seconds(1))
    #expect(world.told(carol).sessions.last?.reason == .closedHere && world.told(carol).failure(1) == .noSession)
    #expect(world.told(alice).sessions.last?.reason == .closedByPeer)
    world.give(alice, .send(world.user(carol), "please", 2))
    world.give(alice, .open(world.user(carol), 3))
    world.run(for: .seconds(60))
    #expect(world.told(alice).failure(2) == .notAccepted && world.told(alice).failure(3) == .notAccepted)
    #expect(world.told(carol).texts.map(\.text) == ["hello"] && world.told(carol).sessions.count == 2)
    #expect(world.told(carol).requests.isEmpty && world.members[carol].machine.table.count == 0)
  }

  @Test("accepting, or writing to them, undoes ignoring")
  func undoes() throws {
    for undoing in [Conversations.Event.accept(aliceUser), .send(aliceUser, "well", 9)] {
      let carol = try world.add("carol")
      world.give(carol, .ignore(aliceUser))
      world.give(alice, .send(world.user(carol), "hello?", 1))
      world.run(for: .seconds(5))
      #expect(world.told(carol).texts.isEmpty)
      world.give(carol, undoing)
      world.run(for: .seconds(12))
      #expect(world.told(carol).texts.map(\.text) == ["hello?"])
    }
  }

  @Test("the key of somebody ignored is ignored under any name, known before or met later")
  func otherNames() throws {
    let mallory = World.identity(50)
    let user = User(name: try UserName("mallory"), identity: mallory)
    let waiting = [Conversations.Effect.send(.waiting(session: 7), to: peer(mallory))]
    #expect(try answer(to: mallory, named: "eve", by: alice).count == 2, "nobody is ignored yet")
    world.give(alice, .ignore(user))  // met later: nothing links the two names
    #expect(try answer(to: mallory, named: "mallory", by: alice) == waiting)
    #expect(try answer(to: mallory, named: "eve", by: alice) == waiting)
    let salt = (0..<16).map { UInt8($0) }
    let resalted = try #require(Identity(seed: mallory.seed, salt: salt))
    #expect(try answer(to: resalted, named: "mallory", by: alice) == waiting)
    world.give(alice, .accept(user))
    #expect(try answer(to: resalted, named: "trent", by: alice) != waiting)

    // Known before: from the request.
    #expect(try answer(to: mallory, named: "mallory", by: bob).count == 2)
    world.give(bob, .ignore(user))
    #expect(world.members[bob].machine.requests.isEmpty)
    #expect(try answer(to: mallory, named: "eve", by: bob) == waiting)
    #expect(world.told(bob).requests.isEmpty && world.members[bob].machine.requests.isEmpty)
  }

  @Test("somebody ignored hears what a stranger hears who waits, each time the same, for 10,000 times")
  func costs() throws {
    let (stranger, mallory) = (World.identity(50), World.identity(51))
    let asked = try answer(to: stranger, named: "eve", by: bob).first
    world.give(bob, .ignore(User(name: try UserName("mallory"), identity: mallory)))
    let before = world.members[bob].machine
    for session in UInt32(1)...10_000 {
      let effects = try answer(to: mallory, named: "mallory", session: session, by: bob)
      if effects != [.send(.waiting(session: session), to: peer(mallory))] { Issue.record("\(effects)") }
    }
    #expect(asked == .send(.waiting(session: 7), to: peer(stranger)))
    let after = world.members[bob].machine
    #expect(after.nextDeadline == before.nextDeadline && after.table.count == before.table.count)
    #expect(after.requests == before.requests && after.brokenInvariant == nil)
  }

  @Test("oneself is neither accepted nor ignored, and a node without a user, or on its way out, does neither")
  func nothingToDecide() throws {
    let nobody = try world.add(nil)
    for (member, user) in [(bob, bobUser), (nobody, bobUser)] {
      world.give(member, .accept(user))
      world.give(member, .ignore(user))
      #expect(world.members[member].machine.consent.accepted.isEmpty)
      #expect(world.members[member].machine.consent.ignored.isEmpty)
    }
    world.give(alice, .open(bobUser, 1))
    world.run(for: .seconds(1))
    world.give(bob, .leave(2))
    world.give(bob, .accept(aliceUser))
    #expect(world.members[bob].machine.table.count == 0)
  }

  // MARK: Bounds

  @Test("when too many wait the newest is refused; a place is free again when its holder has been silent for a minute")
  func manyRequests() throws {
    var limits = Conversations.Limits()
    limits.requests = 3
    let carol = try world.add("carol", limits: limits, asks: true)
    func ask(_ number: UInt64) throws -> Conversations.Effect? {
      let effects = try answer(to: World.identity(60 + number), named: "n\(number)", by: carol)
      return effects.first
    }
    func waits(_ number: UInt64) -> Conversations.Effect {
      .send(.waiting(session: 7), to: peer(World.identity(60 + number)))
    }
    for number in UInt64(0)..<3 { #expect(try ask(number) == waits(number)) }
    for number in UInt64(3)..<40 {
      #expect(try ask(number) == .send(.refused(session: 7, .full), to: peer(World.identity(60 + number))))
    }
    world.run(for: .seconds(30))
    #expect(try ask(0) == waits(0), "still here")
    #expect(world.members[carol].machine.requests.map(\.name.text) == ["n1", "n2", "n0"])
    world.run(for: .seconds(30))
    for number in UInt64(3)...4 { #expect(try ask(number) == waits(number)) }
    #expect(try ask(5) != waits(5), "the third has been heard half a minute ago")
    #expect(world.members[carol].machine.requests.map(\.name.text) == ["n0", "n3", "n4"])
    world.give(carol, .accept(User(name: try UserName("n6"), identity: World.identity(66))))
    #expect(
      try answer(to: World.identity(66), named: "n6", by: carol).contains {
        if case .session(_, open: true, _) = $0 { true } else { false }
      }, "a friend named before comes through any flood")
  }

  @Test("of those accepted and of those ignored the oldest are forgotten when there are too many")
  func longLists() throws {
    var limits = Conversations.Limits()
    (limits.acceptedUsers, limits.ignoredUsers) = (2, 2)
    let carol = try world.add("carol", limits: limits, asks: true)
    let users = try (0..<5).map { User(name: try UserName("n\($0)"), identity: World.identity(60 + $0)) }
    for user in users { world.give(carol, .accept(user)) }
    #expect(users.map { world.members[carol].machine.consent.hasAccepted($0) } == [false, false, false, true, true])
    for user in users { world.give(carol, .ignore(user)) }
    #expect(
      users.map { world.members[carol].machine.consent.ignored.contains($0) } == [false, false, false, true, true])
    #expect(
      world.members[carol].machine.consent.accepted.isEmpty && world.members[carol].machine.brokenInvariant == nil)
  }

  @Test("a session that others may not open for want of room is not opened by accepting")
  func noRoom() throws {
    var limits = Conversations.Limits()
    limits.incomingSessions = 0
    let carol = try world.add("carol", limits: limits, asks: true)
    world.give(alice, .open(world.user(carol), 1))
    world.run(for: .seconds(1))
    world.give(carol, .accept(aliceUser))
    world.run(for: .seconds(40))
    #expect(world.members[carol].machine.table.count == 0 && world.told(alice).failure(1) != nil)
  }
}
