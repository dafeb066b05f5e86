// A read at the nearest copy: eight members hold a record, and whoever knows them all asks the nearest. It answers if it has a copy that it
// can vouch for, and else hands the request on to the owner.
//
//   asker ──get──> a ──get──> the nearest holder ──┬─ vouches for its copy: answers
//                                                   └─ else ──> the owner, as ever
//
// A copy may be older than what its owner has: a holder that was away, or too slow when the record was withdrawn. So a member vouches for a
// copy only while it stands among the holders as far as it knows, its neighbourhood has been still for a while, and nobody doubts who
// answers for the record.

extension ChordNode {
  /// The nearest of those that hold what is under the key, to be asked first of all; nil if we do not know them, or are one of them. A request
  /// that has been on its way for long goes to the owner: it may have come back from a holder that did not know itself for one.
  func nearestHolder(_ forward: Forward) -> (Peer, Request.Claim)? {
    guard forward.question == .get, configuration.routing.isBothWays, forward.tried.isEmpty,
      forward.hopsLeft > Request.limit * 3 / 4
    else { return nil }
    if let place = placeBehind(of: forward.key) {
      guard place >= copiesBesides else { return nil }
      return nearest(of: behind[(place - copiesBesides)...place]).map { ($0, .none) }
    }
    var last = me.id
    guard
      let first = ring.successors.firstIndex(where: { peer in
        defer { last = peer.id }
        return inRange(last, forward.key, peer.id)
      }), let nearest = nearest(of: ring.successors[first...].prefix(1 + copiesBesides))
    else { return nil }
    return (nearest, nearest == ring.successors[first] ? .owner : .none)
  }

  private func nearest(of peers: ArraySlice<Peer>) -> Peer? {
    var best: (peer: Peer, cost: Double)?
    for peer in peers where roundTrips[peer.id]?.isSuspect != true {
      let cost = handOver(to: peer.id)
      if best.map({ cost < $0.cost }) ?? true { best = (peer, cost) }
    }
    return best?.peer
  }

  /// Whether we are one of those that are to hold copies of what is under a key; nil if that is not known. Who routes as in the paper never asks.
  func isHolder(of key: Identifier) -> Bool? {
    if !configuration.routing.isBothWays || ring.isRound && ring.successors.count <= copiesBesides { return true }
    if let place = placeBehind(of: key) { return knowsBehind ? place < copiesBesides : nil }
    return knowsBehind && behind.count > copiesBesides ? false : nil
  }

  /// The records under a key that others own, if this member can vouch for them.
  func vouchedCopies(of key: Identifier) -> [Record]? {
    guard configuration.routing.isBothWays, store.standing(of: key) == .copy, !isInMotion, knowsBehind,
      behindChanged.map({ now.monotonic - $0 >= Pace.motion }) ?? true,
      let place = placeBehind(of: key), place < copiesBesides,
      !behind[...place].contains(where: { roundTrips[$0.id]?.isSuspect == true })
    else { return nil }
    let records = store.records(under: key, at: now.utcMilliseconds)
    return records.isEmpty ? nil : records
  }
}
