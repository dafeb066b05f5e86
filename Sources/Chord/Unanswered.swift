// What becomes of a request whose hop says nothing: the next best hop, the same one over a new link, or another try from the start.
//
//   silent ──┬─ may own the key ── wait as long as a dial takes, look at those behind it ──┐
//            └─ any other hop ─────────────────────────────────────────────────────────────┴─> the next best
//   link broken ── once more over a new link ── the next best
//   dead ───────── the next best
//   at work, and for long ── the next best besides, if the request is our own
//
// Where many died at once, to find out about them one after the other would take longer than anybody waits. So whoever may be asked
// next is looked at while the last one is still waited for: the deeper the search for the owner, the further ahead. Nobody is given
// less time than the first, but all of them have the same time. Whom the request has found dead it does not ask again, though others
// still name it.

extension ChordNode {
  /// A hop was silent, or the whole request took too long.
  mutating func forwardExpired(_ ticket: UInt32) {
    guard var forward = forwards[ticket] else { return }
    if case .replica = forward.claim,
      now.monotonic >= forward.giveUpAt || nextHop(forward) == nil && !forward.isAccepted
    {
      return giveUp(ticket, forward, .unreachable)
    }
    if !forward.isAccepted, now.monotonic < min(forward.hopUntil, forward.begunAt + Forward.longest) {
      return stayWithOwner(ticket, forward)
    }
    if now.monotonic >= forward.giveUpAt {
      forward.attemptsLeft -= 1
      guard forward.attemptsLeft > 0, forward.via == nil, now.monotonic < forward.begunAt + Forward.longest else {
        return giveUp(ticket, forward, .unreachable)
      }
      forward.tried = []
      forward.detour = []
      forward.redirectedBy = []
      forwards[ticket] = forward
      return advance(ticket)
    }
    if forward.isAccepted {
      reassure(&forward)
      if case .peer = forward.origin { return wait(ticket, forward) }
      guard forward.mayGoTwoWays, now.monotonic >= forward.sentAt + Forward.impatience, nextHop(forward) != nil else {
        // Nobody else to ask any more, or none that could be asked besides.
        forward.deadline = forward.giveUpAt
        forwards[ticket] = forward
        return deadlines.insert(ticket, at: forward.deadline)
      }
      return advance(ticket)
    }
    if let hop = forward.hop { doubt(hop) }
    if !forward.redirectedBy.isEmpty || forward.via == nil && nextHop(forward) != nil {
      return passOver(ticket, forward)
    }
    // Nobody else to ask: the one we asked may still answer.
    forward.deadline = forward.giveUpAt
    forwards[ticket] = forward
    deadlines.insert(ticket, at: forward.deadline)
  }

  /// The hop says nothing yet. Those who would be next are looked at, so that if all of them are dead that is known at once.
  private mutating func stayWithOwner(_ ticket: UInt32, _ forward: Forward) {
    var forward = forward
    forward.extend(from: now.monotonic)
    reassure(&forward)
    forward.deadline = min(forward.hopUntil, now.monotonic + Forward.reassurance)
    forwards[ticket] = forward
    deadlines.insert(ticket, at: forward.deadline)
    if forward.claim == .none { lookAtNextBest(forward) } else { lookBehind(forward) }
  }

  /// The hop is dead, or was silent for long enough. Those to be asked after the next one are looked at without waiting for its silence.
  private mutating func passOver(_ ticket: UInt32, _ forward: Forward) {
    var forward = forward
    if Self.decidesOwnership(forward.question, forward.claim) { passOverThoseBehind(&forward) }
    retry(ticket, forward, .unreachable)
    guard let forward = forwards[ticket] else { return }
    if Self.decidesOwnership(forward.question, forward.claim) {
      lookBehind(forward)
    } else if forward.claim == .none {
      lookAtNextBest(forward)
    }
  }

  /// Those that say nothing are suspects by the time it would be their turn, and another is asked.
  private mutating func lookAtNextBest(_ forward: Forward) {
    var later = forward
    for _ in 0..<Probe.behindHead {
      guard let (peer, claim) = nextHop(later), claim == .none else { return }
      later.tried.append(peer.id)
      if isPointedAt(peer.id) { probeLife(of: peer) }
    }
  }

  /// Whether those behind the hop live, if it may own the key: twice as many for each that was passed over, up to the longest list.
  private mutating func lookBehind(_ forward: Forward) {
    guard let place = ring.successors.firstIndex(where: { $0.id == forward.hop }) else { return }
    let ahead = Probe.behindHead << min(passedOver(by: forward, before: ring.successors[place].id), 3)
    for peer in ring.successors[place...].prefix(1 + ahead) { probeLife(of: peer) }
  }

