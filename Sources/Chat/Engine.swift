// The whole node as one machine: the ring and the conversations, and what they ask of each other.
//
//                 ┌──────────── Engine ────────────┐
//   event, time ──┤  Conversations ──get, put──> ChordNode  ├──> effects
//                 │   <──got, inquired, stored, settled──   │
//                 └────────────────────────────────┘
//
// Effects of one machine that are events of the other are handed over here; everything else goes out to the host.

import Chord

/// A node without its sockets.
public struct Engine: Sendable {
  public enum Event: Sendable {
    case ring(ChordNode.Event)
    case chat(Conversations.Event)
    case received(ChatMessage, from: Peer, key: [UInt8])
    case linked(Identifier)
    case lost(Identifier)
    case unreachable(Peer)
    case departed(Identifier)
    case relocated(Endpoint)
    /// Withdraw the record, tell the peers, hand over, leave.
    case leave
    case tick
  }

  public enum Effect: Equatable, Sendable {
    case send(Message, to: Peer)
    case sendChat(ChatMessage, to: Peer)
    case ring(ChordNode.Effect)
    case chat(Conversations.Effect)
    /// This request of the host's came before there was a ring, and none came in time.
    case notInRing(Ticket)
    case left
  }

  public private(set) var ring: ChordNode
  public private(set) var conversations: Conversations?
  private var ringEffects: [ChordNode.Effect] = []
  private var chatEffects: [Conversations.Effect] = []
  /// What is being handed over. Arrays that are emptied and filled again, since most events have effects.
  private var fromRing: [ChordNode.Effect] = []
  private var fromChat: [Conversations.Effect] = []
  private var isLeaving = false
  /// Requests that came before the node was in a ring.
  private var early: [(event: Event, ticket: Ticket, deadline: Instant)] = []

  /// A request made before the node is in a ring waits this long for that: a start takes a tenth of it at the worst.
  private static let patienceForRing = Duration.seconds(10)
  /// More than a person or a script asks for in that time.
  private static let earlyLimit = 1024

  public init(ring: ChordNode, conversations: Conversations?) {
    self.ring = ring
    self.conversations = conversations
  }

  /// When the machine wants a `tick` at the latest. In place, as `ChordNode.nextDeadline`.
  public var nextDeadline: Instant? {
    mutating get {
      Instant.earlier(ring.nextDeadline, Instant.earlier(conversations?.nextDeadline, early.first?.deadline))
    }
  }

  /// What is out of order or beyond its bound; nil when all is well.
  public var brokenInvariant: String? {
    if let broken = ring.brokenInvariant { return broken }
    if early.count > Self.earlyLimit { return "\(early.count) requests before there is a ring" }
    return conversations?.brokenInvariant
  }

  /// Takes an event and appends what the host is to do.
  public mutating func handle(_ event: Event, at now: Time, into effects: inout [Effect]) {
    take(event, at: now, into: &effects)
    exchange(at: now, into: &effects)
  }

