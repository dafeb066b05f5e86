// How a session comes to stand, and how it comes back.
//
// Each attempt is the same, the first and the hundredth: look the user up (the address may have changed), send `open` to one
// address after the other, and wait for `opened`. Between attempts there is a pause that doubles from 100 ms to 2 s. Attempts
// go on as long as somebody wants the session; a user who is not in the directory ends the first search at once.
//
// Both sides do this after a lost link, and whichever `open` comes first brings the session back; a second one does no harm.

import Chord

extension Conversations {
  mutating func open(_ user: User, _ ticket: Ticket, at now: Instant, into effects: inout [Effect]) {
    let slot: Int
    do { slot = try session(with: user, at: now) } catch { return effects.append(.failed(ticket, error)) }
    if table[slot].isStanding { return effects.append(.opened(ticket, user)) }
    guard table[slot].openers.count < limits.waitersEach else { return effects.append(.failed(ticket, .busy)) }
    let isNew = !table[slot].isWanted
    table[slot].openers.append(Session.Opener(ticket: ticket, since: now))
    if isNew { begin(slot, at: now, into: &effects) } else { settle(slot) }
  }

  /// The session with this user, made if there is none. One that was made is not wanted yet: `begin` it.
  mutating func session(with user: User, at now: Instant) throws(Failure) -> Int {
    if departure != nil { throw .stopped }
    guard let me = self.user else { throw .noUser }
    if user == me { throw .oneself }
    if let slot = table.slot(of: user) { return slot }
    guard isInRing else { throw .notInRing }
    guard table.count < limits.sessions else { throw .busy }
    consent.accept(user, limit: limits.acceptedUsers)  // whoever is written to may answer
    return table.insert(user, isIncoming: false, epoch: newEpoch(), at: now)
  }

  /// The first attempt of a session that somebody now waits for.
  mutating func begin(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    table.arm(slot, limits: limits)
    search(slot, at: now, into: &effects)
  }

  // MARK: Attempts

  /// The user's record has been found.
  mutating func located(_ slot: Int, _ entry: DirectoryEntry, at now: Instant, into effects: inout [Effect]) {
    guard entry.nodeID != configuration.identity.nodeID else {  // our own key under another name
      return attemptFailed(slot, .oneself, at: now, into: &effects)
    }
    table[slot].node = entry.nodeID
    table[slot].endpoints = entry.endpoints
    knock(slot, attempt: 0, at: now, into: &effects)
    settle(slot)
  }

  /// Sends `open` to one of the node's addresses.
  mutating func knock(_ slot: Int, attempt: Int, at now: Instant, into effects: inout [Effect]) {
    table[slot].phase = .knocking(attempt: attempt, until: now + limits.knockPatience)
    guard let peer = table[slot].peer, let opening = opening(slot) else { return }
    effects.append(.send(.open(opening), to: peer))
  }

  /// What we say of ourselves in `open` and `opened`.
  func opening(_ slot: Int) -> ChatMessage.Opening? {
    guard let user else { return nil }
    let session = table[slot]
    return ChatMessage.Opening(
      from: user, salt: configuration.identity.salt, to: session.user, session: session.number,
      epoch: session.outgoing.epoch, first: session.outgoing.first, knownEpoch: session.incoming.epoch,
      received: session.incoming.received)
  }

  /// The address tried last does not answer: on to the next.
  private mutating func knockFailed(_ slot: Int, _ failure: Failure, at now: Instant, into effects: inout [Effect]) {
    guard case .knocking(let attempt, _) = table[slot].phase, attempt + 1 < table[slot].endpoints.count else {
      return attemptFailed(slot, failure, at: now, into: &effects)
    }
    knock(slot, attempt: attempt + 1, at: now, into: &effects)
    settle(slot)
  }

  /// All that could be tried has been tried: a pause, or the end if there is nobody to wait for.
  mutating func attemptFailed(_ slot: Int, _ failure: Failure, at now: Instant, into effects: inout [Effect]) {
    table[slot].lastFailure = failure
    if !table[slot].isAnnounced, failure == .userNotFound || failure == .oneself {
      return end(slot, .userNotFound, failing: failure, into: &effects)
    }
    let pause = pause(after: table[slot].attempts, first: limits.firstPause, longest: limits.longestPause)
    table[slot].attempts += 1
    table[slot].phase = .pausing(until: now + pause)
    settle(slot)
  }

  // MARK: What the other side says

