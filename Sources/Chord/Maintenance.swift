// Keeping the ring right: the periodic operations of Chord, the cascade by which a change is passed on, and failures.
//
// The periods are long in a quiet ring and short after a change. On top of that a member whose pointers changed says so (`changed`) to
// the one before it, which stabilizes at once, and so on: a join is known to all r members before it within r round trips.

extension ChordNode {
  /// The one way to change the ring's pointers: does what the ring asks for, and passes the change on.
  mutating func change(_ body: (inout Ring) -> [Ring.Step]) {
    let before = ring
    for step in body(&ring) {
      switch step {
      case .query(let peer): probe(peer, .state)
      case .notify(let peer): probe(peer, .notify)
      case .ping(let peer): probeLife(of: peer)
      case .again: tryAgain()
      }
    }
    assert(ring.brokenInvariant == nil, ring.brokenInvariant ?? "")
    if before.successors != ring.successors || before.predecessor != ring.predecessor { lastChanged = now.monotonic }
    if before.successors != ring.successors { successorsChanged(from: before) }
    if before.predecessor?.id != ring.predecessor?.id { predecessorChanged(from: before.predecessor) }
    if !before.isMember && ring.isMember { entered() }
    if !ring.isBusy, let candidate {
      self.candidate = nil
      if ring.isCloser(candidate) { change { $0.consider(candidate) } }
    }
    if ring.isAlone && !isUncertain { settle() }
    releaseHeld()
  }

  /// Whether our neighbours changed so lately that others may still see the ring differently, or our successor does not know us yet.
  var isInMotion: Bool {
    ring.isMember && !isSettled || (lastChanged.map { now.monotonic - $0 < Pace.motion } ?? false)
  }

  /// One round of stabilize; the next one comes later the longer nothing has changed.
  mutating func stabilize() {
    guard ring.isMember else { return }
    stabilizeAt = now.monotonic + generator.jittered(stabilizePeriod)
    stabilizePeriod = min(Pace.stabilizeCeiling, stabilizePeriod * 3 / 2)
    lastStabilized = now.monotonic
    change { $0.stabilize() }
  }

  /// Somebody's pointers changed: look at once, but not more often than is useful.
  mutating func stabilizeSoon() {
    let soon = max(now.monotonic, (lastStabilized ?? now.monotonic) + Pace.stabilizeGap)
    stabilizeAt = min(stabilizeAt ?? soon, soon)
    stabilizePeriod = Pace.stabilizeFloor
  }

  /// Answers who asks for our pointers; `digest` is of what it has seen of them, if it has.
  mutating func showPointers(_ ticket: UInt32, to peer: Peer, unlessSeenAs digest: UInt64?) {
    guard !keepsToItself(from: peer) else { return }
    let view = ring.show()
    if let digest, view.digest == digest {
      send(.unchanged(ticket), to: peer)
    } else {
      send(.view(ticket, view), to: peer)
    }
    remember(asker: peer)
  }

  /// Whether our pointers are not shown to this one just now: they have been asked for each time we were about to change them, and whoever
  /// has no part in that can ask later. Otherwise somebody who asks without end could keep us from ever changing them.
  private func keepsToItself(from peer: Peer) -> Bool {
    vainAnswers >= Pace.onlookers && ring.isBusy && !isPointedAt(peer.id) && ring.operation?.asked.id != peer.id
  }

  private mutating func tryAgain() {
    vainAnswers += 1
    let pause = now.monotonic + generator.jittered(Pace.again)
    if ring.isMember { stabilizeAt = min(stabilizeAt ?? pause, pause) }
    if !ring.isMember || ring.isAlone { seekAt = min(seekAt ?? pause, pause) }
  }

  private mutating func successorsChanged(from before: Ring) {
    stabilizeSoon()
    lookAtPlaces()
    if before.isAlone { isSettled = false }
    if let predecessor = ring.predecessor { send(.changed, to: predecessor) }
    if before.successors.first != ring.successors.first { tellBehindSoon() }
    if ring.isAlone { becameAlone() }
    copyToNewSuccessors(before.successors)
  }

