// Which member a request goes to next: greedily the closest one before the key that is not in trouble and has not had it, from the
// successor list and the fingers; or the owner itself, as soon as the successor list reaches that far.

extension ChordNode {
  /// The closest untried member before the key, or the owner itself when the successor list reaches that far.
  func nextHop(_ forward: Forward) -> (Peer, Request.Claim)? {
    if let via = forward.via { return forward.tried.isEmpty ? (via, forward.claim) : nil }
    guard ring.isMember else {
      return contacts.last { !forward.tried.contains($0.id) }.map { ($0, .none) }
    }
    if case .replica(let further) = forward.claim {
      guard further > 0, let holder = ring.successors.first(where: { !forward.tried.contains($0.id) }) else {
        return nil
      }
      return (holder, .replica(further - 1))
    }
    let isJoin = if case .join = forward.question { true } else { false }
    if !isJoin, let hop = ownerInList(forward) { return hop }
    return closestBefore(forward).map { ($0, .none) }
  }

  /// The member of the successor list that owns the key, or the next one after it that has not been tried. That one is to answer in the place
  /// of those that were tried, also when they have left the list by now: asked as the owner it would name its dead predecessor.
  private func ownerInList(_ forward: Forward) -> (Peer, Request.Claim)? {
    var last = me.id
    var isPast = false
    var isFirst = true
    for peer in ring.successors {
      isPast = isPast || inRange(last, forward.key, peer.id)
      last = peer.id
      guard isPast, !isFoundDead(peer, forward) else { continue }
      if !forward.tried.contains(peer.id) {
        let isOwner = isFirst && passedOver(by: forward, before: peer.id) == 0
        return (peer, isOwner ? .owner : .insist)
      }
      isFirst = false
    }
    return nil
  }

  private func closestBefore(_ forward: Forward) -> Peer? {
    var best: Peer?
    var bestIsSuspect = true
    func weigh(_ peer: Peer) {
      guard between(me.id, peer.id, forward.key), !forward.tried.contains(peer.id) else { return }
      let isSuspect = roundTrips[peer.id]?.isSuspect ?? false
      if let best {
        if isSuspect && !bestIsSuspect { return }
        if isSuspect == bestIsSuspect && !between(best.id, peer.id, forward.key) { return }
      }
      best = peer
      bestIsSuspect = isSuspect
    }
    for peer in ring.successors { weigh(peer) }
    for entry in fingers.entries { weigh(entry.peer) }
    return best
  }
}
