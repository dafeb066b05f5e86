// A node on an event loop, with plain callbacks: the one place where the machine meets sockets, clock and chance.
//
//   socket ──> Link ──> LoopNode.step(event) ──> Engine ──> effects ──> perform ──> Link ──> socket
//   deadline ─────────────────┘
//
// `perform` never calls `step`: what comes up while effects are performed (a dial that fails at once, a callback that sends)
// waits in `inbox` until they are. What the program wants to send waits there until the turn ends, so that it leaves together. What comes
// of that in turn waits for the next turn, or a program that asks again in every answer would keep the loop from its sockets.
//
// The machine calls nobody, so nobody can look at it while it works; and the lists are only ever swapped, added to, or read for the length
// of an expression. So access to them goes unchecked (`@exclusivity`): the checks took a tenth of all instructions of a text's way.
//
// LoopNode.swift         starting, stepping, performing          LoopNode+Requests.swift   what a program asks of it
// LoopNode+Network.swift what links and bootstraps tell it        LoopNode+Leaving.swift   the way out

import Chat
import Chord
import Logging
import UVRuntime

/// A node that lives on a loop. Everything belongs to the loop's thread, the callbacks included.
///
/// Keep it until `leave` has called back: it does not close its connections when it is merely dropped.
public final class LoopNode {
  let loop: EventLoop
  let configuration: NodeConfiguration
  let identity: Identity
  /// The session's user; nil for a node without one.
  public let user: User?
  let links: Links
  let bootstrapper: Bootstrapper
  @exclusivity(unchecked) var engine: Engine
  private let onEvent: (NodeEvent) -> Void
  /// Whether anybody reads in the log that texts arrive.
  private let isLogged: Bool

  private var deadlineAt: LoopTime?
  private lazy var deadline = Deadline(on: loop) { [weak self] in self?.callAtEndOfTurn() }
  @exclusivity(unchecked) private var inbox: [Engine.Event] = []
  @exclusivity(unchecked) private var effects: [Engine.Effect] = []
  /// Writes one frame after the other in the same memory.
  @exclusivity(unchecked) private var writer = ByteWriter()
  private var isStepping = false
  private var isCalledAtEndOfTurn = false
  /// Whom the message being handled names, and who sent it: dials to them are on that one's word.
  private var named: (peers: [Peer], by: Identifier)?
  var hearsay = Hearsay()

  var answers = Answers()
  /// Those who have asked again in the answer to a refusal, and are to be refused again.
  var refused: [(Answer, NodeFailure)] = []
  var isRefusing = false
  /// What the hello says: the host may be left open.
  let advertised: Endpoint?
  var observed = ObservedAddress()
  /// Whether texts are taken. One that is not is not acknowledged either, so its sender keeps it and sends it again: for a
  /// program that cannot keep up, or has nobody to show texts to. Those that came together with the last one taken, at most 255, are told.
  public var takesTexts = true
  /// Whether the node is, or has been, in a ring with its record stored.
  public private(set) var isReady = false
  private var isSettled = false
  private var isPublished = false
  lazy var standIn = Deadline(on: loop) { [weak self] in self?.reportNewRing() }
  var departure: Departure?
  var lookupTimes = LookupTimes()
  /// When the first successor last said how it stands.
  var stabilizedAt: LoopTime?

  /// Makes a node and binds its address; from the next turn of the loop on it looks for its ring.
  ///
  /// On the loop's thread, or before the loop runs. Throws `NodeError`: a bad address, or one that cannot be had.
  public init(
    _ configuration: NodeConfiguration, on loop: EventLoop, _ onEvent: @escaping (NodeEvent) -> Void
  ) throws(NodeError) {
    guard Randomness.isReady else { throw .system("libsodium could not be initialised") }
    self.loop = loop
    self.configuration = configuration
    self.onEvent = onEvent
    isLogged = configuration.logger.logLevel <= .info
    let identity = configuration.identity ?? Identity.random()
    self.identity = identity
    user = configuration.username.map { User(name: $0, identity: identity) }
    links = Links(
      on: loop, identity: identity, network: configuration.network, limits: configuration.limits)
    bootstrapper = try Bootstrapper(configuration.bootstraps, links: links)
    let addresses = try Listening.open(configuration, links)
    advertised = addresses.advertised
    links.listens = addresses.advertised ?? addresses.bound
    if configuration.role == .observer { links.listens = Endpoint(host: .v4(0), port: 0) }
    engine = Self.engine(configuration, identity, endpoint: addresses.initial, at: Self.time(of: loop))
    links.owner = self
    bootstrapper.owner = self
    inbox.append(.ring(.start))
    deadline.set(loop.now)
  }

