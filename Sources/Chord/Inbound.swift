// Those who have us as a finger: there is a link already, so we may route over it as well.
//
//   another member ──chosen──> pinged twice, for its distance ──> kept at its place behind us, if it is nearer than who is there
//                                                                 and as long as we know few enough
//
// How many choose us is not ours to say, and some members are chosen by very many: those who stand after a gap, or near everybody. So
// there is one to a place, and with all others whom we know for longer there are never more than a few for each doubling of the ring
// (`mostKnown`): those who are farthest away go first. They still have us as a finger, and their links stay. What is left of the room is for
// the owners of keys that were asked for in passing (KnownOwners.swift); who is only looked at as a finger does not count.

extension ChordNode {
  /// Another member has us as a finger.
  mutating func chosen(_ ticket: UInt32, by peer: Peer) {
    send(.pong(ticket, isMember: ring.isMember), to: peer)
    guard configuration.routing.isBothWays, ring.isMember, let place = inbound.place(at: peer.id.distance(to: me.id)),
      !isPointedAt(peer.id), !inbound.isCrowded(peer, besides: place)
    else { return }
    if inbound[place] == nil, excess < 0 { inbound.set(place, peer) }
    if roundTrips[peer.id] == nil { roundTrips[peer.id] = RoundTrip(now: now.monotonic) }
    measure(peer, .inbound)
  }

  /// It is known how far away one of them is. Of two at one place the nearer one stays.
  mutating func welcome(_ peer: Peer) {
    guard let place = inbound.place(at: peer.id.distance(to: me.id)) else { return }
    if let other = inbound[place], handOver(to: other.id) <= handOver(to: peer.id) { return }
    inbound.set(place, peer)
    limitInbound()
  }

  /// Lets those go who have been silent, and the farthest of those who are too many.
  mutating func limitInbound() {
    inbound.removeAll { now.monotonic - (roundTrips[$0.id]?.lastHeard ?? now.monotonic) > Pace.inboundSilence }
    let surplus = excess
    guard surplus > 0 else { return }
    let farthest = inbound.entries.map(\.peer).sorted { handOver(to: $0.id) > handOver(to: $1.id) }.prefix(surplus)
    inbound.removeAll { peer in farthest.contains { $0.id == peer.id } }
  }

  /// By how many there are too many of those who count.
  private var excess: Int { knownOwners.linked(at: now.monotonic) - roomForOwners }

  /// How many we may know besides neighbours, fingers and those who have chosen us.
  var roomForOwners: Int {
    let companions = neighbours + fingerPeers + inbound.entries.map(\.peer)
    return mostKnown - Set(companions.map(\.id)).count
  }

  /// Those before and after us.
  var neighbours: [Peer] { ring.successors + [ring.predecessor].compactMap(\.self) + behind }

  /// So many peers we know at the most as long as those who have chosen us count among them: a list, and 4.1 for each doubling of the ring, as
  /// how close our neighbours stand on both sides tells it. On average that keeps members below five and a half times log2 N, with 20
  /// successors below six times.
  private var mostKnown: Int {
    guard !ring.isRound, let last = ring.successors.last else { return .max }
    var share = me.id.distance(to: last.id).fractionOfCircle
    if let first = behind.last { share += first.id.distance(to: me.id).fractionOfCircle }
    let members = Double(behind.count + ring.successors.count) / max(share, .ulpOfOne)
    return ring.capacity + Int(4.1 * members.doublings)
  }
}
