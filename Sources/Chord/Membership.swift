// Getting into a ring, finding other rings, and leaving.
//
//   start ── seek ──┬─ introduced(f): join through f ── member m ── query m ── inside ── acknowledged ── settled
//                   ├─ nobody found ─────────────── a ring of one ── goes on seeking, and joins
//                   └─ only nodes that are in no ring either, and nobody else to wait for: try again a few times, then a ring of one
//
// Two rings after a partition would stay two for ever in Chord. So every member now and then looks up its own identifier through a
// bootstrap or a member that fell silent: an answer that names somebody closer than its own neighbours means a foreign ring (or
// one in motion), and what was named becomes a candidate for the checked steps on both sides, until the rings are one.

/// Where a node is in its life.
enum Phase: Hashable, Sendable {
  case idle
  /// Looking for a ring; this often only nodes without a ring answered.
  case outside(fruitless: Int)
  case inside
  case leaving
  case left
}

extension ChordNode {
  /// How often one tries with others that are in no ring either, before starting one.
  private static var patienceWithStrangers: Int { 3 }
  /// Contacts and missing members remembered: as many as a successor list.
  static var remembered: Int { 16 }

  mutating func start() {
    guard phase == .idle else { return }
    phase = .outside(fruitless: 0)
    seek()
  }

  /// Asks the host for nodes that may be in a ring, and looks at one that was.
  mutating func seek() {
    if configuration.isObserver {
      if contacts.isEmpty {
        effects.append(.seek(all: true))
        seekAt = now.monotonic + generator.jittered(Pace.seekAlone)
      }
      return
    }
    guard phase != .leaving else { return }
    if !ring.isMember || ring.isAlone {
      // One round at a time: while those found last are being asked, more of the same would put off the end of the round for ever.
      guard !isJoining else { return seekAt = now.monotonic + generator.jittered(Pace.seekAlone) }
      isSeeking = true
      effects.append(.seek(all: true))
      seekAt = now.monotonic + generator.jittered(Pace.seekAlone)
    } else {
      effects.append(.seek(all: false))
      seekAt = now.monotonic + min(Pace.seekSlowest, generator.jittered(Pace.seekMember) * max(1, estimatedSize / 16))
    }
    if ring.isMember, let peer = missing.first {
      missing.removeFirst()
      missing.append(peer)
      introduced(peer)
    }
  }

  /// How many members the ring has, from how close the successors stand.
  var estimatedSize: Int {
    guard let spacing, spacing > 0 else { return ring.successors.count + 1 }
    return Int(min(1 / spacing, 1e9))
  }

  mutating func introduced(_ peer: Peer) {
    guard peer.id != me.id, phase != .idle, phase != .leaving else { return }
    contacts.removeAll { $0.id == peer.id }
    contacts.append(peer)
    if contacts.count > Self.remembered { contacts.removeFirst() }
    if configuration.isObserver { return settle() }
    if ring.isMember && !ring.isAlone {
      serve(.findSuccessor, key: me.id, for: .merge(peer), via: peer)
    } else if isJoining {
      joinNext.removeAll { $0.id == peer.id }
      joinNext.append(peer)
    } else {
      join(through: peer)
    }
  }

  mutating func nobodyFound() {
    isSeeking = false
    guard case .outside = phase, !configuration.isObserver, !isJoining else { return }
    startAlone()
  }

  mutating func everybodyFound() {
    isSeeking = false
    guard case .outside(let fruitless) = phase, fruitless >= Self.patienceWithStrangers, !isJoining else { return }
    startAlone()
  }

  // MARK: Joining

  private mutating func join(through peer: Peer) {
    isJoining = true
    serve(.join(me), key: me.id, for: .join, via: peer)
  }

  mutating func joinAnswered(_ answer: Reply.Answer) {
    isJoining = false
    guard !ring.isMember || ring.isAlone else { return joinNext.removeAll() }
    if case .joinPoint(let member) = answer, member.id != me.id {
      joinNext.removeAll()
      return change { $0.join(through: member) }
    }
    if let next = joinNext.popLast() { return join(through: next) }
    guard case .outside(let fruitless) = phase else { return }
    // Somebody slower to answer may be in a ring.
    if fruitless + 1 >= Self.patienceWithStrangers, !isSeeking { return startAlone() }
    phase = .outside(fruitless: fruitless + 1)
    seekAt = now.monotonic + generator.jittered(Pace.again)
  }

  private mutating func startAlone() {
    change {
      $0.startAlone()
      return []
    }
    effects.append(.startedAlone)
    settle()
  }

  /// The ring has become a member of something.
  mutating func entered() {
    phase = .inside
    stabilizeSoon()
    fingersAt = now.monotonic + Pace.firstFingers
    housekeepingAt = now.monotonic + Pace.housekeeping
    seekAt = now.monotonic + generator.jittered(ring.isAlone ? Pace.seekAlone : Pace.seekMember)
  }

  /// Our successor knows us, or there is none.
  mutating func settle() {
    guard !isSettled else { return }
    isSettled = true
    effects.append(.settled)
  }

  /// Alone, but about to hear of others: what is asked now had better be asked again in a moment.
  var isUncertain: Bool { ring.isAlone && (ring.isBusy || ring.predecessor != nil) }