  private static func engine(
    _ configuration: NodeConfiguration, _ identity: Identity, endpoint: Endpoint, at now: Time
  ) -> Engine {
    var ring = ChordNode.Configuration()
    ring.network = configuration.network
    ring.successors = configuration.successors.map { $0...$0 } ?? ring.successors.lowerBound...MessageLimit.successors
    ring.isObserver = configuration.role == .observer
    let seed = configuration.seed ?? Randomness.word()
    let me = Peer(id: identity.nodeID, endpoint: endpoint)
    var chat = Conversations.Configuration(
      network: configuration.network, identity: identity, name: configuration.username)
    chat.asksBeforeAccepting = configuration.asksBeforeAccepting
    return Engine(
      ring: ChordNode(me: me, configuration: ring, seed: seed, at: now),
      conversations: Conversations(configuration: chat, seed: seed ^ 0x5EED, at: now))
  }

  static func time(of loop: EventLoop) -> Time {
    Time(
      monotonic: Instant(nanoseconds: Int64(clamping: loop.now.nanoseconds)),
      utcMilliseconds: loop.wallClockMilliseconds)
  }

  // MARK: The one way in

  /// Gives the machine an event and does what it says.
  func step(_ event: Engine.Event) {
    guard !isStepping else { return inbox.append(event) }
    if !inbox.isEmpty { stepThroughInbox() }  // what came before it
    guard inbox.isEmpty else { return inbox.append(event) }  // and what has come of that
    isStepping = true
    give(event, at: Self.time(of: loop))
    isStepping = false
    if inbox.isEmpty { callAtEndOfTurn() } else { stepThroughInbox() }
  }

  /// The same when the turn ends, together with what else comes until then.
  func stepSoon(_ event: Engine.Event) {
    inbox.append(event)
    guard !isStepping else { return }
    if inbox.count < Self.soon { callAtEndOfTurn() } else { stepThroughInbox() }
  }

  /// So many events are not kept for the end of the turn: a few hundred KB, and the time in which they are handled.
  private static let soon = 1_024

  /// One pass: what comes meanwhile stays.
  private func stepThroughInbox() {
    isStepping = true
    let now = Self.time(of: loop)
    let count = inbox.count
    for place in 0..<count { give(inbox[place], at: now) }
    if inbox.count == count { inbox.removeAll(keepingCapacity: true) } else { inbox.removeFirst(count) }
    isStepping = false
    callAtEndOfTurn()
  }

  func callAtEndOfTurn() {
    guard !isCalledAtEndOfTurn else { return }
    isCalledAtEndOfTurn = true
    loop.callAtEndOfTurn(self)
  }

  private func give(_ event: Engine.Event, at now: Time) {
    guard case .ring(.received(let message, from: let peer)) = event else { return handle(event, at: now) }
    // What we know already we dial on our own account: otherwise a liar could name whom it wants us to give up.
    let news = message.namedPeers.filter { !engine.ring.knows($0) }
    named = (news, peer.id)
    handle(event, at: now)
    named = nil
    guard !news.isEmpty else { return }
    hearsay.take(news, from: peer.id)
    hearsay.keep { engine.ring.knows($0) }
  }

  private func handle(_ event: Engine.Event, at now: Time) {
    var batch: [Engine.Effect] = []
    swap(&batch, &effects)  // its memory serves every event
    engine.handle(event, at: now, into: &batch)
    batch.reverse()
    while let effect = batch.popLast() { perform(effect) }  // moved, not copied, as in `Engine.exchange`
    swap(&batch, &effects)
  }

  // MARK: The one way out

  private func perform(_ effect: Engine.Effect) {
    switch effect {
    case .send(let message, let peer):
      let advertiser = named?.peers.contains(peer) == true ? named?.by : nil
      if advertiser == nil, hearsay.mentions(peer), !links.isLinked(peer.id), !hearsay.allows(peer, at: loop.now) {
        return step(.unreachable(peer))
      }
      send(to: peer, onWordOf: advertiser) { message.encode(into: &$0) }
    case .sendChat(let message, let peer): send(to: peer) { message.encode(into: &$0) }
    case .ring(let effect): perform(effect)
    case .chat(let effect): perform(effect)
    case .notInRing(let ticket): answer(ticket, departure == nil ? .notInRing : .stopped)
    case .left: ringLeft()
    }
  }

