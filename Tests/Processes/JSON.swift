// A JSON value, and a strict reader of it (RFC 8259).
//
// Written for this rig instead of taken from Foundation because it judges a program's output: it refuses what a lenient
// reader lets through (invalid UTF-8, lone surrogates, raw control characters, two members of one name, anything after the
// value), and it keeps texts exactly as they came. Mind that Swift compares strings by canonical equivalence: whoever wants to
// know that a text arrived exactly compares its `utf8`.

/// A JSON value.
public enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  /// The member of that name; nil if there is none, or this is no object.
  public subscript(_ name: String) -> JSON? {
    if case .object(let members) = self { members[name] } else { nil }
  }

  /// The text, if it is one.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The whole number, if it is one.
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  /// The number, whole or not.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }

  /// The elements, if it is a list.
  public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

  /// The texts, if it is a list of nothing else.
  public var strings: [String]? {
    guard let array else { return nil }
    let strings = array.compactMap(\.string)
    return strings.count == array.count ? strings : nil
  }

  /// The members, if it is an object.
  public var object: [String: JSON]? { if case .object(let members) = self { members } else { nil } }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByFloatLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
  }
}

// MARK: - Writing

extension JSON: CustomStringConvertible {
  /// On one line; members in the order of their names.
  public var description: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? String(value) : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        element.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { text += "," }
        Self.write(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

// MARK: - Reading

/// What is wrong with a JSON text, and at which byte.
public struct JSONError: Error, CustomStringConvertible {
  public let what: String
  public let offset: Int
  public var description: String { "\(what) at byte \(offset)" }
}

extension JSON {
  /// Reads one value and nothing else.
  public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
    var reader = Reader(bytes: Array(bytes))
    self = try reader.document()
  }

  /// Reads one value and nothing else.
  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: text.utf8)
  }

  private struct Reader {
    /// Deeper than anything the contract knows; bounds the recursion.
    static let maximumDepth = 64

    let bytes: [UInt8]
    var at = 0

    func wrong(_ what: String) -> JSONError { JSONError(what: what, offset: at) }

    mutating func document() throws(JSONError) -> JSON {
      let value = try value(depth: 0)
      skipSpace()
      guard at == bytes.count else { throw wrong("something after the value") }
      return value
    }

    mutating func skipSpace() {
      while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    mutating func take(_ byte: Unicode.Scalar) -> Bool {
      guard at < bytes.count, UInt32(bytes[at]) == byte.value else { return false }
      at += 1
      return true
    }

    mutating func value(depth: Int) throws(JSONError) -> JSON {
      guard depth < Self.maximumDepth else { throw wrong("too deep") }
      skipSpace()
      guard at < bytes.count else { throw wrong("no value") }
      switch bytes[at] {
      case UInt8(ascii: "{"): return try object(depth: depth)
      case UInt8(ascii: "["): return try array(depth: depth)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"): return try word("true", .bool(true))
      case UInt8(ascii: "f"): return try word("false", .bool(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      default: return try number()
      }
    }

    mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
      guard bytes[at...].starts(with: word.utf8) else { throw wrong("no value") }
      at += word.utf8.count
      return value
    }

    mutating func object(depth: Int) throws(JSONError) -> JSON {
      at += 1
      var members: [String: JSON] = [:]
      skipSpace()
      if take("}") { return .object(members) }
      repeat {
        skipSpace()
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw wrong("a member without a name") }
        let name = try string()
        skipSpace()
        guard take(":") else { throw wrong("no colon") }
        let value = try value(depth: depth + 1)
        guard members.updateValue(value, forKey: name) == nil else { throw wrong("two members named \(name)") }
        skipSpace()
      } while take(",")
      guard take("}") else { throw wrong("an object that does not end") }
      return .object(members)
    }

    mutating func array(depth: Int) throws(JSONError) -> JSON {
      at += 1
      var elements: [JSON] = []
      skipSpace()
      if take("]") { return .array(elements) }
      repeat {
        elements.append(try value(depth: depth + 1))
        skipSpace()
      } while take(",")
      guard take("]") else { throw wrong("a list that does not end") }
      return .array(elements)
    }

    mutating func string() throws(JSONError) -> String {
      at += 1
      var text: [UInt8] = []
      while at < bytes.count {
        let byte = bytes[at]
        at += 1
        switch byte {
        case UInt8(ascii: "\""):
          guard let string = String(validating: text, as: UTF8.self) else { throw wrong("invalid UTF-8") }
          return string
        case UInt8(ascii: "\\"): text.append(contentsOf: String(try escaped()).utf8)
        case 0..<0x20: throw wrong("a raw control character")
        default: text.append(byte)
        }
      }
      throw wrong("a text that does not end")
    }

    mutating func escaped() throws(JSONError) -> Unicode.Scalar {
      guard at < bytes.count else { throw wrong("a text that does not end") }
      at += 1
      switch bytes[at - 1] {
      case UInt8(ascii: "\""): return "\""
      case UInt8(ascii: "\\"): return "\\"
      case UInt8(ascii: "/"): return "/"
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{C}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "u"):
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else { throw wrong("a lone surrogate") }
        let second = try unit()
        guard (0xDC00..<0xE000).contains(second),
          let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw wrong("a lone surrogate") }
        return scalar
      default: throw wrong("an unknown escape")
      }
    }

    mutating func unit() throws(JSONError) -> UInt32 {
      var value: UInt32 = 0
      for _ in 0..<4 {
        guard at < bytes.count, let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue else {
          throw wrong("no hexadecimal digit")
        }
        value = value << 4 | UInt32(digit)
        at += 1
      }
      return value
    }

    mutating func number() throws(JSONError) -> JSON {
      let start = at
      _ = take("-")
      if !take("0") { try digits() }
      var isWhole = true
      if take(".") {
        isWhole = false
        try digits()
      }
      if take("e") || take("E") {
        isWhole = false
        if !take("+") { _ = take("-") }
        try digits()
      }
      let text = String(decoding: bytes[start..<at], as: UTF8.self)
      if isWhole, let value = Int(text) { return .integer(value) }
      guard let value = Double(text) else { throw wrong("no number") }
      return .number(value)
    }

    mutating func digits() throws(JSONError) {
      let start = at
      while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
      guard at > start else { throw wrong("no value") }
    }
  }
}
