// What must hold of one member after every event, whatever the others do: its pointers are in order, and nothing grows without end.
// Simulations look after every event.

extension ChordNode {
  /// Questions of this member's, or that it passes on, which have not been answered.
  public var openQuestions: Int {
    probes.count + forwards.count + held.count + puts.count + transfers.count + moves.count + inquiries.count
      + asks.count
  }

  /// Questions whose time has come and gone without anything being done about them: none, but for the moment in which it comes.
  public func forgottenQuestions(at instant: Instant) -> Int {
    probes.values.count { $0.deadline < instant } + forwards.values.count { $0.deadline < instant }
      + puts.values.count { $0.deadline < instant } + asks.values.count { $0.deadline < instant }
      + inquiries.values.count { $0.giveUpAt < instant } + held.count { $0.until + .seconds(2) < instant }
  }

  /// What is out of order or beyond its bound; nil when all is well.
  public var brokenInvariant: String? {
    if let broken = ring.brokenInvariant { return broken }
    if store.count > RecordStore.capacity { return "\(store.count) records" }
    if forwards.count > Forward.limit { return "\(forwards.count) requests" }
    if puts.count > PendingPut.limit { return "\(puts.count) puts" }
    if inquiries.count > Inquiry.limit { return "\(inquiries.count) inquiries" }
    if let broken = inquiries.values.lazy.compactMap(\.brokenInvariant).first { return broken }
    if asks.count != inquiries.values.reduce(0, { $0 + $1.openCount }) { return "\(asks.count) questions of inquiries" }
    if moves.count > Move.limit { return "\(moves.count) moves" }
    if transfers.count != isQueued.count { return "\(transfers.count) transfers, \(isQueued.count) queued" }
    if held.count > Self.heldLimit { return "\(held.count) requests held back" }
    if contacts.count > Self.remembered { return "\(contacts.count) contacts" }
    if missing.count > Self.remembered { return "\(missing.count) missing members" }
    if askers.count > Self.remembered { return "\(askers.count) askers" }
    if phase == .left, openQuestions > 0 { return "\(openQuestions) questions after leaving" }
    return nil
  }
}
