// Between the runtime's socket addresses and the protocol's endpoints: the same numbers, two modules that do not know each other.

import Chord
import UVRuntime

extension Endpoint {
  package init(_ address: SocketAddress) {
    switch address.host {
    case .v4(let bits): self.init(host: .v4(bits), port: address.port)
    // An IPv4 peer on a socket that listens on IPv6 shows as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2).
    case .v6(0, let low) where low >> 32 == 0xFFFF:
      self.init(host: .v4(UInt32(truncatingIfNeeded: low)), port: address.port)
    case .v6(let high, let low): self.init(host: .v6(high, low), port: address.port)
    }
  }

  package var socketAddress: SocketAddress {
    switch host {
    case .v4(let bits): SocketAddress(host: .v4(bits), port: port)
    case .v6(let high, let low): SocketAddress(host: .v6(high, low), port: port)
    }
  }

  /// Whether a socket that listens here hears those who dial this host: an unspecified IPv6 address hears both families.
  func covers(_ host: Host) -> Bool {
    switch (self.host, host) {
    case (.v4(0), .v4), (.v6(0, 0), _): true
    default: self.host == host
    }
  }

  /// From numeric text, `127.0.0.1:7401` or `[::1]:7401`; nil for anything else.
  public init?(_ text: String) {
    guard let address = SocketAddress(text) else { return nil }
    self.init(address)
  }
}

/// `HOST:PORT` as people write it: a name or a numeric host, IPv6 in brackets.
struct HostAndPort: Hashable {
  var host: String
  var port: UInt16

  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { return nil }
    self.host = String(host)
    self.port = port
  }
}
