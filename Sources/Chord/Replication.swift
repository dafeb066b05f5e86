// Records and their copies. The owner of a key holds its records and gives a copy to each of the members after it, so that whoever
// comes to own the key holds them already. A put is answered when the copies are acknowledged.
//
//   put ──> owner ──replicate──> s0, s1, … s(copies-2)
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

/// A record on its way to another member.
struct Transfer: Sendable {
  var key: Identifier
  var to: Peer
  /// As a copy; otherwise the receiver is to own it, and sends it on if it does not.
  var isCopy: Bool
}

extension ChordNode {
  private var holders: ArraySlice<Peer> { ring.successors.prefix(copiesBesides) }

  /// Stores a record as the owner of its key.
  mutating func keepAsOwner(_ record: Record, for origin: Forward.Origin) {
    guard puts.count < PendingPut.limit else { return conclude(origin, .failure(.full)) }
    switch store.offer(record, at: now.utcMilliseconds) {
    case .refused: return conclude(origin, .failure(.refused))
    case .full: return conclude(origin, .failure(.full))
    case .known: return conclude(origin, .stored(copies: UInt8(holders.count + 1)))
    case .stored: break
    }
    guard !holders.isEmpty else { return conclude(origin, .stored(copies: 1)) }
    let ticket = newTicket()
    let deadline = now.monotonic + PendingPut.patience
    puts[ticket] = PendingPut(origin: origin, waiting: holders.count, copies: 1, deadline: deadline)
    deadlines.insert(ticket, at: deadline)
    for holder in holders { probe(holder, .copy(record, put: ticket)) }
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

  /// Another member wants us to hold a copy.
  mutating func keepCopy(of record: Record, _ ticket: UInt32, from peer: Peer) {
    switch store.offer(record, at: now.utcMilliseconds) {
    case .stored: send(.replicated(ticket, isKept: true), to: peer)
    case .known:
      send(.replicated(ticket, isKept: true), to: peer)
      if let newer = store.newer(than: record) { send(.replicate(0, newer), to: peer) }
    case .refused, .full: send(.replicated(ticket, isKept: false), to: peer)
    }
  }

  /// Takes what a holder of copies has and we, if we are the owner, have not; returns what there is now.
  mutating func adopt(_ records: [Record], under key: Identifier) -> [Record] {
    guard ring.owns(key) != false else { return records }
    for record in records where record.key == key { _ = store.offer(record, at: now.utcMilliseconds) }
    return store.records(under: key, at: now.utcMilliseconds)
  }

  // MARK: When the ring changes

  mutating func copyToNewSuccessors(_ before: [Peer]) {
    let old = before.prefix(copiesBesides).map(\.id)
    for holder in holders where !old.contains(holder.id) {
      for key in store.keys where ring.owns(key) != false { transfer(key, to: holder, isCopy: true) }
    }
  }

  /// What a new predecessor owns goes to it; what has become ours is copied to those after us.
  /// Between the death of one predecessor and the coming of the next our range has no beginning: what counts is where it last was.
  mutating func moveRecords() {
    guard let new = ring.predecessor else {
      if ring.successors.isEmpty { rangeBegan = nil }  // alone: everything is ours
      return
    }
    let old = rangeBegan
    rangeBegan = new.id
    for key in store.keys {
      let isOurs = inRange(new.id, key, me.id)
      let wasOurs = old.map { inRange($0, key, me.id) } ?? true
      if wasOurs && !isOurs { transfer(key, to: new, isCopy: false) }
      if isOurs && !wasOurs {
        for holder in holders { transfer(key, to: holder, isCopy: true) }
      }
    }
  }

  private mutating func transfer(_ key: Identifier, to peer: Peer, isCopy: Bool) {
    guard transfers.count < RecordStore.capacity * (copiesBesides + 1) else { return }
    transfers.append(Transfer(key: key, to: peer, isCopy: isCopy))
    transfersAt = transfersAt ?? now.monotonic
  }

  /// What could not be brought to its owner is tried again, from where we stand now.
  mutating func transferStrays() {
    guard let predecessor = ring.predecessor else { return }
    let keys = strays.sorted()
    strays = []
    for key in keys where ring.owns(key) == false { transfer(key, to: predecessor, isCopy: false) }
  }

  mutating func transferSome() {
    let batch = transfers.prefix(Pace.transferBatch)
    transfers.removeFirst(batch.count)
    if !transfers.isEmpty { transfersAt = now.monotonic + Pace.transfers }
    for transfer in batch {
      for record in store.records(under: transfer.key, at: now.utcMilliseconds) {
        if transfer.isCopy {
          if ring.successors.contains(where: { $0.id == transfer.to.id }) { probe(transfer.to, .copy(record, put: 0)) }
        } else {
          offerToOwner(record, startingAt: transfer.to)
        }
      }
    }
  }

  /// Puts a record where it belongs, beginning at the member before us and going back as far as it redirects.
  private mutating func offerToOwner(_ record: Record, startingAt peer: Peer) {
    serve(.put(record), key: record.key, for: .upkeep(record.key), claim: .owner, via: peer)
  }
}