  mutating func receivedOpen(
    _ opening: ChatMessage.Opening, from peer: Peer, key: [UInt8], at now: Instant, into effects: inout [Effect]
  ) {
    func refuse(_ reason: ChatMessage.Refusal) {
      effects.append(.send(.refused(session: opening.session, reason), to: peer))
    }
    guard let user, opening.to == user, opening.from != user else { return refuse(.noSuchUser) }
    guard proves(opening, peer, key) else { return refuse(.unproved) }
    if consent.ignores(opening.from, at: peer.id) {
      return effects.append(.send(.waiting(session: opening.session), to: peer))
    }
    // A session that our user has begun since, and that has not heard from them yet, takes the closed stream up.
    let takesUp = table.slot(of: opening.from).map { table[$0].incoming.epoch == 0 } ?? false
    if !takesUp, wasClosed(opening.from, epoch: opening.epoch, at: now) { return refuse(.closed) }
    for slot in table.slots(at: peer.id) where table[slot].user != opening.from {
      end(slot, .left, failing: .userNotFound, into: &effects)  // a node has one user at a time
    }
    if let slot = table.slot(of: opening.from) {
      return stand(slot, opening, peer, isAnswer: false, at: now, into: &effects)
    }
    if configuration.asksBeforeAccepting, !consent.hasAccepted(opening.from) {
      return ask(opening, from: peer, at: now, into: &effects)
    }
    guard hasRoomForIncoming else { return refuse(.full) }
    let slot = table.insert(opening.from, isIncoming: true, epoch: newEpoch(), at: now)
    stand(slot, opening, peer, isAnswer: false, at: now, into: &effects)
  }

