// How many descriptors the process may have open.
//
// The soft limit is 1024 on most systems, for the sake of programs that use select(2); the hard one is far higher and may be
// taken without asking anybody. libuv uses epoll, so we take it.

import Glibc

/// The process's limit on open descriptors (`RLIMIT_NOFILE`).
public enum DescriptorLimit {
  /// The two limits.
  public struct Values: Hashable, Sendable, CustomStringConvertible {
    /// In force.
    public var soft: Int
    /// How far a process may raise it.
    public var hard: Int

    /// What is left for connections: the soft limit less a reserve for the loop's own descriptors, files and names; at
    /// least one.
    public var connections: Int { max(1, soft - min(64, soft / 2)) }

    /// `1024 of 524288 descriptors`
    public var description: String { "\(soft) of \(hard) descriptors" }
  }

  /// The limits now.
  public static var current: Values {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return Values(soft: 1024, hard: 1024)
    }
    return Values(soft: Int(clamping: limit.rlim_cur), hard: Int(clamping: limit.rlim_max))
  }

  /// Raises the soft limit to the hard one, but not above `wanted`, and answers with the limits then in force. Never lowers
  /// it. Throws what `setrlimit` says. Call it before making loops: they take their number of connections from it.
  @discardableResult
  public static func raise(to wanted: Int = 1 << 20) throws(UVError) -> Values {
    let before = current
    let soft = min(before.hard, wanted)
    guard soft > before.soft else { return before }
    var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(before.hard))
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { throw UVError(errno: errno) }
    return current
  }
}
