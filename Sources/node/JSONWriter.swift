// Writes a JSON value on one line, in as few bytes as is safe.
//
// Escaped are the quote, the backslash and every character that some reader takes for the end of a line or a terminal for a
// command: C0, DEL, C1, U+2028 and U+2029; and those that turn the direction of a text, should somebody read along. Everything
// else stands as itself, in UTF-8.

extension JSON {
  /// This value on one line, without the line's end.
  var line: String {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends this value in UTF-8.
  func write(into bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .number(let text): bytes += text.utf8
    case .string(let text): Self.write(text, into: &bytes)
    case .brokenString: bytes += "null".utf8  // never made by us, and there is no text to write
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.write(member.name, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func write(_ text: String, into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": bytes += "\\\"".utf8
      case "\\": bytes += "\\\\".utf8
      case "\n": bytes += "\\n".utf8
      case "\r": bytes += "\\r".utf8
      case "\t": bytes += "\\t".utf8
      case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{61C}", "\u{200E}", "\u{200F}", "\u{2028}"..."\u{202E}",
        "\u{2066}"..."\u{2069}":
        let digits = String(scalar.value, radix: 16)
        bytes += "\\u".utf8
        bytes += String(repeating: "0", count: 4 - digits.count).utf8
        bytes += digits.utf8
      default:
        if let encoded = UTF8.encode(scalar) { bytes += encoded }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSON {
  /// A duration in milliseconds, always with a fraction: `1.250000`.
  static func milliseconds(_ duration: Duration) -> JSON {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = max(0, seconds) * 1_000_000_000 + max(0, attoseconds) / 1_000_000_000
    let fraction = String(nanoseconds % 1_000_000)
    return .number("\(nanoseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction)
  }
}
