// The world of a node under fuzz: four people, of whom one is ours, one has no record, and one speaks for two names; and
// limits so low that a short input reaches them.

@testable import Chat
@testable import Chord

struct EngineFixture {
  /// A node whose ring has not begun.
  let fresh: Engine
  /// A member that stands alone, and so holds everybody's record.
  let alone: Engine

  /// Talks to anybody; or asks its user first.
  static let trusting = EngineFixture(asks: false)
  static let asking = EngineFixture(asks: true)

  /// Somebody else, and their node.
  struct Person {
    var identity: Identity
    var user: User
    var peer: Peer
  }

  private static let ourIdentity = Fixture.identity(10)
  static let us = Fixture.user("Ada", ourIdentity)
  static let people: [Person] = [("Bob", 11), ("Cem", 12), ("Dot", 13), ("Bobby", 11)].map { name, number in
    let identity = Fixture.identity(UInt64(number))
    let peer = Peer(id: identity.nodeID, endpoint: Fixture.endpoint(UInt16(number) + 1000))
    return Person(identity: identity, user: Fixture.user(name, identity), peer: peer)
  }
  /// Whom the host may mean; of them Dot has no record, and we are no other.
  static let users = people.map(\.user) + [us]

  static func person(_ input: inout FuzzInput) -> Person { input.element(of: people) }

  static let limits: Conversations.Limits = {
    var limits = Conversations.Limits()
    limits.windowTexts = 3
    limits.windowBytes = 40_000
    limits.waitingTexts = 6
    limits.waitingBytes = 100_000
    limits.incomingSessions = 2
    limits.sessions = 3
    limits.findings = 2
    limits.waitersEach = 3
    limits.closedStreams = 2
    limits.requests = 2
    limits.acceptedUsers = 2
    limits.ignoredUsers = 2
    return limits
  }()

  private init(asks: Bool) {
    fresh = Self.fresh(asks: asks)
    alone = Self.alone(fresh)
  }

  private static func fresh(asks: Bool) -> Engine {
    var configuration = ChordNode.Configuration()
    configuration.network = Fixture.network
    let me = Peer(id: ourIdentity.nodeID, endpoint: Fixture.endpoint(1))
    let ring = ChordNode(me: me, configuration: configuration, seed: 1, at: Fixture.start)
    var chat = Conversations.Configuration(
      network: Fixture.network, identity: ourIdentity, name: us.name)
    chat.limits = limits
    chat.asksBeforeAccepting = asks
    return Engine(ring: ring, conversations: Conversations(configuration: chat, seed: 2, at: Fixture.start))
  }

  private static func alone(_ fresh: Engine) -> Engine {
    var engine = fresh
    var effects: [Engine.Effect] = []
    engine.handle(.ring(.start), at: Fixture.start, into: &effects)
    engine.handle(.ring(.nobodyFound), at: Fixture.start, into: &effects)
    for (index, person) in people.enumerated() where index != 2 {
      var writer = DirectoryWriter(
        user: person.user, identity: person.identity, network: Fixture.network)
      let endpoints = [person.peer.endpoint, Fixture.endpoint(2000)]
      if let record = writer.record(endpoints: endpoints, at: Fixture.utc) {
        let message = Message.replicate(1, record)
        engine.handle(.ring(.received(message, from: person.peer)), at: Fixture.start, into: &effects)
      }
    }
    precondition(engine.ring.isInRing && engine.ring.recordCount == 4, "the fixture's directory stands")
    return engine
  }
}