  /// Those right behind the hop that were looked at when it was first late, and have been silent for as long as it was given, need not be
  /// asked one after the other.
  private func passOverThoseBehind(_ forward: inout Forward) {
    guard configuration.routing.isBothWays, let place = ring.successors.firstIndex(where: { $0.id == forward.hop })
    else { return }
    for peer in ring.successors[(place + 1)...] {
      let patience = roundTrips[peer.id]?.isKnown == true ? Forward.hopPatience : Forward.ownerPatience
      let isSilent = probes.values.contains {
        $0.peer.id == peer.id && $0.purpose == .life && now.monotonic - $0.sentAt >= patience
      }
      guard isSilent, roundTrips[peer.id].map({ now.monotonic - $0.lastHeard >= patience }) ?? true else { return }
      if !forward.tried.contains(peer.id) { forward.tried.append(peer.id) }
    }
  }

  /// How many have been asked that would own the key, and not this member, if they lived.
  func passedOver(by forward: Forward, before member: Identifier) -> Int {
    forward.tried.count { $0 != member && ($0 == forward.key || between(forward.key, $0, member)) }
  }

  /// A member of our list is dead.
  mutating func foundDead(_ peer: Peer) {
    for ticket in forwards.keys.sorted() {
      guard let forward = forwards[ticket], forward.claim == .owner || forward.claim == .insist,
        forward.foundDead.count < Forward.deadLimit
      else { continue }
      forwards[ticket]?.foundDead.append(peer)
    }
  }

  /// Whether this member died while the request was under way, and has not been heard since.
  func isFoundDead(_ peer: Peer, _ forward: Forward) -> Bool {
    forward.foundDead.contains(peer) && roundTrips[peer.id]?.isKnown != true
  }

  /// A hop did not answer in time: find out whether it lives. One that is no neighbour is asked nothing else, so nobody would ever
  /// notice that the link to it is dead: a newcomer's to the bootstraps, or an observer's.
  private mutating func doubt(_ id: Identifier) {
    if let peer = pointer(to: id) ?? behind.first(where: { $0.id == id }) {
      probeLife(of: peer)
    } else {
      effects.append(.renew(id))
    }
  }

  /// Whether going on to the member after this one would name the wrong owner, should this one only be slow, or its link cold.
  static func decidesOwnership(_ question: Request.Question, _ claim: Request.Claim) -> Bool {
    guard claim == .owner || claim == .insist else { return false }
    return switch question {
    case .findSuccessor, .put, .extend: true
    case .get, .join, .nearest: false  // those after it hold the copies; a join names no owner
    }
  }

  /// The link to this node broke: what it was asked goes to it once more, over a new link, before anybody else is asked to answer in its
  /// place. Should it be dead, the dial will tell. If it had been silent before, it is asked first whether it lives, and given the same time.
  mutating func sendAgain(to id: Identifier) {
    let wasSilent = roundTrips[id]?.isSuspect == true && pointer(to: id) != nil
    for ticket in forwards.keys.sorted() {
      guard var forward = forwards[ticket], forward.hop == id else { continue }
      guard let endpoint = forward.hopEndpoint, !forward.isSentAgain else {
        passOver(ticket, forward)
        continue
      }
      forward.isSentAgain = true
      if wasSilent, configuration.routing.isBothWays, Self.decidesOwnership(forward.question, forward.claim) {
        forward.isOwed = true
        forward.hopUntil = now.monotonic + Forward.ownerPatience
        forwards[ticket] = forward
        send(.ping(newTicket()), to: Peer(id: id, endpoint: endpoint))
      } else {
        dispatch(ticket, &forward, to: Peer(id: id, endpoint: endpoint), forward.claim)
      }
    }
  }

  /// A node that was silent has said something over a new link.
  mutating func sendWhatIsOwed(to id: Identifier) {
    for ticket in forwards.keys.sorted() {
      guard var forward = forwards[ticket], forward.hop == id, forward.isOwed, let endpoint = forward.hopEndpoint
      else { continue }
      dispatch(ticket, &forward, to: Peer(id: id, endpoint: endpoint), forward.claim)
    }
  }

  /// Requests that this node has will not come back from there; with an endpoint, those that were sent there.
  mutating func reroute(around id: Identifier, at endpoint: Endpoint?) {
    for ticket in forwards.keys.sorted() {
      guard let forward = forwards[ticket], forward.hop == id, endpoint == nil || forward.hopEndpoint == endpoint else {
        continue
      }
      passOver(ticket, forward)
    }
  }
}
