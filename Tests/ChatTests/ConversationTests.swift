import Chord
import Testing

@testable import Chat

@Suite("Conversations")
struct ConversationTests {
  let world = World()
  let alice: Int
  let bob: Int

  init() throws {
    alice = try world.add("alice")
    bob = try world.add("bob")
  }

  var aliceUser: User { world.user(alice) }
  var bobUser: User { world.user(bob) }

  /// Opens a session from Alice to Bob.
  func open() {
    world.give(alice, .open(bobUser, 900))
    world.run(for: .milliseconds(200))
    #expect(world.told(alice).answer(900) == .opened(900, bobUser))
  }

  // MARK: Opening and closing

  @Test("a session opened by one stands for both")
  func opens() {
    open()
    for (member, other) in [(alice, bobUser), (bob, aliceUser)] {
      #expect(world.told(member).sessions.map(\.open) == [true])
      #expect(world.members[member].machine.sessions.map(\.user) == [other])
    }
    #expect(world.members[alice].machine.sessions[0].endpoint == world.members[bob].endpoint)
    world.give(alice, .open(bobUser, 1))
    #expect(world.told(alice).answer(1) == .opened(1, bobUser))
  }

  @Test("when both open at once there is one session, told once")
  func simultaneous() {
    world.give(alice, .open(bobUser, 1))
    world.give(bob, .open(aliceUser, 1))
    world.give(alice, .send(bobUser, "from alice", 2))
    world.give(bob, .send(aliceUser, "from bob", 2))
    world.run(for: .seconds(10))
    #expect(world.told(alice).answer(1) == .opened(1, bobUser) && world.told(bob).answer(1) == .opened(1, aliceUser))
    #expect(world.told(alice).sessions.map(\.open) == [true] && world.told(bob).sessions.map(\.open) == [true])
    #expect(world.told(alice).texts.map(\.text) == ["from bob"] && world.told(bob).texts.map(\.text) == ["from alice"])
    #expect(world.told(alice).delivered == [1] && world.told(bob).delivered == [1])
    #expect(world.members[alice].machine.table.count == 1)
  }

