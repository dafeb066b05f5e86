// Our user's conversations: finding others, opening sessions with them, and delivering texts exactly once and in order,
// although links are lost and addresses change. A pure state machine: an event and the time go in, effects come out.
//
//                       find, open, send, close, leave
//                                   │                                 Opening.swift    sessions begin, fail and come back
//    putAnswered, getAnswered ──▶ handle ──▶ put, get, inquire        Texts.swift      texts and what acknowledges them
//    received, linked, lost   ──▶        ──▶ send                     Ending.swift     sessions end
//    tick                     ──▶        ──▶ answers and news         Consent.swift    who may talk to our user
//                                                                     Finding.swift    lookups in the directory
//                                                                     Publication.swift  our own record
//
// What a peer says counts only on the link whose key proved the user it speaks for. What is deliberately absent: anything
// kept beyond the session (no history, no queue for users who are away).

import Chord

/// All conversations of one user.
public struct Conversations: Sendable {
  /// Our user; nil for a node without one.
  public let user: User?

  let configuration: Configuration
  var generator: Generator
  var isInRing = false
  var publication: Publication?
  var departure: Departure?
  var findings: [Finding] = []
  var table = SessionTable()
  var consent = Consent()
  var closedStreams: [ClosedStream] = []
  private var lastTicket: Ticket = 0

  /// `seed` is for jitter and for the epochs of streams; the same seed and the same events give the same effects.
  public init(configuration: Configuration, seed: UInt64, at now: Time) {
    precondition(configuration.limits.sessions <= SessionTable.maximum, "sessions have 12 bits of number")
    self.configuration = configuration
    generator = Generator(seed: seed)
    user = configuration.name.map { User(name: $0, identity: configuration.identity) }
    publication = user.map {
      Publication(
        writer: DirectoryWriter(
          user: $0, identity: configuration.identity, network: configuration.network))
    }
  }

  /// Takes in what happened at `now`, and appends what is to be done.
  public mutating func handle(_ event: Event, at now: Time, into effects: inout [Effect]) {
    let instant = now.monotonic
    switch event {
    case .joined(let endpoints): joined(endpoints, at: now, into: &effects)
    case .find(let user, let ticket): find(user, ticket, at: instant, into: &effects)
    case .open(let user, let ticket): open(user, ticket, at: instant, into: &effects)
    case .send(let user, let text, let ticket): send(text, to: user, ticket, at: instant, into: &effects)
    case .close(let user, let ticket): close(user, ticket, at: instant, into: &effects)
    case .accept(let user): accept(user, at: instant, into: &effects)
    case .ignore(let user): ignore(user, at: instant, into: &effects)
    case .leave(let ticket): leave(ticket, at: now, into: &effects)
    case .received(let message, let peer, let key):
      received(message, from: peer, key: key, at: instant, into: &effects)
    case .linked(let node): linked(node, at: instant, into: &effects)
    case .lost(let node): lost(node, at: instant, into: &effects)
    case .unreachable(let peer): unreachable(peer, at: instant, into: &effects)
    case .putAnswered(let ticket, let copies): putAnswered(ticket, copies: copies, at: now, into: &effects)
    case .getAnswered(let ticket, let lookup): getAnswered(ticket, lookup, at: now, into: &effects)
    case .inquired(let ticket, let lookup, let isOver):
      inquired(ticket, lookup, isOver: isOver, at: now, into: &effects)
    case .tick:
      tickPublication(at: now, into: &effects)
      tickFindings(at: instant, into: &effects)
      while let slot = table.nextDue(at: instant, limits: limits) { attend(to: slot, at: instant, into: &effects) }
      while let slot = table.nextReady() { say(slot, at: instant, into: &effects) }
    }
    assert(table.holdsTogether(limits: limits))
  }

  /// When the machine wants a `tick` at the latest; nil when it waits for nothing.
  public var nextDeadline: Instant? {
    .earlier(publicationDeadline, .earlier(findingsDeadline, table.nextDeadline))
  }

  /// What is out of order or beyond its bound; nil when all is well.
  public var brokenInvariant: String? {
    if !table.holdsTogether(limits: limits) { return "sessions do not hold together" }
    if table.count > limits.sessions { return "\(table.count) sessions" }
    if findings.count > limits.findings { return "\(findings.count) searches" }
    if closedStreams.count > limits.closedStreams { return "\(closedStreams.count) closed streams" }
    if findings.contains(where: { $0.reader.count > 2 * DirectoryReader.limitEach }) {
      return "too many records of one search"
    }
    return consent.brokenInvariant(limits: limits)
  }

  /// The sessions that are open, in the order of their users' names, with the address in use.
  public var sessions: [(user: User, endpoint: Endpoint)] {
    let open = table.taken.compactMap { slot -> (user: User, endpoint: Endpoint)? in
      let session = table[slot]
      guard session.isAnnounced, let peer = session.peer else { return nil }
      return (session.user, peer.endpoint)
    }
    return open.sorted { a, b in
      a.user.name == b.user.name
        ? UserID.precedes(a.user.id, b.user.id) : a.user.name.folded.lexicographicallyPrecedes(b.user.name.folded)
    }
  }

  // MARK: - What all parts use

  /// Whether there is a session with this user, standing or on its way.
  func hasSession(with user: User) -> Bool { table.slot(of: user) != nil }

  var limits: Limits { configuration.limits }

  mutating func newTicket() -> Ticket {
    lastTicket += 1
    return lastTicket
  }

  /// A new name for a stream; not 0.
  mutating func newEpoch() -> UInt64 { generator.next() | 1 }

  /// The pause after so many failures before: doubled each time up to the longest, and jittered.
  mutating func pause(after failures: Int, first: Duration, longest: Duration) -> Duration {
    min(generator.jittered(first * (1 << min(failures, 16))), longest)
  }

  /// After every change of a session: its deadline is met, or it is forgotten.
  mutating func settle(_ slot: Int) {
    if table[slot].isWanted {
      table.arm(slot, limits: limits)
    } else {
      table.remove(slot)
    }
  }

  /// Whatever a message is about, it is handled by the part that knows it. (The engine calls this itself: an event more, made and taken apart
  /// for each message, costs as much as what most messages ask for.)
  mutating func received(
    _ message: ChatMessage, from peer: Peer, key: [UInt8], at now: Instant, into effects: inout [Effect]
  ) {
    guard departure == nil else { return }  // everybody has been told
    defer { assert(table.holdsTogether(limits: limits)) }
    switch message {
    case .open(let opening): receivedOpen(opening, from: peer, key: key, at: now, into: &effects)
    case .opened(let opening, let answering):
      receivedOpened(opening, answering: answering, from: peer, key: key, at: now, into: &effects)
    case .refused(let session, let reason): receivedRefusal(session, reason, from: peer, at: now, into: &effects)
    case .texts(let session, let sequence, let texts):
      receivedTexts(session, sequence, texts, from: peer, into: &effects)
    case .acknowledge(let session, let sequence):
      receivedAcknowledgement(session, sequence, from: peer, at: now, into: &effects)
    case .close(let session, let ending): receivedClose(session, ending, from: peer, into: &effects)
    case .unknown(let session): receivedUnknown(session, from: peer, at: now, into: &effects)
    case .waiting(let session): receivedWaiting(session, from: peer, at: now, into: &effects)
    }
  }
}
