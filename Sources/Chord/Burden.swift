// What a member does for others: how many requests it hands on, for whom, and to whom.
//
//   asker ──at most 250 a second──> this member ──for all others at most 500 a second──> next hop
//                                        │
//                                        └──its own: as many as it likes──────────────> next hop, which takes 1000 a second from us
//
// A next hop cannot know for whom a member asks, and reads one that asks too much more slowly: then everything waits that the member
// has to say to it, texts too. So one peer must not be able to use up what the next hop takes from us. Beyond these rates a request is
// answered `busy` at once, and whoever asked tries another way. An honest member hands on a few a second to each of its neighbours, in
// rings of any size.

/// How often something may happen, counted by when it may happen next (the generic cell rate algorithm, ITU-T I.371): one moment
/// to remember, and nothing once that has passed.
struct Pacing: Hashable, Sendable {
  var perSecond: Int64
  var burst: Int64

  /// Whether it may happen now. `dueAt`: when all that has happened would have, at the steady rate.
  func allows(_ dueAt: inout Instant?, at now: Instant) -> Bool {
    let period = Duration.nanoseconds(1_000_000_000 / perSecond)
    let due = max(dueAt ?? now, now)
    guard due - now <= period * Int(burst - 1) else { return false }
    dueAt = due + period
    return true
  }
}

/// The requests that one member hands on for others.
struct Burden: Sendable {
  /// For one asker: a fourth of what a next hop takes from us.
  static let ofAsker = Pacing(perSecond: 250, burst: 500)
  /// For all others to one next hop: half of that.
  static let ofHop = Pacing(perSecond: 500, burst: 1_000)

  private var askers: [Identifier: Instant] = [:]
  private var hops: [Identifier: Instant] = [:]

  /// Whether a request of this peer may be handed on. If so it counts.
  mutating func takes(from asker: Identifier, at now: Instant) -> Bool {
    Self.ofAsker.allows(&askers[asker], at: now)
  }

  /// Whether somebody's request may be handed on to this peer. If so it counts.
  mutating func hands(to hop: Identifier, at now: Instant) -> Bool {
    Self.ofHop.allows(&hops[hop], at: now)
  }

  /// Forgets whoever has asked nothing of late: what remains is less than two seconds' worth.
  mutating func forget(before now: Instant) {
    askers = askers.filter { $0.value > now }
    hops = hops.filter { $0.value > now }
  }

  /// Peers remembered.
  var count: Int { askers.count + hops.count }
}
