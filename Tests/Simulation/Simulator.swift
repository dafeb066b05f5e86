// Many whole nodes in one process, on a virtual clock and a simulated network: the very machines that ship (`Engine`: the ring and
// the conversations; `LinkRules`: the links), over connections that take time to dial, keep what is sent in order, and break with or
// without notice. What goes over them are frames, encoded and decoded as they are by a node. The same seed gives the same run; nothing
// depends on the order of a dictionary.
//
//   schedule ──> step ──> Engine.handle ──> effects ──> perform ──> LinkRules ──> connections ──> schedule
//
//   Simulator.swift              hosts, time, stepping, performing       Happening.swift         what can happen
//   Simulator+Links.swift        from the engine to the rules and back   Schedule.swift          and when
//   Simulator+Connections.swift  what TCP does (its ends:                Latency.swift           how long a message takes
//                                Connections.swift)                      Simulator+Oracle.swift  what is right
//   Simulator+Faults.swift       crashes, sleep, cuts, broken links      Simulator+Counts.swift  what it took
//   Simulator+Snapshots.swift    going back                              Simulator+Promises.swift  order
//
// A simulator is a value: a copy is a snapshot that goes on by itself.

import Chat
import Chord

/// Nodes on a simulated network.
public struct Simulator: Sendable {
  public struct Configuration: Sendable {
    public var seed: UInt64 = 1
    public var node = ChordNode.Configuration()
    public var latency = Latency.drawn(.microseconds(50)...(.microseconds(150)))
    /// After this a dial to a silent host has failed.
    public var dialTimeout = Duration.seconds(3)
    /// Whether a dial to an address where nobody has ever been takes as long; otherwise it is refused.
    public var strangersAreSilent = false
    /// What was sent and is not acknowledged for so long breaks the link at the sender's end.
    public var unanswered = Duration.seconds(9)
    /// An idle link whose other end is silent breaks after this.
    public var idleSilence = Duration.seconds(24)
    /// A link over which nothing was said for this long is closed.
    public var idleLimit = Duration.seconds(300)
    /// More messages than this do not wait for a dial: what comes then is dropped. A link on which more of them have gathered, because
    /// its other end sleeps or the network is cut, is ended by its sender.
    public var queueLimit = LinkRules.queueLimit
    /// Whether all that nodes tell is kept in `observations`, for tests to read at the end.
    public var keepsObservations = true
    /// Whether it is checked that all that nodes say is heard in order, or that they are told.
    public var checksPromises = false
    /// Whether a signature that one machine has checked is not worked out again for the next: nothing else changes by it.
    public var remembersSignatures = true
    public init() {}
  }

  /// What a node told its user.
  public enum News: Sendable, Equatable {
    case ring(ChordNode.Effect)
    case chat(Conversations.Effect)
    /// This request of the user's came before there was a ring, and none came in time.
    case notInRing(Ticket)
  }

  public struct Observation: Sendable {
    public var node: Identifier
    public var at: Instant
    public var news: News
  }

  public let configuration: Configuration
  public internal(set) var now = Instant(nanoseconds: 0)
  /// Everything nodes told, if it is to be kept.
  public private(set) var observations: [Observation] = []
  /// What nodes told since this was last emptied, for whoever follows the run.
  public var news: [Observation] = []
  public internal(set) var eventCount = 0
  public internal(set) var messageCount = 0
  /// Of them requests for watched keys.
  public internal(set) var requestCount = 0
  /// And of these the questions of inquiries.
  public internal(set) var inquiryCount = 0
  /// What all messages take as frames.
  public internal(set) var byteCount = 0
  /// Connections that were made.
  public internal(set) var linkCount = 0
  /// Of them those that were closed because another one to the same node stays, and those that were closed as idle.
  public internal(set) var replacedCount = 0
  public internal(set) var idleCount = 0
  /// Requests for watched keys and what came back on them, and what that takes as frames.
  public internal(set) var watchedMessageCount = 0
  public internal(set) var watchedByteCount = 0
  var watchedQuestions: Set<Question> = []
  /// Keys to be watched, and how many requests for them went to hosts that were not there any more.
  public var lostRequests: [Identifier: Int] = [:]
  /// How many pings went to hosts that were not there any more, while keys were watched.
  public var lostPings = 0
  /// How often pointers of the ring or the membership changed.
  public internal(set) var changeCount = 0
  /// The nodes that a seeking one finds.
  public var bootstraps: [Peer] = []
  /// Called with a line for every event, when set.
  public var trace: (@Sendable (String) -> Void)?

