// One seed, one story: nodes start, users write to each other, things go wrong for a while; then all is healed, and everything must
// come right. The seed draws the line, the ring's parameters, and its own mix of faults.
//
//   forming ──> faults: safety after every event ──> healing: convergence within a stated time ──> closing: everybody talks
//
// In half of the stories only what Zave's proof covers happens (told crashes, leaves and joins, never so many at once that a member
// could lose all its successors): there her invariant is checked whenever a pointer has changed. In the others anything
// happens, so rings may part for a while, and what is checked on the way is each node's own order, its bounds, and the texts.

import Chat
import Chord

/// A story under way.
public struct Scenario {
  public struct Options: Sendable {
    public var seed: UInt64 = 1
    public var nodes = 32
    /// How long things go wrong.
    public var trouble = Duration.seconds(120)
    /// Whether Zave's invariant is checked.
    public var checksInvariant = true
    /// Delays between countries instead of drawn ones.
    public var latencies: LatencyMatrix?
    /// Whether a signature that one node has checked is not worked out again for the next. The story is the same.
    public var remembersSignatures = true
    public init() {}
  }

  /// What was seen to happen: a set of stories in which one of these never did has not tested it.
  public enum Sight: String, CaseIterable, Sendable {
    case crash, silentCrash = "silent crash", leave, join, restart, sleep, cut, oneWayCut = "one-way cut"
    case threeWayCut = "cut in three", slowLine = "slow line", brokenLink = "broken link", deadLink =
      "link dead without notice"
    case move = "change of address", wrongClock = "wrong clock", heal = "cut healed", delivered, failed
    case replaced = "connection replaced", idle = "idle link closed"
    case overflow = "full queue", reopened = "session came back", consent = "consent given", invariant =
      "invariant checked"
  }

  /// How a story ended.
  public struct Report: Sendable {
    public var seed: UInt64
    /// What went wrong, if anything did.
    public var failure: String?
    public var sights: [Sight: Int] = [:]
    public var events = 0
    public var messages = 0
    public var simulated = Duration.zero
    /// From the end of all faults until every pointer was exact.
    public var healing: Duration?
    /// The last events before the failure.
    public var lastEvents: [String] = []
  }

  struct Person {
    var number: Int
    var identity: Identity
    var name: UserName
    var user: User
    var life = 0
    var isUp = true
    var isPublished = false
    /// Left in good order, while it could reach others.
    var hasWithdrawn = false
    /// Until then it may find that all its connections are dead, and need time to have new ones over a slow network.
    var mayLackLinksUntil = Instant(nanoseconds: 0)
    /// The places it writes to.
    var friends: [Int] = []

    var id: Identifier { identity.nodeID }
    var writer: Correspondence.Writer { Correspondence.Writer(id: id, life: life) }
  }

  let options: Options
  /// Whether only what the proof covers happens.
  let isCovered: Bool
  var simulator: Simulator
  var generator: Generator
  var people: [Person] = []
  var places: [Identifier: Int] = [:]
  var correspondence = Correspondence()
  var report: Report
  var tail = Tail()
  /// Sessions that have stood before.
  var met: Set<Meeting> = []
  var seenChanges = -1
  var mayCheckInvariant = false
  var longestSleep = Duration.zero
  /// How long each host has slept, all its sleeps together, and the most that any has.
  var slept: [Identifier: Duration] = [:]
  var mostSlept = Duration.zero
  var lastDeparture: Instant?
  var isCut = false
  /// The place that started last.
  var newcomer: Int?
  /// Places where another has started since.
  var gone: Set<Int> = []
  var moves = 0
  let pace: Duration
  let slowest: Duration

  public init(_ options: Options) {
    self.options = options
    var generator = Generator(seed: options.seed &* 0x9E37_79B9 ^ 0x5CE7_A210)
    isCovered = generator.chance(2)
    var configuration = Simulator.Configuration()
    configuration.seed = options.seed
    configuration.keepsObservations = false
    configuration.checksPromises = true
    configuration.remembersSignatures = options.remembersSignatures
    let shortest = [4, 6, 8, 16][generator.below(4)]
    let isGrowing = !isCovered && generator.chance(3)
    configuration.node.successors = shortest...(isGrowing ? MessageLimit.successors : shortest)
    configuration.queueLimit = [8, 64, 1024][generator.below(3)]
    slowest = [.milliseconds(1), .milliseconds(20), .milliseconds(60), .milliseconds(150)][generator.below(4)]
    if let matrix = options.latencies {
      configuration.latency = .matrix(matrix)
    } else {
      let range = Duration.microseconds(50)...slowest
      configuration.latency = generator.chance(2) ? .drawn(range) : .ofPair(range)
    }
    configuration.idleLimit = [.seconds(10), .seconds(60), .seconds(300)][generator.below(3)]
    pace = .milliseconds([300, 700, 1500, 4000][generator.below(4)])
    simulator = Simulator(configuration)
    report = Report(seed: options.seed)
    self.generator = generator
  }

  /// Tells the story of a seed.
  public static func run(_ options: Options, tracing trace: (@Sendable (String) -> Void)? = nil) -> Report {
    var scenario = Scenario(options)
    scenario.simulator.trace = trace
    scenario.tell()
    return scenario.report
  }

  mutating func fail(_ what: String) {
    if report.failure == nil { report.failure = "after \(simulator.now.inSeconds) s: \(what)" }
  }

  mutating func saw(_ sight: Sight) { report.sights[sight, default: 0] += 1 }

