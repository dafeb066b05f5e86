// What came of many lookups: how many were right, and what each of them took.

/// A count of lookups. Every lookup is right, wrong or failed, and nothing else.
public struct LookupTally: Sendable {
  public enum Outcome: Sendable {
    /// The node named owned the key at some moment between question and answer.
    case right
    /// Another node was named: a dead one, or a living one that does not own the key.
    case wrong
    /// Refused, or not answered in time.
    case failed
  }

  public private(set) var right = 0
  public private(set) var wrong = 0
  public private(set) var failed = 0
  /// Members passed, the owner included, of the answered ones.
  public private(set) var hops: [Int] = []
  /// Requests that went to the dead, of all.
  public private(set) var timeouts: [Int] = []
  /// Pings that went to the dead during all of them, where that is counted.
  public var pings = 0
  /// From question to answer in milliseconds, of the answered ones.
  public private(set) var milliseconds: [Double] = []

  public init() {}

  public var count: Int { right + wrong + failed }

  public mutating func add(_ outcome: Outcome, hops: Int, timeouts: Int, time: Duration) {
    self.timeouts.append(timeouts)
    switch outcome {
    case .right: right += 1
    case .wrong: wrong += 1
    case .failed:
      failed += 1
      return
    }
    self.hops.append(hops)
    milliseconds.append(Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) / 1e15)
  }

  public mutating func add(_ other: LookupTally) {
    right += other.right
    wrong += other.wrong
    failed += other.failed
    hops += other.hops
    timeouts += other.timeouts
    pings += other.pings
    milliseconds += other.milliseconds
  }
}
