// From how far away a host can be reached, and who its neighbours are: what an address says about whose it is, without asking anybody.
//
//   0.0.0.0 ::            unspecified     no host at all
//   127/8  ::1            loopback        this machine
//   10/8  172.16/12  192.168/16  169.254/16  fc00::/7  fe80::/10      nearby: a network of one's own (RFC 1918, 3927, 4193, 4291)
//   everything else       everywhere
//
// A /24 of IPv4 and a /48 of IPv6 are what one customer of a provider easily has: addresses within one count as one party.

/// From how far a host can be reached, the nearest first.
public enum Reach: Int, Comparable, Sendable {
  /// It is no host: 0.0.0.0 or ::.
  case nowhere
  /// From this machine alone.
  case loopback
  /// From a private or link-local network.
  case nearby
  case everywhere

  public static func < (a: Reach, b: Reach) -> Bool { a.rawValue < b.rawValue }
}

extension Endpoint.Host {
  /// From how far this host can be reached.
  public var reach: Reach {
    let endpoint = Endpoint(host: self, port: 1)
    if endpoint.isUnspecified { return .nowhere }
    if endpoint.isLoopback { return .loopback }
    switch self {
    case .v4(let bits):
      let isPrivate = bits >> 24 == 10 || bits >> 20 == 0xAC1 || bits >> 16 == 0xC0A8 || bits >> 16 == 0xA9FE
      return isPrivate ? .nearby : .everywhere
    case .v6(let high, _): return high >> 57 == 0x7E || high >> 54 == 0x3FA ? .nearby : .everywhere
    }
  }

  /// The /24 of IPv4 or the /48 of IPv6 that this host is in. Those of the two families differ.
  public var prefix: UInt64 {
    switch self {
    case .v4(let bits): UInt64(bits >> 8)
    case .v6(let high, _): high >> 16 | 1 << 63
    }
  }
}
