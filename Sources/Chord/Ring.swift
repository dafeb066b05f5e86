// The pointers of one member and the steps that keep them right: the corrected Chord of Pamela Zave ("Reasoning about
// identifier spaces: How to make Chord correct", IEEE TSE 2017, arXiv 1610.01140). Nothing else lives here: no time, no
// retries, no records. Whoever drives a Ring asks the questions it names in its answers (`Step`) and reports what came of them.
//
//        pred ──> me ──> s0 ──> s1 ──> … ──> s(r-1)         successors in ring order, cut before `me`, at most r of them
//
//   stabilize    query s0 ─┬─ answers p = its predecessor, between(me, p, s0):  query p ─┬─ alive: successors = [p] + p's, notify p
//                          │                                                          └─ dead:  notify s0
//                          ├─ answers, nothing closer:  successors = [s0] + s0's, notify s0
//                          └─ dead:  drop it, notify the new head
//   rectify      notified by q:  closer than pred, or pred unknown: adopt q;  else ping pred, adopt q only if pred is dead
//   join         query m, with between(me's place in (m, m.s0]):  successors = m's, predecessor = m
//
// The rule to live by: never adopt a pointer to a node you have not just heard from.
//
// Two things her proof leaves open are settled here and explored exhaustively on small rings (Tests/ChordTests):
//
// Atomicity. Her steps are atomic; over a network there is time between a question and its answer, in which others may be shown
// our state. So an answer that would change something is applied only if nobody was shown our state since we asked and the head is
// still the one assumed; otherwise it is dropped and the step is tried again (`Step.again`, after a pause of the driver's).
//
// Small rings. A lone member has no successor but itself: its list is empty. It answers joins like any other, and its
// stabilize takes its own predecessor as the candidate. A joiner whose m lists the whole ring but m, and fewer than r members,
// appends m. A candidate whose own successor stands between us and it is passed over for that one: to skip it could wind merging
// rings up into a circle that goes round twice. A member whose whole list has died is alone in the same way, and may join again.

/// What a member shows of itself when asked.
public struct View: Hashable, Sendable {
  /// Whether the one asked is in a ring at all. If not, the rest says nothing.
  public var isMember: Bool
  public var predecessor: Peer?
  /// In ring order; empty when it stands alone.
  public var successors: [Peer]

  public init(isMember: Bool, predecessor: Peer?, successors: [Peer]) {
    self.isMember = isMember
    self.predecessor = predecessor
    self.successors = successors
  }
}

/// One member's pointers into the ring.
public struct Ring: Hashable, Sendable {
  /// What the driver is asked to do next.
  public enum Step: Hashable, Sendable {
    /// Ask this node for its state; then `answered` or `failed`.
    case query(Peer)
    /// Tell this node that we may be its predecessor.
    case notify(Peer)
    /// Ask whether this node is alive; then `isAlive` or `failed`.
    case ping(Peer)
    /// An answer could not be used: try again after a jittered pause.
    case again
  }

  /// The one maintenance operation in progress.
  enum Operation: Hashable, Sendable {
    case joining(through: Peer)
    case stabilizing(Peer)
    /// Step 2 of stabilize: the candidate is asked before it is adopted in front of `head` (nil: we stand alone).
    case considering(Peer, head: Identifier?)

    var asked: Peer {
      switch self {
      case .joining(let peer), .stabilizing(let peer), .considering(let peer, _): peer
      }
    }
  }

  public private(set) var me: Peer
  /// r: how many successors are kept.
  public private(set) var capacity: Int
  /// Whether this node is in a ring, be it one of its own.
  public private(set) var isMember = false
  public private(set) var predecessor: Peer?
  /// In ring order, without `me`; empty when this member stands alone.
  public private(set) var successors: [Peer] = []

  private(set) var operation: Operation?
  /// Whether somebody was shown our state since the question of `operation` was asked.
  private var wasShown = false
  /// How often a successor that knows us under another address is still told ours. Not for ever: it may see us where we do not.
  private var notifiesOfAddress = 3
  /// Who notified us and waits for our old predecessor to prove alive or dead.
  private var rectifying: Peer?

  /// A node that is in no ring yet.
  public init(me: Peer, capacity: Int) {
    precondition(capacity > 0, "a ring needs at least one successor")
    self.me = me
    self.capacity = capacity
  }

  /// Whether this member knows no other successor than itself.
  public var isAlone: Bool { isMember && successors.isEmpty }

  /// Whether the list goes round the whole ring: it ends at the predecessor, or this member is alone.
  public var isRound: Bool { successors.last?.id == predecessor?.id }

