// A JSON value (RFC 8259), kept so that nothing is lost between reading and writing.
//
// Numbers stay the text they were: an id of 1.0 or 12345678901234567890 goes back as it came. Objects stay lists of members,
// compared byte by byte: a Dictionary of Swift strings would take "é" in its two Unicode forms for one key. A string with half
// a surrogate pair in it has no Unicode text; it is a case of its own, so that whoever asked for a text can say so.

/// A JSON value.
enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// As it was written, or is to be.
  case number(String)
  case string(String)
  /// A string that holds half a surrogate pair and so is no text.
  case brokenString
  case array([JSON])
  case object([Member])

  /// One member of an object.
  struct Member: Equatable, Sendable {
    var name: String
    var value: JSON
  }
}

extension JSON {
  /// The value of that member; of several with this name the last one. Nil if there is none, or this is not an object.
  subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }

  /// The text, if this is a string that has one.
  var text: String? {
    if case .string(let text) = self { text } else { nil }
  }
}

// MARK: - Writing values down in code

extension JSON {
  /// A whole number.
  static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

  /// A string, or null.
  static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }

  /// An array of strings.
  static func strings(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral {
  /// An object with its members in this order.
  init(dictionaryLiteral members: (String, JSON)...) {
    self = .object(members.map(Member.init))
  }

  /// A string.
  init(stringLiteral text: String) {
    self = .string(text)
  }
}
