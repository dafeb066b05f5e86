// Members come and go while keys are looked up (Chord, ToN 2003, Table III; Bamboo, USENIX 2004): joins and lookups are Poisson
// processes. Departures are one as well, and a departing member is drawn evenly, so that sessions are exponential: at a rate R among N
// members the median session is N · ln 2 / R. Or every member has a lifetime from the beginning.
//
//   built ring ──> warm-up: churn alone ──> churn and lookups ──> the last answers
//
// Who owns a key is judged by one who knows all members at every moment: a joiner is one from the acknowledgement of its successor
// on, a leaver until it has said goodbye. A lookup is right when the node it names owned the key at some moment between question
// and answer; one whose asker goes is not counted.

import Chat
import Chord
import Glibc

/// A ring under churn.
public struct ChurnExperiment {
  public struct Configuration: Sendable {
    /// Joins a second, and departures a second.
    public var rate = 0.05
    /// Which share of the departures are crashes; the others leave in order.
    public var crashes = 0.5
    /// Whether nobody is told of a crash.
    public var isSilent = false
    public var lookupsPerSecond = 10.0
    public var warmUp = Duration.seconds(120)
    /// How long members stay; nil: until they are drawn. The rate should be that of members over the mean.
    public var lifetime: Lifetime?
    public init() {}
  }

  /// A lookup that was wrong or failed.
  public struct Mishap: Sendable {
    public var asker: Identifier
    public var key: Identifier
    /// Who was named; nil when nobody was.
    public var named: Identifier?
    public var refusal: Refusal?
    /// Who owned the key meanwhile, in order.
    public var owners: [Identifier]
    public var asked: Instant
    public var answered: Instant
  }

  private struct Open {
    var asker: Identifier
    var key: Identifier
    var owners: [Identifier]
    var asked: Instant
  }

  public private(set) var ring: Simulator
  public private(set) var tally = LookupTally()
  public private(set) var mishaps: [Mishap] = []
  /// What it took while lookups were made: members times seconds, and how long that was.
  public private(set) var memberSeconds = 0.0
  public private(set) var measured = Duration.zero
  public private(set) var bytes = 0
  public private(set) var messages = 0
  public private(set) var links = 0
  public private(set) var joins = 0
  public private(set) var departures = 0

  private let configuration: Configuration
  private var isMeasuring = false
  private var generator: Generator
  private var members: [Identifier]
  private var leaving: Set<Identifier> = []
  private let bootstraps: Set<Identifier>
  private var open: [Ticket: Open] = [:]
  private var lastTicket: Ticket = 0
  private var lastNumber: Int
  /// When those go who have a lifetime.
  private var ends = Schedule<Identifier>()
  private var joinAt: Instant
  private var departAt: Instant
  private var lookUpAt: Instant

  /// `ring` should be exact; its bootstraps stay, as servers would, so that newcomers find somebody.
  public init(_ ring: Simulator, _ configuration: Configuration, seed: UInt64) {
    self.ring = ring
    self.configuration = configuration
    self.ring.news = []
    generator = Generator(seed: seed)
    members = ring.living
    bootstraps = Set(ring.bootstraps.map(\.id))
    lastNumber = ring.living.count
    (joinAt, departAt) = (ring.now, ring.now)
    lookUpAt = ring.now + configuration.warmUp
    joinAt = joinAt + pause(configuration.rate)
    departAt = departAt + pause(configuration.rate)
    guard let lifetime = configuration.lifetime else { return }
    for id in members where !bootstraps.contains(id) { ends.push(id, at: ring.now + lifetime.rest(&generator)) }
    departAt = ends.nextAt ?? .distantFuture
  }

  /// Runs until so many lookups have been counted.
  public mutating func run(lookups: Int) {
    advance(to: lookUpAt)
    let (began, bytes, messages, links) = (ring.now, ring.byteCount, ring.messageCount, ring.linkCount)
    isMeasuring = true
    while tally.count + open.count < lookups {
      let next = min(lookUpAt, joinAt, departAt)
      advance(to: next)
      if next == lookUpAt { lookUp() }
    }
    isMeasuring = false
    measured = ring.now - began
    self.bytes = ring.byteCount - bytes
    self.messages = ring.messageCount - messages
    self.links = ring.linkCount - links
    while !open.isEmpty { advance(to: ring.now + .seconds(1)) }
  }

  /// Runs until then, with the churn that comes meanwhile.
  private mutating func advance(to end: Instant) {
    while ring.now < end {
      let next = min(end, joinAt, departAt)
      let began = ring.now
      while ring.step(until: next) { if !ring.news.isEmpty { listen() } }
      if isMeasuring {
        memberSeconds += Double((ring.now - began).inNanoseconds) / 1e9 * Double(members.count)
      }
      if next == joinAt { join() }
      if next == departAt { depart() }
    }
  }

  // MARK: Churn

