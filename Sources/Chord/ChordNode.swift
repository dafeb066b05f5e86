// One member of the ring as a state machine: an event and the time go in, effects come out. No socket, no clock, no global
// generator: the host (NodeKit, or a simulator) performs the effects and owns the links.
//
//   event ──> ChordNode ──> effects         Membership.swift   finding a ring, joining, merging two rings, leaving
//               │                           Maintenance.swift  stabilize, notify, ping_predecessor, fingers, failures
//               ├ Ring      pointers        Forwarding.swift   find_successor: hop by hop, acknowledged, unwinding
//               ├ Fingers   chords          Survey.swift       which fingers are near; who has us as one; links kept warm
//               ├ behind    those before us Behind.swift       how they are told        Replication.swift  records and their copies
//               ├ store     records         Inquiring.swift    reads that survive liars: the asker asks everybody itself
//               ├ inquiries                 Probes.swift       one question to one neighbour, its time-out and verdict
//               ├ burden    others' share   Routing.swift      the next hop          Holding.swift  what had better wait
//               ├ knownOwners               KnownOwners.swift  whom our own lookups have ended at
//               └ probes, forwards
//
// Four kinds of news about other nodes, which must not be mixed up: `lost` (a link broke: look whether the node lives),
// `unreachable` (it could not be dialled: a verdict), `departed` (it said goodbye: it has left), and silence (time-outs of our own).

/// A member of a Chord ring, or an observer that asks through one.
public struct ChordNode: Sendable {
  /// What a node is told once.
  public struct Configuration: Sendable {
    /// The ring's name, covered by every record's signatures.
    public var network = "chord-chat"
    /// r: the length of the successor list, which grows with the ring within these limits (`Ring.length`). With half of all nodes dead at
    /// once, one member in 2^r loses every successor.
    public var successors = 16...16
    /// How many members hold a record: the owner and the ones after it. Eight die together once in 256 when half of all die.
    public var copies = 8
    /// How fingers and next hops are chosen.
    public var routing = Routing.proximity
    /// An observer asks through members and never becomes one.
    public var isObserver = false
    /// How records are checked; a simulation remembers what it has worked out.
    package var check = SignatureCheck.ed25519

    public init() {}
  }

  public enum Event: Hashable, Sendable {
    /// Begin: look for a ring.
    case start
    /// There is a link to this node, which may be in a ring: an answer to `seek`.
    case introduced(Peer)
    /// Nobody could be reached: an answer to `seek`.
    case nobodyFound
    /// Everybody who could be reached has been introduced: another answer to `seek`.
    case everybodyFound
    case received(Message, from: Peer)
    /// The link to this node broke.
    case lost(Identifier)
    /// The link to this node has ended in good order.
    case parted(Identifier)
    /// This node could not be dialled at this address, or another one answered there. Whoever named the address may have lied: the node
    /// is not dead for that where it is known at another.
    case unreachable(Peer)
    /// This node said that it leaves for good.
    case departed(Identifier)
    /// The link to this node comes from, or goes to, this host: what it says of itself need not be true.
    case seen(Identifier, at: Endpoint.Host)
    case lookUp(Identifier, Ticket)
    case get(Identifier, Ticket)
    case put(Record, Ticket)
    /// Let the record that was put live longer; answered like a put. `unknown`: put it again.
    case extend(Renewal, Ticket)
    /// Get what is under a key from all who may hold it, trusting nobody on the way: `inquired` until it is over, or `failed`.
    case inquire(Identifier, Ticket)
    /// The inquiry of this ticket has brought what was wanted: no more of it.
    case enough(Ticket)
    /// What does this node show of itself?
    case look(Peer, Ticket)
    /// Others reach this node elsewhere from now on.
    case relocated(Endpoint)
    /// Hand over and go; `left` when done.
    case leave
    /// The deadline has come.
    case tick
  }

