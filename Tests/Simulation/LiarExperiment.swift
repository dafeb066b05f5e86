// A share of all members lies about lookups and records, and honest users look for each other.
//
//   exact ring with users ──> at rest ──> liars are drawn ──┬─ copy ──> one find
//                                                           └─ copy ──> …           nobody learns from the others
//
// The records were put by their users and copied by their holders, as in any ring, before anybody lied; holders that lie from then on
// have dropped theirs. Finds are those of whole nodes: what is found has proved itself to the very code that ships.

import Chat
import Chord

/// A ring with users, of whose members a share may lie.
public struct LiarExperiment: Sendable {
  public struct Options: Sendable {
    public var nodes = 1000
    /// Every how-manieth node has a user.
    public var usersEach = 5
    public var seed: UInt64 = 1
    public init() {}
  }

  /// What came of many finds.
  public struct Tally: Sendable {
    /// The user's node, at the address where it is.
    public var found = 0
    /// The user's node, at an address where it was before: an older record of the user's own.
    public var older = 0
    /// Anything else that passed for the user.
    public var wrong = 0
    /// Nobody of that name, it was said.
    public var missing = 0
    /// No answer in ten seconds, or a refusal.
    public var failed = 0
    /// Finds for which members were asked one by one.
    public var inquiries = 0
    public var milliseconds: [Double] = []
    /// Requests for the user's key, by anybody; each is answered by one message or two.
    public var requests: [Double] = []
    public init() {}

    public var count: Int { found + older + wrong + missing + failed }

    public mutating func add(_ other: Tally) {
      found += other.found
      older += other.older
      wrong += other.wrong
      missing += other.missing
      failed += other.failed
      inquiries += other.inquiries
      milliseconds += other.milliseconds
      requests += other.requests
    }
  }

  struct Person: Sendable {
    let identity: Identity
    let user: User
    let node: Peer
    let key: Identifier
  }

  public let ring: Simulator
  private let seed: UInt64
  private let people: [Person]
  private let falsehoods: [Identifier: Liars.Falsehoods]

  /// No find takes longer: ten seconds, and a second in which it is answered.
  public static let patience = Duration.seconds(12)

  /// Nil when the ring does not come to be exact.
  public init?(_ options: Options, latency: Latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))) {
    var configuration = Simulator.Configuration()
    configuration.seed = options.seed
    configuration.latency = latency
    configuration.keepsObservations = false
    configuration.strangersAreSilent = true
    let network = configuration.node.network
    var generator = Generator(seed: options.seed)
    let identities = (0..<options.nodes).map { _ in Identity.drawn(from: &generator) }
    let start = { (ring: inout Simulator, number: Int) in
      if number % options.usersEach == 0 {
        ring.start(number, identity: identities[number], name: UserName(unchecked: number))
      } else {
        ring.start(number)
      }
    }
    guard var ring = Simulator.ring(of: options.nodes, configuration, start: start) else { return nil }
    ring.run(.seconds(30))  // what was put last has been copied
    let utc = ring.time.utcMilliseconds
    people = stride(from: 0, to: options.nodes, by: options.usersEach).compactMap { number in
      let identity = identities[number]
      guard let node = ring.address(of: identity.nodeID) else { return nil }
      let user = User(name: UserName(unchecked: number), identity: identity)
      return Person(
        identity: identity, user: user, node: node, key: DirectoryKey(user: user, network: network).ringKey)
    }
    ring.comeToRest()
    ring.news = []
    var falsehoods: [Identifier: Liars.Falsehoods] = [:]
    for (place, person) in people.enumerated() {
      let liar = people[(place + 1) % people.count].identity
      let elsewhere = [Simulator.endpoint(100_000 + place)]
      var before = DirectoryWriter(user: person.user, identity: person.identity, network: network)
      var forger = DirectoryWriter(user: person.user, identity: liar, network: network)
      guard let old = before.record(endpoints: elsewhere, at: utc - 1_200_000),
        let forged = forger.record(endpoints: elsewhere, at: utc),
        var altered = before.record(endpoints: elsewhere, at: utc)
      else { return nil }
      altered.number += 1000
      falsehoods[person.key] = Liars.Falsehoods(records: [old, forged, altered])
    }
    self.falsehoods = falsehoods
    self.ring = ring
    seed = options.seed
  }

  /// So many finds by random honest users of random honest users, each in a copy of its own, while that share of the members lies.
  /// `absent`: of users who have never been there.
  public func run(finds: Int, lying share: Double, way: Liars.Way? = nil, absent: Bool = false) -> Tally {
    let members = ring.living.compactMap { ring.address(of: $0) }
    let liars = Liars(among: members, share: share, way: way, falsehoods: falsehoods, seed: seed)
    let honest = people.filter { !liars.contains($0.node.id) }
    var generator = Generator(seed: seed)
    var tally = Tally()
    guard honest.count > 1 else { return tally }
    for _ in 0..<finds {
      let asker = Int(generator.next() % UInt64(honest.count))
      let other = (asker + 1 + Int(generator.next() % UInt64(honest.count - 1))) % honest.count
      find(absent ? nobody(&generator) : honest[other], by: honest[asker], among: liars, into: &tally)
    }
    return tally
  }

  private func nobody(_ generator: inout Generator) -> Person {
    let identity = Identity.drawn(from: &generator)
    let user = User(name: UserName(unchecked: 0), identity: identity)
    return Person(
      identity: identity, user: user, node: Peer(id: identity.nodeID, endpoint: Simulator.endpoint(0)),
      key: DirectoryKey(user: user, network: ring.configuration.node.network).ringKey)
  }

  private func find(
    _ person: Person, by asker: Person, among liars: Liars, into tally: inout Tally
  ) {
    var copy = ring
    copy.lostRequests = [person.key: 0]
    copy.puppeteer = { id, message in liars.lines(of: id, to: message) }
    let (asked, before, questions) = (copy.now, copy.requestCount, copy.inquiryCount)
    copy.tell(asker.node.id, Engine.Event.chat(.find(person.user, 1)))
    defer {
      tally.requests.append(Double(copy.requestCount - before))
      tally.milliseconds.append((copy.now - asked).inMilliseconds)
      if copy.inquiryCount > questions { tally.inquiries += 1 }
    }
    while copy.step(until: asked + Self.patience) {
      for told in copy.news where told.node == asker.node.id {
        switch told.news {
        case .chat(.found(1, _, let peer, _)):
          if peer == person.node {
            tally.found += 1
          } else if peer.id == person.node.id {
            tally.older += 1
          } else {
            tally.wrong += 1
          }
          return
        case .chat(.failed(1, .userNotFound)):
          tally.missing += 1
          return
        case .chat(.failed(1, _)), .notInRing(1):
          tally.failed += 1
          return
        case .chat, .ring, .notInRing: continue
        }
      }
      copy.news = []
    }
    tally.failed += 1
  }
}
