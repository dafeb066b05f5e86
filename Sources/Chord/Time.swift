// Time is an argument. No machine here reads a clock: the host passes in the time of each event, in two parts that are
// never mixed. All deadlines are monotonic; UTC serves only the number and the expiry of a record, which travel between
// machines and must mean the same on each.

/// A point of the host's monotonic clock, in nanoseconds since an origin of the host's choice.
public struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since the host's origin.
  public var nanoseconds: Int64

  /// The instant that many nanoseconds after the host's origin.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
  public static func + (a: Instant, b: Duration) -> Instant { Instant(nanoseconds: a.nanoseconds &+ b.inNanoseconds) }
  /// The earlier of two instants that may never come.
  public static func earlier(_ a: Instant?, _ b: Instant?) -> Instant? {
    guard let a else { return b }
    guard let b else { return a }
    return min(a, b)
  }
  public static func - (a: Instant, b: Instant) -> Duration { .nanoseconds(a.nanoseconds &- b.nanoseconds) }
}

/// The time of an event: a monotonic instant for deadlines, and UTC for what is signed.
public struct Time: Hashable, Sendable {
  /// The host's monotonic clock.
  public var monotonic: Instant
  /// Milliseconds since 1970-01-01 00:00 UTC.
  public var utcMilliseconds: UInt64

  /// Puts the two clocks' readings together.
  public init(monotonic: Instant, utcMilliseconds: UInt64) {
    self.monotonic = monotonic
    self.utcMilliseconds = utcMilliseconds
  }
}

extension Duration {
  /// The whole nanoseconds of this duration, saturating at the ends of 64 bits (292 years).
  public var inNanoseconds: Int64 {
    let attoseconds = attoseconds.magnitude
    // One division of 128 bits by 64: `components` and arithmetic of 128 bits take a hundred instructions, and every deadline comes here.
    let (high, low) = (UInt64(truncatingIfNeeded: attoseconds >> 64), UInt64(truncatingIfNeeded: attoseconds))
    guard high < Self.attosecondsEach else { return self < .zero ? .min : .max }
    let nanoseconds = Self.attosecondsEach.dividingFullWidth((high, low)).quotient
    return self < .zero ? Int64(clamping: -Int128(nanoseconds)) : Int64(clamping: nanoseconds)
  }

  /// In a nanosecond.
  private static let attosecondsEach: UInt64 = 1_000_000_000

  /// This duration in milliseconds, with its fraction.
  public var inMilliseconds: Double { Double(inNanoseconds) / 1e6 }
}
