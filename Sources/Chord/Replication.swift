// Records and their copies. The owner of a key holds its records and gives a copy to each of the members after it, so that whoever
// comes to own the key holds them already. A put is answered when the copies are acknowledged.
//
//   put    ──> owner ──replicate──> s0, s1, … s(copies-2)
//   extend ──> owner ──extend─────> s0, s1, … s(copies-2)      the same without the record; a holder that lacks it is sent it
//
// When the ring changes, records move: to new successors copies of what is ours; to a new predecessor what has become its own.

/// A put that waits for its copies.
struct PendingPut: Sendable {
  var origin: Forward.Origin
  var waiting: Int
  var copies: Int
  /// Then it is answered with the copies there are: a holder that is found to be dead may take longer than whoever asks will wait.
  var deadline: Instant

  static let patience = Duration.seconds(2)
  /// Open puts that a member keeps: 4096 at two seconds each are two thousand a second, and each asks seven others.
  static let limit = 4096
}

/// The records under a key, on their way to another member: as copies, or because it owns them.
struct Transfer: Hashable, Sendable {
  var key: Identifier
  /// Nil: to whoever owns it.
  var copyTo: Peer?

  /// So many copies may wait for a holder's word: an eighth of a second of what it takes of one peer, less than anybody is waited for.
  static let openCopies = 128
}

/// What has become of the records of a key that were sent to its owner.
struct Move: Sendable {
  var waiting = 0
  var hasFailed = false

  /// So many at once: a puts' worth of requests is left for others.
  static let limit = 1024
  /// What did not arrive is tried again after this, and then after twice that, up to the longest.
  static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.seconds(8)
}

extension ChordNode {
  private var holders: ArraySlice<Peer> { ring.successors.prefix(copiesBesides) }

  /// Stores a record as the owner of its key.
  mutating func keepAsOwner(_ record: Record, for origin: Forward.Origin) {
    guard puts.count < PendingPut.limit else { return conclude(origin, .failure(.busy)) }
    let outcome = store.offer(record, from: source(of: origin), at: now.utcMilliseconds)
    if record.isTombstone, outcome == .stored { tellOfEnd(record, to: ring.successors.dropFirst(copiesBesides)) }
    spread(outcome, under: record.key, for: origin) { .copy(record, put: $0) }
  }

  /// Lets a record live longer as the owner of its key. Its holders get the extension alone.
  mutating func extendAsOwner(_ renewal: Renewal, for origin: Forward.Origin) {
    guard puts.count < PendingPut.limit else { return conclude(origin, .failure(.busy)) }
    let outcome = store.extend(renewal, at: now.utcMilliseconds)
    spread(outcome, under: renewal.key, for: origin) { .renewal(renewal, put: $0) }
  }

  /// Tells the holders what is new here, and whoever asked what became of it.
  private mutating func spread(
    _ outcome: RecordStore.Outcome, under key: Identifier, for origin: Forward.Origin,
    _ purpose: (UInt32) -> Probe.Purpose
  ) {
    switch outcome {
    case .refused: return conclude(origin, .failure(.refused))
    case .full: return conclude(origin, .failure(.full))
    case .unknown: return conclude(origin, .failure(.unknown))
    case .known, .outdated:
      if ring.owns(key) != false, store.standing(of: key) != .owned { takeOver(key) }
      if case .outdated(let newer) = outcome { return conclude(origin, .records([newer])) }
      return conclude(origin, .stored(copies: UInt8(holders.count + 1)))
    case .stored:
      let isNews = store.standing(of: key) != .owned
      store.set(.owned, of: key)
      // Of the other writers there the holders may not know yet that we answer for them now.
      if isNews, store.records(under: key, at: now.utcMilliseconds).count > 1 { takeOver(key) }
    }
    guard !holders.isEmpty else { return conclude(origin, .stored(copies: 1)) }
    let ticket = newTicket()
    let deadline = now.monotonic + PendingPut.patience
    puts[ticket] = PendingPut(origin: origin, waiting: holders.count, copies: 1, deadline: deadline)
    deadlines.insert(ticket, at: deadline)
    for holder in holders { probe(holder, purpose(ticket)) }
  }

  /// Who brought what is to be stored for `origin`; nil when it was nobody but ourselves.
  private func source(of origin: Forward.Origin) -> RecordSource? {
    if case .peer(let peer, _) = origin { source(of: peer) } else { nil }
  }

  private func source(of peer: Peer) -> RecordSource {
    RecordSource(peer: peer.id, host: hosts[peer.id] ?? peer.endpoint.host)
  }

  /// A copy was acknowledged, or its holder is gone.
  mutating func copyEnded(_ ticket: UInt32, kept: Bool) {
    if phase == .leaving { leaveWhenHandedOver() }
    guard var put = puts[ticket] else { return }
    put.waiting -= 1
    if kept { put.copies += 1 }
    puts[ticket] = put.waiting > 0 ? put : nil
    if put.waiting == 0 { conclude(put.origin, .stored(copies: UInt8(clamping: put.copies))) }
  }