  private func send(to peer: Peer, onWordOf advertiser: Identifier? = nil, _ encode: (inout ByteWriter) -> Void) {
    var frame = ByteWriter()
    swap(&frame, &writer)
    Frame.write(into: &frame, encode)
    links.send(frame.bytes, to: peer, onWordOf: advertiser)
    guard links.isLinked(peer.id) else { return }  // it waits for a link, and its memory with it
    frame.restart()
    swap(&frame, &writer)
  }

  private func perform(_ effect: ChordNode.Effect) {
    switch effect {
    case .seek(let all): bootstrapper.seek(all: all)
    case .disconnect(let id): links.disconnect(id)
    case .renew(let id): links.renew(id)
    case .startedAlone: startedAlone()
    case .settled:
      isSettled = true
      if isReady, !engine.ring.ring.isAlone { report(.joinedRing(status)) }
      reportReady()
    case .found(let ticket, let owner, _, let path): answerLookup(ticket >> 1, owner, path)
    case .failed(let ticket, let refusal): answer(ticket >> 1, NodeFailure(refusal))
    case .viewed(let ticket, let view): answerView(ticket >> 1, view)
    case .stored(let ticket, let copies): answerPut(ticket >> 1, copies: copies)
    case .got(let ticket, _, _): answer(ticket >> 1, .busy)  // only to a put: a newer record is held
    case .send, .inquired, .left: break  // handed over inside the engine
    }
  }

  private func perform(_ effect: Conversations.Effect) {
    switch effect {
    case .doubt(let id): links.doubt(id)
    case .published:
      isPublished = true
      reportReady()
    case .found(let ticket, let user, let peer, let hops): answerFind(ticket, user, peer, hops)
    case .opened(let ticket, _): answerOpen(ticket)
    case .delivered(let tickets, let id):
      for (offset, ticket) in tickets.enumerated() { answerSend(ticket, id + UInt64(offset)) }
    case .closed(let ticket): answerClose(ticket)
    case .failed(let ticket, let failure): answer(ticket, failure)
    case .session(let user, let isOpen, let reason):
      report(isOpen ? .sessionOpened(user) : .sessionClosed(user, reason: reason?.rawValue ?? ""))
    case .requested(let user): report(.sessionRequested(user))
    case .awaited(let user): report(.sessionAwaited(user))
    case .messages(let user, let texts, let id): report(texts, from: user, id)
    case .send, .get, .inquire, .enough, .put, .extend, .withdrawn: break  // handed over inside the engine
    }
  }

  /// Tells the program. The log hears what happened, never to whom or where.
  func report(_ event: NodeEvent) {
    configuration.logger.info("\(event.kind)")
    onEvent(event)
  }

  /// Texts that came together; the log hears of them once.
  private func report(_ texts: TextRun, from user: User, _ first: UInt64) {
    if isLogged { configuration.logger.info("\(texts.count == 1 ? "a text has" : "texts have") arrived") }
    var id = first
    for text in texts {
      onEvent(.message(from: user, text: text, id: id))
      id += 1
    }
  }

  private func reportReady() {
    guard !isReady, isSettled, isPublished || configuration.username == nil else { return }
    isReady = true
    report(.ready(status))
  }
}

extension LoopNode: TurnEnd {
  /// Nothing more is at hand: what has become due by all that has happened, texts above all, is done now.
  package func turnEnds() {
    if !inbox.isEmpty { stepThroughInbox() }
    var at = engine.nextDeadline.map { LoopTime($0) }
    if let due = at, due <= loop.now {
      step(.tick)
      at = engine.nextDeadline.map { LoopTime($0) }
    }
    isCalledAtEndOfTurn = false
    refuseAgain()
    if !inbox.isEmpty { callAtEndOfTurn() }
    guard at != deadlineAt || !deadline.isSet else { return }
    deadlineAt = at
    if let at { deadline.set(at) } else { deadline.cancel() }
  }
}

extension LoopTime {
  /// The machine's monotonic clock is the loop's.
  fileprivate init(_ instant: Instant) { self.init(nanoseconds: UInt64(clamping: instant.nanoseconds)) }
}
