// One question to one neighbour, and what follows when no answer comes: ask again with more patience, then a verdict.
// Links are TCP, so a question is asked again only to learn whether the other is there at all.

/// A question that one neighbour is to answer.
struct Probe: Sendable {
  enum Purpose: Hashable, Sendable {
    /// For the ring's operation in progress.
    case state
    case notify
    /// Only whether it is alive.
    case life
    /// The same, and that we have it as a finger.
    case choice
    /// How far away it is. Who does not answer is not asked again for that.
    case distance(Reason)
    /// A copy for the put of this ticket (0: for none in particular).
    case copy(Record, put: UInt32)
    /// The same for the longer life of a record that the holder should have.
    case renewal(Renewal, put: UInt32)
    /// For somebody outside the machine.
    case look(Ticket)

    /// What answers it.
    var answer: Answer {
      switch self {
      case .state, .look: .view
      case .notify: .notified
      case .life, .choice, .distance: .pong
      case .copy, .renewal: .replicated
      }
    }

    /// Whether it is about what a holder is to keep.
    var isForRecord: Bool {
      switch self {
      case .copy, .renewal: true
      case .state, .notify, .life, .choice, .distance, .look: false
      }
    }
  }

  enum Answer: Hashable, Sendable { case view, notified, pong, replicated }

  enum Reason: Hashable, Sendable {
    /// It may become a finger.
    case survey
    /// It has us as a finger.
    case inbound
    /// It has answered lookups of ours.
    case owner
  }

  var peer: Peer
  var purpose: Purpose
  var sentAt: Instant
  /// The latest time; `sentAt` is the first.
  var askedAt: Instant
  var deadline: Instant
  var tries = 1

  /// Twice what it takes to be declared dead by silence.
  static let triesUntilDead = 2 * Int(RoundTrip.missesUntilDead)
  /// With half of all members dead, five in a row are once in thirty. A request that meets more looks further ahead.
  static let behindHead = 4
}

/// What the neighbour showed that was asked last.
struct Seen: Hashable, Sendable {
  var peer: Identifier
  var view: View
  var digest: UInt64
}

extension ChordNode {
  mutating func probe(_ peer: Peer, _ purpose: Probe.Purpose) {
    if purpose == .state { dropStateProbes() }
    let patience = roundTrips[peer.id]?.patience ?? RoundTrip.initial
    let deadline = now.monotonic + patience
    let ticket = newTicket()
    probes[ticket] = Probe(
      peer: peer, purpose: purpose, sentAt: now.monotonic, askedAt: now.monotonic, deadline: deadline)
    deadlines.insert(ticket, at: deadline)
    ask(ticket, peer, purpose)
  }

  /// When the head is silent the ones behind it may be as well: to find that out one after the other would take too long.
  private mutating func probeThoseBehindHead() {
    for peer in ring.successors.dropFirst().prefix(Probe.behindHead) { probeLife(of: peer) }
  }

  /// The ring has one operation at a time: an answer to an earlier question must not pass for the answer to this one.
  private mutating func dropStateProbes() {
    for ticket in probes.keys.sorted() where probes[ticket]?.purpose == .state { probes[ticket] = nil }
  }

  /// Whether it answers decides; at most one such question a neighbour.
  mutating func probeLife(of peer: Peer) {
    guard !probes.values.contains(where: { $0.peer.id == peer.id && $0.purpose == .life }) else { return }
    probe(peer, .life)
  }

  private mutating func ask(_ ticket: UInt32, _ peer: Peer, _ purpose: Probe.Purpose) {
    switch purpose {
    case .state:
      send(seen.flatMap { $0.peer == peer.id ? .queryAgain(ticket, $0.digest) : nil } ?? .query(ticket), to: peer)
    case .look: send(.query(ticket), to: peer)
    case .notify: send(.notify(ticket), to: peer)
    case .life, .distance: send(.ping(ticket), to: peer)
    case .choice: send(.chosen(ticket), to: peer)
    case .copy(let record, _): send(.replicate(ticket, record), to: peer)
    case .renewal(let renewal, _): send(.extend(ticket, renewal), to: peer)
    }
  }

  /// The answer to a question of ours, if `peer` was the one asked and this is what answers it: who answers something else has not answered.
  private mutating func takeProbe(_ ticket: UInt32, from peer: Peer, by answer: Probe.Answer) -> Probe? {
    guard let probe = probes[ticket], probe.peer.id == peer.id, probe.purpose.answer == answer else { return nil }
    probes[ticket] = nil
    if probe.tries == 1 {
      roundTrips[peer.id, default: RoundTrip(now: now.monotonic)].sample(now.monotonic - probe.sentAt)
    }
    return probe
  }

  mutating func acknowledged(_ ticket: UInt32, _ answer: Probe.Answer, by peer: Peer, isGood: Bool) {
    guard let probe = takeProbe(ticket, from: peer, by: answer) else { return }
    switch probe.purpose {
    case .state, .look: break  // those are answered by a view
    case .notify: if isGood, peer.id == ring.successors.first?.id { settle() }
    case .life, .choice: isGood ? ring.isAlive(peer.id) : departed(peer.id)
    case .distance(let reason): if isGood { measured(probe.peer, reason) }
    case .copy(_, let put): copyEnded(put, kept: isGood)
    case .renewal(let renewal, let put): renewalEnded(renewal, put, kept: isGood, by: probe.peer)
    }
  }

