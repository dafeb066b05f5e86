// The frame with which a link ends in good order says why.

/// Why a link was closed in good order.
public enum Goodbye: UInt8, Hashable, Sendable {
  /// The node leaves the ring for good.
  case leaving = 0
  /// Nothing was said for long.
  case idle = 1
  /// Another connection between the same two nodes stays.
  case replaced = 2
  /// The receiver did what it must not.
  case fault = 3

  /// Whether what the other side has still under way is heard: it may not have known that this link ends. Whoever leaves has nobody
  /// left to hear it, and whoever is at fault is not heard.
  public var isHeardOut: Bool {
    switch self {
    case .idle, .replaced: true
    case .leaving, .fault: false
    }
  }
}
