// Many ring machines in one process, on a virtual clock and a simulated network: the very `ChordNode` that ships, with links that
// take time to dial, keep their messages in order, and break with or without notice. The same seed gives the same run.
//
//   effect .send ──> link up? ──> deliver after the latency, in order
//                       └ no ──> dial: 1.5 round trips; nobody there: refused after one; a silent host: after the dial's time-out
//
// Faults: a crash (told or silent), a host asleep, a network cut in two. What was sent on a link that stays is held up, never lost:
// that is TCP.

import Chord

/// A ring under simulation.
public struct SimulatedRing {
  public struct Configuration: Sendable {
    public var seed: UInt64 = 1
    public var node = ChordNode.Configuration()
    /// One way, drawn evenly for every message.
    public var latency: ClosedRange<Duration> = .microseconds(50)...(.microseconds(150))
    /// Draw it once for every pair of nodes instead.
    public var isLatencyOfPair = false
    /// After this a dial to a silent host has failed.
    public var dialTimeout = Duration.seconds(3)
    public init() {}
  }

  /// What a node did that a user would see.
  public struct Observation: Sendable {
    public var node: Identifier
    public var at: Instant
    public var effect: ChordNode.Effect
  }

  private enum Event {
    case node(ChordNode.Event)
    case message(Chord.Message, from: Peer)
    case dialled(Peer)
  }

  private struct Scheduled {
    var at: Instant
    var order: UInt64
    var node: Identifier
    var life: Int
    var event: Event
  }

  private struct Link: Hashable {
    var a: Identifier
    var b: Identifier
    init(_ x: Identifier, _ y: Identifier) { (a, b) = x < y ? (x, y) : (y, x) }
  }

  private struct Host {
    var machine: ChordNode
    var isAlive = true
    /// A host that swallows everything: nobody is told that it is gone.
    var isSilent = false
    var life = 0
    var tickAt: Instant?
    /// Until then it is asleep: it does nothing, but loses nothing either.
    var asleepUntil = Instant(nanoseconds: 0)
    var waiting: [Identifier: [Chord.Message]] = [:]
  }

  public let configuration: Configuration
  public private(set) var now = Instant(nanoseconds: 0)
  public private(set) var observations: [Observation] = []
  public private(set) var eventCount = 0
  public private(set) var messageCount = 0
  /// The nodes that `seek` leads to.
  public var bootstraps: [Peer] = []
  private var hosts: [Identifier: Host] = [:]
  private var links: Set<Link> = []
  private var lastDelivery: [Identifier: [Identifier: Instant]] = [:]
  /// Whether two nodes cannot reach each other, and what is held up between them.
  private var isCut: (@Sendable (Identifier, Identifier) -> Bool)?
  private var heldUp: [Scheduled] = []
  private var heap: [Scheduled] = []
  private var order: UInt64 = 0
  private var generator: Generator
  private let utcAtStart: UInt64 = 1_790_000_000_000

