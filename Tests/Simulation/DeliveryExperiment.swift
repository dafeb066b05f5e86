// Pairs of users write to each other while everything between them breaks: their links, with and without notice, their addresses,
// and the nodes through which they find each other. Only the users' own nodes stay up, so every text must arrive: once, in order,
// and be answered as delivered.
//
//   texts ──> links die, addresses change, other nodes crash and come back ──> the last text is answered

import Chat
import Chord

/// Many texts over sessions that are never left in peace.
public struct DeliveryExperiment {
  public struct Options: Sendable {
    public var seed: UInt64 = 1
    /// Users who write; each writes to the next one of its pair.
    public var writers = 20
    /// Nodes that crash and come back.
    public var others = 20
    public var texts = 100_000
    /// Simulated time between two faults, on average.
    public var pace = Duration.milliseconds(400)
    public init() {}
  }

  /// What came of it.
  public struct Tally: Sendable {
    /// What went wrong, if anything did; nothing more is counted from then on.
    public var failure: String?
    public var written = 0
    public var delivered = 0
    public var failed = 0
    /// Links broken between two users, of which nobody was told, and addresses changed.
    public var broken = 0
    public var silent = 0
    public var moved = 0
    /// Crashes of other nodes.
    public var crashes = 0
    /// Links that were made in all.
    public var links = 0
    public var events = 0
    public var simulated = Duration.zero
  }

  private struct User {
    var identity: Identity
    var number: Int
    var user: Chat.User
    var partner: Int
    var writer: Correspondence.Writer { Correspondence.Writer(id: identity.nodeID, life: 1) }
  }

  /// The three bootstrap nodes do not crash: whoever finds none would begin a ring of its own.
  private static let bootstraps = 3

  private let options: Options
  private var simulator: Simulator
  private var generator: Generator
  private var users: [User] = []
  private var others: [(number: Int, id: Identifier, isUp: Bool)] = []
  private var correspondence = Correspondence()
  private var published: Set<Identifier> = []
  private var tally = Tally()
  private var moves = 0

  public static func run(_ options: Options) -> Tally {
    var experiment = DeliveryExperiment(options)
    experiment.run()
    return experiment.tally
  }

  private init(_ options: Options) {
    self.options = options
    var configuration = Simulator.Configuration()
    configuration.seed = options.seed
    configuration.keepsObservations = false
    configuration.node.successors = 8...8
    configuration.latency = .ofPair(.milliseconds(5)...(.milliseconds(60)))
    simulator = Simulator(configuration)
    generator = Generator(seed: options.seed ^ 0xDE11_7E47)
  }

  private mutating func run() {
    form()
    while tally.failure == nil, tally.written < options.texts {
      pass(generator.jittered(options.pace))
      // A few texts for every writer between two faults; never so many at once that a queue's bound refuses one.
      for place in users.indices where tally.written < options.texts {
        for _ in 0..<min(1 + generator.below(3), options.texts - tally.written) { write(place) }
      }
      somethingHappens()
    }
    simulator.heal()
    let end = simulator.now + .seconds(60)
    while tally.failure == nil, simulator.now < end, correspondence.delivered + correspondence.failed < tally.written {
      pass(.milliseconds(100))
    }
    tally.delivered = correspondence.delivered
    tally.failed = correspondence.failed
    if tally.failure == nil, correspondence.shownCount != tally.written {
      tally.failure = "\(tally.written) texts were written and \(correspondence.shownCount) shown"
    }
    tally.links = simulator.linkCount
    tally.events = simulator.eventCount
    tally.simulated = simulator.now - Instant(nanoseconds: 0)
  }

  private mutating func form() {
    for number in 0..<options.others { others.append((number, simulator.start(number), true)) }
    simulator.bootstraps = others.prefix(Self.bootstraps).map {
      Peer(id: $0.id, endpoint: Simulator.endpoint($0.number))
    }
    for place in 0..<options.writers {
      let identity = Identity.drawn(from: &generator)
      let number = options.others + place
      let user = simulator.start(number, identity: identity, name: UserName(unchecked: number))
      users.append(User(identity: identity, number: number, user: user, partner: place ^ 1))
      pass(.milliseconds(300))
    }
    let end = simulator.now + .seconds(60)
    while simulator.now < end, published.count < users.count || simulator.flaw != nil { pass(.milliseconds(100)) }
    if let flaw = simulator.flaw { tally.failure = "no ring has formed: \(flaw)" }
  }

  private mutating func write(_ place: Int) {
    tally.written += 1
    simulator.tell(
      users[place].identity.nodeID,
      correspondence.write(from: users[place].writer, to: users[users[place].partner].user, at: simulator.now))
  }

  private mutating func somethingHappens() {
    switch generator.below(8) {
    case 0, 1, 2, 3: breakLink()
    case 4: move()
    default: crashOrRestart()
    }
  }

  private mutating func breakLink() {
    let place = generator.below(users.count)
    let (one, other) = (users[place].identity.nodeID, users[users[place].partner].identity.nodeID)
    // A link that dies without notice stands still for up to 12 s: one in six does.
    let notice: Simulator.Notice = generator.chance(6) ? (generator.chance(2) ? .none : .one) : .both
    guard simulator.breakLink(one, other, notice: notice) else { return }
    tally.broken += 1
    if notice != .both { tally.silent += 1 }
  }

  private mutating func move() {
    let place = generator.below(users.count)
    moves += 1
    tally.moved += 1
    simulator.move(users[place].identity.nodeID, to: Simulator.endpoint(10_000 + moves))
  }

  private mutating func crashOrRestart() {
    let place = Self.bootstraps + generator.below(others.count - Self.bootstraps)
    if others[place].isUp {
      tally.crashes += 1
      simulator.crash(others[place].id, silently: generator.chance(4))
    } else {
      simulator.start(others[place].number)
    }
    others[place].isUp.toggle()
  }

  private mutating func pass(_ duration: Duration) {
    let end = simulator.now + duration
    while tally.failure == nil, simulator.step(until: end) {
      if let broken = simulator.brokenInvariantOfLast { tally.failure = broken }
      guard !simulator.news.isEmpty else { continue }
      let news = simulator.news
      simulator.news.removeAll(keepingCapacity: true)
      for told in news { hear(told) }
    }
    if let overdue = correspondence.overdue(at: simulator.now, allowing: .zero) { tally.failure = overdue }
  }

  private mutating func hear(_ told: Simulator.Observation) {
    let writer = Correspondence.Writer(id: told.node, life: 1)
    if case .notInRing(let ticket) = told.news, let wrong = correspondence.refused(ticket, at: writer, now: told.at) {
      tally.failure = wrong
    }
    guard case .chat(let effect) = told.news else { return }
    if case .published = effect { published.insert(told.node) }
    if let wrong = correspondence.heard(effect, at: writer, now: told.at) { tally.failure = wrong }
  }
}