  mutating func putExpired(_ ticket: UInt32) {
    guard let put = puts.removeValue(forKey: ticket) else { return }
    conclude(put.origin, .stored(copies: UInt8(clamping: put.copies)))
  }

  /// A holder has the longer life of a record too; or not the record: then it is sent the whole.
  mutating func renewalEnded(_ renewal: Renewal, _ put: UInt32, kept: Bool, by holder: Peer) {
    if !kept, let record = store.record(for: renewal, at: now.utcMilliseconds) {
      return probe(holder, .copy(record, put: put))
    }
    copyEnded(put, kept: kept)
  }

  /// Those further on may have a copy of what has ended, from a time when there were fewer members between: they need not keep the end of
  /// what they have not.
  private mutating func tellOfEnd(_ tombstone: Record, to others: ArraySlice<Peer>) {
    for peer in others { send(.replicate(0, tombstone), to: peer) }
  }

  /// Another member wants us to hold a copy; or, without a ticket, tells us in passing what is news only to who has an older one.
  mutating func keepCopy(of record: Record, _ ticket: UInt32, from peer: Peer) {
    guard ticket != 0 || store.holds(writerOf: record) else { return }
    let outcome = store.offer(record, from: source(of: peer), at: now.utcMilliseconds)
    answerForCopy(outcome, under: record.key, ticket, to: peer)
  }

  /// A copy that we hold is to live longer.
  mutating func extendCopy(_ renewal: Renewal, _ ticket: UInt32, from peer: Peer) {
    let outcome = store.extend(renewal, at: now.utcMilliseconds)
    answerForCopy(outcome, under: renewal.key, ticket, to: peer)
  }

  private mutating func answerForCopy(
    _ outcome: RecordStore.Outcome, under key: Identifier, _ ticket: UInt32, to peer: Peer
  ) {
    switch outcome {
    case .stored:
      send(.replicated(ticket, isKept: true), to: peer)
      // From one that left, or did not know that we own it: then it is for us to see that there are copies.
      if ring.owns(key) == true {
        takeOver(key)
      } else if store.standing(of: key) == .copy, isHolder(of: key) != true {
        store.set(.unplaced, of: key)
      }
    case .known: send(.replicated(ticket, isKept: true), to: peer)
    case .outdated(let newer):
      send(.replicated(ticket, isKept: true), to: peer)
      send(.replicate(0, newer), to: peer)
    case .unknown, .refused, .full: send(.replicated(ticket, isKept: false), to: peer)
    }
  }

  /// Takes what a holder of copies has and we, if we are the owner, have not; returns what there is now.
  mutating func adopt(_ records: [Record], under key: Identifier, from peer: Peer) -> [Record] {
    guard ring.owns(key) != false else { return records }
    for record in records where record.key == key {
      _ = store.offer(record, from: source(of: peer), at: now.utcMilliseconds)
    }
    if ring.owns(key) == true, let standing = store.standing(of: key), standing != .owned { takeOver(key) }
    return store.records(under: key, at: now.utcMilliseconds)
  }

  // MARK: When the ring changes

  /// New holders get copies; and those further on who come, or come back, hear what has ended.
  mutating func copyToNewSuccessors(_ before: [Peer]) {
    let old = before.prefix(copiesBesides).map(\.id)
    let newHolders = holders.filter { !old.contains($0.id) }
    let newOthers = ring.successors.dropFirst(copiesBesides).filter { peer in !before.contains { $0.id == peer.id } }
    guard !newHolders.isEmpty || !newOthers.isEmpty else { return }
    forgetTransfersToFormerHolders()
    let keys = store.keys { key, _ in ring.owns(key) != false }
    for holder in newHolders {
      for key in keys { copy(key, to: holder) }
    }
    guard !newOthers.isEmpty else { return }
    let ended = keys.lazy.flatMap { [store, now] in store.records(under: $0, at: now.utcMilliseconds) }.filter(
      \.isTombstone)
    for record in ended.prefix(Pace.transferBatch) { tellOfEnd(record, to: newOthers[...]) }
  }

  /// What we answered for and others own now goes to them; what has become ours is copied to those after us. When the member before us
  /// dies, nobody may be left who answers for the copies it gave us: they are offered to whoever owns them, as if they had been
  /// ours. Between the death of one
  /// predecessor and the coming of the next it is not known what is ours: nothing moves. What did not arrive is tried again
  /// when this is called next, at the latest a second later. Copies that have come where they do not belong go the same way: whoever
  /// leaves may see the ring wrongly.
  mutating func moveRecords() {
    let wrong = store.keys { key, standing in ring.owns(key).map { standing != ($0 ? .owned : .copy) } ?? false }
    for key in wrong where moves[key] == nil {
      if ring.owns(key) == true {
        takeOver(key)
      } else if store.standing(of: key) == .unplaced, isHolder(of: key) != false {
        if isHolder(of: key) == true { store.set(.copy, of: key) }
      } else if moves.count < Move.limit, movesPausedUntil.map({ $0 <= now.monotonic }) ?? true {
        moves[key] = Move()
        transfer(Transfer(key: key, copyTo: nil))
      }
    }
  }