  public enum Effect: Hashable, Sendable {
    /// Dial if there is no link; tell `unreachable` if that fails.
    case send(Message, to: Peer)
    /// Find nodes that may be in a ring (bootstraps): all of them, or for a member one at a time; each is `introduced`.
    case seek(all: Bool)
    /// This node is dead as far as we know: close its link, if any, as lost.
    case disconnect(Identifier)
    /// This node owes us answers: close its link as lost, if nothing at all has come over it of late. What is sent next dials anew.
    case renew(Identifier)
    /// Nobody is there: this node has started a ring of its own.
    case startedAlone
    /// The node is in a ring and its successor knows it (or it stands alone). Said again after it was alone or merged.
    case settled
    case found(Ticket, owner: Peer, view: View, path: [Identifier])
    case got(Ticket, [Record], hops: Int)
    case stored(Ticket, copies: Int)
    /// Records that an inquiry has brought; whether they hold is for the receiver to say. `isOver`: everybody was asked.
    case inquired(Ticket, [Record], hops: Int, isOver: Bool)
    case failed(Ticket, Refusal)
    case viewed(Ticket, View?)
    case left
  }

  let configuration: Configuration
  /// How many members after the owner hold a record too: no more than an owner knows.
  let copiesBesides: Int
  public internal(set) var ring: Ring
  var store: RecordStore
  var fingers: Fingers
  /// What is being done about the fingers' places: where the nearest are chosen, and where they are as in the paper.
  var survey = Survey()
  var fingerRound = FingerRound()
  /// Those who have us as a finger, by how far behind us they stand.
  var inbound: Fingers
  /// Whom our own lookups have ended at of late.
  var knownOwners = KnownOwners()
  /// Those behind us, nearest first, and when that last changed; who has told it so, and when that one was last asked; what was told of
  /// them, and when the next word is due.
  var behind: [Peer] = []
  var behindChanged: Instant?
  var behindToldBy: Identifier?
  var behindAskedAt: Instant?
  var toldBehind: Told?
  var tellAt: Instant?
  /// When it is next looked which links are cold; nil: at once.
  var warmAt: Instant?
  var generator: Generator
  /// The time of the event being handled.
  var now: Time
  var effects: [Effect] = []

  // Open questions (Probes.swift, Forwarding.swift, Replication.swift) share one space of tickets and one heap of deadlines.
  var lastTicket: UInt32
  var probes: [UInt32: Probe] = [:]
  var seen: Seen?
  var forwards: [UInt32: Forward] = [:]
  var held: [Held] = []
  var burden = Burden()
  var puts: [UInt32: PendingPut] = [:]
  var inquiries: [UInt32: Inquiry] = [:]
  var asks: [UInt32: Ask] = [:]
  var deadlines = DeadlineQueue<UInt32>()
  var roundTrips: [Identifier: RoundTrip] = [:]
  /// Where the links' other ends are seen: as many as there are links.
  var hosts: [Identifier: Endpoint.Host] = [:]
  var transfers: [Transfer] = []
  var isQueued: Set<Transfer> = []
  /// Keys whose records are on their way to the member that owns them.
  var moves: [Identifier: Move] = [:]
  /// After a move that failed: how long the pause is, and until when.
  var movePause: Duration?
  var movesPausedUntil: Instant?

  // Membership.swift
  var phase = Phase.idle
  var isSettled = false
  /// The host is still looking for nodes that we have asked it for.
  var isSeeking = false
  /// A join is under way; who else was introduced meanwhile.
  var isJoining = false
  var joinNext: [Peer] = []
  /// Nodes we were introduced to; an observer asks through them.
  var contacts: [Peer] = []
  /// Who asked for our state of late: they point at us, or are about to, and hear it when we leave.
  var askers: [Peer] = []
  /// Members that fell silent: after a partition they may be a ring of their own.
  var missing: [Peer] = []
  /// Hints are hearsay, and each costs a question: one is followed for each stabilize that went well.
  var mayFollowHint = true
  /// A hint that came while the ring was busy.
  var candidate: Peer?
  /// How often in a row an answer could not be used, mostly since our pointers had been shown meanwhile.
  var vainAnswers = 0

  // Periodic work; nil: not due.
  var stabilizeAt: Instant?
  var stabilizePeriod = Pace.stabilizeFloor
  var lastStabilized: Instant?
  /// When a neighbour last came or went.
  var lastChanged: Instant?
  var fingersAt: Instant?
  var seekAt: Instant?
  var housekeepingAt: Instant?
  var transfersAt: Instant?
  var leaveAt: Instant?