  private mutating func predecessorChanged(from old: Peer?) {
    predecessorMoved()
    if let old, roundTrips[old.id] != nil { send(.changed, to: old) }
    if let new = ring.predecessor { send(.changed, to: new) }
    if ring.successors.isEmpty { stabilizeSoon() }
    if let old, ring.predecessor.map({ !between(old.id, $0.id, me.id) }) ?? true { store.doubtCopies() }
    (movePause, movesPausedUntil) = (nil, nil)
    moveRecords()
  }

  /// `q` says that it may stand before us.
  mutating func notified(_ ticket: UInt32, by peer: Peer) {
    guard ring.isMember else { return }
    change { $0.notified(by: peer) }
    send(.notified(ticket, isPredecessor: ring.predecessor?.id == peer.id), to: peer)
  }

  /// Our head has adopted somebody, perhaps us; stabilize may still be busy with a dead candidate that the head named.
  mutating func notifyAgain(_ head: Peer) {
    guard ring.isMember, !isSettled,
      !probes.values.contains(where: { $0.peer.id == head.id && $0.purpose == .notify })
    else { return }
    probe(head, .notify)
  }

  mutating func takeHint() -> Bool {
    defer { mayFollowHint = ring.isAlone }
    return mayFollowHint || ring.isAlone
  }

  mutating func hinted(_ peer: Peer) {
    guard ring.isMember, peer.id != me.id, ring.isCloser(peer) else { return }
    if ring.isBusy {
      if let candidate, between(me.id, candidate.id, peer.id) { return }
      candidate = peer
    } else {
      change { $0.consider(peer) }
    }
  }

  // MARK: Failures

  /// A link broke. A killed process closes its sockets; a dial will tell whether that is what happened.
  mutating func lost(_ id: Identifier) {
    roundTrips.change(id) { $0.lostLink() }
    sendAgain(to: id)
    failAsks(to: id, at: nil)
    inbound.remove(id, at: nil)
    if id == ring.successors.first?.id {
      toldBehind = nil
      tellBehindSoon()
    }
    guard let peer = pointer(to: id) ?? behind.first(where: { $0.id == id }) else { return }
    probeLife(of: peer)
  }

  /// A node is dead as far as we can know; with an endpoint, as far as can be known there.
  mutating func died(_ id: Identifier, at endpoint: Endpoint? = nil) {
    if let peer = pointer(to: id), peer.matches(id, at: endpoint) { remember(missing: peer) }
    for peer in ring.successors where peer.matches(id, at: endpoint) { foundDead(peer) }
    forget(id, at: endpoint)
  }

  /// A node has left, or is about to: what it said of its neighbours is a hint.
  mutating func departed(_ id: Identifier, itsNeighbours: [Peer] = []) {
    let wasNeighbour = ring.successors.first?.id == id || ring.predecessor?.id == id
    let others = itsNeighbours.filter { $0.id != me.id && $0.id != id }
    // Only through the one that leaves did we know of them: the first is asked at once, the rest when there is time.
    if wasNeighbour, ring.successors.allSatisfy({ $0.id == id }) {
      candidate = others.first
      for peer in others.dropFirst() { remember(missing: peer) }
    }
    forget(id)
    if wasNeighbour { stabilizeSoon() }
  }

  /// Drops every pointer to a node; with an endpoint, those that have it.
  private mutating func forget(_ id: Identifier, at endpoint: Endpoint? = nil) {
    if endpoint == nil || !isPointedAt(id, elsewhereThan: endpoint) { roundTrips[id] = nil }
    lostFingers(fingers.remove(id, at: endpoint))
    inbound.remove(id, at: endpoint)
    survey.forget(id, at: endpoint)
    knownOwners.forget(id, at: endpoint)
    forgetBehind(id, at: endpoint)
    contacts.removeAll { $0.matches(id, at: endpoint) }
    askers.removeAll { $0.matches(id, at: endpoint) }
    if let peer = candidate, peer.matches(id, at: endpoint) { candidate = nil }
    dropProbes(to: id, at: endpoint)
    change { $0.failed(id, at: endpoint) }
    reroute(around: id, at: endpoint)
    failAsks(to: id, at: endpoint)
  }