  /// Whether a maintenance operation is in progress.
  public var isBusy: Bool { operation != nil }

  /// Our state for somebody who asked. Remembers that it was shown; of one outside any ring there is nothing that others could go by.
  public mutating func show() -> View {
    wasShown = wasShown || isMember
    return View(isMember: isMember, predecessor: predecessor, successors: successors)
  }

  /// Whether `key` is ours as far as we know: in (predecessor, me], or we are alone. Nil when the predecessor is unknown.
  public func owns(_ key: Identifier) -> Bool? {
    guard isMember else { return false }
    if let predecessor { return inRange(predecessor.id, key, me.id) }
    return successors.isEmpty ? true : nil
  }
}

// MARK: - How long the list is

extension Ring {
  /// log2 N + 6, rounded down, within limits. When half of N members die at once, N / 2^r lose every successor: with so many that is one
  /// member in 32 such nights at the most, however large the ring.
  static func length(for members: Int, within limits: ClosedRange<Int>) -> Int {
    let doublings = Int.bitWidth - 1 - max(members, 1).leadingZeroBitCount
    return max(1, min(max(doublings + 6, limits.lowerBound), limits.upperBound, MessageLimit.successors))
  }
}

// MARK: - What a member does

extension Ring {
  /// Starts a ring of one.
  public mutating func startAlone() {
    isMember = true
    predecessor = nil
    successors = []
    operation = nil
  }

  /// Joins behind `member`, which should be the one whose successor we are about to become. Only a node outside or alone may.
  public mutating func join(through member: Peer) -> [Step] {
    guard operation == nil, !isMember || successors.isEmpty, member.id != me.id else { return [] }
    return ask(.joining(through: member))
  }

  /// One round of stabilize, unless an operation is in progress.
  public mutating func stabilize() -> [Step] {
    guard isMember, operation == nil else { return [] }
    if let head = successors.first { return ask(.stabilizing(head)) }
    if let predecessor { return ask(.considering(predecessor, head: nil)) }
    return []
  }

  /// Somebody named `peer` as a closer successor than the one we have: ask it before believing it.
  public mutating func consider(_ peer: Peer) -> [Step] {
    guard isMember, operation == nil, isCloser(peer) else { return [] }
    return ask(.considering(peer, head: successors.first?.id))
  }

  /// Whether `peer` stands between us and our successor.
  public func isCloser(_ peer: Peer) -> Bool {
    between(me.id, peer.id, successors.first?.id ?? me.id)
  }

  /// This node is reached at another address from now on.
  public mutating func relocate(to endpoint: Endpoint) {
    me.endpoint = endpoint
    notifiesOfAddress = 3
  }

  /// From now on so many successors are kept: fewer at once, more as stabilize brings them.
  public mutating func resize(to capacity: Int) {
    self.capacity = max(capacity, 1)
    if successors.count > self.capacity { successors.removeLast(successors.count - self.capacity) }
  }

  /// Leaves for good: no pointer is kept, and whoever asks hears that we are in no ring.
  public mutating func leave() {
    isMember = false
    predecessor = nil
    successors = []
    operation = nil
    rectifying = nil
  }

  private mutating func ask(_ operation: Operation) -> [Step] {
    self.operation = operation
    wasShown = false
    return [.query(operation.asked)]
  }
}

// MARK: - What a member hears

extension Ring {
  /// The node that the operation in progress asked has shown its state.
  public mutating func answered(by peer: Peer, _ view: View) -> [Step] {
    guard let operation, operation.asked.id == peer.id else { return [] }
    self.operation = nil
    guard view.isMember else { return stranger(peer, in: operation) }
    switch operation {
    case .joining:
      return finishJoin(behind: peer, view)
    case .stabilizing:
      guard commit([peer] + view.successors, ifHeadIs: peer.id) else { return [.again] }
      // Its successor is closer to us only if it has moved between rings since we chose it.
      if let candidate = [view.predecessor, view.successors.first].lazy.compactMap({ $0 }).first(where: isCloser) {
        return ask(.considering(candidate, head: peer.id))
      }
      // It has heard of us already; but perhaps under an address of before we moved, or came back.
      if view.predecessor?.id == me.id {
        guard view.predecessor != me, notifiesOfAddress > 0 else { return [] }
        notifiesOfAddress -= 1
      }
      return [.notify(peer)]
    case .considering(_, let head):
      // A successor of its own that stands between us and it is closer still. To skip it could make merging rings wind twice.
      if let closer = view.successors.first, between(me.id, closer.id, peer.id) {
        return ask(.considering(closer, head: head))
      }
      guard commit([peer] + view.successors, ifHeadIs: head) else { return [.again] }
      return [.notify(peer)]
    }
  }

