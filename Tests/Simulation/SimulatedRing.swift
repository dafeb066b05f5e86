// Many ring machines in one process, on a virtual clock and a simulated network: the very `ChordNode` that ships, with links that
// take time to dial, keep their messages in order, and break with or without notice. The same seed gives the same run.
//
//   effect .send ──> link up? ──> deliver after the latency, in order
//                       └ no ──> dial: 1.5 round trips; nobody there: refused after one; a silent host: after the dial's time-out

import Chord

/// A ring under simulation.
public struct SimulatedRing {
  public struct Configuration: Sendable {
    public var seed: UInt64 = 1
    public var node = ChordNode.Configuration()
    /// One way, drawn evenly for every message.
    public var latency: ClosedRange<Duration> = .microseconds(50)...(.microseconds(150))
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
      schedule(link.a == id ? link.b : link.a, .node(.lost(id)), after: latency())
    }
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

  private mutating func latency() -> Duration {
    let low = configuration.latency.lowerBound.inNanoseconds
    let width = configuration.latency.upperBound.inNanoseconds - low
    return .nanoseconds(low + Int64(generator.next() % UInt64(width + 1)))
  }

  private mutating func step() {
    let scheduled = pop()
    now = max(now, scheduled.at)
    guard let host = hosts[scheduled.node], host.isAlive, host.life == scheduled.life else { return }
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
    case .disconnect(let other): links.remove(Link(id, other))
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
      if !isDialling { schedule(id, .dialled(peer), after: dialTime(peer.id)) }
    }
  }

  private mutating func dialTime(_ id: Identifier) -> Duration {
    guard let host = hosts[id] else { return latency() * 2 }
    if host.isAlive { return latency() * 3 }
    return host.isSilent ? configuration.dialTimeout : latency() * 2
  }

  private mutating func dialled(_ id: Identifier, _ peer: Peer) {
    let waiting = hosts[id]?.waiting.removeValue(forKey: peer.id) ?? []
    guard hosts[peer.id]?.isAlive == true else { return feed(id, .unreachable(peer.id)) }
    links.insert(Link(id, peer.id))
    for message in waiting { send(message, from: id, to: peer) }
  }

  private mutating func seek(_ id: Identifier, all: Bool) {
    var peers = bootstraps.filter { $0.id != id && hosts[$0.id]?.isAlive == true }
    if !all, !peers.isEmpty { peers = [peers[Int(generator.next() % UInt64(peers.count))]] }
    if peers.isEmpty { schedule(id, .node(.nobodyFound), after: latency() * 2) }
    for peer in peers {
      links.insert(Link(id, peer.id))
      schedule(id, .node(.introduced(peer)), after: latency() * 4)
    }
  }

  /// The delay of a message that must not overtake an earlier one on the same link.
  private mutating func inOrder(from: Identifier, to: Identifier) -> Duration {
    let at = max(now + latency(), (lastDelivery[from]?[to] ?? now) + .nanoseconds(1))
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
