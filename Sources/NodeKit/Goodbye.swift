// The frame with which a link ends in good order says why.

/// Why a link was closed in good order.
enum Goodbye: UInt8 {
  /// The node leaves the ring for good.
  case leaving = 0
  /// Nothing was said for long.
  case idle = 1
  /// Another connection between the same two nodes stays.
  case replaced = 2
  /// The receiver did what it must not.
  case fault = 3
}
