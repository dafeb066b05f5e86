// Socket addresses to and from the structures of C.
//
// Unsafe code. Ownership: the structures live on the stack for the length of one call.
// An IPv4 peer of a dual-stack listener shows up as ::ffff:a.b.c.d and is read as plain IPv4, so that one machine has one
// address whichever listener it came to.

import CLibUV
import Glibc

extension SocketAddress {
  /// Lends the address as a `sockaddr`.
  func withSocketAddress<R>(_ body: (UnsafePointer<sockaddr>) -> R) -> R {
    switch host {
    case .v4(let bits):
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = bits.bigEndian
      return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
      }
    case .v6(let high, let low):
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      withUnsafeMutableBytes(of: &address.sin6_addr) {
        $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
        $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
      }
    }
  }

  /// Reads a `sockaddr`; nil if it is of another family.
  init?(_ address: UnsafePointer<sockaddr>) {
    let raw = UnsafeRawPointer(address)
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      let v4 = raw.loadUnaligned(as: sockaddr_in.self)
      self.init(host: .v4(UInt32(bigEndian: v4.sin_addr.s_addr)), port: UInt16(bigEndian: v4.sin_port))
    case AF_INET6:
      let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
      let (high, low) = withUnsafeBytes(of: v6.sin6_addr) {
        (
          UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
          UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
      }
      let isMapped = high == 0 && low >> 32 == 0xffff
      let host: Host = isMapped ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low)
      self.init(host: host, port: UInt16(bigEndian: v6.sin6_port))
    default:
      return nil
    }
  }

  /// The address that `uv_tcp_getsockname` or `uv_tcp_getpeername` tells; nil if it tells none.
  init?(
    of socket: UnsafePointer<uv_tcp_t>,
    by ask: (UnsafePointer<uv_tcp_t>?, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<Int32>?) -> Int32
  ) {
    var storage = sockaddr_storage()
    var length = Int32(MemoryLayout<sockaddr_storage>.size)
    let address: SocketAddress? = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard ask(socket, address, &length) == 0 else { return nil }
        return SocketAddress(UnsafePointer(address))
      }
    }
    guard let address else { return nil }
    self = address
  }
}
