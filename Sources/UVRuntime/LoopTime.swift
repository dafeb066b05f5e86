// The loop's time: nanoseconds of the monotonic clock since some moment in the past (usually the machine's start).
//
// It never goes back, stops while the machine sleeps and says nothing about the date. Arithmetic saturates, so a duration
// from a configuration file cannot overflow anything.

import CLibUV

/// A moment on the monotonic clock (the base of `uv_hrtime`), in nanoseconds.
public struct LoopTime: Comparable, Hashable, Sendable {
  /// Nanoseconds since the clock's beginning.
  public var nanoseconds: UInt64

  /// The moment so many nanoseconds after the clock's beginning.
  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// Reads the clock; any thread. Inside a loop's callbacks `EventLoop.now` is the cheaper answer.
  public static var current: LoopTime { LoopTime(nanoseconds: uv_hrtime()) }

  /// Later than everything.
  public static let distantFuture = LoopTime(nanoseconds: .max)

  /// Whether the left moment is the earlier one.
  public static func < (left: LoopTime, right: LoopTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The moment a duration later (earlier, if it is negative); saturates at both ends.
  public static func + (time: LoopTime, duration: Duration) -> LoopTime {
    let step = duration.clampedNanoseconds
    if step >= 0 {
      let (sum, overflow) = time.nanoseconds.addingReportingOverflow(UInt64(step))
      return overflow ? .distantFuture : LoopTime(nanoseconds: sum)
    }
    let (difference, overflow) = time.nanoseconds.subtractingReportingOverflow(step.magnitude)
    return LoopTime(nanoseconds: overflow ? 0 : difference)
  }

  /// The moment a duration earlier; saturates at both ends.
  public static func - (time: LoopTime, duration: Duration) -> LoopTime {
    time + (.zero - duration)
  }

  /// How long after the right moment the left one is; negative if it is before.
  public static func - (left: LoopTime, right: LoopTime) -> Duration {
    if left >= right {
      return .nanoseconds(Int64(clamping: left.nanoseconds - right.nanoseconds))
    }
    return .nanoseconds(-Int64(clamping: right.nanoseconds - left.nanoseconds))
  }
}

extension Duration {
  /// Whole nanoseconds, held to what fits (about 292 years either way).
  var clampedNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, tooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, stillTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    guard tooLong || stillTooLong else { return sum }
    return seconds < 0 ? -Int64.max : .max
  }
}
