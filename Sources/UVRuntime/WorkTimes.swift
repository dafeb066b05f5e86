// How long a loop is busy in a turn: from one sleep to the next, without the time it sleeps. While callbacks run nobody else is
// heard, so the longest turn is the longest that anybody has waited for the loop.
//
//     prepare ── poll: sleeps … callbacks … ── timers ── prepare
//                      '-- idle --''--------- work ---------'
//
// Buckets and not every turn: they cost the same after a year.

/// Times of turns, sorted.
public struct WorkTimes: Sendable {
  /// The upper ends of the buckets, in microseconds; the last bucket has none.
  public static let limits: [UInt64] = [100, 1_000, 5_000, 20_000, 100_000]

  /// In place, so that whoever looks at a loop's statistics copies numbers and nothing else.
  private var buckets: [6 of UInt64] = [0, 0, 0, 0, 0, 0]
  /// How many turns were as long as that, each bucket for itself.
  public var counts: [UInt64] { buckets.indices.map { buckets[$0] } }
  /// All turns together.
  public private(set) var total = Duration.zero
  private var longest: UInt64 = 0  // nanoseconds
  private var last: (end: UInt64, idle: UInt64)?

  /// The loop is about to sleep, and has slept so long in its life.
  mutating func turnEnds(at now: LoopTime, idle: UInt64) {
    defer { last = (now.nanoseconds, idle) }
    guard let last else { return }
    let whole = now.nanoseconds - min(now.nanoseconds, last.end)
    let slept = idle - min(idle, last.idle)
    let worked = whole - min(whole, slept)
    buckets[Self.limits.firstIndex { worked <= $0 * 1000 } ?? Self.limits.count] += 1
    total += .nanoseconds(Int64(clamping: worked))
    longest = max(longest, worked)
  }

  mutating func takeLongest() -> Duration {
    defer { longest = 0 }
    return .nanoseconds(Int64(clamping: longest))
  }
}
