// Chance is an argument too: each machine owns one small generator, seeded by the caller, so that the same seed and the
// same events replay a node exactly. Jitter and choices among equals come from it; keys and nonces never do.
//
// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): one word of state, passes BigCrush, and enough for jitter.

/// A small, fast, seeded generator. Not for secrets.
public struct Generator: RandomNumberGenerator, Hashable, Sendable {
  private var state: UInt64

  /// The same seed gives the same numbers.
  public init(seed: UInt64) {
    state = seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// A duration between half of `duration` and one and a half times it, so that nodes do not act in step.
  public mutating func jittered(_ duration: Duration) -> Duration {
    let nanoseconds = max(duration.inNanoseconds, 2)
    return .nanoseconds(nanoseconds / 2 + Int64(next() % UInt64(nanoseconds)))
  }
}