  public init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
    generator = Generator(seed: configuration.seed)
  }

  /// The time as machines are told it.
  public var time: Time {
    Time(monotonic: now, utcMilliseconds: utcAtStart + UInt64(now.nanoseconds / 1_000_000))
  }

  /// The members that live, in ring order.
  public var living: [Identifier] { hosts.filter { $0.value.isAlive }.keys.sorted() }

  public func machine(_ id: Identifier) -> ChordNode? { hosts[id]?.machine }

  // MARK: What a test does

  /// Adds a node and starts it.
  @discardableResult
  public mutating func start(_ number: Int, id: Identifier? = nil) -> Identifier {
    let id = id ?? Identifier(hashing: Array("node \(number) of \(configuration.seed)".utf8), label: "simulation")
    let peer = Peer(id: id, endpoint: Endpoint(host: .v4(0x0A00_0000 + UInt32(number)), port: 7400))
    let life = (hosts[id]?.life ?? 0) + 1
    var host = Host(machine: ChordNode(me: peer, configuration: configuration.node, seed: generator.next(), at: time))
    host.life = life
    hosts[id] = host
    schedule(id, .node(.start), after: .zero)
    return id
  }

  /// Ends a node's process. Unless it is silent, everyone it had a link with is told.
  public mutating func crash(_ id: Identifier, silently: Bool = false) {
    guard hosts[id]?.isAlive == true else { return }
    hosts[id]?.isAlive = false
    hosts[id]?.isSilent = silently
    let ended = links.filter { $0.a == id || $0.b == id }.sorted { ($0.a, $0.b) < ($1.a, $1.b) }
    for link in ended {
      if silently { continue }
      links.remove(link)
      let other = link.a == id ? link.b : link.a
      schedule(other, .node(.lost(id)), after: latency(id, other))
    }
  }

  /// Stops a host for a while: its process, its kernel's answers to dials, everything.
  public mutating func sleep(_ id: Identifier, for duration: Duration) {
    hosts[id]?.asleepUntil = now + duration
  }

  /// Cuts the network: the pairs for which `isCut` holds hear nothing of each other until `heal`.
  public mutating func cut(_ isCut: @escaping @Sendable (Identifier, Identifier) -> Bool) {
    self.isCut = isCut
  }

  /// Ends the cut. Links that nobody gave up deliver what they held up.
  public mutating func heal() {
    isCut = nil
    let late = heldUp
    heldUp = []
    for scheduled in late {
      guard case .message(_, let from) = scheduled.event, links.contains(Link(from.id, scheduled.node)) else {
        continue
      }
      schedule(scheduled.node, scheduled.event, after: inOrder(from: from.id, to: scheduled.node))
    }
  }

  /// Delivers a message as if `peer` had sent it, which need not exist.
  public mutating func deliver(_ message: Chord.Message, from peer: Peer, to id: Identifier) {
    schedule(id, .message(message, from: peer), after: .zero)
  }

  /// Gives a node an event from its user.
  public mutating func tell(_ id: Identifier, _ event: ChordNode.Event) {
    schedule(id, .node(event), after: .zero)
  }

  /// Runs until the condition holds, at the latest until `limit` from now; tells whether it held.
  public mutating func run(_ limit: Duration, until isDone: (SimulatedRing) -> Bool = { _ in false }) -> Bool {
    let end = now + limit
    while true {
      if isDone(self) { return true }
      guard let next = heap.first, next.at <= end else { break }
      step()
    }
    now = end
    return isDone(self)
  }

  /// What one node's user has seen, in order.
  public func observed(_ id: Identifier) -> [ChordNode.Effect] {
    observations.filter { $0.node == id }.map(\.effect)
  }

  // MARK: The network

  private mutating func latency(_ a: Identifier, _ b: Identifier) -> Duration {
    let low = configuration.latency.lowerBound.inNanoseconds
    let width = configuration.latency.upperBound.inNanoseconds - low
    let draw = configuration.isLatencyOfPair ? Self.mixed(a, b) : generator.next()
    return .nanoseconds(low + Int64(draw % UInt64(width + 1)))
  }

  /// The same number for the same two nodes, whichever comes first.
  private static func mixed(_ a: Identifier, _ b: Identifier) -> UInt64 {
    let seed = zip(a.bytes, b.bytes).reduce(0 as UInt64) { $0 &* 31 &+ UInt64($1.0 ^ $1.1) }
    var generator = Generator(seed: seed)
    return generator.next()
  }

  private func reaches(_ a: Identifier, _ b: Identifier) -> Bool {
    !(isCut?(a, b) ?? false)
  }

  private mutating func step() {
    let scheduled = pop()
    now = max(now, scheduled.at)
    guard let host = hosts[scheduled.node], host.isAlive, host.life == scheduled.life else { return }
    if now < host.asleepUntil {
      if case .node(.tick) = scheduled.event { hosts[scheduled.node]?.tickAt = host.asleepUntil }
      return push(host.asleepUntil, scheduled.node, scheduled.event)
    }
    if case .message(_, let from) = scheduled.event, !reaches(from.id, scheduled.node) {
      return heldUp.append(scheduled)
    }
    eventCount += 1
    switch scheduled.event {
    case .node(.tick):
      guard host.tickAt == scheduled.at else { return }
      hosts[scheduled.node]?.tickAt = nil
      feed(scheduled.node, .tick)
    case .node(let event): feed(scheduled.node, event)
    case .message(let message, let from): feed(scheduled.node, .received(message, from: from))
    case .dialled(let peer): dialled(scheduled.node, peer)
    }
  }

  private mutating func feed(_ id: Identifier, _ event: ChordNode.Event) {
    var effects: [ChordNode.Effect] = []
    let time = time
    hosts[id]?.machine.handle(event, at: time, into: &effects)
    for effect in effects { perform(effect, of: id) }
    guard let deadline = hosts[id]?.machine.nextDeadline else { return }
    if hosts[id]?.tickAt.map({ $0 > deadline }) ?? true {
      let at = max(deadline, now)
      hosts[id]?.tickAt = at
      push(at, id, .node(.tick))
    }
  }

  private mutating func perform(_ effect: ChordNode.Effect, of id: Identifier) {
    switch effect {
    case .send(let message, let peer): send(message, from: id, to: peer)
    case .seek(let all): seek(id, all: all)
    case .disconnect(let other):
      guard links.remove(Link(id, other)) != nil, reaches(id, other) else { return }
      schedule(other, .node(.lost(id)), after: latency(id, other))
    case .left:
      observations.append(Observation(node: id, at: now, effect: effect))
      for link in links.filter({ $0.a == id || $0.b == id }).sorted(by: { ($0.a, $0.b) < ($1.a, $1.b) }) {
        links.remove(link)
        let other = link.a == id ? link.b : link.a
        schedule(other, .node(.departed(id)), after: inOrder(from: id, to: other))
      }
      hosts[id]?.isAlive = false
    case .startedAlone, .settled, .found, .got, .stored, .failed, .viewed:
      observations.append(Observation(node: id, at: now, effect: effect))
    }
  }

  private mutating func send(_ message: Chord.Message, from id: Identifier, to peer: Peer) {
    guard let me = hosts[id]?.machine.me else { return }
    messageCount += 1
    if links.contains(Link(id, peer.id)) {
      schedule(peer.id, .message(message, from: me), after: inOrder(from: id, to: peer.id))
    } else {
      let isDialling = hosts[id]?.waiting[peer.id] != nil
      hosts[id]?.waiting[peer.id, default: []].append(message)
      if !isDialling { schedule(id, .dialled(peer), after: dialTime(from: id, to: peer.id)) }
    }
  }

  /// Whether a dial would be answered now.
  private func isReachable(_ id: Identifier, from other: Identifier) -> Bool {
    guard let host = hosts[id], host.isAlive else { return false }
    return host.asleepUntil <= now && reaches(other, id)
  }

  private mutating func dialTime(from: Identifier, to id: Identifier) -> Duration {
    if isReachable(id, from: from) { return latency(from, id) * 3 }
    let isRefused = hosts[id].map { !$0.isAlive && !$0.isSilent } ?? true
    return isRefused && reaches(from, id) ? latency(from, id) * 2 : configuration.dialTimeout
  }

  private mutating func dialled(_ id: Identifier, _ peer: Peer) {
    let waiting = hosts[id]?.waiting.removeValue(forKey: peer.id) ?? []
    guard isReachable(peer.id, from: id) else { return feed(id, .unreachable(peer.id)) }
    links.insert(Link(id, peer.id))
    for message in waiting { send(message, from: id, to: peer) }
  }

  private mutating func seek(_ id: Identifier, all: Bool) {
    var peers = bootstraps.filter { $0.id != id && isReachable($0.id, from: id) }
    if !all, !peers.isEmpty { peers = [peers[Int(generator.next() % UInt64(peers.count))]] }
    if peers.isEmpty { schedule(id, .node(.nobodyFound), after: latency(id, id) * 2) }
    for peer in peers {
      links.insert(Link(id, peer.id))
      schedule(id, .node(.introduced(peer)), after: latency(id, peer.id) * 4)
    }
  }

  /// The delay of a message that must not overtake an earlier one on the same link.
  private mutating func inOrder(from: Identifier, to: Identifier) -> Duration {
    let at = max(now + latency(from, to), (lastDelivery[from]?[to] ?? now) + .nanoseconds(1))
    lastDelivery[from, default: [:]][to] = at
    return at - now
  }

  // MARK: The schedule

  private mutating func schedule(_ id: Identifier, _ event: Event, after delay: Duration) {
    push(now + delay, id, event)
  }

  private mutating func push(_ at: Instant, _ id: Identifier, _ event: Event) {
    guard let life = hosts[id]?.life else { return }
    order += 1
    heap.append(Scheduled(at: at, order: order, node: id, life: life, event: event))
    var child = heap.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func pop() -> Scheduled {
    heap.swapAt(0, heap.count - 1)
    let first = heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) { least = child }
      if least == parent { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    (heap[a].at, heap[a].order) < (heap[b].at, heap[b].order)
  }
}

// MARK: - The oracle

extension SimulatedRing {
  /// The member that owns a key: the first at or after it.
  public func owner(of key: Identifier) -> Identifier? {
    let members = living
    return members.first { $0 >= key } ?? members.first
  }

  /// What is not ideal: nil when every pointer of every living node is exact.
  public var flaw: String? {
    let members = living
    for (place, id) in members.enumerated() {
      guard let ring = hosts[id]?.machine.ring else { continue }
      guard ring.isMember else { return "\(id) is in no ring" }
      let count = members.count
      let expected = (1..<max(count, 1)).prefix(ring.capacity).map { members[(place + $0) % count] }
      if ring.successors.map(\.id) != Array(expected) { return "\(id) has wrong successors" }
      let before = count > 1 ? members[(place + count - 1) % count] : nil
      if ring.predecessor?.id != before { return "\(id) has a wrong predecessor" }
    }
    return nil
  }
}