  private mutating func takeOver(_ key: Identifier) {
    store.set(.owned, of: key)
    for holder in holders { copy(key, to: holder) }
  }

  private mutating func copy(_ key: Identifier, to holder: Peer) {
    transfer(Transfer(key: key, copyTo: holder))
  }

  /// Each at most once, and to nobody who holds copies no longer: so there are never more than the keys we hold, times those who hold copies,
  /// whatever a neighbour says of who they are.
  private mutating func transfer(_ transfer: Transfer) {
    guard isQueued.insert(transfer).inserted else { return }
    transfers.append(transfer)
    transfersAt = transfersAt ?? now.monotonic
  }

  /// Who becomes a holder again gets everything again.
  private mutating func forgetTransfersToFormerHolders() {
    let present = Set(holders.map(\.id))
    transfers.removeAll { transfer in
      guard let holder = transfer.copyTo, !present.contains(holder.id) else { return false }
      isQueued.remove(transfer)
      return true
    }
  }

  /// A holder gets no more at a time than it can answer for soon: it takes a thousand copies a second of one peer, and whoever gets more
  /// would seem to be dead. What is for those who have enough waits at the end.
  mutating func transferSome() {
    let batch = Array(transfers.prefix(Pace.transferBatch))
    transfers.removeFirst(batch.count)
    var open: [Identifier: Int] = [:]
    for case (let peer, .copy) in probes.values.lazy.map({ ($0.peer.id, $0.purpose) }) { open[peer, default: 0] += 1 }
    for transfer in batch {
      if let holder = transfer.copyTo, open[holder.id, default: 0] >= Transfer.openCopies {
        transfers.append(transfer)
        continue
      }
      isQueued.remove(transfer)
      let records = store.records(under: transfer.key, at: now.utcMilliseconds)
      guard let holder = transfer.copyTo else {
        move(records, under: transfer.key)
        continue
      }
      guard ring.successors.contains(where: { $0.id == holder.id }) else { continue }
      open[holder.id, default: 0] += records.count
      for record in records { probe(holder, .copy(record, put: 0)) }
    }
    if !transfers.isEmpty { transfersAt = now.monotonic + Pace.transfers }
  }

  /// Puts records where they belong, beginning at the member before us and going back as far as it redirects.
  private mutating func move(_ records: [Record], under key: Identifier) {
    guard ring.owns(key) == false, let predecessor = ring.predecessor, !records.isEmpty else {
      return moves[key] = nil
    }
    moves[key]?.waiting = records.count
    // Usually it is the one before us, or one of few before that. Where that has failed, the owner is looked up.
    let isNear = movePause == nil
    for record in records {
      serve(
        .put(record), key: key, for: .upkeep(key), claim: isNear ? .owner : .none, via: isNear ? predecessor : nil)
    }
  }

  mutating func moveEnded(_ key: Identifier, _ answer: Reply.Answer) {
    guard var move = moves[key] else { return }
    move.waiting -= 1
    switch answer {
    case .failure(.notInRing), .failure(.unreachable), .failure(.tooManyHops), .failure(.full), .failure(.busy):
      move.hasFailed = true
    case .records(let newer):
      // Of those whose records are here: whoever answers could bring others' to count against nobody.
      for record in newer where record.key == key && store.holds(writerOf: record) {
        _ = store.offer(record, from: nil, at: now.utcMilliseconds)
      }
    case .failure(.refused), .failure(.unknown), .owner, .joinPoint, .stored, .redirect, .nearest: break
    }
    if move.hasFailed {
      let pause = min(movePause.map { $0 * 2 } ?? Move.firstPause, Move.longestPause)
      if movesPausedUntil.map({ $0 <= now.monotonic }) ?? true {
        movePause = pause
        movesPausedUntil = now.monotonic + generator.jittered(pause)
      }
    }
    moves[key] = move.waiting > 0 ? move : nil
    // What another member has taken is a copy here from now on, unless it has become ours again meanwhile.
    if move.waiting == 0, !move.hasFailed, ring.owns(key) == false { store.set(.copy, of: key) }
  }

  /// Before leaving: what is ours goes to the member after us, which will own it; what has not got to its owner, to the one before us.
  mutating func handOverRecords() {
    guard ring.isMember, let head = ring.successors.first else { return }
    for key in store.keys(where: { key, standing in standing == .owned || ring.owns(key) != false }) {
      let heir = ring.owns(key) == false ? ring.predecessor ?? head : head
      for record in store.records(under: key, at: now.utcMilliseconds) { probe(heir, .copy(record, put: 0)) }
    }
  }
}
