// What came of many lookups: how many were right, and what each of them took.

import Chord

/// A count of lookups. Every lookup is right, wrong or failed, and nothing else.
public struct LookupTally: Sendable {
  public enum Outcome: Hashable, Sendable {
    /// The node named owned the key at some moment between question and answer.
    case right
    /// Another node was named: a dead one, or a living one that does not own the key.
    case wrong
    /// Refused, or not answered in time.
    case failed
  }

  /// One of them.
  public struct Lookup: Hashable, Sendable {
    public var outcome: Outcome
    /// Members passed, the owner included; nil when it failed.
    public var hops: Int?
    /// Requests that went to the dead.
    public var timeouts = 0
    /// From question to answer, or until it failed.
    public var time: Duration
    /// What a message to the node named and its answer take; nil when it failed, or the asker named itself.
    public var direct: Duration?
    /// Requests, acknowledgements and answers of it, on all hops, where that is counted.
    public var messages = 0
    public var bytes = 0
    /// Whether the answer looked too good to be true, and all who might know were asked.
    public var isDoubted = false

    /// How often as long as the straight way there and back, which is at least a millisecond.
    public var stretch: Double? { direct.map { time / max($0, .milliseconds(1)) } }

    public init(_ outcome: Outcome, hops: Int?, timeouts: Int, time: Duration, direct: Duration? = nil) {
      (self.outcome, self.hops, self.timeouts, self.time, self.direct) = (outcome, hops, timeouts, time, direct)
    }
  }

  public private(set) var lookups: [Lookup] = []
  /// Pings that went to the dead during all of them, where that is counted.
  public var pings = 0

  public init() {}

  public var count: Int { lookups.count }
  public var right: Int { count(.right) }
  public var wrong: Int { count(.wrong) }
  public var failed: Int { count(.failed) }
  /// Of the answered ones.
  public var hops: [Int] { lookups.compactMap(\.hops) }
  /// Of all.
  public var timeouts: [Int] { lookups.map(\.timeouts) }
  /// From question to answer, of the answered ones.
  public var milliseconds: [Double] {
    lookups.compactMap { $0.outcome == .failed ? nil : $0.time / .milliseconds(1) }
  }

  public mutating func add(_ lookup: Lookup) { lookups.append(lookup) }

  public mutating func add(_ other: LookupTally) {
    lookups += other.lookups
    pings += other.pings
  }

  private func count(_ outcome: Outcome) -> Int { lookups.count { $0.outcome == outcome } }
}