  /// A node that is in no ring yet and does nothing until `start`.
  public init(me: Peer, configuration: Configuration, seed: UInt64, at now: Time) {
    self.configuration = configuration
    self.now = now
    ring = Ring(me: me, capacity: configuration.successors.clamped(to: 1...MessageLimit.successors).lowerBound)
    copiesBesides = min(max(configuration.copies - 1, 0), ring.capacity)
    fingers = Fingers(base: configuration.routing.base)
    inbound = Fingers(base: configuration.routing.base * (configuration.routing.isBothWays ? 2 : 1))
    store = RecordStore(network: configuration.network, check: configuration.check)
    generator = Generator(seed: seed)
    lastTicket = UInt32(truncatingIfNeeded: generator.next())
  }

  /// This node as others see it.
  public var me: Peer { ring.me }

  /// Whether this node is in a ring that knows it; for an observer, whether it knows a member to ask.
  public var isInRing: Bool { configuration.isObserver ? !contacts.isEmpty : ring.isMember && isSettled }

  /// Members beyond the neighbours that lookups may use.
  public var fingerPeers: [Peer] { fingers.entries.map(\.peer) }

  /// Everybody it remembers whom a lookup may come to use: neighbours on both sides, fingers either way, owners met, and candidates.
  public var knownPeers: Set<Identifier> {
    let others = inbound.entries.map(\.peer) + survey.left + knownOwners.entries.map(\.owner)
    return Set((neighbours + fingerPeers + others).map(\.id))
  }

  /// Nodes this one was introduced to, the latest last.
  public var introducedPeers: [Peer] { contacts }

  /// How many records it holds, as owner or as a copy.
  public var recordCount: Int { store.count }

  /// When `tick` is wanted, at the latest. Nothing is changed; `mutating` has the machine looked at in place: to copy its two thousand bytes
  /// costs more than most events.
  public var nextDeadline: Instant? {
    mutating get {
      var next = Instant.earlier(deadlines.first, stabilizeAt)
      next = .earlier(next, fingersAt)
      next = .earlier(next, seekAt)
      next = .earlier(next, housekeepingAt)
      next = .earlier(next, transfersAt)
      next = .earlier(next, tellAt)
      return .earlier(next, leaveAt)
    }
  }

  /// Takes an event and appends what is to be done about it.
  public mutating func handle(_ event: Event, at now: Time, into sink: inout [Effect]) {
    self.now = now
    step(event)
    sink += effects
    effects.removeAll(keepingCapacity: true)
  }

  private mutating func step(_ event: Event) {
    guard phase != .left else { return refuseAfterLeaving(event) }
    switch event {
    case .start: start()
    case .introduced(let peer): introduced(peer)
    case .nobodyFound: nobodyFound()
    case .everybodyFound: everybodyFound()
    case .received(let message, let peer): received(message, from: peer)
    case .seen(let id, let host): hosts[id] = host
    case .lost(let id):
      hosts[id] = nil
      lost(id)
    case .parted(let id):
      hosts[id] = nil
      roundTrips.change(id) { $0.lostLink() }
    case .unreachable(let peer):
      hosts[peer.id] = nil
      died(peer.id, at: peer.endpoint)
    case .departed(let id):
      hosts[id] = nil
      departed(id)
    case .lookUp(let key, let ticket): serve(.findSuccessor, key: key, for: .client(ticket))
    case .get(let key, let ticket): serve(.get, key: key, for: .client(ticket))
    case .put(let record, let ticket): serve(.put(record), key: record.key, for: .client(ticket))
    case .extend(let renewal, let ticket): serve(.extend(renewal), key: renewal.key, for: .client(ticket))
    case .inquire(let key, let ticket): inquire(.records, key, ticket)
    case .enough(let ticket): endInquiries(of: ticket)
    case .look(let peer, let ticket): probe(peer, .look(ticket))
    case .relocated(let endpoint): ring.relocate(to: endpoint)
    case .leave: leave()
    case .tick: tick()
    }
  }