  private mutating func join() {
    joinAt = joinAt + pause(configuration.rate)
    lastNumber += 1
    joins += 1
    let id = ring.start(lastNumber)
    guard let lifetime = configuration.lifetime else { return }
    ends.push(id, at: ring.now + lifetime.draw(&generator))
    departAt = ends.nextAt ?? .distantFuture
  }

  private mutating func depart() {
    guard let id = nextToDepart() else { return }
    departures += 1
    if generator.uniform() < configuration.crashes {
      ring.crash(id, silently: configuration.isSilent)
      gone(id)
    } else {
      leaving.insert(id)
      ring.tell(id, Engine.Event.leave)
    }
  }

  private mutating func nextToDepart() -> Identifier? {
    guard configuration.lifetime != nil else {
      departAt = departAt + pause(configuration.rate)
      return draw(besides: bootstraps)
    }
    let next = ends.pop()
    departAt = ends.nextAt ?? .distantFuture
    return next.flatMap { ring.isAlive($0.payload) ? $0.payload : nil }
  }

  /// A random member that is not about to leave.
  private mutating func draw(besides others: Set<Identifier> = []) -> Identifier? {
    for _ in 0..<1000 where !members.isEmpty {
      let id = members[Int(generator.next() % UInt64(members.count))]
      if !leaving.contains(id), !others.contains(id), ring.machine(id)?.isInRing ?? false { return id }
    }
    return nil
  }

  private mutating func gone(_ id: Identifier) {
    leaving.remove(id)
    let place = place(of: id)
    if place < members.count, members[place] == id { members.remove(at: place) }
    for ticket in open.keys.sorted() where open[ticket]?.asker == id { close(ticket) }
    noteOwners()
  }

  private mutating func settled(_ id: Identifier) {
    let place = place(of: id)
    guard place == members.count || members[place] != id else { return }
    members.insert(id, at: place)
    noteOwners()
  }

  // MARK: Lookups

  private mutating func lookUp() {
    lookUpAt = lookUpAt + pause(configuration.lookupsPerSecond)
    guard let asker = draw() else { return }
    lastTicket += 1
    let key = Identifier(hashing: Array("key \(lastTicket) \(generator.next())".utf8), label: "churn")
    open[lastTicket] = Open(asker: asker, key: key, owners: owner(of: key).map { [$0] } ?? [], asked: ring.now)
    ring.lostRequests[key] = 0
    ring.tell(asker, .lookUp(key, lastTicket))
  }

  private mutating func listen() {
    let news = ring.news
    ring.news = []
    for told in news {
      switch told.news {
      case .ring(.settled): settled(told.node)
      case .ring(.left): gone(told.node)
      case .ring(.found(let ticket, let owner, _, let path)): answered(ticket, owner.id, nil, hops: path.count)
      case .ring(.failed(let ticket, let refusal)): answered(ticket, nil, refusal, hops: 0)
      case .notInRing(let ticket): answered(ticket, nil, .notInRing, hops: 0)
      case .ring, .chat: continue
      }
    }
  }

  private mutating func answered(_ ticket: Ticket, _ named: Identifier?, _ refusal: Refusal?, hops: Int) {
    guard let lookup = open[ticket], !leaving.contains(lookup.asker) else { return close(ticket) }
    let outcome: LookupTally.Outcome =
      named.map { lookup.owners.contains($0) ? .right : .wrong } ?? .failed
    tally.add(
      LookupTally.Lookup(
        outcome, hops: named == nil ? nil : hops, timeouts: ring.lostRequests[lookup.key] ?? 0,
        time: ring.now - lookup.asked, direct: named.flatMap { ring.roundTrip(lookup.asker, $0) }))
    if outcome != .right {
      mishaps.append(
        Mishap(
          asker: lookup.asker, key: lookup.key, named: named, refusal: refusal, owners: lookup.owners,
          asked: lookup.asked, answered: ring.now))
    }
    close(ticket)
  }

  private mutating func close(_ ticket: Ticket) {
    if let lookup = open.removeValue(forKey: ticket) { ring.lostRequests[lookup.key] = nil }
  }

  // MARK: Who owns what

  private func place(of id: Identifier) -> Int {
    var (low, high) = (0, members.count)
    while low < high {
      let middle = (low + high) / 2
      if members[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func owner(of key: Identifier) -> Identifier? {
    let place = place(of: key)
    return place < members.count ? members[place] : members.first
  }

  private mutating func noteOwners() {
    for (ticket, lookup) in open {
      guard let owner = owner(of: lookup.key), lookup.owners.last != owner else { continue }
      open[ticket]?.owners.append(owner)
    }
  }

  /// The time to the next event of a Poisson process.
  private mutating func pause(_ rate: Double) -> Duration {
    .nanoseconds(Int64(-log(1 - generator.uniform()) / rate * 1e9))
  }
}

extension Instant {
  fileprivate static let distantFuture = Instant(nanoseconds: .max)
}

extension Generator {
  /// From 0 up to 1.
  mutating func uniform() -> Double { Double(next() >> 11) / 0x1p53 }
}
