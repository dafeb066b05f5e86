import Chord
import Testing

@testable import Chat

@Suite("Whom to believe")
struct TrustTests {
  let world = World()
  let alice: Int
  let bob: Int

  init() throws {
    alice = try world.add("alice")
    bob = try world.add("bob")
    world.give(alice, .open(world.user(bob), 900))
    world.run(for: .milliseconds(200))
  }

  var aliceUser: User { world.user(alice) }
  var bobUser: User { world.user(bob) }

  @Test("an open for another user, or from one that the link does not prove, is refused")
  func refusals() throws {
    let carol = World.identity(40)
    let carolUser = User(name: try UserName("carol"), identity: carol)
    let mallory = World.identity(41)
    let opening = ChatMessage.Opening(
      from: carolUser, salt: carol.salt, to: bobUser, session: 7, epoch: 1, first: 1, knownEpoch: 0, received: 0)
    let peer = Peer(id: mallory.nodeID, endpoint: World.endpoint(4))
    var effects: [Conversations.Effect] = []
    world.members[bob].machine.handle(
      .received(.open(opening), from: peer, key: mallory.publicKey), at: world.now, into: &effects)
    var toOther = opening
    toOther.to = aliceUser
    world.members[bob].machine.handle(
      .received(.open(toOther), from: Peer(id: carol.nodeID, endpoint: World.endpoint(4)), key: carol.publicKey),
      at: world.now, into: &effects)
    let other = Peer(id: carol.nodeID, endpoint: World.endpoint(4))
    #expect(
      effects == [
        .send(.refused(session: 7, .unproved), to: peer), .send(.refused(session: 7, .noSuchUser), to: other),
      ])
    #expect(world.members[bob].machine.table.count == 1)
  }

  @Test("texts, acknowledgements and closes count only on the link that proved the user")
  func wrongLink() {
    world.give(alice, .send(bobUser, "hi", 1))
    let number = world.members[bob].machine.table[0].number
    let mallory = World.identity(41)
    let peer = Peer(id: mallory.nodeID, endpoint: World.endpoint(4))
    world.run(for: .seconds(1))
    for message in [
      ChatMessage.texts(session: number, sequence: 2, TextRun(["I am alice"])),
      .acknowledge(session: number, sequence: 1),
      .close(session: number, .closed), .unknown(session: number), .refused(session: number, .closed),
    ] { world.give(bob, .received(message, from: peer, key: mallory.publicKey)) }
    #expect(world.told(bob).texts.map(\.text) == ["hi"])
    #expect(world.told(bob).sessions.map(\.open) == [true])
    #expect(world.sent.last == .unknown(session: number))
  }

  @Test("a text that comes twice is shown once, and one before its turn is not shown")
  func repeatedText() {
    let alicePeer = Peer(id: world.members[alice].id, endpoint: world.members[alice].endpoint)
    let key = world.members[alice].identity.publicKey
    let number = world.members[bob].machine.table[0].number
    world.sent = []
    for sequence in [1, 1, 3, 2, 2, 1] as [UInt64] {
      let text = ChatMessage.texts(session: number, sequence: sequence, TextRun(["\(sequence)"]))
      world.give(bob, .received(text, from: alicePeer, key: key))
    }
    #expect(world.told(bob).texts.map(\.text) == ["1", "2"])
    let acknowledged = world.sent.compactMap { if case .acknowledge(_, let sequence) = $0 { sequence } else { nil } }
    #expect(acknowledged == [1, 1, 2, 2, 2])
  }

  @Test("an acknowledgement of what was never sent changes nothing")
  func falseAcknowledgement() {
    let bobPeer = Peer(id: world.members[bob].id, endpoint: world.members[bob].endpoint)
    let number = world.members[alice].machine.table[0].number
    let key = world.members[bob].identity.publicKey
    world.give(alice, .received(.acknowledge(session: number, sequence: 1 << 62), from: bobPeer, key: key))
    world.give(alice, .send(bobUser, "hi", 1))
    world.give(alice, .received(.acknowledge(session: number, sequence: 2), from: bobPeer, key: key))
    #expect(world.told(alice).answer(1) == nil)
    world.run(for: .seconds(1))
    #expect(world.told(alice).answer(1) == .delivered([1], id: 1))
  }

  @Test("a side that has forgotten the session is asked to open it again")
  func forgotten() {
    let bobPeer = Peer(id: world.members[bob].id, endpoint: world.members[bob].endpoint)
    let theirs = world.members[bob].machine.table[0].number
    let key = world.members[bob].identity.publicKey
    world.give(alice, .received(.unknown(session: theirs), from: bobPeer, key: key))
    world.give(alice, .send(bobUser, "still there?", 1))
    world.run(for: .seconds(2))
    #expect(world.told(bob).texts.map(\.text) == ["still there?"])
    #expect(world.told(alice).sessions.count == 1)
  }

  @Test("any message in any state leaves the machine sound")
  func anyMessage() throws {
    var generator = Generator(seed: 3)
    let strangers = (60..<63).map { World.identity($0) } + [world.members[alice].identity]
    var times = 0
    for _ in 0..<4_000 {
      let identity = strangers[Int(generator.next() % 4)]
      let peer = Peer(id: identity.nodeID, endpoint: World.endpoint(UInt16(generator.next() % 3)))
      let table = world.members[bob].machine.table
      let numbers = table.taken.map { table[$0].number } + [0, .max]
      let number = numbers[Int(generator.next() % UInt64(numbers.count))]
      let small = generator.next() % 4
      let opening = ChatMessage.Opening(
        from: User(name: try UserName("n\(generator.next() % 2)"), identity: identity), salt: identity.salt,
        to: bobUser, session: UInt32(small), epoch: 1 + generator.next() % 3, first: 1 + small,
        knownEpoch: generator.next() % 3, received: generator.next() >> 1)
      let message: ChatMessage =
        switch generator.next() % 8 {
        case 0: .open(opening)
        case 1: .opened(opening, answering: number)
        case 2: .refused(session: number, .allCases[Int(small)])
        case 3: .texts(session: number, sequence: small, TextRun(["x"]))
        case 4: .acknowledge(session: number, sequence: small)
        case 5: .close(session: number, small < 2 ? .closed : .left)
        case 6: .waiting(session: number)
        default: .unknown(session: UInt32(small))
        }
      world.give(bob, .received(message, from: peer, key: identity.publicKey))
      switch generator.next() % 14 {
      case 0: world.give(bob, .send(opening.from, "y", UInt64(times)))
      case 1: world.give(bob, .lost(identity.nodeID))
      case 2: world.give(bob, .linked(identity.nodeID))
      case 3: world.give(bob, .unreachable(peer))
      case 4: world.run(for: .milliseconds(Int64(generator.next() % 5_000)))
      case 5: world.give(bob, .close(opening.from, 1_000_000))
      case 6: world.give(bob, .accept(opening.from))
      case 7: world.give(bob, .ignore(opening.from))
      default: break
      }
      times += 1
    }
    world.run(for: .seconds(300))
    #expect(world.members[bob].machine.table.taken.allSatisfy { world.members[bob].machine.table[$0].isStanding })
  }
}