  /// What we call this node by, if we have a pointer to it or are asking it something.
  func pointer(to id: Identifier) -> Peer? {
    if let predecessor = ring.predecessor, predecessor.id == id { return predecessor }
    return ring.successors.first { $0.id == id } ?? fingers.first(id)
  }

  func isPointedAt(_ id: Identifier) -> Bool {
    pointer(to: id) != nil || behind.contains { $0.id == id } || inbound.first(id) != nil
  }

  private func isPointedAt(_ id: Identifier, elsewhereThan endpoint: Endpoint?) -> Bool {
    func isElsewhere(_ peer: Peer?) -> Bool { peer?.id == id && peer?.endpoint != endpoint }
    return isElsewhere(ring.predecessor) || ring.successors.contains(where: isElsewhere)
      || fingers.entries.contains { isElsewhere($0.peer) } || behind.contains(where: isElsewhere)
      || inbound.entries.contains { isElsewhere($0.peer) }
  }

  /// Whether we have a pointer to this node at this address: then nobody need tell us of it.
  public func knows(_ peer: Peer) -> Bool {
    ring.predecessor == peer || ring.successors.contains(peer) || fingers.entries.contains { $0.peer == peer }
      || behind.contains(peer) || inbound.entries.contains { $0.peer == peer } || survey.left.contains(peer)
  }

  // MARK: Fingers and the rest

  /// The list has the length that the size of the ring asks for; as the size is an estimate, it is cut only once that has fallen by half.
  private mutating func fitList() {
    let wanted = Ring.length(for: estimatedSize, within: configuration.successors)
    guard wanted > ring.capacity || wanted + 1 < ring.capacity else { return }
    change {
      $0.resize(to: wanted)
      return []
    }
  }

  mutating func refreshFinger() {
    guard ring.isMember else { return }
    if configuration.routing.candidates > 1 { return surveyFingers() }
    if let lowest = lowestPlace { fingers.removeAll(below: lowest) }
    if let place = fingerRound.turn(from: lowestPlace, to: fingers.last) {
      serve(.findSuccessor, key: me.id.advanced(by: fingers.start(of: place)), for: .finger(place))
    }
    fingersAt = now.monotonic + generator.jittered(fingerRound.isFirst ? Pace.firstFingers : Pace.fingers)
  }

  mutating func fingerAnswered(_ place: Int, _ answer: Reply.Answer) {
    guard case .owner(let owner, let view) = answer else { return survey.failed(place) }
    let members = [owner] + view.successors
    if configuration.routing.candidates > 1 {
      foundCandidates(place, members)
    } else {
      fingers.set(place, owner.id == me.id ? nil : fingers.choose(place, among: members, from: me.id))
    }
  }

  /// Once in a while: expired records, a predecessor that does not ask any more, neighbours that are none.
  mutating func keepHouse() {
    housekeepingAt = now.monotonic + generator.jittered(Pace.housekeeping)
    store.expire(at: now.utcMilliseconds)
    expireHeld()
    burden.forget(before: now.monotonic)
    fitList()
    moveRecords()
    keepWarm()
    askBehindAgain()
    limitInbound()
    if let predecessor = ring.predecessor {
      let heard = roundTrips[predecessor.id]?.lastHeard ?? now.monotonic
      roundTrips[predecessor.id] = roundTrips[predecessor.id] ?? RoundTrip(now: now.monotonic)
      if now.monotonic - heard > Pace.predecessorSilence { probeLife(of: predecessor) }
    }
    forgetStrangers()
  }

  /// How those answer who were spoken with in passing. The table is made anew for those who stay: to take entries out frees no memory.
  private mutating func forgetStrangers() {
    func isForgotten(_ id: Identifier, _ roundTrip: RoundTrip) -> Bool {
      now.monotonic - roundTrip.lastHeard > Pace.strangers && !isPointedAt(id)
    }
    guard roundTrips.contains(where: isForgotten) else { return }
    roundTrips = roundTrips.filter { !isForgotten($0, $1) }
  }
}