  mutating func receivedOpened(
    _ opening: ChatMessage.Opening, answering number: UInt32, from peer: Peer, key: [UInt8], at now: Instant,
    into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number) else {
      // Nobody waits for it any more. Unless we have opened another meanwhile, which the other side takes for the same.
      if table.slot(of: opening.from) != nil { return }
      return effects.append(.send(.close(session: opening.session, .closed), to: peer))
    }
    guard table[slot].node == peer.id, table[slot].user == opening.from, opening.to == user, proves(opening, peer, key)
    else { return }
    stand(slot, opening, peer, isAnswer: true, at: now, into: &effects)
  }

  mutating func receivedRefusal(
    _ number: UInt32, _ reason: ChatMessage.Refusal, from peer: Peer, at now: Instant, into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id else { return }
    switch table[slot].phase {
    case .searching, .pausing: return  // an answer to an `open` that we gave up
    case .standing where !table[slot].isComparing: return
    case .standing: relapse(slot, at: now)
    case .knocking, .waiting: break
    }
    switch reason {
    case .noSuchUser: attemptFailed(slot, .userNotFound, at: now, into: &effects)
    case .full, .unproved: attemptFailed(slot, .unreachable, at: now, into: &effects)
    case .closed: end(slot, .closedByPeer, failing: .noSession, into: &effects)
    }
  }

  /// The other side has forgotten the session, though the link stands.
  mutating func receivedUnknown(_ theirs: UInt32, from peer: Peer, at now: Instant, into effects: inout [Effect]) {
    for slot in table.slots(at: peer.id) where table[slot].theirs == theirs {
      relapse(slot, at: now)
      settle(slot)
    }
  }

  /// Whether others may open one more session.
  var hasRoomForIncoming: Bool { table.incomingCount < limits.incomingSessions && table.count < limits.sessions }

  private func proves(_ opening: ChatMessage.Opening, _ peer: Peer, _ key: [UInt8]) -> Bool {
    opening.from.isProved(by: key, salt: opening.salt) && Identity.nodeID(of: key) == peer.id
  }

  /// Both sides agree: each knows what the other calls the session, and what it has.
  private mutating func stand(
    _ slot: Int, _ theirs: ChatMessage.Opening, _ peer: Peer, isAnswer: Bool, at now: Instant,
    into effects: inout [Effect]
  ) {
    let isNews = !isAnswer || table[slot].isComparing || table[slot].theirs != theirs.session
    takeUp(slot, epoch: theirs.epoch, at: now)
    let hasRestarted = table[slot].incoming.begin(epoch: theirs.epoch, first: theirs.first)
    table[slot].node = peer.id
    if peer.endpoint.isDialable || table[slot].endpoints.isEmpty { table[slot].endpoints = [peer.endpoint] }
    table[slot].phase = .standing(theirs: theirs.session)
    table[slot].attempts = 0
    table[slot].givenUpAt = nil
    table[slot].isComparing = false
    table[slot].isAwaited = false
    if !isAnswer, let ours = opening(slot) {
      effects.append(.send(.opened(ours, answering: theirs.session), to: peer))
    }
    announce(slot, hasRestarted: hasRestarted, into: &effects)
    let knowsOurStream = theirs.knownEpoch == table[slot].outgoing.epoch
    if knowsOurStream { acknowledge(slot, upTo: theirs.received, at: now, into: &effects) }
    if isNews {
      table[slot].outgoing.rewind()
      table[slot].lastProgress = now
    }
    if isAnswer, !knowsOurStream || theirs.received + 1 < table[slot].outgoing.first {
      compare(slot, at: now, into: &effects)  // texts were given up since our `open`
    }
    getReady(slot, at: now)
    settle(slot)
  }

  private mutating func announce(_ slot: Int, hasRestarted: Bool, into effects: inout [Effect]) {
    let user = table[slot].user
    if table[slot].isAnnounced, hasRestarted { effects.append(.session(user, open: false, reason: .restarted)) }
    if !table[slot].isAnnounced || hasRestarted { effects.append(.session(user, open: true, reason: nil)) }
    table[slot].isAnnounced = true
    for ticket in table[slot].openers.compactMap(\.ticket) { effects.append(.opened(ticket, user)) }
    table[slot].openers = []
  }

  // MARK: Links and time

  mutating func linked(_ node: Identifier, at now: Instant, into effects: inout [Effect]) {
    for slot in table.slots(at: node) {
      switch table[slot].phase {
      case .knocking, .waiting, .standing: break
      case .searching, .pausing:
        knock(slot, attempt: 0, at: now, into: &effects)
        settle(slot)
      }
    }
  }

  mutating func lost(_ node: Identifier, at now: Instant, into effects: inout [Effect]) {
    for slot in table.slots(at: node) { cutOff(slot, at: now, into: &effects) }
  }

  /// Nobody answers there: that is the end of what was tried at that address. Others may have sent us to another, where nobody ever was.
  mutating func unreachable(_ peer: Peer, at now: Instant, into effects: inout [Effect]) {
    for slot in table.slots(at: peer.id) where table[slot].peer == peer { cutOff(slot, at: now, into: &effects) }
  }

  private mutating func cutOff(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    switch table[slot].phase {
    case .searching, .pausing: break
    case .knocking: knockFailed(slot, .unreachable, at: now, into: &effects)
    case .waiting: attemptFailed(slot, .unreachable, at: now, into: &effects)
    case .standing:
      relapse(slot, at: now)
      settle(slot)
    }
  }

  /// A session that stood must be opened again.
  mutating func relapse(_ slot: Int, at now: Instant) {
    table[slot].outgoing.rewind()
    table[slot].isComparing = false
    table[slot].attempts = 0
    table[slot].lastFailure = .timeout
    table[slot].givenUpAt = now + limits.persistence
    table[slot].phase = .pausing(until: now + generator.jittered(limits.firstPause))
  }

  /// The session's deadline has come.
  mutating func attend(to slot: Int, at now: Instant, into effects: inout [Effect]) {
    expire(slot, at: now, into: &effects)
    guard table[slot].isWanted else { return settle(slot) }
    switch table[slot].phase {
    case .searching: break
    case .knocking(_, let until):
      guard until <= now else { break }
      doubt(slot, into: &effects)
      return knockFailed(slot, .timeout, at: now, into: &effects)
    case .waiting(let until): if until <= now { knock(slot, attempt: 0, at: now, into: &effects) }
    case .pausing(let until): if until <= now { search(slot, at: now, into: &effects) }
    case .standing:
      let isBusy = table[slot].isComparing || table[slot].outgoing.inFlight > 0
      guard isBusy, table[slot].lastProgress + limits.stallPatience <= now else { break }
      compare(slot, at: now, into: &effects)
      doubt(slot, into: &effects)
    }
    settle(slot)
  }

  /// Whatever is sent over a link that has fallen silent on its way is swallowed, and no error ever says so: with nothing but texts
  /// on it, nobody but us would notice.
  private func doubt(_ slot: Int, into effects: inout [Effect]) {
    if let node = table[slot].node { effects.append(.doubt(node)) }
  }

  /// Fails what has waited long enough, and gives up a session that was lost long enough ago.
  private mutating func expire(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    let failure = table[slot].isStanding ? Failure.timeout : table[slot].lastFailure
    while let deadline = table[slot].openersDeadline(limits: limits), deadline <= now {
      if let ticket = table[slot].openers.removeFirst().ticket { effects.append(.failed(ticket, failure)) }
    }
    let (first, waiting) = (table[slot].outgoing.first, table[slot].outgoing.waiting)
    while let deadline = table[slot].textDeadline(limits: limits), deadline <= now,
      let ticket = table[slot].outgoing.discard()
    {
      effects.append(.failed(ticket, failure))
    }
    if table[slot].outgoing.waiting < waiting { table[slot].lastGivenUp = now }
    if table[slot].isStanding, !table[slot].isComparing, table[slot].outgoing.first != first {
      compare(slot, at: now, into: &effects)  // otherwise when the answer has come
    }
    guard let givenUpAt = table[slot].givenUpAt, givenUpAt <= now else { return }
    let reason: CloseReason =
      switch table[slot].lastFailure {
      case .userNotFound: .userNotFound
      case .unreachable: .unreachable
      case .notAccepted: .notAccepted
      case .timeout, .noSession, .messageTooLarge, .notInRing, .emptyText, .busy, .oneself, .noUser, .stopped: .timeout
      }
    effects.append(.session(table[slot].user, open: false, reason: reason))
    table[slot].isAnnounced = false
    table[slot].givenUpAt = nil
    // All that was sent before the link was lost is older than the session's patience, so it has failed above. What came later
    // goes on as a stream of its own.
    table[slot].outgoing.restart(epoch: newEpoch())
  }
}