  /// `q` tells us that it may be our predecessor (rectify).
  public mutating func notified(by q: Peer) -> [Step] {
    guard isMember, q.id != me.id else { return [] }
    guard let current = predecessor else {
      predecessor = q
      rectifying = nil
      return []
    }
    if current.id == q.id || between(current.id, q.id, me.id) {
      predecessor = q
      rectifying = nil
      return []
    }
    rectifying = q
    return [.ping(current)]
  }

  /// A node that was pinged has answered.
  public mutating func isAlive(_ peer: Identifier) {
    if predecessor?.id == peer { rectifying = nil }
  }

  /// A node is dead, or has left: it goes from every pointer.
  public mutating func failed(_ id: Identifier) -> [Step] { failed(id, at: nil) }

  /// The same; with an endpoint: nobody answers there, and the pointers with another stay.
  public mutating func failed(_ id: Identifier, at endpoint: Endpoint?) -> [Step] {
    func isMeant(_ peer: Peer?) -> Bool { peer?.matches(id, at: endpoint) ?? false }
    let lostHead = isMeant(successors.first)
    successors.removeAll(where: isMeant)
    if isMeant(rectifying) { rectifying = nil }
    if isMeant(predecessor) {
      predecessor = rectifying
      rectifying = nil
    }
    let wasAsked = isMeant(operation?.asked)
    let wasJoining = if case .joining = operation { true } else { false }
    if wasAsked { operation = nil }
    if wasAsked && wasJoining { return [.again] }
    guard wasAsked || lostHead, let head = successors.first else { return [] }
    return [.notify(head)]
  }

  /// The node asked is alive but in no ring: as a candidate it counts as gone, but not as dead.
  private mutating func stranger(_ peer: Peer, in operation: Operation) -> [Step] {
    switch operation {
    case .joining: return [.again]
    case .stabilizing: return failed(peer.id)
    case .considering:
      if predecessor?.id == peer.id { predecessor = nil }
      return successors.first.map { [.notify($0)] } ?? []
    }
  }

  private mutating func finishJoin(behind member: Peer, _ view: View) -> [Step] {
    // The member may still list us from an earlier life with the same identity.
    let others = view.successors.filter { $0.id != me.id }
    guard !isMember || successors.isEmpty, between(member.id, me.id, others.first?.id ?? member.id) else {
      return [.again]
    }
    // A short list that ends at the member's predecessor is the whole ring but the member; another one is under repair, and the
    // member appended to it would skip others.
    let isWhole = others.isEmpty || others.last?.id == view.predecessor?.id
    #if CHORD_CANARY
      // As the original Chord has it: a joiner knows one successor, until it stabilizes. The simulator must find that (`make canary`).
      let list = (isWhole ? others + [member] : others).prefix(1).map(\.self)
    #else
      let list = isWhole && others.count < capacity ? others + [member] : others
    #endif
    guard commit(list, ifHeadIs: nil) else { return [.again] }
    isMember = true
    predecessor = member
    return []
  }

  /// Adopts a successor list if that is safe: see "Atomicity" above. An answer that changes nothing is always safe.
  private mutating func commit(_ candidates: [Peer], ifHeadIs head: Identifier?) -> Bool {
    let list = ordered(candidates)
    if list == successors { return true }
    // Behind an unchanged head the tail may be refreshed though it was shown: nobody takes its head from our tail.
    guard successors.first?.id == head, !wasShown || list.first?.id == head else { return false }
    successors = list
    return true
  }

  /// The longest beginning of `candidates` that runs clockwise from us and ends before us, cut to r.
  private func ordered(_ candidates: [Peer]) -> [Peer] { Array(candidates.prefix(orderedCount(candidates))) }

  private func orderedCount(_ candidates: [Peer]) -> Int {
    var count = 0
    var last = me.id
    for peer in candidates.prefix(capacity) {
      guard between(last, peer.id, me.id) else { break }
      count += 1
      last = peer.id
    }
    return count
  }
}

// MARK: - Invariants

extension Ring {
  /// What must hold of one member by itself after every step; nil, or what is wrong.
  public var brokenInvariant: String? {
    if successors.count > capacity { return "more than \(capacity) successors" }
    if orderedCount(successors) < successors.count { return "successors out of order" }
    if predecessor?.id == me.id { return "own predecessor" }
    if !isMember && !(successors.isEmpty && predecessor == nil) { return "pointers outside a ring" }
    return nil
  }
}