  mutating func viewed(_ ticket: UInt32, _ view: View, from peer: Peer) {
    guard let probe = takeProbe(ticket, from: peer, by: .view) else { return }
    switch probe.purpose {
    case .state:
      mayFollowHint = true
      if seen?.peer != peer.id || seen?.view != view { seen = Seen(peer: peer.id, view: view, digest: view.digest) }
      let before = vainAnswers
      change { $0.answered(by: peer, view) }
      if vainAnswers == before, !ring.isBusy { vainAnswers = 0 }
      if view.predecessor?.id == me.id, peer.id == ring.successors.first?.id { settle() }
    case .look(let ticket): effects.append(.viewed(ticket, view))
    case .notify, .life, .choice, .distance, .copy, .renewal: break
    }
  }

  /// It shows what it showed when we asked it last.
  mutating func shownAgain(_ ticket: UInt32, by peer: Peer) {
    guard let seen, seen.peer == peer.id, probes[ticket]?.purpose == .state else { return }
    viewed(ticket, seen.view, from: peer)
  }

  /// No answer in time: a miss, and after enough of them a death.
  mutating func probeExpired(_ ticket: UInt32, _ probe: Probe) {
    if case .distance = probe.purpose { return probes[ticket] = nil }
    var roundTrip = roundTrips[probe.peer.id] ?? RoundTrip(now: now.monotonic)
    let isMiss = roundTrip.missed(askedAt: probe.askedAt, now: now.monotonic)
    roundTrips[probe.peer.id] = roundTrip
    // Whoever talks but never answers what it is asked is of no more use than the dead.
    if roundTrip.isDead || probe.tries >= Probe.triesUntilDead {
      effects.append(.disconnect(probe.peer.id))
      died(probe.peer.id)
      return
    }
    // It may be the link that is dead, not the node: what is asked now dials anew.
    if isMiss, roundTrip.deservesAnotherLink { effects.append(.renew(probe.peer.id)) }
    if probe.peer.id == ring.successors.first?.id { probeThoseBehindHead() }
    var again = probe
    again.tries += 1
    again.askedAt = now.monotonic
    again.deadline = now.monotonic + roundTrip.patience
    probes[ticket] = again
    deadlines.insert(ticket, at: again.deadline)
    ask(ticket, probe.peer, probe.purpose)
  }

  /// The host was asleep: what looks like silence was our own.
  mutating func forgiveSilence() {
    for ticket in probes.keys {
      probes[ticket]?.tries += 1
      probes[ticket]?.askedAt = now.monotonic
    }
    let soonest = now.monotonic + RoundTrip.initial
    deadlines.postpone(&probes, until: soonest)
    deadlines.postpone(&forwards, until: soonest)
    deadlines.postpone(&asks, until: soonest)
  }

  mutating func expired(_ ticket: UInt32) {
    if let probe = probes[ticket], probe.deadline <= now.monotonic { probeExpired(ticket, probe) }
    if let forward = forwards[ticket], forward.deadline <= now.monotonic { forwardExpired(ticket) }
    if let put = puts[ticket], put.deadline <= now.monotonic { putExpired(ticket) }
    if let ask = asks[ticket], ask.deadline <= now.monotonic { askExpired(ask, ticket) }
    if let inquiry = inquiries[ticket], inquiry.giveUpAt <= now.monotonic { inquiryExpired(ticket) }
  }

  mutating func heard(from peer: Identifier) {
    if let roundTrip = roundTrips[peer], roundTrip.isSuspect, !roundTrip.isLinked { sendWhatIsOwed(to: peer) }
    let now = now.monotonic
    let isCounted = roundTrips.change(peer) { $0.heard(at: now) }
    if !isCounted, isPointedAt(peer) { roundTrips[peer] = RoundTrip(now: now) }
  }

  /// Drops every question to a node that is gone; with an endpoint, those that were sent there.
  mutating func dropProbes(to id: Identifier, at endpoint: Endpoint?) {
    for ticket in probes.keys.sorted() {
      guard let probe = probes[ticket], probe.peer.matches(id, at: endpoint) else { continue }
      probes[ticket] = nil
      switch probe.purpose {
      case .copy(_, let put), .renewal(_, let put): copyEnded(put, kept: false)
      case .look(let ticket): effects.append(.viewed(ticket, nil))
      case .state, .notify, .life, .choice, .distance: break
      }
    }
  }
}

/// An open question, which waits until a deadline.
protocol OpenQuestion {
  var deadline: Instant { get set }
}

extension Probe: OpenQuestion {}
extension Forward: OpenQuestion {}
extension Ask: OpenQuestion {}

extension DeadlineQueue<UInt32> {
  /// Lets none of these end before that time.
  mutating func postpone(_ questions: inout [UInt32: some OpenQuestion], until soonest: Instant) {
    for ticket in questions.keys {
      guard let deadline = questions[ticket]?.deadline else { continue }
      questions[ticket]?.deadline = max(deadline, soonest)
      insert(ticket, at: max(deadline, soonest))
    }
  }
}
