// Which connection between two nodes is their link: the rules alone. No socket, no clock: the host owns the connections, numbers them,
// tells what happened to them and does what is said here. Both ends run these rules, and never speak about them: each sees the same
// connections, in another order, and must come to the same end. (Tests/ChordTests/LinkExploration.swift tries every order.)
//
//   send(frame) ──> link? ──> write            A connection is established:
//                    │ it is in question, or an older one is not heard to its end: wait
//                    └ no ──> dialling?          no link? ──> it is the link
//                              │ yes: wait       the link was dialled by the other side?
//                              └ no ──> dial      └──> the one that the smaller identifier dialled stays, the other is drained
//                                                by the same side, or the one to stay has stood for a while?
//   What there is to one node (`Company`):        └──> the link is pinged: an answer, and the new one is drained;
//                                                                          none, and the new one is the link
//     drained      goodbye is said, still heard
//     current      THE link                       contenders    came while it stood: does it live?
//     givenUp      ended by us, soon `lost`       waiting       what is said meanwhile
//
// What the owner may rely on:
//   - There is one link, and what is said is heard in order. Connections overtake each other, so what is said after a link was replaced
//     waits until the other side has ended the old one, which means that it has heard all that was said there.
//   - Nothing vanishes without a word: where something may not have arrived, `lost`, `departed` or `unreachable` follows. So a drained
//     connection that breaks before the other side has ended it is `lost`, at either end, though the link stays `linked`.
//
// Absent: handshakes, limits for strangers, whether to dial on somebody's word (the host may refuse it: then the dial has ended),
// time-outs of pings and of drained connections (the host tells how they came out).

/// The connections between one node and all others, and which of them are its links.
public struct LinkRules: Hashable, Sendable {
  /// A connection, as the host numbers it; never two by the same number.
  public typealias Number = Int

  /// What happened.
  public enum Event: Hashable, Sendable {
    /// A frame is to be sent. If that takes a dial, its number is `dialling`; somebody may have just named the address.
    case send([UInt8], to: Peer, dialling: Number, onWordOf: Identifier? = nil)
    /// A connection has a proved node at its other end. Nothing that came on it was told before.
    case established(Number, with: Identifier, isDialled: Bool)
    /// How a ping came out; once for each that was asked for. One that we drain, or that ended, is not alive.
    case answered(Number, isAlive: Bool)
    /// The other side says nothing more on this connection, and the host closes our side of it as well.
    case saidGoodbye(Number, Goodbye)
    /// A connection is gone: once for each that was established, and for each dial of ours. `isHeardOut` if the other side has ended
    /// it in good order, after goodbyes both ways: then it has heard all that we said.
    case ended(Number, isHeardOut: Bool)
    /// A node is dead as far as the owner knows, or its link is.
    case giveUp(Identifier)
    /// Nothing was said over the link to this node for long.
    case idle(Identifier)
    /// The owner leaves for good.
    case leave
  }

  /// What is to be done, in this order.
  public enum Effect: Hashable, Sendable {
    /// Dial; if that cannot be, it has `ended`.
    case dial(Peer, Number, onWordOf: Identifier?)
    case write([UInt8], on: Number)
    /// Find out whether it still carries anything, within `LinkRules.answerPatience`.
    case ping(Number)
    /// Say goodbye, and end it when the other side has ended too, or takes too long.
    case close(Number, Goodbye)
    /// End it at once.
    case end(Number)
    /// The link to this node stands.
    case linked(Identifier, Number)
    /// The link broke without a word, or what was said over it may not have arrived.
    case lost(Identifier)
    /// The last connection to this node has ended, in good order: nothing was lost, and what is said next dials.
    case parted(Identifier)
    /// The node has left for good.
    case departed(Identifier)
    /// It could not be dialled at this address.
    case unreachable(Peer)
  }

  /// Frames that wait while a node is dialled, or while it is in question which of its connections lives; more than a session's
  /// window would ever put there.
  public static let queueLimit = 1024
  /// At most this many dials at once, so that a burst leaves descriptors for those who come to us.
  public static let dialLimit = 256
  /// A second connection that comes within this time of the first may have been dialled at the same moment; after it the other
  /// side had the first link when it dialled, and would have used it.
  public static let sameMoment = Duration.seconds(2)
  /// A link that lives answers a ping in this time; its node waits as long for everything else.
  public static let answerPatience = Duration.seconds(1)

  /// A proved connection that is, or may become, the link.
  struct Standing: Hashable, Sendable {
    var number: Number
    var since: Instant
    var isDialled: Bool
    /// A ping is under way.
    var isAsked = false
    /// Something was said on it by us.
    var isSpokenOn = false
  }

  /// One on which goodbye has been said, by whichever side.
  struct Drained: Hashable, Sendable {
    var number: Number
    /// The other side has said goodbye too: nothing more comes on it.
    var isHeard = false
    /// The owner was told that nothing more is heard on it.
    var isTold = false
    var isSpokenOn = false
  }

  /// All there is between us and one node. Each place is a connection of its own, so peers make it grow no further than the host lets
  /// them connect.
  struct Company: Hashable, Sendable {
    var drained: [Drained] = []
    var current: Standing?
    var contenders: [Standing] = []
    var givenUp: [Number] = []
    /// What is to be sent when nothing has to be waited for any more.
    var waiting: [[UInt8]] = []

