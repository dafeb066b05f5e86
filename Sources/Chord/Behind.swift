// Those behind us: the predecessor, the one before it, and so on, as the predecessor tells it. With them who is past a key knows its
// owner as well as who is before it, and the last hop is twice as easy to hit.
//
//   p2 ──before: p3, p4 …──> p1 ──before: p2, p3 …──> p0 ──before: p1, p2 …──> me ──before: p0, p1 …──> s0
//
// Told whenever it has changed, so that a change travels r members on; and asked for by whoever has another predecessor, or has lost one
// of the list on its own account: a list is whole only as the predecessor tells it. It is hearsay and serves to route alone: no pointer of
// the ring is ever taken from it, and whoever is asked because of it owns the key by its own knowledge or hands the request on.

extension ChordNode {
  /// In which place behind us the owner of the key stands, if it is known who stands on both sides of the key.
  func placeBehind(of key: Identifier) -> Int? {
    guard behind.count > 1 else { return nil }
    return behind.indices.dropLast().first { inRange(behind[$0 + 1].id, key, behind[$0].id) }
  }

  /// Our predecessor has told who stands before it.
  mutating func heardBefore(_ peers: [Peer], from peer: Peer) {
    guard configuration.routing.isBothWays, ring.isMember, peer.id == ring.predecessor?.id else { return }
    behindToldBy = peer.id
    arrange([peer] + peers)
    tellBehindSoon()
  }

  /// Whether those behind us are all that the predecessor knows of.
  var knowsBehind: Bool { behindToldBy == ring.predecessor?.id }

  /// Another predecessor: those known so far who stand before it stay.
  mutating func predecessorMoved() {
    guard configuration.routing.isBothWays else { return }
    arrange([ring.predecessor].compactMap(\.self) + behind.filter { $0.id != ring.predecessor?.id })
    behindToldBy = nil
    askBehind()
  }

  /// Asks the predecessor, if it has not told.
  private mutating func askBehind() {
    guard !knowsBehind, let predecessor = ring.predecessor else { return }
    behindAskedAt = now.monotonic
    send(.askBefore, to: predecessor)
  }

  /// The word that was asked for has not come, or something is missing since: asks again.
  mutating func askBehindAgain() {
    guard configuration.routing.isBothWays, ring.isMember,
      behindAskedAt.map({ now.monotonic - $0 >= Pace.askBehind }) ?? true
    else { return }
    askBehind()
  }

  /// One fewer than there are successors at the most; but as far as a holder has to see to know whether it is one: those between, the owner, and
  /// the one before it.
  private var limitBehind: Int { max(copiesBesides + 1, min(configuration.routing.predecessors, ring.capacity - 1)) }

  /// The longest way back that never passes us, as far as is to be known.
  private mutating func arrange(_ peers: [Peer]) {
    var list: [Peer] = []
    for peer in peers where list.count < limitBehind && between(me.id, peer.id, list.last?.id ?? me.id) {
      list.append(peer)
    }
    guard list != behind else { return }
    behind = list
    behindChanged = now.monotonic
  }

  mutating func forgetBehind(_ id: Identifier, at endpoint: Endpoint?) {
    guard behind.contains(where: { $0.matches(id, at: endpoint) }) else { return }
    behind.removeAll { $0.matches(id, at: endpoint) }
    behindChanged = now.monotonic
    behindToldBy = nil
  }

  mutating func tellBehindSoon() {
    guard configuration.routing.isBothWays, ring.isMember else { return }
    tellAt = tellAt ?? now.monotonic + Pace.tell
  }

  /// Whoever takes us for its predecessor asks. What is known is told also when it is not whole: after a death all members of a small ring
  /// ask each other, and would wait for ever. It counts as told, so that our successor hears what was missing in it.
  mutating func askedBefore(by peer: Peer) {
    guard ring.isMember else { return }
    let told = Told(head: peer.id, behind: wordOfBehind(without: peer.id))
    if peer.id == ring.successors.first?.id { toldBehind = told }
    send(.before(told.behind), to: peer)
  }

  /// What is told to that one.
  private func wordOfBehind(without other: Identifier) -> [Peer] {
    behind.prefix(limitBehind - 1).filter { $0.id != other }
  }

  /// Tells our successor, if it has not heard it yet.
  mutating func tellBehind() {
    guard let head = ring.successors.first else { return toldBehind = nil }
    let told = Told(head: head.id, behind: wordOfBehind(without: head.id))
    guard knowsBehind, told != toldBehind else { return }
    toldBehind = told
    send(.before(told.behind), to: head)
  }
}

/// What was told to whom about those behind us.
struct Told: Hashable, Sendable {
  var head: Identifier
  var behind: [Peer]
}