  private mutating func take(_ event: Event, at now: Time, into effects: inout [Effect]) {
    if let ticket = event.ticketInRing, !ring.isInRing, !isLeaving, !isForSession(event) {
      return wait(event, ticket, at: now, into: &effects)
    }
    switch event {
    case .ring(let event): ring.handle(event, at: now, into: &ringEffects)
    case .chat(let event):
      if !early.isEmpty, dismiss(for: event, into: &effects) { return }
      conversations?.handle(event, at: now, into: &chatEffects)
    case .received(let message, let peer, let key):
      conversations?.received(message, from: peer, key: key, at: now.monotonic, into: &chatEffects)
    case .linked(let id): conversations?.handle(.linked(id), at: now, into: &chatEffects)
    case .lost(let id):
      ring.handle(.lost(id), at: now, into: &ringEffects)
      conversations?.handle(.lost(id), at: now, into: &chatEffects)
    case .unreachable(let peer):
      ring.handle(.unreachable(peer), at: now, into: &ringEffects)
      conversations?.handle(.unreachable(peer), at: now, into: &chatEffects)
    case .departed(let id):
      ring.handle(.departed(id), at: now, into: &ringEffects)
      conversations?.handle(.lost(id), at: now, into: &chatEffects)
    case .relocated(let endpoint):
      ring.handle(.relocated(endpoint), at: now, into: &ringEffects)
      if ring.isInRing { conversations?.handle(.joined(endpoints: [endpoint]), at: now, into: &chatEffects) }
    case .leave: leave(at: now, into: &effects)
    case .tick:
      // Mostly it is texts that are due.
      if let at = ring.nextDeadline, at <= now.monotonic { ring.handle(.tick, at: now, into: &ringEffects) }
      conversations?.handle(.tick, at: now, into: &chatEffects)
      while let first = early.first, first.deadline <= now.monotonic {
        early.removeFirst()
        effects.append(.notInRing(first.ticket))
      }
    }
  }

  /// Hands over what the machines want of each other until neither wants anything. Taken out one by one, from the end: an effect that moves
  /// costs a third of one that is copied and destroyed.
  private mutating func exchange(at now: Time, into effects: inout [Effect]) {
    while !ringEffects.isEmpty || !chatEffects.isEmpty {
      if !ringEffects.isEmpty {
        swap(&ringEffects, &fromRing)
        fromRing.reverse()
        while let effect = fromRing.popLast() { pass(effect, at: now, into: &effects) }
      }
      if !chatEffects.isEmpty {
        swap(&chatEffects, &fromChat)
        fromChat.reverse()
        while let effect = fromChat.popLast() { pass(effect, at: now, into: &effects) }
      }
    }
  }

  private mutating func pass(_ effect: consuming ChordNode.Effect, at now: Time, into effects: inout [Effect]) {
    switch effect {
    case .send(let message, let peer): effects.append(.send(message, to: peer))
    case .settled:
      conversations?.handle(.joined(endpoints: [ring.me.endpoint]), at: now, into: &chatEffects)
      effects.append(.ring(effect))
      let waiting = early
      early = []
      for (event, _, _) in waiting { take(event, at: now, into: &effects) }
    case .got(let ticket, let records, let hops) where Self.isChats(ticket):
      let answer = Conversations.Lookup.records(records, hops: hops)
      conversations?.handle(.getAnswered(ticket >> 1, answer), at: now, into: &chatEffects)
    case .stored(let ticket, let copies) where Self.isChats(ticket):
      conversations?.handle(.putAnswered(ticket >> 1, copies: copies), at: now, into: &chatEffects)
    case .inquired(let ticket, let records, let hops, let isOver) where Self.isChats(ticket):
      let answer = Conversations.Lookup.records(records, hops: hops)
      conversations?.handle(.inquired(ticket >> 1, answer, isOver: isOver), at: now, into: &chatEffects)
    case .failed(let ticket, _) where Self.isChats(ticket):
      conversations?.handle(.inquired(ticket >> 1, .failed, isOver: true), at: now, into: &chatEffects)
      conversations?.handle(.getAnswered(ticket >> 1, .failed), at: now, into: &chatEffects)
      conversations?.handle(.putAnswered(ticket >> 1, copies: nil), at: now, into: &chatEffects)
    case .left: effects.append(.left)
    case .seek, .disconnect, .renew, .startedAlone, .found, .got, .stored, .inquired, .failed, .viewed:
      effects.append(.ring(effect))
    }
  }