  private mutating func tell() {
    form()
    if report.failure == nil { go(wrong: options.trouble) }
    if report.failure == nil { heal() }
    report.events = simulator.eventCount
    report.messages = simulator.messageCount
    report.simulated = simulator.now - Instant(nanoseconds: 0)
    report.sights[.delivered] = correspondence.delivered
    report.sights[.failed] = correspondence.failed
    report.sights[.overflow] = simulator.overflowCount
    report.sights[.replaced] = simulator.replacedCount
    report.sights[.idle] = simulator.idleCount
    if report.failure != nil { report.lastEvents = tail.lines }
  }

  // MARK: Forming

  private mutating func form() {
    for number in 0..<options.nodes { add(number) }
    simulator.bootstraps = people.prefix(3).map { Peer(id: $0.id, endpoint: Simulator.endpoint($0.number)) }
    // Three at a time, as a network grows; a crowd that starts at once is another test's story.
    for place in people.indices {
      start(place)
      if place % 3 == 2 { pass(slowest * 4 + .milliseconds(20)) }
    }
    for place in people.indices {
      people[place].friends = (0..<3).map { _ in generator.below(people.count) }.filter { $0 != place }
    }
    let limit = simulator.now + .seconds(60)
    while simulator.flaw != nil, simulator.now < limit, report.failure == nil { pass(.milliseconds(100)) }
    if let flaw = simulator.flaw { fail("no ring has formed: \(flaw)") }
    mayCheckInvariant = isCovered && options.checksInvariant
  }

  mutating func add(_ number: Int) {
    let name = UserName(unchecked: number)
    let identity = Identity.drawn(from: &generator)
    places[identity.nodeID] = people.count
    people.append(
      Person(number: number, identity: identity, name: name, user: User(name: name, identity: identity), isUp: false))
  }

  mutating func start(_ place: Int) {
    people[place].life += 1
    people[place].isUp = true
    people[place].isPublished = false
    people[place].hasWithdrawn = false
    let (number, identity, name) = (people[place].number, people[place].identity, people[place].name)
    simulator.start(number, identity: identity, name: name, asks: place % 4 == 1)
  }

  // MARK: Time

  /// Lets so much time pass, and looks at all that happens.
  mutating func pass(_ duration: Duration) {
    let end = simulator.now + duration
    while report.failure == nil, simulator.step(until: end) { look() }
  }

  mutating func look() {
    if let broken = simulator.brokenInvariantOfLast { fail(broken) }
    if seenChanges != simulator.changeCount {
      seenChanges = simulator.changeCount
      if mayCheckInvariant {
        saw(.invariant)
        let oracle = RingOracle(simulator.members)
        let capacity = simulator.configuration.node.successors.lowerBound
        if let broken = oracle.brokenInvariant(capacity: min(capacity, options.nodes / 3)) { fail(broken) }
      }
    }
    guard !simulator.news.isEmpty else { return }
    let news = simulator.news
    simulator.news.removeAll(keepingCapacity: true)
    for told in news { hear(told) }
  }

  private mutating func hear(_ told: Simulator.Observation) {
    guard let place = places[told.node] else { return }
    tail.add("\(told.at.inSeconds) s  \(told.node.short)  \(told.news)")
    let writer = people[place].writer
    switch told.news {
    case .chat(let effect):
      if case .published = effect { people[place].isPublished = true }
      if case .session(let user, open: true, _) = effect, !met.insert(Meeting(of: writer, with: user)).inserted {
        saw(.reopened)
      }
      if case .requested(let user) = effect {  // whoever asks first is content with everybody
        saw(.consent)
        simulator.tell(told.node, .chat(.accept(user)))
      }
      if let wrong = correspondence.heard(effect, at: writer, now: told.at) { fail(wrong) }
    case .notInRing(let ticket):
      if let wrong = correspondence.refused(ticket, at: writer, now: told.at) { fail(wrong) }
    case .ring(.left):
      people[place].isUp = false
      correspondence.ended(writer)
    case .ring: break
    }
  }

  // MARK: Writing

  /// Somebody writes to a friend.
  mutating func write() {
    let up = people.indices.filter { people[$0].isUp }
    guard !up.isEmpty else { return }
    let place = up[generator.below(up.count)]
    guard !people[place].friends.isEmpty else { return }
    let friend = people[place].friends[generator.below(people[place].friends.count)]
    let event = correspondence.write(from: people[place].writer, to: people[friend].user, at: simulator.now)
    simulator.tell(people[place].id, event)
  }
}

/// A node's session with a user.
struct Meeting: Hashable {
  var of: Correspondence.Writer
  var with: User
}

/// The last lines of what happened.
struct Tail {
  private(set) var lines: [String] = []
  static let length = 40

  mutating func add(_ line: @autoclosure () -> String) {
    if lines.count >= 2 * Self.length { lines.removeFirst(Self.length) }
    lines.append(line())
  }
}

extension Generator {
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  /// Once in so many times.
  mutating func chance(_ among: Int) -> Bool { below(among) == 0 }
}

extension Instant {
  var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

extension Identity {
  static func drawn(from generator: inout Generator) -> Identity {
    while true {
      let seed = (0..<seedBytes).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let salt = (0..<saltBytes).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      if let identity = Identity(seed: seed, salt: salt) { return identity }
    }
  }
}

extension UserName {
  /// A name that is one.
  init(unchecked number: Int) {
    do { self = try UserName("user \(number)") } catch { preconditionFailure("\(error)") }
  }
}
