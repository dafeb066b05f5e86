// An address of a TCP socket: 127.0.0.1:80 or [::1]:80.
//
// Text is numeric only and strict (WHATWG's generosity with octal and short forms is how filters get fooled): four decimal
// octets without leading zeros, or an RFC 4291 address in brackets, then a decimal port without leading zeros. No names, no
// scope identifiers. It is printed in the one form of RFC 5952, so equal addresses have equal text.

/// An IP address and a TCP port.
public struct SocketAddress: Hashable, Sendable {
  /// An IP address, its bits in the machine's order.
  public enum Host: Hashable, Sendable {
    /// 127.0.0.1 is `.v4(0x7f00_0001)`.
    case v4(UInt32)
    /// The first and the last 64 bits; ::1 is `.v6(0, 1)`.
    case v6(UInt64, UInt64)
  }

  /// The IP address.
  public var host: Host
  /// The TCP port; 0 asks a listener for any free one.
  public var port: UInt16

  /// An address made of its two parts.
  public init(host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// `127.0.0.1` and a port.
  public static func loopback4(port: UInt16) -> SocketAddress {
    SocketAddress(host: .v4(0x7f00_0001), port: port)
  }

  /// `[::1]` and a port.
  public static func loopback6(port: UInt16) -> SocketAddress {
    SocketAddress(host: .v6(0, 1), port: port)
  }
}

extension SocketAddress {
  /// Whether only this machine can reach it: 127.0.0.0/8 or ::1.
  public var isLoopback: Bool {
    switch host {
    case .v4(let bits): bits >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }
}

// MARK: - Text

extension SocketAddress: LosslessStringConvertible {
  /// Reads `127.0.0.1:80` or `[::1]:80`; nil for anything else. Never asks the resolver.
  public init?(_ text: String) {
    var bytes = Array(text.utf8)[...]
    guard bytes.count <= 64, let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
      let port = Self.decimal(bytes[(colon + 1)...], atMost: 65535)
    else { return nil }
    bytes = bytes[..<colon]
    if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.count > 2 {
      guard let host = Host(v6: bytes.dropFirst().dropLast()) else { return nil }
      self.init(host: host, port: UInt16(port))
    } else {
      guard let host = Host(v4: bytes) else { return nil }
      self.init(host: host, port: UInt16(port))
    }
  }

  /// The one text of this address (RFC 5952): `127.0.0.1:80`, `[::1]:80`.
  public var description: String {
    switch host {
    case .v4: "\(host):\(port)"
    case .v6: "[\(host)]:\(port)"
    }
  }

  /// A decimal number without sign or leading zeros.
  fileprivate static func decimal(_ digits: ArraySlice<UInt8>, atMost limit: Int) -> Int? {
    guard (1...5).contains(digits.count) else { return nil }
    if digits.count > 1, digits.first == UInt8(ascii: "0") { return nil }
    var value = 0
    for digit in digits {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value <= limit ? value : nil
  }
}

extension SocketAddress.Host: LosslessStringConvertible {
  /// Reads `127.0.0.1` or `::1` (without brackets); nil for anything else.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)[...]
    guard bytes.count <= 45 else { return nil }
    if bytes.contains(UInt8(ascii: ":")) {
      self.init(v6: bytes)
    } else {
      self.init(v4: bytes)
    }
  }

  /// The one text of this host (RFC 5952), without brackets.
  public var description: String {
    switch self {
    case .v4(let bits): Self.dotted(bits)
    case .v6(let high, let low): Self.colons(high, low)
    }
  }

  fileprivate init?(v4 bytes: ArraySlice<UInt8>) {
    guard let bits = Self.dottedBits(bytes) else { return nil }
    self = .v4(bits)
  }

  /// RFC 4291, section 2.2: eight groups of up to four digits, one `::` for a run of zeros, and perhaps four decimal
  /// octets in the place of the last two groups.
  fileprivate init?(v6 bytes: ArraySlice<UInt8>) {
    let colon = UInt8(ascii: ":")
    var groups: [UInt16] = []
    var gap: Int?  // how many groups stand before the "::"
    var rest = bytes
    if rest.starts(with: [colon, colon]) {
      gap = 0
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let group = rest.prefix { $0 != colon }
      if group.contains(UInt8(ascii: ".")) {
        guard group.count == rest.count, let bits = Self.dottedBits(group) else { return nil }
        groups += [UInt16(bits >> 16), UInt16(bits & 0xffff)]
        break
      }
      guard let value = Self.hexadecimal(group) else { return nil }
      groups.append(value)
      guard groups.count <= 8 else { return nil }
      rest = rest.dropFirst(group.count)
      if rest.isEmpty { break }
      rest = rest.dropFirst()  // the colon after the group
      if rest.first == colon {
        guard gap == nil else { return nil }
        gap = groups.count
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil  // a single colon at the end
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    self = .v6(high, low)
  }

  private static func dottedBits(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    let octets = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard octets.count == 4 else { return nil }
    var bits: UInt32 = 0
    for octet in octets {
      guard let value = SocketAddress.decimal(octet, atMost: 255) else { return nil }
      bits = bits << 8 | UInt32(value)
    }
    return bits
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    var value: UInt16 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt16(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt16(digit - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt16(digit - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    return value
  }

  private static func dotted(_ bits: UInt32) -> String {
    "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
  }

  /// RFC 5952, section 4: lower case, no leading zeros, `::` for the longest run of two zero groups or more, the first of
  /// equal runs; section 5: mapped IPv4 addresses end in decimal.
  private static func colons(_ high: UInt64, _ low: UInt64) -> String {
    if high == 0, low >> 32 == 0xffff { return "::ffff:" + dotted(UInt32(truncatingIfNeeded: low)) }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
    var run = 0..<0
    var start = 0
    while start < 8 {
      let end = groups[start...].firstIndex { $0 != 0 } ?? 8
      if end - start >= 2, end - start > run.count { run = start..<end }
      start = max(end, start + 1)
    }
    let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
    if run.isEmpty { return text(groups[...]) }
    return text(groups[..<run.lowerBound]) + "::" + text(groups[run.upperBound...])
  }
}
