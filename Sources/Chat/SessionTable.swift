// All sessions, found in three ways: by the number that stands in every text (an array index), by user (when our own user
// asks), and by node (when a link ends: a walk, for that is rare). A number is a slot and a count of the sessions made so far,
// so that a late message cannot hit the session that took the slot over.
//
// The sessions' deadlines stand in one heap. An entry is pushed only when a session needs attention earlier than its entry
// says; one that comes too early is pushed again when it is met. So a text that is sent and acknowledged touches no heap. Sessions whose
// texts may go are due at once, and stand in a list besides.

import Chord

/// The sessions of a node.
struct SessionTable {
  /// A slot that is free holds a session without a number.
  private var slots: [Session] = []
  private var free: [Int] = []
  private var byUser: [User: Int] = [:]
  private var made: UInt32 = 0
  private var heap = DeadlineQueue<UInt32>()
  /// The first of the heap: it is looked at with every event.
  private var soonest: Instant?
  /// The numbers of those whose texts may go, in the order in which they came to be so, and since when there are any.
  private var ready: [UInt32] = []
  private var nextInReady = 0
  private var readySince = Instant(nanoseconds: 0)
  private(set) var count = 0
  private(set) var incomingCount = 0

  private static let slotBits: UInt32 = 12
  /// More slots than a number has place for are never made.
  static let maximum = 1 << Int(slotBits)

  /// The session in a slot that is taken. (`get`, not `_read`: of so large a value Swift 6.3 reads parts after the accessor has
  /// ended, which the address sanitizer finds.)
  subscript(slot: Int) -> Session {
    get { slots[slot] }
    _modify { yield &slots[slot] }
  }

  /// The slots that are taken, in order.
  var taken: [Int] { slots.indices.filter { isTaken($0) } }

  private func isTaken(_ slot: Int) -> Bool { slots[slot].number != 0 }

  func slot(of user: User) -> Int? { byUser[user] }

  func slot(numbered number: UInt32) -> Int? {
    let slot = Int(number & (1 << Self.slotBits - 1))
    return slots.indices.contains(slot) && isTaken(slot) && slots[slot].number == number ? slot : nil
  }

  /// The sessions with users of this node, in the order of their slots.
  func slots(at node: Identifier) -> [Int] { slots.indices.filter { isTaken($0) && slots[$0].node == node } }

  /// Makes a session; there must be fewer than `maximum`, and none with this user.
  mutating func insert(_ user: User, isIncoming: Bool, epoch: UInt64, at now: Instant) -> Int {
    precondition(byUser[user] == nil && count < Self.maximum, "one session per user, and no more than have numbers")
    let slot = free.popLast() ?? slots.count
    made = made % (1 << (32 - Self.slotBits) - 1) + 1  // from 1, so that no number is 0
    let number = made << Self.slotBits | UInt32(slot)
    let session = Session(user: user, number: number, isIncoming: isIncoming, epoch: epoch, at: now)
    if slot == slots.count { slots.append(session) } else { slots[slot] = session }
    byUser[user] = slot
    count += 1
    if isIncoming { incomingCount += 1 }
    return slot
  }

  mutating func remove(_ slot: Int) {
    let session = self[slot]
    byUser[session.user] = nil
    slots[slot] = Session(
      user: session.user, number: 0, isIncoming: false, epoch: session.outgoing.epoch, at: session.lastProgress)
    free.append(slot)
    count -= 1
    if session.isIncoming { incomingCount -= 1 }
  }

  // MARK: Texts that may go

  /// The session's texts go with the next tick.
  mutating func setReady(_ slot: Int, at now: Instant) {
    guard !self[slot].isReady else { return }
    self[slot].isReady = true
    if ready.isEmpty { readySince = now }
    ready.append(self[slot].number)
  }

  /// The next session whose texts may go; call until nil.
  mutating func nextReady() -> Int? {
    while nextInReady < ready.count {
      let number = ready[nextInReady]
      nextInReady += 1
      guard let slot = slot(numbered: number) else { continue }
      self[slot].isReady = false
      return slot
    }
    ready.removeAll(keepingCapacity: true)
    nextInReady = 0
    return nil
  }

  // MARK: Deadlines

  /// The earliest deadline; it may be too early, never too late.
  var nextDeadline: Instant? { ready.isEmpty ? soonest : .earlier(soonest, readySince) }

  /// Sees to it that the session's deadline is met.
  mutating func arm(_ slot: Int, limits: Conversations.Limits) {
    guard let deadline = slots[slot].deadline(limits: limits) else { return }
    if let armed = slots[slot].armed, armed <= deadline { return }
    slots[slot].armed = deadline
    heap.insert(slots[slot].number, at: deadline)
    soonest = heap.first
  }

  /// The next session whose deadline has come; call until nil. Arm it again when it has been seen to.
  mutating func nextDue(at now: Instant, limits: Conversations.Limits) -> Int? {
    while let at = soonest, at <= now, let due = heap.popDue(at: now) {
      soonest = heap.first
      guard let slot = slot(numbered: due.key), self[slot].armed == due.at else { continue }
      self[slot].armed = nil
      if let deadline = self[slot].deadline(limits: limits), deadline <= now { return slot }
      arm(slot, limits: limits)
    }
    return nil
  }

  /// What must hold between events.
  func holdsTogether(limits: Conversations.Limits) -> Bool {
    guard byUser.count == count, count + free.count == slots.count else { return false }
    return taken.allSatisfy { slot in
      var session = self[slot]
      let isHeard =
        session.isReady == ready.contains(session.number) && (session.isReady || !session.maySay(limits: limits))
      let isFound = byUser[session.user] == slot && self.slot(numbered: session.number) == slot
      let isMet =
        session.deadline(limits: limits).map { deadline in session.armed.map { $0 <= deadline } ?? false } ?? true
      let isSound =
        session.isStanding
        ? session.isAnnounced && session.givenUpAt == nil
        : session.outgoing.inFlight == 0 && session.isAnnounced == (session.givenUpAt != nil)
      return isHeard && isFound && isMet && isSound && session.isWanted  // one that nobody wants is forgotten
    }
  }
}
