// Who may open a connection to us. Counted by prefix, because addresses are cheap and networks are not: whoever has a /24 of IPv4 or
// a /48 of IPv6 counts as one. Loopback and private addresses are nobody's weapon from afar, and are counted only on request.
//
//   a connection comes ──> too many of this prefix, or too fast? ──> closed at once, unread
//                                    └ no ──> a stranger, until it has said who it is

import Chord
import UVRuntime

/// The connections that others have opened, by where they come from.
struct Admission {
  private let limits: LinkLimits
  private var open: [UInt64: Int] = [:]
  private var paces: [UInt64: TokenBucket] = [:]
  private var pace: TokenBucket?

  /// Prefixes whose pace is remembered. Beyond that those who have been quiet are forgotten, and if all are busy newcomers wait:
  /// somebody with so many networks is held by the pace of all together.
  private static let remembered = 4_096

  init(_ limits: LinkLimits) {
    self.limits = limits
  }

  /// A connection has come from this host; whether it is taken. If so, `left` must follow.
  mutating func arrives(from host: Endpoint.Host, at now: LoopTime) -> Bool {
    guard isCounted(host) else { return true }
    let prefix = host.prefix
    guard open[prefix, default: 0] < limits.arrivalsPerPrefix, keepsPace(prefix, at: now) else { return false }
    open[prefix, default: 0] += 1
    return true
  }

  /// A connection that was taken has ended.
  mutating func left(_ host: Endpoint.Host) {
    guard isCounted(host) else { return }
    let prefix = host.prefix
    guard let count = open[prefix] else { return }
    open[prefix] = count > 1 ? count - 1 : nil
  }

  private func isCounted(_ host: Endpoint.Host) -> Bool {
    limits.includesPrivateAddresses || host.reach == .everywhere
  }

  /// Its own prefix's token first: a flood from one must not use up what all have together.
  private mutating func keepsPace(_ prefix: UInt64, at now: LoopTime) -> Bool {
    if paces[prefix] == nil, paces.count >= Self.remembered {
      paces = paces.filter { !$0.value.isFull(at: now) }
      guard paces.count < Self.remembered else { return false }
    }
    guard paces[prefix, default: TokenBucket(limits.newArrivalsPerPrefix, at: now)].take(at: now) else { return false }
    var all = pace ?? TokenBucket(limits.newArrivals, at: now)
    defer { pace = all }
    return all.take(at: now)
  }
}