  private mutating func received(_ message: Message, from peer: Peer) {
    guard peer.id != me.id else { return }
    heard(from: peer.id)
    switch message {
    case .query(let ticket): showPointers(ticket, to: peer, unlessSeenAs: nil)
    case .view(let ticket, let view): viewed(ticket, view, from: peer)
    case .queryAgain(let ticket, let digest): showPointers(ticket, to: peer, unlessSeenAs: digest)
    case .unchanged(let ticket): shownAgain(ticket, by: peer)
    case .notify(let ticket): notified(ticket, by: peer)
    case .notified(let ticket, let isPredecessor): acknowledged(ticket, .notified, by: peer, isGood: isPredecessor)
    case .pong(let ticket, let isMember): acknowledged(ticket, .pong, by: peer, isGood: isMember)
    case .replicated(let ticket, let isKept): acknowledged(ticket, .replicated, by: peer, isGood: isKept)
    case .ping(let ticket): send(.pong(ticket, isMember: ring.isMember), to: peer)
    case .before(let peers): heardBefore(peers, from: peer)
    case .askBefore: askedBefore(by: peer)
    case .chosen(let ticket): chosen(ticket, by: peer)
    case .changed:
      if peer.id == ring.successors.first?.id {
        stabilizeSoon()
        notifyAgain(peer)
      }
    case .hint(let candidate): if takeHint() { hinted(candidate) }
    case .leaving(let predecessor, let successors):
      departed(peer.id, itsNeighbours: successors + [predecessor].compactMap(\.self))
    case .request(let request): requested(request, by: peer)
    case .accepted(let ticket): accepted(ticket, by: peer)
    case .reply(let reply): replied(reply, by: peer)
    case .replicate(let ticket, let record): keepCopy(of: record, ticket, from: peer)
    case .extend(let ticket, let renewal): extendCopy(renewal, ticket, from: peer)
    }
  }

  /// Everything that is due. A host that slept through its deadlines gives the others another chance before it judges them.
  private mutating func tick() {
    if let next = nextDeadline, now.monotonic - next > Pace.sleep { forgiveSilence() }
    while let due = deadlines.popDue(at: now.monotonic) {
      expired(due.key)
    }
    if takeDue(\.stabilizeAt) { stabilize() }
    if takeDue(\.fingersAt) { refreshFinger() }
    if takeDue(\.seekAt) { seek() }
    if takeDue(\.housekeepingAt) { keepHouse() }
    if takeDue(\.transfersAt) { transferSome() }
    if takeDue(\.tellAt) { tellBehind() }
    if takeDue(\.leaveAt) { finishLeaving() }
  }

  private mutating func takeDue(_ deadline: WritableKeyPath<ChordNode, Instant?>) -> Bool {
    guard let at = self[keyPath: deadline], at <= now.monotonic else { return false }
    self[keyPath: deadline] = nil
    return true
  }

  private mutating func refuseAfterLeaving(_ event: Event) {
    switch event {
    case .lookUp(_, let ticket), .get(_, let ticket), .put(_, let ticket), .extend(_, let ticket),
      .inquire(_, let ticket):
      effects.append(.failed(ticket, .notInRing))
    case .look(_, let ticket): effects.append(.viewed(ticket, nil))
    case .received(.query(let ticket), let peer), .received(.queryAgain(let ticket, _), let peer):
      send(.view(ticket, ring.show()), to: peer)
    case .received(.request(let request), let peer):
      send(.reply(Reply(ticket: request.ticket, path: [me.id], answer: .failure(.notInRing))), to: peer)
    case .start, .introduced, .nobodyFound, .everybodyFound, .received, .lost, .parted, .unreachable, .departed, .seen,
      .enough, .relocated, .leave, .tick:
      break
    }
  }

  mutating func send(_ message: Message, to peer: Peer) {
    effects.append(.send(message, to: peer))
  }

  /// Never 0, which stands for no question.
  mutating func newTicket() -> UInt32 {
    lastTicket = lastTicket == .max ? 1 : lastTicket + 1
    return lastTicket
  }
}
