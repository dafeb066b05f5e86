// Which member a request goes to next.
//
//   classic     the closest one before the key, from the successor list and the fingers, clockwise only (ToN 2003)
//   proximity   whoever makes the way shortest in time, on either side of the key: over any link that is there, in either direction
//
//        p15 … p0 · me · s0 … s15            the owner is known when the key is among those before us or after us;
//           └─ behind ─┘ └─ successors ─┘    otherwise: least  ½ rtt(x) + c·log2(1 + 2·(members between x and the key) / r)
//
// The gap to the key, taken on the nearer side, shrinks at every hop, and who is past the key knows its owner from those before it
// (Behind.swift). A request that has used up half of its hops goes on clockwise. In either case only the successor list, and the
// owner itself, decide who owns a key: whoever is asked because it stands among those behind us answers if it owns the key, and hands
// the request on if not.

/// How members choose their fingers and the next hop.
public struct Routing: Hashable, Sendable {
  /// How distances are divided into intervals: as if written in this base, a power of two.
  public var base = 2
  /// How many members of a finger's interval are looked at before the nearest is kept; 1: the first one is taken.
  public var candidates = 1
  /// How many of those behind us are kept, as far as lists are long enough for it (`limitBehind`).
  public var predecessors = 1
  /// Whether distance counts both ways round, and those behind us and those who have chosen us as a finger are routed over too.
  public var isBothWays = false
  /// c: what halving the way that is left is worth.
  public var halving = Duration.zero

  /// As in the paper: fingers at powers of two, the next hop as close before the key as possible.
  public static let classic = Routing()

  /// Few hops over near links. Measured with 16 successors: 2.4 hops among 1000 members with 54 peers known on average, 3.4 among 10,000
  /// with 66, at 1.6 times the time of a message to the owner and back; classic 4.0 and 5.6 hops, 22 and 25 peers, 5.8 times. Base 8 and
  /// fifteen behind are what five and a half times log2 of the members allows, and seventeen with 20 successors what six times allows.
  public static let proximity = Routing(
    base: 8, candidates: 16, predecessors: 17, isBothWays: true, halving: .milliseconds(80))
}

extension ChordNode {
  /// The best untried member towards the key, or the owner itself when it is known.
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
    if isJoin { return closestBefore(forward).map { ($0, .none) } }
    if let hop = nearestHolder(forward) ?? ownerInList(forward) { return hop }
    if let hop = ownerBehind(forward) ?? cheapest(forward) ?? closestBefore(forward) { return (hop, .none) }
    return nil
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

  // MARK: Both ways

  /// When the key is among those behind us: its owner; or, if that one is silent, those before the key, in whose lists it is.
  private func ownerBehind(_ forward: Forward) -> Peer? {
    guard let place = placeBehind(of: forward.key) else { return nil }
    func isOpen(_ peer: Peer) -> Bool { !forward.tried.contains(peer.id) }
    func isFit(_ peer: Peer) -> Bool { isOpen(peer) && roundTrips[peer.id]?.isSuspect != true }
    if isFit(behind[place]) { return behind[place] }
    let before = behind[(place + 1)...]
    return before.first(where: isFit) ?? before.first(where: isOpen)
  }

  /// Who brings the request to the owner soonest, of those who are nearer to the key than we are.
  private func cheapest(_ forward: Forward) -> Peer? {
    guard configuration.routing.isBothWays, forward.hopsLeft > Request.limit / 2 else { return nil }
    let key = forward.key
    let scale = spacing.map { 2 / ($0 * Double(ring.capacity)) } ?? 0
    let halving = Double(configuration.routing.halving.inNanoseconds)
    let ours = me.id.gap(to: key)
    var best: (peer: Peer, cost: Double, doubt: Int)?
    func weigh(_ peer: Peer, left gap: Identifier) {
      guard gap < ours, !forward.tried.contains(peer.id) else { return }
      let doubt = doubt(peer.id, forward)
      if let best, best.doubt < doubt { return }
      var cost = handOver(to: peer.id) + halving * (1 + gap.fractionOfCircle * scale).doublings
      // Should the owner be dead, who is past the key has to ask somebody before it. Once somebody was silent that is more likely.
      if gap != .zero, gap != peer.id.distance(to: key) { cost += halving * (forward.tried.isEmpty ? 0.25 : 1) }
      if let best, best.doubt == doubt, best.cost <= cost { return }
      best = (peer, cost, doubt)
    }
    func weigh(_ peer: Peer) { weigh(peer, left: peer.id.gap(to: key)) }
    for peer in ring.successors { weigh(peer) }
    for peer in behind { weigh(peer) }
    for entry in fingers.entries { weigh(entry.peer) }
    for entry in inbound.entries { weigh(entry.peer) }
    if forward.origin.isOurs, let owner = knownOwner(of: key) { weigh(owner, left: .zero) }
    return best?.peer
  }

  /// How doubtful it is that this member answers: hardly when it has done so since somebody else did not; very when it is in trouble itself.
  private func doubt(_ id: Identifier, _ forward: Forward) -> Int {
    guard let roundTrip = roundTrips[id] else { return 1 }
    if roundTrip.isSuspect { return 2 }
    return forward.tried.isEmpty || roundTrip.lastHeard > forward.begunAt ? 0 : 1
  }

  /// How long a request takes to this member, in nanoseconds: half a round trip, and a dial if there is no link.
  func handOver(to id: Identifier) -> Double {
    guard let roundTrip = roundTrips[id], let shortest = roundTrip.shortest else {
      return Double(RoundTrip.stranger.inNanoseconds)
    }
    return Double(shortest) * (roundTrip.isLinked ? 0.5 : 2.5)
  }
}

extension Identifier {
  /// How far it is to `other` the shorter way round.
  func gap(to other: Identifier) -> Identifier { min(distance(to: other), other.distance(to: self)) }
}

extension Double {
  /// The logarithm to base 2, straight between powers of two: at most a twelfth too low, and never falling.
  var doublings: Double { Double(exponent) + significand - 1 }
}