  @Test("a text opens the session, and ids count from 1")
  func sends() {
    for ticket in UInt64(1)...3 { world.give(alice, .send(bobUser, "text \(ticket)", ticket)) }
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.map(\.text) == ["text 1", "text 2", "text 3"])
    #expect(world.told(bob).texts.map(\.id) == [1, 2, 3])
    #expect(world.told(bob).texts.allSatisfy { $0.from == aliceUser })
    #expect(world.told(alice).answers.map(\.effect) == (1...3).map { .delivered([$0], id: $0) })
  }

  @Test("every Unicode text arrives byte for byte")
  func exact() {
    let texts = ["\u{0}", "e\u{301}", "é", "👩‍💻\r\n", String(repeating: "ß", count: 16_384)]
    for (index, text) in texts.enumerated() { world.give(alice, .send(bobUser, text, UInt64(index))) }
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.map { Array($0.text.utf8) } == texts.map { Array($0.utf8) })
  }

  @Test("an empty text and one that is too long fail at once")
  func sizes() {
    world.give(alice, .send(bobUser, "", 1))
    world.give(alice, .send(bobUser, String(repeating: "ß", count: 16_385), 2))
    #expect(world.told(alice).failure(1) == .emptyText && world.told(alice).failure(2) == .messageTooLarge)
    #expect(world.members[alice].machine.table.count == 0)
  }

  @Test("closing tells both, and what waited fails")
  func closes() {
    open()
    world.give(bob, .send(aliceUser, "late", 1))
    world.give(alice, .close(bobUser, 2))
    world.run(for: .seconds(1))
    #expect(world.told(alice).answer(2) == .closed(2))
    #expect(world.told(alice).sessions.last?.reason == .closedHere)
    #expect(world.told(bob).sessions.last?.reason == .closedByPeer)
    #expect(world.told(bob).failure(1) == .noSession)
    world.give(alice, .close(bobUser, 3))
    #expect(world.told(alice).failure(3) == .noSession)
    #expect(world.members[alice].machine.sessions.isEmpty && world.members[bob].machine.sessions.isEmpty)
  }

  @Test("after closing, a new session counts from 1 again")
  func reopens() {
    for round in UInt64(1)...3 {
      world.give(alice, .send(bobUser, "round \(round)", round))
      world.run(for: .seconds(1))
      world.give(round == 2 ? bob : alice, .close(round == 2 ? aliceUser : bobUser, 10 + round))
      world.run(for: .seconds(1))
    }
    #expect(world.told(bob).texts.map(\.id) == [1, 1, 1])
    #expect(world.told(bob).sessions.map(\.open) == [true, false, true, false, true, false])
  }

  @Test("a session closed while the other side has no link stays closed when it comes back")
  func closedInAbsence() {
    open()
    world.give(alice, .send(bobUser, "shown once", 1))
    world.run(for: .milliseconds(6))  // under way: bob has shown it, alice does not know
    #expect(world.told(bob).texts.count == 1 && world.told(alice).answer(1) == nil)
    world.cut(alice, bob)
    world.give(bob, .close(aliceUser, 1))
    world.run(for: .seconds(5))
    #expect(world.told(bob).texts.count == 1)
    #expect(world.told(alice).failure(1) == .noSession)
    #expect(world.told(alice).sessions.last?.reason == .closedByPeer)
  }

  @Test(
    "who closes while there is no link, and writes again, is shown nothing twice, whoever's `open` comes through",
    arguments: [[], ["alice"], ["bob"]])
  func writtenToAgain(unheard: [String]) {
    open()
    world.give(alice, .send(bobUser, "shown once", 1))
    world.run(for: .milliseconds(6))  // as above
    world.cut(alice, bob)
    world.drops = { if case .open(let opening) = $0 { unheard.contains(opening.from.name.text) } else { false } }
    world.give(bob, .close(aliceUser, 1), .send(aliceUser, "one more thing", 2))
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.map(\.text) == ["shown once"])
    #expect(world.told(alice).answers.filter { $0.ticket == 1 }.map(\.effect) == [.delivered([1], id: 1)])
    #expect(world.told(alice).texts.map(\.text) == ["one more thing"] && world.told(bob).delivered == [1])
    #expect(world.told(alice).sessions.map(\.reason) == [nil, .restarted, nil])
    // Of the closing nothing is left: the session lives as any other.
    world.drops = { if case .open(let opening) = $0 { opening.from.name.text == "bob" } else { false } }
    world.cut(alice, bob)
    world.give(alice, .send(bobUser, "and on", 2))
    world.run(for: .seconds(5))
    #expect(world.told(bob).texts.map(\.text) == ["shown once", "and on"])
    #expect(world.told(alice).failure(2) == nil && world.told(alice).sessions.count == 3)
  }

  @Test("a closed stream is not taken up by a session that has heard of a newer one")
  func lateOpen() throws {
    open()
    let late = try #require(world.sent.first { if case .open = $0 { true } else { false } })
    world.cut(alice, bob)
    world.give(bob, .close(aliceUser, 1))
    world.run(for: .seconds(5))
    world.give(alice, .send(bobUser, "anew", 1))
    world.run(for: .seconds(1))
    let peer = Peer(id: world.members[alice].id, endpoint: world.members[alice].endpoint)
    world.sent = []
    world.give(bob, .received(late, from: peer, key: world.members[alice].identity.publicKey))
    let refusals = world.sent.filter { if case .refused(_, .closed) = $0 { true } else { false } }
    #expect(refusals.count == 1 && world.sent.count == 1)
    world.give(alice, .send(bobUser, "and on", 2))
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.map(\.text) == ["anew", "and on"])
  }

  // MARK: Lost links

  @Test("a lost link is healed without a word to the users")
  func heals() {
    open()
    for ticket in UInt64(1)...20 {
      world.give(alice, .send(bobUser, "\(ticket)", ticket))
      world.give(bob, .send(aliceUser, "\(ticket)", ticket))
      world.run(for: .milliseconds(3))
      world.cut(alice, bob)
      world.run(for: .milliseconds(400))
    }
    world.run(for: .seconds(5))
    for member in [alice, bob] {
      #expect(world.told(member).texts.map(\.text) == (1...20).map { "\($0)" })
      #expect(world.told(member).texts.map(\.id) == Array(1...20))
      #expect(world.told(member).delivered == Array(1...20))
      #expect(world.told(member).sessions.map(\.open) == [true])
    }
  }

  @Test("a session follows its user to another address")
  func moves() {
    open()
    world.cut(alice, bob)
    world.members[bob].endpoint = World.endpoint(9999)
    world.give(alice, .send(bobUser, "where are you?", 1))
    world.give(bob, .joined(endpoints: [World.endpoint(9999)]))
    world.run(for: .seconds(5))
    #expect(world.told(bob).texts.map(\.text) == ["where are you?"])
    #expect(world.members[alice].machine.sessions[0].endpoint == World.endpoint(9999))
  }

  @Test("of several addresses the ones that do not answer are passed over")
  func severalAddresses() {
    let here = world.members[bob].endpoint
    world.give(bob, .joined(endpoints: [World.endpoint(1), World.endpoint(2), here]))
    world.run(for: .milliseconds(100))
    world.give(alice, .open(bobUser, 1))
    world.run(for: .milliseconds(200))
    #expect(world.told(alice).answer(1) == .opened(1, bobUser))
    #expect(world.members[alice].machine.sessions[0].endpoint == here)
  }

  @Test("a user whose node is gone without a word is unreachable")
  func unreachable() {
    world.kill(bob)
    world.give(alice, .open(bobUser, 1))
    world.give(alice, .send(bobUser, "hello?", 2))
    world.run(for: .seconds(9))
    #expect(world.told(alice).answers.isEmpty)
    world.run(for: .seconds(2))
    #expect(world.told(alice).failure(1) == .unreachable && world.told(alice).failure(2) == nil)
    world.run(for: .seconds(20))
    #expect(world.told(alice).failure(2) == .unreachable)
    #expect(world.told(alice).sessions.isEmpty && world.members[alice].machine.table.count == 0)
  }

  @Test("a session that cannot be brought back in 30 s is closed, and later texts have their own 30 s")
  func givesUp() {
    world.give(alice, .send(bobUser, "first", 0))
    world.run(for: .seconds(1))
    world.kill(bob)
    world.run(for: .seconds(20))
    world.give(alice, .send(bobUser, "hello?", 1))
    world.run(for: .seconds(11))
    #expect(world.told(alice).sessions.last?.open == false && world.told(alice).sessions.last?.reason == .unreachable)
    #expect(world.told(alice).failure(1) == nil)
    world.members[bob].isUp = true
    #expect(world.run(for: .seconds(5)) { world.told(alice).answer(1) == .delivered([1], id: 1) })
    #expect(world.told(alice).sessions.map(\.open) == [true, false, true])
  }

  @Test("a text that failed before it was sent leaves no gap in the ids")
  func failedUnsent() {
    world.kill(bob)
    world.give(alice, .send(bobUser, "too early", 1))
    world.run(for: .seconds(20))
    world.give(alice, .send(bobUser, "in time", 2))
    world.run(for: .seconds(11))
    #expect(world.told(alice).failure(1) == .unreachable)
    world.members[bob].isUp = true
    world.run(for: .seconds(5))
    #expect(world.told(bob).texts.map(\.text) == ["in time"] && world.told(bob).texts.map(\.id) == [1])
  }

  @Test("a text that failed is never shown later, and those after it are")
  func failedForGood() {
    open()
    world.give(alice, .send(bobUser, "before", 1))
    world.run(for: .seconds(1))
    world.drops = { if case .texts = $0 { true } else { false } }
    world.give(alice, .send(bobUser, "lost", 2))
    world.run(for: .seconds(20))
    world.give(alice, .send(bobUser, "after", 3))
    world.run(for: .seconds(11))
    #expect(world.told(alice).failure(2) == .timeout && world.told(alice).failure(3) == nil)
    world.drops = { _ in false }
    world.run(for: .seconds(10))
    #expect(world.told(bob).texts.map(\.text) == ["before", "after"])
    #expect(world.told(alice).answer(3) == .delivered([3], id: 3))
    world.give(alice, .send(bobUser, "and on", 4))
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.last?.text == "and on")
    #expect(world.told(alice).sessions.count == 1)
  }

  @Test("texts given up while `open` is under way do not stop those that follow")
  func givenUpWhileOpening() {
    open()
    world.drops = { if case .texts = $0 { true } else { false } }
    world.give(alice, .send(bobUser, "lost", 1))
    world.run(for: .seconds(10))
    world.give(alice, .send(bobUser, "kept", 2))
    world.run(for: .milliseconds(19_800))
    let bobUser = bobUser
    world.drops = { if case .open(let opening) = $0 { opening.from == bobUser } else { false } }
    world.latency = .milliseconds(40)
    world.cut(alice, bob)
    world.give(alice, .linked(world.members[bob].id))  // opens at once; the answer takes 120 ms more
    world.latency = .milliseconds(100)
    world.sent = []
    world.run(for: .seconds(2))
    #expect(world.told(alice).failure(1) == .timeout)
    #expect(world.sent.contains { if case .open(let opening) = $0 { opening.first == 2 } else { false } })
    #expect(world.told(bob).texts.last?.text == "kept")
    #expect(world.told(alice).answer(2) != nil && world.told(alice).failure(2) == nil)
  }

  @Test("a lost acknowledgement or text on a standing link is noticed in a few seconds")
  func stall() {
    open()
    for lost in [0, 1] {
      world.drops = {
        switch $0 {
        case .texts: lost == 0
        case .acknowledge: lost == 1
        default: false
        }
      }
      world.give(alice, .send(bobUser, "text \(lost)", UInt64(lost)))
      world.run(for: .milliseconds(100))
      world.drops = { _ in false }
      #expect(world.run(for: .seconds(4)) { world.told(alice).answer(UInt64(lost)) != nil })
    }
    #expect(world.told(bob).texts.map(\.text) == ["text 0", "text 1"])
  }

  @Test("a link that has fallen silent is doubted, and the texts go on over another one")
  func silentLink() {
    open()
    world.give(alice, .send(bobUser, "before", 1))
    world.run(for: .seconds(1))
    world.silence(alice, bob)
    world.give(alice, .send(bobUser, "into the void", 2))
    #expect(world.run(for: .seconds(10)) { world.told(alice).answer(2) != nil })
    #expect(world.told(alice).failure(2) == nil)
    #expect(world.told(bob).texts.map(\.text) == ["before", "into the void"])
    #expect(world.told(alice).sessions.count == 1 && world.told(bob).sessions.count == 1)
  }

  @Test("an `open` over a link that has fallen silent is tried again over another one")
  func silentLinkWhileOpening() throws {
    open()
    world.give(alice, .close(bobUser, 1))
    world.run(for: .seconds(1))
    world.silence(alice, bob)
    world.give(alice, .send(bobUser, "again", 2))
    #expect(world.run(for: .seconds(15)) { world.told(alice).answer(2) != nil })
    #expect(world.told(bob).texts.map(\.text) == ["again"])
  }

  @Test("a user who restarts with the same key goes on in a new session")
  func restarts() throws {
    open()
    world.give(alice, .send(bobUser, "to the old bob", 1))
    world.run(for: .seconds(1))
    world.kill(bob)
    world.give(alice, .send(bobUser, "to whichever bob", 2))
    world.run(for: .seconds(2))
    let again = try world.add("bob", identity: world.members[bob].identity, seed: 999)
    #expect(world.user(again) == bobUser)
    world.run(for: .seconds(5))
    #expect(world.told(again).texts.map(\.text) == ["to whichever bob"])
    #expect(world.told(alice).sessions.map(\.reason) == [nil, .restarted, nil])
    world.give(again, .send(aliceUser, "I am back", 1))
    world.run(for: .seconds(1))
    #expect(world.told(alice).texts.map(\.id) == [1])
    #expect(world.told(alice).delivered.count == 2)
  }

  @Test("closing and opening again before the first answer has come leaves one session that works")
  func impatient() {
    world.give(alice, .open(bobUser, 1))
    world.run(for: .milliseconds(16))  // bob has accepted, his answer is under way
    world.give(alice, .close(bobUser, 2))
    world.give(alice, .send(bobUser, "again", 3))
    world.run(for: .seconds(2))
    #expect(world.told(alice).failure(1) == .noSession)
    #expect(world.told(alice).delivered == [1] && world.told(bob).texts.map(\.text) == ["again"])
    #expect(world.told(alice).sessions.map(\.open) == [true])
    #expect(world.told(bob).sessions.map(\.reason) == [nil, .restarted, nil])
  }

  @Test("a node that comes back as another user ends the session with the former")
  func anotherName() throws {
    open()
    world.kill(alice)
    let carol = try world.add("carol", identity: world.members[alice].identity)
    world.give(carol, .send(bobUser, "I am carol now", 1))
    world.run(for: .seconds(2))
    #expect(world.told(bob).sessions.map(\.open) == [true, false, true])
    #expect(world.members[bob].machine.sessions.map(\.user) == [world.user(carol)])
    #expect(world.told(bob).texts.map(\.from) == [world.user(carol)])
  }
}
