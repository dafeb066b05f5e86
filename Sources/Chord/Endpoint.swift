// Where a node listens: a numeric IPv4 or IPv6 address and a port. Names are resolved at the edge, before they get here.
//
// On the wire:   family u8 (4 | 6) · address 4 or 16 bytes · port u16

/// A numeric TCP address. Written `127.0.0.1:7001` or `[::1]:7001` (RFC 5952).
public struct Endpoint: Hashable, Sendable {
  /// A numeric host.
  public enum Host: Hashable, Sendable {
    /// The 32 bits of an IPv4 address.
    case v4(UInt32)
    /// The upper and the lower 64 bits of an IPv6 address.
    case v6(UInt64, UInt64)
  }

  public var host: Host
  public var port: UInt16

  public init(host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Whether one could dial it: a port, and a host that is not the unspecified address.
  public var isDialable: Bool { port != 0 && !isUnspecified }

  /// Whether the host is 0.0.0.0 or ::, which mean "every address of this machine".
  public var isUnspecified: Bool {
    switch host {
    case .v4(let bits): bits == 0
    case .v6(let high, let low): high == 0 && low == 0
    }
  }

  /// Whether the host is this machine's own loopback (127.0.0.0/8 or ::1).
  public var isLoopback: Bool {
    switch host {
    case .v4(let bits): bits >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }
}

extension Endpoint: CustomStringConvertible {
  public var description: String {
    switch host {
    case .v4(let bits):
      let parts = [24, 16, 8, 0].map { String((bits >> UInt32($0)) & 255) }
      return parts.joined(separator: ".") + ":\(port)"
    case .v6(let high, let low):
      return "[\(Self.text(high, low))]:\(port)"
    }
  }

  /// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups written `::`.
  private static func text(_ high: UInt64, _ low: UInt64) -> String {
    let groups = [high, low].flatMap { word in [48, 32, 16, 0].map { (word >> UInt64($0)) & 0xFFFF } }
    var longest = 0..<0
    var start = 0
    while start < 8 {
      let end = groups[start...].firstIndex { $0 != 0 } ?? 8
      if end - start > max(longest.count, 1) { longest = start..<end }
      start = end + 1
    }
    let text = { (part: ArraySlice<UInt64>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
    if longest.isEmpty { return text(groups[...]) }
    return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
  }
}

extension ByteWriter {
  public mutating func write(_ endpoint: Endpoint) {
    switch endpoint.host {
    case .v4(let bits):
      write(UInt8(4))
      write(bits)
    case .v6(let high, let low):
      write(UInt8(6))
      write(high)
      write(low)
    }
    write(endpoint.port)
  }
}

extension ByteReader {
  @_lifetime(self: copy self)
  public mutating func endpoint() throws(Malformed) -> Endpoint {
    let host: Endpoint.Host
    switch try byte() {
    case 4: host = .v4(try uint32())
    case 6: host = .v6(try uint64(), try uint64())
    default: throw .invalid(.address)
    }
    return Endpoint(host: host, port: try uint16())
  }
}