    /// Whether what is said waits here: it is in question which connection lives, or the other side may not know yet of an older one on
    /// which we have said something, and would hear this first.
    var mustWait: Bool {
      !contenders.isEmpty || current != nil && drained.contains { $0.isSpokenOn && !$0.isTold }
    }

    var isEmpty: Bool {
      current == nil && drained.isEmpty && contenders.isEmpty && givenUp.isEmpty && waiting.isEmpty
    }
  }

  /// A dial to a node that has no link, and what waits for it; with each frame, the how manieth of all that ever waited it is.
  struct Dial: Hashable, Sendable {
    var number: Number
    var waiting: [Waiting]

    struct Waiting: Hashable, Sendable {
      var turn: Int
      var frame: [UInt8]
    }
  }

  let me: Identifier
  private let queueLimit: Int
  var companies: [Identifier: Company] = [:]
  /// Who is at the other end of each established connection.
  var ends: [Number: Identifier] = [:]
  /// A dial is to one address. Two that name one node at two addresses have us dial both, so that whoever lies cannot hold up the other.
  var dials: [Peer: Dial] = [:]
  private var lastTurn = 0
  private var isLeaving = false
  /// Frames that were dropped because too many waited already.
  public private(set) var droppedCount = 0

  /// The rules at the node with this identifier.
  public init(me: Identifier, queueLimit: Int = Self.queueLimit) {
    self.me = me
    self.queueLimit = queueLimit
  }

  /// All nodes to which a link stands, in order.
  public var linked: [Identifier] { companies.filter { $0.value.current != nil }.keys.sorted() }

  /// How many links stand.
  public var count: Int { companies.reduce(0) { $0 + ($1.value.current == nil ? 0 : 1) } }

  /// Whether nothing is open: no dial, no question, no connection but the links.
  public var isAtRest: Bool {
    dials.isEmpty
      && companies.values.allSatisfy {
        $0.contenders.isEmpty && $0.drained.isEmpty && $0.givenUp.isEmpty && $0.waiting.isEmpty
      }
  }

  /// The link to a node, if one stands.
  public func link(to id: Identifier) -> Number? { companies[id]?.current?.number }

  /// Adds what is to be done to `effects`. Events that come up while that is done are told afterwards.
  public mutating func handle(_ event: Event, at now: Instant, into effects: inout [Effect]) {
    switch event {
    case .send(let frame, let peer, let number, let advertiser):
      send(frame, to: peer, number, advertiser, into: &effects)
    case .established(let number, let id, let isDialled):
      established(Standing(number: number, since: now, isDialled: isDialled), id, at: now, into: &effects)
    case .answered(let number, let isAlive): answered(number, isAlive, at: now, into: &effects)
    case .saidGoodbye(let number, let goodbye): saidGoodbye(number, goodbye, at: now, into: &effects)
    case .ended(let number, let isHeardOut): ended(number, isHeardOut, at: now, into: &effects)
    case .giveUp(let id): change(id, &effects) { company, _, effects in company.giveUp(into: &effects) }
    case .idle(let id): change(id, &effects) { company, _, effects in company.idle(into: &effects) }
    case .leave: leave(into: &effects)
    }
  }

  /// Changes what there is between us and one node.
  mutating func change(
    _ id: Identifier, _ effects: inout [Effect], _ body: (inout Company, inout LinkRules, inout [Effect]) -> Void
  ) {
    var company = companies.removeValue(forKey: id) ?? Company()
    body(&company, &self, &effects)
    company.goOn(into: &effects)
    if !company.isEmpty { companies[id] = company }
  }

  // MARK: Sending

  private mutating func send(
    _ frame: [UInt8], to peer: Peer, _ number: Number, _ advertiser: Identifier?, into effects: inout [Effect]
  ) {
    if let place = companies.index(forKey: peer.id) {
      switch companies.values[place].say(frame, limit: queueLimit) {
      case .said(let link): return effects.append(.write(frame, on: link))
      case .waits: return
      case .dropped: return droppedCount += 1
      case .noLink: break
      }
    }
    lastTurn += 1
    let waiting = Dial.Waiting(turn: lastTurn, frame: frame)
    if let count = dials[peer]?.waiting.count {
      guard count < queueLimit else { return droppedCount += 1 }
      dials[peer]?.waiting.append(waiting)
      return
    }
    guard !isLeaving, peer.endpoint.isDialable, dials.count < Self.dialLimit else {
      return effects.append(.unreachable(peer))
    }
    dials[peer] = Dial(number: number, waiting: [waiting])
    effects.append(.dial(peer, number, onWordOf: advertiser))
  }

  /// What waits for any dial to a node, in the order in which it was said. The dials are nobody's any more: whichever comes through
  /// is one connection more.
  mutating func takeWaiting(for id: Identifier) -> [[UInt8]] {
    let peers = dials.keys.filter { $0.id == id }
    let waiting = peers.flatMap { dials.removeValue(forKey: $0)?.waiting ?? [] }
    return waiting.sorted { $0.turn < $1.turn }.map(\.frame)
  }

  private mutating func leave(into effects: inout [Effect]) {
    isLeaving = true
    dials = [:]
    for id in companies.keys.sorted() {
      change(id, &effects) { company, _, effects in
        for contender in company.contenders { effects.append(.end(contender.number)) }
        company.contenders = []
        company.waiting = []
        if let current = company.current { effects.append(.close(current.number, .leaving)) }
      }
    }
  }
}