  /// Every successor is gone. With the predecessor or a bootstrap's help we find the others again, if there are any.
  mutating func becameAlone() {
    stabilizeSoon()
    seekAt = now.monotonic + generator.jittered(Pace.again)
  }

  // MARK: Other rings

  mutating func remember(missing peer: Peer) {
    missing.removeAll { $0.id == peer.id }
    missing.append(peer)
    if missing.count > Self.remembered { missing.removeFirst() }
  }

  mutating func mergeAnswered(_ answer: Reply.Answer, via: Peer) {
    guard case .owner(let owner, let view) = answer else { return }
    missing.removeAll { $0.id == via.id }
    guard owner.id != me.id else { return }
    let before = view.predecessor ?? owner
    let isBeforeCloser = ring.predecessor.map { between($0.id, before.id, me.id) } ?? (before.id != me.id)
    guard ring.isCloser(owner) || isBeforeCloser else { return }
    hinted(owner)
    if isBeforeCloser { send(.hint(me), to: before) }
    seekAt = now.monotonic + generator.jittered(Pace.seekAlone)
  }

  // MARK: Leaving

  mutating func remember(asker peer: Peer) {
    if askers.last?.id == peer.id { return }
    askers.removeAll { $0.id == peer.id }
    askers.append(peer)
    if askers.count > Self.remembered { askers.removeFirst() }
  }

  mutating func leave() {
    guard phase != .leaving else { return }
    phase = .leaving
    handOverRecords()
    handOnPuts()
    leaveAt = now.monotonic + Pace.leave
    leaveWhenHandedOver()
  }

  mutating func leaveWhenHandedOver() {
    guard phase == .leaving else { return }
    // What neighbours are to go on with may need a dial to get there.
    let isWaiting =
      probes.values.contains { $0.purpose.isForRecord }
      || forwards.values.contains { $0.isOwnPut || $0.origin == .farewell }
    if !isWaiting { leaveAt = now.monotonic }
  }

  /// What this node's user wrote and nobody has confirmed yet, the end of its record above all: others are to take it as if they owned the key, so
  /// that it is theirs to bring to whoever does, however long that takes. Its owner may be dead, which takes longer to find out than anybody
  /// waits who leaves. And whoever stands alone, because it has been cut off, has nobody else to leave the ends of records to than those it knew.
  private mutating func handOnPuts() {
    for ticket in forwards.keys.sorted() {
      guard let forward = forwards[ticket], forward.isOwnPut else { continue }
      func isFit(_ peer: Peer) -> Bool { peer.id != forward.hop && roundTrips[peer.id]?.isSuspect != true }
      for heir in ring.successors.filter(isFit).prefix(Self.heirs) + behind.filter(isFit).prefix(Self.heirs) {
        handOn(forward.question, forward.key, to: heir)
      }
    }
    guard ring.isAlone else { return }
    let ended = store.keys { _, standing in standing == .owned }.lazy
      .flatMap { [store, now] in store.records(under: $0, at: now.utcMilliseconds) }.filter(\.isTombstone)
    for tombstone in ended.sorted(by: { $0.number > $1.number }).prefix(Pace.transferBatch) {
      for heir in contacts.suffix(Self.heirs) + missing.suffix(Self.heirs) {
        handOn(.put(tombstone), tombstone.key, to: heir)
      }
    }
  }

  private mutating func handOn(_ question: Request.Question, _ key: Identifier, to heir: Peer) {
    serve(question, key: key, for: .farewell, claim: .insist, via: heir)
  }

  /// Of either kind: some may be silent as well.
  private static var heirs: Int { 2 }

  mutating func finishLeaving() {
    let farewell = Message.leaving(predecessor: ring.predecessor, successors: ring.successors)
    var told: Set<Identifier> = []
    for peer in [ring.successors.first, ring.predecessor].compactMap(\.self) + askers
    where told.insert(peer.id).inserted { send(farewell, to: peer) }
    for ticket in forwards.keys.sorted() {
      if let forward = forwards.removeValue(forKey: ticket), case .client = forward.origin {
        conclude(forward.origin, .failure(.notInRing))
      }
    }
    // What waits only for copies is stored where it got to; what was to be looked at was not seen.
    for ticket in puts.keys.sorted() {
      if let put = puts.removeValue(forKey: ticket) {
        conclude(put.origin, .stored(copies: UInt8(clamping: put.copies)))
      }
    }
    for ticket in probes.keys.sorted() {
      if case .look(let ticket) = probes[ticket]?.purpose { effects.append(.viewed(ticket, nil)) }
    }
    for ticket in inquiries.keys.sorted() { failInquiry(ticket, .notInRing) }
    for held in held { conclude(held.origin, .failure(.notInRing)) }
    held = []
    ring.leave()
    (behind, behindToldBy, toldBehind) = ([], nil, nil)
    probes = [:]
    transfers = []
    isQueued = []
    moves = [:]
    deadlines = DeadlineQueue()
    (stabilizeAt, fingersAt, seekAt, housekeepingAt, transfersAt, tellAt) = (nil, nil, nil, nil, nil, nil)
    phase = .left
    effects.append(.left)
  }
}
