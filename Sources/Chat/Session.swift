// One user we talk to, or try to.
//
//          ┌────────────── searching ◀──────────────┐
//   found  ▼                     ▲  pause is over    │
//       knocking ── failed ──▶ pausing ◀── lost ── standing
//        │ ▲ └──────────── opened, or they open ──────▲
//        ▼ │ asked again                              │
//       waiting ──── opened, or they open ────────────┘
//
// There is one session per pair of users, however many sides open it. It lives as long as it stands, or somebody waits for it
// (an `open`, a text, or both users because it stood a moment ago), and is forgotten when nobody does.

import Chord

/// The conversation with one user.
struct Session {
  enum Phase: Equatable {
    /// A search for the user's record is under way.
    case searching
    /// An `open` is on its way to `endpoints[attempt]`.
    case knocking(attempt: Int, until: Instant)
    /// Their user has not accepted ours yet. An `open` asks again then.
    case waiting(until: Instant)
    /// Nothing is under way until then.
    case pausing(until: Instant)
    /// Both sides agree. They call the session `theirs`.
    case standing(theirs: UInt32)
  }

  /// Somebody who waits for the session to stand.
  struct Opener {
    /// Who is to be told; nil for our user's consent to a request, which wants no answer.
    var ticket: Ticket?
    var since: Instant
  }

  let user: User
  /// What the other side calls this session; chosen by us.
  let number: UInt32
  /// Whether the other side began it.
  let isIncoming: Bool
  var phase: Phase
  /// The user's node, once known: it is a hash of the user's key, so it never changes.
  var node: Identifier?
  /// The addresses of the node that are worth trying, best first. The one in use while standing is the first.
  var endpoints: [Endpoint] = []
  /// Failed attempts since it last stood.
  var attempts = 0
  /// What the last attempt came to.
  var lastFailure = Conversations.Failure.timeout
  /// Whether our user has been told that the session is open.
  var isAnnounced = false
  /// When a session that was lost is given up; nil while it stands, or if it never stood.
  var givenUpAt: Instant?
  /// Those who wait for the session to stand, in the order of their deadlines.
  var openers: [Opener] = []
  /// Whether, since it last stood, the other side has said that its user must be asked.
  var isAwaited = false
  /// While standing with texts in flight: the last time anything moved.
  var lastProgress: Instant
  /// The last time a text was given up.
  var lastGivenUp: Instant?
  /// While standing: we have asked again what the other side has, and send nothing until we know.
  var isComparing = false
  var outgoing: Outgoing
  var incoming = Incoming()
  /// The earliest entry of the deadline heap that stands for this session.
  var armed: Instant?
  /// Whether it stands among those whose texts go with the next tick.
  var isReady = false

  init(user: User, number: UInt32, isIncoming: Bool, epoch: UInt64, at now: Instant) {
    self.user = user
    self.number = number
    self.isIncoming = isIncoming
    phase = .pausing(until: now)
    lastProgress = now
    outgoing = Outgoing(epoch: epoch)
  }

  /// Whether anybody still wants it.
  var isWanted: Bool { isAnnounced || !openers.isEmpty || !outgoing.isEmpty }

  var isStanding: Bool { theirs != nil }

  /// What the other side calls the session, while it stands.
  var theirs: UInt32? {
    switch phase {
    case .standing(let theirs): theirs
    case .searching, .knocking, .waiting, .pausing: nil
    }
  }

  /// The user's node under the address in use.
  var peer: Peer? {
    guard let node, !endpoints.isEmpty else { return nil }
    switch phase {
    case .knocking(let attempt, _): return Peer(id: node, endpoint: endpoints[min(attempt, endpoints.count - 1)])
    case .searching, .waiting, .pausing, .standing: return Peer(id: node, endpoint: endpoints[0])
    }
  }

  // What is asked of a session for every text changes nothing, but is `mutating`: so it is looked at where it lies, and not in a copy.

  /// Whether there are texts that may be sent now.
  mutating func maySay(limits: Conversations.Limits) -> Bool {
    isStanding && !isComparing
      && outgoing.canSend(windowTexts: limits.windowTexts, windowBytes: limits.windowBytes)
  }

  /// When the text that has waited longest is given up, and all with it that have waited long enough by then. While nothing stands nobody
  /// is told, so it is to the moment: then no text of before outlives a session that is given up.
  mutating func textDeadline(limits: Conversations.Limits) -> Instant? {
    guard let oldest = outgoing.oldest else { return nil }
    let deadline = oldest + limits.persistence
    guard isStanding, let lastGivenUp else { return deadline }
    return max(deadline, lastGivenUp + limits.givingUpPause)
  }

  /// When the first of those who wait for it to stand has waited long enough.
  func openersDeadline(limits: Conversations.Limits) -> Instant? {
    openers.first.map { $0.since + (isAwaited ? limits.consentPatience : limits.openPatience) }
  }

  /// When it next needs attention.
  mutating func deadline(limits: Conversations.Limits) -> Instant? {
    var earliest: Instant?
    func consider(_ instant: Instant?) {
      if let instant, instant < earliest ?? instant + .nanoseconds(1) { earliest = instant }
    }
    consider(openersDeadline(limits: limits))
    consider(textDeadline(limits: limits))
    consider(givenUpAt)
    switch phase {
    case .searching: break  // the search has a deadline of its own
    case .knocking(_, let until), .waiting(let until), .pausing(let until): consider(until)
    case .standing: if outgoing.inFlight > 0 || isComparing { consider(lastProgress + limits.stallPatience) }
    }
    return earliest
  }
}
