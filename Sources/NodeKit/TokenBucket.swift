// How often something may happen: a bucket that holds `burst` tokens and is refilled at a steady rate. What happens takes a token;
// whoever cannot be stopped in time may go into debt, and pays for it by waiting longer.

import UVRuntime

/// A token bucket.
struct TokenBucket: Hashable {
  private let rate: LinkLimits.Rate
  private var tokens: Double
  private var filledAt: LoopTime

  /// A full bucket.
  init(_ rate: LinkLimits.Rate, at now: LoopTime) {
    self.rate = rate
    tokens = rate.burst
    filledAt = now
  }

  /// Takes a token if there is one.
  mutating func take(at now: LoopTime) -> Bool {
    fill(at: now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Takes a token, or more, in debt if need be; answers when the debt is paid, or nil if there is none.
  mutating func charge(_ amount: Double = 1, at now: LoopTime) -> LoopTime? {
    fill(at: now)
    tokens -= amount
    return tokens >= 0 ? nil : now + .seconds(-tokens / rate.perSecond)
  }

  /// Whether it has nothing to remember: it is as full as a new one.
  func isFull(at now: LoopTime) -> Bool {
    var filled = self
    filled.fill(at: now)
    return filled.tokens >= rate.burst
  }

  private mutating func fill(at now: LoopTime) {
    guard now > filledAt else { return }
    let seconds = Double(now.nanoseconds - filledAt.nanoseconds) / 1e9
    tokens = min(rate.burst, tokens + seconds * rate.perSecond)
    filledAt = now
  }
}