  /// What nodes in other hands say to a message, each line after a pause; nil: it is for the node's own machine.
  public var puppeteer: (@Sendable (_ puppet: Identifier, Message) -> [(Message, after: Duration)]?)?

  var hosts: [Host] = []
  /// To whom anything has happened since somebody wanted to know, some perhaps often; nil while nobody does.
  var changedHosts: [Int]?
  var numbers: [Identifier: Int] = [:]
  /// The identifiers of the hosts that live, in order.
  public internal(set) var living: [Identifier] = []
  var schedule = Schedule<Scheduled>()
  var generator: Generator
  var lastNumber: LinkRules.Number = 0
  var lastFed: Int?
  /// What a machine wanted of its host after it had left.
  var effectAfterEnd: String?
  /// What was heard out of its turn.
  var brokenPromise: String?
  var lastLoss: UInt32 = 0
  /// Whether what the first says does not reach the second.
  var isCut: (@Sendable (Identifier, Identifier) -> Bool)?
  /// How often the network has been cut.
  var cutCount = 0
  var heldUp: [Scheduled] = []
  /// How many messages have gathered on a connection.
  var gathered: [LinkRules.Number: Int] = [:]
  /// Links that were ended because too much had gathered, and messages that were dropped.
  public var overflowCount: Int { hosts.reduce(overflows) { $0 + $1.rules.droppedCount } }
  /// Of them the links, and the messages of former lives.
  var overflows = 0
  /// Connections that died without notice: what is sent on them goes nowhere.
  var swallowed: Set<LinkRules.Number> = []
  /// Extra delay between two hosts.
  var slowness: [Pair: Duration] = [:]
  /// After it has come to rest: the hosts whose deadlines count again. Nil: all.
  var awake: Set<Int>?
  private var effects: [Engine.Effect] = []
  private var inbox: [Engine.Event] = []
  private var isFeeding = false
  var linkEffects: [LinkRules.Effect] = []
  var linkInbox: [LinkRules.Event] = []
  var isRuling = false
  var draft = ByteWriter()
  private let utcAtStart: UInt64 = 1_790_000_000_000

  public init(_ configuration: Configuration = Configuration()) {
    var configuration = configuration
    if configuration.remembersSignatures { configuration.node.check = SignatureMemory().check }
    self.configuration = configuration
    generator = Generator(seed: configuration.seed)
  }

  /// The time as machines are told it whose clocks are right.
  public var time: Time {
    Time(monotonic: now, utcMilliseconds: utcAtStart + UInt64(now.nanoseconds / 1_000_000))
  }

  public func machine(_ id: Identifier) -> ChordNode? { numbers[id].map { hosts[$0].engine.ring } }

  public func conversations(_ id: Identifier) -> Conversations? {
    numbers[id].flatMap { hosts[$0].engine.conversations }
  }

  // MARK: Starting and telling

  /// Adds a member without a user and starts it; or starts it again, with nothing left of its former life.
  @discardableResult
  public mutating func start(_ number: Int, id: Identifier? = nil) -> Identifier {
    let id = id ?? Identifier(hashing: Array("node \(number) of \(configuration.seed)".utf8), label: "simulation")
    add(Peer(id: id, endpoint: Self.endpoint(number)), key: [], conversations: nil)
    return id
  }

  /// Adds a member with a user and starts it; with the same identity it is the same node again. One that `asks` is told who
  /// wants to talk, and must accept them.
  @discardableResult
  public mutating func start(_ number: Int, identity: Identity, name: UserName, asks: Bool = false) -> User {
    var chat = Conversations.Configuration(
      network: configuration.node.network, identity: identity, name: name)
    chat.asksBeforeAccepting = asks
    chat.check = configuration.node.check
    let conversations = Conversations(configuration: chat, seed: generator.next(), at: time)
    add(
      Peer(id: identity.nodeID, endpoint: Self.endpoint(number)), key: identity.publicKey, conversations: conversations)
    return User(name: name, identity: identity)
  }

  /// The address of the host of this number.
  public static func endpoint(_ number: Int) -> Endpoint {
    Endpoint(host: .v4(0x0A00_0000 + UInt32(number)), port: 7400)
  }

