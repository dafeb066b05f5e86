// The address of a Unix socket, to and from the structure of C (unix(7)). With `@` in front it is a name that is in no file system.
//
// Unsafe code. Ownership: the structure is a value, lent for the length of one call.

import Glibc

/// Where a Unix socket is.
public struct LocalSocketAddress {
  private var address = sockaddr_un()
  private let length: socklen_t

  /// The longest path, in bytes; one more ends it.
  public static let pathLimit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// Nil for a path that is empty or too long.
  public init?(_ path: String) {
    var bytes = Array(path.utf8)
    guard (1...Self.pathLimit).contains(bytes.count) else { return nil }
    if path.hasPrefix("@") { bytes[0] = 0 }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    length = socklen_t((MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2) + bytes.count)
  }

  /// Lends the address as a `sockaddr`, with its length.
  public func withSocketAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}
