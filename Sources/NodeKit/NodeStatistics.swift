// What a node counts for whoever runs it. Numbers only: no user, no address and no identifier, so that they can be shown around.

import Chord
import UVRuntime

/// How a node has fared since it was started.
public struct NodeStatistics: Sendable {
  /// Links that stand.
  public var links = 0
  /// How often links ended otherwise than in good order: handshakes that failed and frames that were rejected among them.
  public var linkFailures: [LinkFailure: Int] = [:]
  /// Lookups and searches for users that the program has asked for.
  public var lookups = LookupTimes()
  /// Successors that are held for alive.
  public var successors = 0
  public var hasPredecessor = false
  /// Since the first successor last said how it stands; nil if it never has, or there is none.
  public var stabilizeAge: Duration?
  /// Records that are kept for the ring.
  public var records = 0
  /// Sessions of the user that stand.
  public var sessions = 0
  /// Bytes that wait to be taken by others.
  public var queuedBytes = 0
}

/// How long lookups have taken, and over how many nodes they went: buckets, which cost the same after a year.
public struct LookupTimes: Sendable {
  /// The upper ends of the buckets, in milliseconds; the last bucket has none.
  public static let limits = [1, 5, 20, 100, 500, 2_000, 10_000]
  /// As many buckets as a lookup has hops, the last for all beyond.
  public static let hopLimit = 16

  /// How many took as long as that, each bucket for itself.
  public private(set) var counts = [Int](repeating: 0, count: limits.count + 1)
  /// How many went over 0, 1, 2 … nodes.
  public private(set) var hops = [Int](repeating: 0, count: hopLimit + 1)
  /// All of them together.
  public private(set) var total = Duration.zero
  public private(set) var totalHops = 0
  /// How many brought nothing.
  public private(set) var failures = 0

  /// How many brought something.
  public var count: Int { counts.reduce(0, +) }

  mutating func found(in duration: Duration, over hops: Int) {
    counts[Self.limits.firstIndex { duration <= .milliseconds($0) } ?? Self.limits.count] += 1
    self.hops[min(max(0, hops), Self.hopLimit)] += 1
    total += duration
    totalHops += hops
  }

  mutating func failed() { failures += 1 }
}

extension LoopNode {
  /// How it has fared so far.
  public var statistics: NodeStatistics {
    let ring = engine.ring.ring
    var statistics = NodeStatistics()
    statistics.links = links.count
    statistics.linkFailures = links.failures
    statistics.lookups = lookupTimes
    statistics.successors = ring.successors.count
    statistics.hasPredecessor = ring.predecessor != nil
    statistics.stabilizeAge = ring.isAlone ? nil : stabilizedAt.map { loop.now - $0 }
    statistics.records = engine.ring.recordCount
    statistics.sessions = engine.conversations?.sessions.count ?? 0
    statistics.queuedBytes = links.queuedBytes
    return statistics
  }
}