  private mutating func add(_ me: Peer, key: [UInt8], conversations: Conversations?) {
    let ring = ChordNode(me: me, configuration: configuration.node, seed: generator.next(), at: time)
    var host = Host(
      me: me, key: key, engine: Engine(ring: ring, conversations: conversations), queueLimit: configuration.queueLimit)
    let number: Int
    if let known = numbers[me.id] {
      number = known
      host.life = hosts[known].life + 1
      overflows += hosts[known].rules.droppedCount
      hosts[known] = host
    } else {
      number = hosts.count
      numbers[me.id] = number
      hosts.append(host)
    }
    let place = living.firstIndex { !($0 < me.id) } ?? living.count
    if place == living.count || living[place] != me.id { living.insert(me.id, at: place) }
    changeCount += 1
    schedule(number, .event(.ring(.start)), after: .zero)
  }

  /// Gives a node's ring an event, as a program would.
  public mutating func tell(_ id: Identifier, _ event: ChordNode.Event) {
    switch event {
    case .lookUp(let key, let ticket): tell(id, .ring(.lookUp(key, ticket << 1)))
    case .get(let key, let ticket): tell(id, .ring(.get(key, ticket << 1)))
    case .put(let record, let ticket): tell(id, .ring(.put(record, ticket << 1)))
    case .extend(let renewal, let ticket): tell(id, .ring(.extend(renewal, ticket << 1)))
    case .inquire(let key, let ticket): tell(id, .ring(.inquire(key, ticket << 1)))
    case .enough(let ticket): tell(id, .ring(.enough(ticket << 1)))
    case .look(let peer, let ticket): tell(id, .ring(.look(peer, ticket << 1)))
    default: tell(id, .ring(event))
    }
  }

  /// Gives a node an event, as a program would.
  public mutating func tell(_ id: Identifier, _ event: Engine.Event) {
    guard let number = numbers[id] else { return }
    awake?.insert(number)
    schedule(number, .event(event), after: .zero)
  }

  /// Delivers a message as if `peer` had sent it, which need not exist.
  public mutating func deliver(_ message: Message, from peer: Peer, to id: Identifier) {
    tell(id, .ring(.received(message, from: peer)))
  }

  // MARK: Running

  /// Runs until the condition holds, at the latest until `limit` from now; tells whether it held.
  public mutating func run(_ limit: Duration, until isDone: (Simulator) -> Bool) -> Bool {
    let end = now + limit
    while true {
      if isDone(self) { return true }
      guard step(until: end) else { break }
    }
    return isDone(self)
  }

  /// Runs for this long.
  public mutating func run(_ limit: Duration) {
    let end = now + limit
    while step(until: end) {}
  }

  /// Makes the next thing happen, if it is not later than `end`; otherwise it is `end` now.
  public mutating func step(until end: Instant) -> Bool {
    guard let at = schedule.nextAt, at <= end, let (_, scheduled) = schedule.pop() else {
      now = end
      return false
    }
    now = max(now, at)
    changedHosts?.append(scheduled.host)
    if isCut == nil || passes(scheduled) { happen(scheduled, at: at) }
    return true
  }

  private mutating func happen(_ scheduled: Scheduled, at: Instant) {
    let host = scheduled.host
    guard hosts[host].isAlive, hosts[host].life == scheduled.life else { return missed(scheduled) }
    if case .wake = scheduled.happening { return wake(host) }
    if now < hosts[host].asleepUntil { return hold(scheduled, at: at) }
    switch scheduled.happening {
    case .tick:
      guard hosts[host].tickAt == at else { return }
      hosts[host].tickAt = nil
      feed(host, .tick)
    case .event(let event): feed(host, event)
    case .carried(let item, let number, let from): arrived(item, on: number, from: from, to: host)
    case .dialled(let other, let endpoint, let number): dialled(host, other, at: endpoint, number)
    case .introduced(let other, let number): introduced(host, other, by: number)
    case .closed(let number): tellRules(host, .ended(number, isHeardOut: false))
    case .broken(let number): gone(number, at: host, isHeardOut: false)
    case .silence(let number, let cut): silence(number, at: host, cut: cut)
    case .patience(let number): lostPatience(number, at: host, set: at)
    case .sweep: sweep(host)
    case .wake: break  // seen to above
    case .line(let message, let other): send(message, from: host, to: hosts[other].peer)
    }
  }

  /// What comes for a host that is asleep waits, in the order in which it came.
  private mutating func hold(_ scheduled: Scheduled, at: Instant) {
    if hosts[scheduled.host].delayed.isEmpty {
      schedule.push(
        Scheduled(host: scheduled.host, life: scheduled.life, happening: .wake), at: hosts[scheduled.host].asleepUntil)
    }
    hosts[scheduled.host].delayed.append((scheduled, at))
    if case .carried(.frame, let number, let from) = scheduled.happening { gather(from, scheduled.host, number) }
  }

