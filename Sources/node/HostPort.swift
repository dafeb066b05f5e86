// HOST:PORT, as people type it: `127.0.0.1:7401`, `[::1]:7401`, `chat.example.org:7401`. Checked before anything starts, so
// that a slip of the keyboard is told as one; whether a name can be resolved is known only later. Listening is local: there it is
// a numeric address, or `localhost`.

import Glibc

/// Checks addresses given on the command line.
enum HostPort {
  /// What an address is for.
  enum Use {
    /// This node binds it; port 0 lets the system choose.
    case listen
    /// Others are to dial this node there.
    case advertise
    /// This node dials it; it may be a name.
    case dial
  }

  /// The address, unchanged, if it is one.
  static func check(_ text: String, for use: Use) throws(Mistake) -> String {
    let (host, port) = try split(text)
    guard !port.isEmpty, port.utf8.count <= 5, port.utf8.allSatisfy(isDigit), let number = UInt16(port) else {
      throw Mistake("the port must be a number from \(use == .listen ? 0 : 1) to 65535, as in \(example)")
    }
    if use != .listen, number == 0 {
      throw Mistake("port 0 cannot be dialled: give the port that the node listens on, as in \(example)")
    }
    if text.utf8.first == UInt8(ascii: "[") {
      guard isNumeric(host, AF_INET6) else {
        throw Mistake("between the brackets stands an IPv6 address, as in [::1]:7401")
      }
    } else if host.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
      guard isNumeric(host, AF_INET) else {
        throw Mistake("an IPv4 address has four numbers from 0 to 255, as in \(example)")
      }
    } else if !isName(host) {
      throw Mistake(
        "the host is an address or a name of letters, digits, hyphens and dots, as in \(example)")
    }
    if use != .dial, isName(host), host != "localhost", !isNumeric(host, AF_INET) {
      throw Mistake("the host must be an address here, not a name: write one as in \(example)")
    }
    if use != .listen, ["0.0.0.0", "::"].contains(host) {
      throw Mistake("\(host) means every address of this machine and cannot be dialled: give one of them")
    }
    return text
  }

  private static let example = "127.0.0.1:7401"

  private static func split(_ text: String) throws(Mistake) -> (host: String, port: String) {
    guard let colon = text.lastIndex(of: ":") else {
      throw Mistake("the port is missing: write HOST:PORT, as in \(example)")
    }
    let host = text[..<colon]
    let port = String(text[text.index(after: colon)...])
    if host.first == "[" {
      guard host.last == "]", host.count > 2 else {
        throw Mistake("write an IPv6 address as [::1]:7401")
      }
      return (String(host.dropFirst().dropLast()), port)
    }
    guard !host.isEmpty else {
      throw Mistake("the host is missing: write HOST:PORT, as in \(example)")
    }
    guard !host.contains(":") else {
      throw Mistake("an IPv6 address needs brackets, as in [::1]:7401")
    }
    return (String(host), port)
  }

  private static func isNumeric(_ host: String, _ family: Int32) -> Bool {
    var address = in6_addr()  // room for either family
    return inet_pton(family, host, &address) == 1
  }

  /// Letters, digits, hyphens, dots and (as many use them) underscores; at most 253 of them (RFC 1035).
  private static func isName(_ host: String) -> Bool {
    let isAllowed = { (byte: UInt8) in
      isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_")].contains(byte)
    }
    return host.utf8.count <= 253 && host.utf8.allSatisfy(isAllowed) && host.utf8.first != UInt8(ascii: "-")
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