  private mutating func pass(_ effect: consuming Conversations.Effect, at now: Time, into effects: inout [Effect]) {
    switch effect {
    case .send(let message, let peer): effects.append(.sendChat(message, to: peer))
    case .get(let key, let ticket): ring.handle(.get(key, Self.chats(ticket)), at: now, into: &ringEffects)
    case .inquire(let key, let ticket): ring.handle(.inquire(key, Self.chats(ticket)), at: now, into: &ringEffects)
    case .enough(let ticket): ring.handle(.enough(Self.chats(ticket)), at: now, into: &ringEffects)
    case .put(let record, let ticket): ring.handle(.put(record, Self.chats(ticket)), at: now, into: &ringEffects)
    case .extend(let renewal, let ticket):
      ring.handle(.extend(renewal, Self.chats(ticket)), at: now, into: &ringEffects)
    case .withdrawn:
      if isLeaving { ring.handle(.leave, at: now, into: &ringEffects) } else { effects.append(.chat(effect)) }
    default: effects.append(.chat(effect))
    }
  }

  /// Whether a session that there is will see to it, ring or no ring; not if a request for the same user has to wait.
  private func isForSession(_ event: Event) -> Bool {
    guard let user = event.partner, conversations?.hasSession(with: user) == true else { return false }
    return !early.contains { $0.event.partner == user }
  }

  private mutating func wait(_ event: Event, _ ticket: Ticket, at now: Time, into effects: inout [Effect]) {
    guard early.count < Self.earlyLimit else { return effects.append(.notInRing(ticket)) }
    early.append((event, ticket, now.monotonic + Self.patienceForRing))
  }

  /// Whom our user closes or ignores, nothing that still waits for a ring is sent to: it fails as it would with a session that is closed.
  /// Whether that was all there was to close.
  private mutating func dismiss(for event: Conversations.Event, into effects: inout [Effect]) -> Bool {
    guard let user = event.dismissed else { return false }
    let dismissed = early.filter { $0.event.partner == user }
    guard !dismissed.isEmpty else { return false }
    early.removeAll { $0.event.partner == user }
    for request in dismissed { effects.append(.chat(.failed(request.ticket, .noSession))) }
    guard case .close(_, let ticket) = event, conversations?.hasSession(with: user) != true else { return false }
    effects.append(.chat(.closed(ticket)))
    return true
  }

  private mutating func leave(at now: Time, into effects: inout [Effect]) {
    guard !isLeaving else { return }
    isLeaving = true
    for (_, ticket, _) in early { effects.append(.notInRing(ticket)) }
    early = []
    if conversations == nil {
      ring.handle(.leave, at: now, into: &ringEffects)
    } else {
      conversations?.handle(.leave(0), at: now, into: &chatEffects)
    }
  }

  // Tickets of the ring's clients: odd ones are the conversations', even ones the host's.
  private static func chats(_ ticket: Ticket) -> Ticket { ticket << 1 | 1 }
  private static func isChats(_ ticket: Ticket) -> Bool { ticket & 1 == 1 }
}

extension Conversations.Event {
  /// The user whom ours wants to hear no more of, for now or for good.
  fileprivate var dismissed: User? {
    switch self {
    case .close(let user, _), .ignore(let user): user
    case .joined, .find, .open, .send, .accept, .leave, .received, .linked, .lost, .unreachable, .putAnswered,
      .getAnswered, .inquired, .tick:
      nil
    }
  }
}

extension Engine.Event {
  /// The user whom a request for a session is about.
  fileprivate var partner: User? {
    switch self {
    case .chat(.open(let user, _)), .chat(.send(let user, _, _)): user
    case .ring, .chat, .received, .linked, .lost, .unreachable, .departed, .relocated, .leave, .tick: nil
    }
  }

  /// The ticket of a request that makes sense only in a ring.
  fileprivate var ticketInRing: Ticket? {
    switch self {
    case .ring(.lookUp(_, let ticket)): ticket >> 1
    case .chat(.find(_, let ticket)), .chat(.open(_, let ticket)), .chat(.send(_, _, let ticket)): ticket
    case .ring, .chat, .received, .linked, .lost, .unreachable, .departed, .relocated, .leave, .tick: nil
    }
  }
}
