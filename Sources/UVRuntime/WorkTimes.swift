// How long a loop is busy in a turn: from the first callback after a sleep to the next sleep. While callbacks run nobody else is heard,
// so the longest turn is the longest that anybody has waited for the loop.
//
//     prepare ── poll: sleeps … callbacks … ── closing ── timers ── prepare
//                             '---------------- work -----------------'
//
// Every callback of libuv says that the loop is awake (`EventLoop.wakes`). libuv can measure its sleep itself, but for that it asks the
// system twice before each.
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
  public var total: Duration { .nanoseconds(Int64(clamping: totalNanoseconds)) }
  private var totalNanoseconds: UInt64 = 0
  private var longest: UInt64 = 0  // nanoseconds

  /// The loop is about to sleep, and has been awake since then.
  mutating func turnEnds(at now: LoopTime, awakeSince woken: LoopTime) {
    let worked = now.nanoseconds - min(now.nanoseconds, woken.nanoseconds)
    buckets[Self.bucket(of: worked)] += 1
    totalNanoseconds &+= worked
    longest = max(longest, worked)
  }

  /// Of so many nanoseconds: `limits` in words that need no list.
  private static func bucket(of nanoseconds: UInt64) -> Int {
    switch nanoseconds {
    case ...100_000: 0
    case ...1_000_000: 1
    case ...5_000_000: 2
    case ...20_000_000: 3
    case ...100_000_000: 4
    default: 5
    }
  }

  mutating func takeLongest() -> Duration {
    defer { longest = 0 }
    return .nanoseconds(Int64(clamping: longest))
  }
}