  private mutating func wake(_ host: Int) {
    guard now >= hosts[host].asleepUntil else {
      return schedule(host, .wake, after: hosts[host].asleepUntil - now)
    }
    let delayed = hosts[host].delayed
    hosts[host].delayed = []
    for (scheduled, _) in delayed {
      if case .carried(_, let number, _) = scheduled.happening { gathered[number] = nil }
    }
    for (scheduled, at) in delayed { happen(scheduled, at: at) }
  }

  /// Gives a machine an event and does what it says. What comes up meanwhile waits until that is done.
  mutating func feed(_ host: Int, _ event: Engine.Event) {
    guard !isFeeding else { return inbox.append(event) }
    isFeeding = true
    var deadline = handle(host, event)
    var next = 0
    while next < inbox.count {
      if hosts[host].isAlive { deadline = handle(host, inbox[next]) }
      next += 1
    }
    if next > 0 { inbox.removeAll(keepingCapacity: true) }
    isFeeding = false
    guard hosts[host].isAlive, awake?.contains(host) ?? true, let deadline else { return }
    if hosts[host].tickAt.map({ $0 > deadline }) ?? true {
      let at = max(deadline, now)
      hosts[host].tickAt = at
      push(host, .tick, at: at)
    }
  }

  /// Answers when the machine wants to be woken.
  private mutating func handle(_ host: Int, _ event: Engine.Event) -> Instant? {
    eventCount += 1
    lastFed = host
    if let trace { trace("\(now.nanoseconds / 1000) µs  \(hosts[host].me.id.short)  \(event)") }
    var time = time
    time.utcMilliseconds = UInt64(clamping: Int64(time.utcMilliseconds) + hosts[host].clockError)
    var effects: [Engine.Effect] = []
    swap(&effects, &self.effects)
    let (hasChanged, deadline) = hosts[host].handle(event, at: time, into: &effects)
    if hasChanged { changeCount += 1 }
    for effect in effects {
      if hosts[host].hasLeft { effectAfterEnd = "\(effect)" }
      perform(effect, of: host)
    }
    effects.removeAll(keepingCapacity: true)
    swap(&effects, &self.effects)
    return deadline
  }

  private mutating func perform(_ effect: Engine.Effect, of host: Int) {
    switch effect {
    case .send(let message, let peer): send(message, from: host, to: peer)
    case .sendChat(let message, let peer): send(message, from: host, to: peer)
    case .ring(.seek(let all)): seek(host, all: all)
    case .ring(.disconnect(let id)): disconnect(host, id)
    case .ring(.renew(let id)): renew(host, id)
    case .ring(let effect): tellUser(host, .ring(effect.withTicketOfUser))
    case .chat(.doubt(let id)): doubt(host, id)
    case .chat(let effect): tellUser(host, .chat(effect))
    case .notInRing(let ticket): tellUser(host, .notInRing(ticket))
    case .left:
      hosts[host].hasLeft = true
      tellUser(host, .ring(.left))
      depart(host)
    }
  }

  private mutating func tellUser(_ host: Int, _ told: News) {
    let observation = Observation(node: hosts[host].me.id, at: now, news: told)
    news.append(observation)
    if configuration.keepsObservations { observations.append(observation) }
  }

  mutating func schedule(_ host: Int, _ happening: Happening, after delay: Duration) {
    schedule.push(Scheduled(host: host, life: hosts[host].life, happening: happening), at: now + delay)
  }
}

extension ChordNode.Effect {
  /// With the ticket that the user gave: inside an engine the ring's clients share the tickets.
  fileprivate var withTicketOfUser: Self {
    switch self {
    case .found(let ticket, let owner, let view, let path): .found(ticket >> 1, owner: owner, view: view, path: path)
    case .got(let ticket, let records, let hops): .got(ticket >> 1, records, hops: hops)
    case .stored(let ticket, let copies): .stored(ticket >> 1, copies: copies)
    case .inquired(let ticket, let records, let hops, let isOver):
      .inquired(ticket >> 1, records, hops: hops, isOver: isOver)
    case .failed(let ticket, let refusal): .failed(ticket >> 1, refusal)
    case .viewed(let ticket, let view): .viewed(ticket >> 1, view)
    case .send, .seek, .disconnect, .renew, .startedAlone, .settled, .left: self
    }
  }
}
