// Reads one JSON text, strictly: RFC 8259 and nothing more (no comments, no trailing commas, no NaN, no leading zeros).
//
// One pass over the bytes, so the time is linear; recursion is bounded by `depthLimit`. The bytes are checked to be UTF-8
// before, so a string between its quotes can be taken over as it stands.

/// A strict reader of one JSON text.
struct JSONReader {
  /// Why bytes are no JSON text. `at` counts bytes from 0.
  enum Failure: Error, Equatable {
    case notUTF8
    case malformed(at: Int)
    case tooDeep(at: Int)

    /// What is wrong, in words.
    var text: String {
      switch self {
      case .notUTF8: "the line is not UTF-8"
      case .malformed(let at): "the line is not JSON: see byte \(at + 1)"
      case .tooDeep(let at): "arrays and objects may be nested \(JSONReader.depthLimit) deep: see byte \(at + 1)"
      }
    }
  }

  /// Requests need 2; an id or an extra member may be a little richer. Keeps the recursion far from the stack's end.
  static let depthLimit = 64

  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The value that these bytes are, and nothing beside it but white space.
  static func read(_ bytes: [UInt8]) throws(Failure) -> JSON {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    var reader = JSONReader(bytes)
    let value = try reader.value(depth: 0)
    reader.skipWhiteSpace()
    guard reader.position == bytes.count else { throw .malformed(at: reader.position) }
    return value
  }

  // MARK: Values

  private mutating func value(depth: Int) throws(Failure) -> JSON {
    skipWhiteSpace()
    switch peek {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return try string()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(Failure) -> JSON {
    guard depth <= Self.depthLimit else { throw .tooDeep(at: position) }
    position += 1
    var members: [JSON.Member] = []
    skipWhiteSpace()
    if take(UInt8(ascii: "}")) { return .object([]) }
    while true {
      skipWhiteSpace()
      guard peek == UInt8(ascii: "\"") else { throw .malformed(at: position) }
      // A name that is no text is nobody's name; its replacement character matches none that we look for.
      let name = try string().text ?? "\u{FFFD}"
      skipWhiteSpace()
      guard take(UInt8(ascii: ":")) else { throw .malformed(at: position) }
      members.append(JSON.Member(name: name, value: try value(depth: depth)))
      skipWhiteSpace()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw .malformed(at: position) }
    }
  }

  private mutating func array(depth: Int) throws(Failure) -> JSON {
    guard depth <= Self.depthLimit else { throw .tooDeep(at: position) }
    position += 1
    var values: [JSON] = []
    skipWhiteSpace()
    if take(UInt8(ascii: "]")) { return .array([]) }
    while true {
      values.append(try value(depth: depth))
      skipWhiteSpace()
      if take(UInt8(ascii: "]")) { return .array(values) }
      guard take(UInt8(ascii: ",")) else { throw .malformed(at: position) }
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(Failure) -> JSON {
    let start = position
    let matches = word.withUTF8Buffer { letters in bytes[start...].starts(with: letters) }
    guard matches else { throw .malformed(at: start) }
    position += word.utf8CodeUnitCount
    return value
  }

  // MARK: Numbers

  private mutating func number() throws(Failure) -> JSON {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try digits() }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    return .number(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  /// One digit or more.
  private mutating func digits() throws(Failure) {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw .malformed(at: position) }
  }

  // MARK: Strings

  private mutating func string() throws(Failure) -> JSON {
    position += 1
    var text: [UInt8] = []
    var isBroken = false
    while true {
      let start = position
      while let byte = peek, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
      text += bytes[start..<position]
      if take(UInt8(ascii: "\"")) { break }
      guard take(UInt8(ascii: "\\")) else { throw .malformed(at: position) }
      if let scalar = try escaped() { text += UTF8.encode(scalar)! } else { isBroken = true }
    }
    return isBroken ? .brokenString : .string(String(decoding: text, as: UTF8.self))
  }

  /// What follows a backslash; nil for half a surrogate pair.
  private mutating func escaped() throws(Failure) -> Unicode.Scalar? {
    let at = position
    guard let letter = peek else { throw .malformed(at: at) }
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try escapedUnit()
    default: throw .malformed(at: at)
    }
  }

  /// The digits after \u, and a second \u if the first is the upper half of a pair.
  private mutating func escapedUnit() throws(Failure) -> Unicode.Scalar? {
    let unit = try fourDigits()
    guard (0xD800...0xDBFF).contains(unit) else { return Unicode.Scalar(unit) }
    let afterFirst = position
    guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
      position = afterFirst
      return nil
    }
    let second = try fourDigits()
    guard (0xDC00...0xDFFF).contains(second) else {
      position = afterFirst
      return nil
    }
    return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
  }

  private mutating func fourDigits() throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw .malformed(at: position)
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipWhiteSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }
}
