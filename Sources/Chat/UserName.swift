// A name as a person types it, and the folded form in which it is compared and hashed.
//
// A name is shown to others next to their own text, so nothing invisible may hide in it: no control characters, no
// direction overrides, no fillers that look like nothing. Joiners and variation selectors stay, because several scripts and
// most emoji need them, but only where they have something to join. A name says nothing about who owns it; the id does.

import CUTF8Proc

/// A user's name: 1 to 32 Unicode scalars in normalisation form C. Two names are equal when they differ in case only.
public struct UserName: Sendable {
  /// The name as typed, in normalisation form C.
  public let text: String
  /// The case-folded name in UTF-8: what is hashed and compared. At most 255 bytes.
  public let folded: [UInt8]

  /// The longest name, in Unicode scalars after normalisation.
  public static let maximumScalars = 32
  /// No 32 scalars of form C come from more bytes than this; longer input is refused before any work is spent on it.
  static let maximumTypedBytes = 1024

  /// Checks and normalises what somebody typed or sent.
  public init(_ text: String) throws(InvalidUserName) {
    if text.utf8.count > Self.maximumTypedBytes { throw .tooLong(text.unicodeScalars.count) }
    let composed = UnicodeText.composed(text)
    let scalars = Array(composed.unicodeScalars)
    guard let first = scalars.first, let last = scalars.last else { throw .empty }
    if scalars.count > Self.maximumScalars { throw .tooLong(scalars.count) }
    if first.properties.isWhitespace || last.properties.isWhitespace { throw .surroundingSpace }
    for (index, scalar) in scalars.enumerated() {
      try Self.check(scalar, after: index > 0 ? scalars[index - 1] : nil, isLast: index == scalars.count - 1)
    }
    let folded = Array(UnicodeText.folded(composed).utf8)
    if folded.count > 255 { throw .tooLong(scalars.count) }
    self.text = composed
    self.folded = folded
  }

  private static func check(
    _ scalar: Unicode.Scalar, after previous: Unicode.Scalar?, isLast: Bool
  ) throws(InvalidUserName) {
    if scalar == "#" { throw .containsHash }
    if scalar.value == 0x200C || scalar.value == 0x200D {  // zero width non-joiner and joiner: between letters or emoji
      guard let previous, !previous.isASCII, !isLast else { throw .invisibleCharacter(scalar) }
      return
    }
    if fillers.contains(scalar.value) { throw .invisibleCharacter(scalar) }
    switch UnicodeText.category(scalar) {
    case UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP: throw .controlCharacter(scalar)
    case UTF8PROC_CATEGORY_CF: throw .invisibleCharacter(scalar)
    case UTF8PROC_CATEGORY_CN, UTF8PROC_CATEGORY_CO, UTF8PROC_CATEGORY_CS: throw .unassignedCharacter(scalar)
    case UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MC, UTF8PROC_CATEGORY_ME:
      if previous == nil { throw .startsWithMark(scalar) }
    default: return  // letters, digits, punctuation, symbols and spaces of every script
    }
  }

  /// Characters that show as nothing although their category is that of a letter, a mark or a symbol: the combining grapheme
  /// joiner, the Hangul fillers, the Khmer inherent vowels, and the blank braille pattern.
  private static let fillers: Set<UInt32> = [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0]
}

extension UserName: Hashable {
  public static func == (a: UserName, b: UserName) -> Bool { a.folded == b.folded }
  public func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}

extension UserName: CustomStringConvertible {
  public var description: String { text }
}

/// Why a text cannot be a user's name.
public enum InvalidUserName: Error, Hashable, Sendable {
  case empty
  /// So many Unicode scalars were given.
  case tooLong(Int)
  case containsHash
  case surroundingSpace
  case controlCharacter(Unicode.Scalar)
  case invisibleCharacter(Unicode.Scalar)
  case unassignedCharacter(Unicode.Scalar)
  case startsWithMark(Unicode.Scalar)
}

extension InvalidUserName: CustomStringConvertible {
  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .empty: "a name needs at least one character: type one"
    case .tooLong(let count):
      "a name has at most \(UserName.maximumScalars) characters and this one has \(count): choose a shorter one"
    case .containsHash: "a name cannot contain '#', which separates it from the id: leave it out"
    case .surroundingSpace: "a name cannot begin or end with a space: remove it"
    case .controlCharacter(let scalar): "a name cannot contain the control character \(Self.code(scalar)): remove it"
    case .invisibleCharacter(let scalar):
      "a name cannot contain the invisible character \(Self.code(scalar)): remove it"
    case .unassignedCharacter(let scalar):
      "a name cannot contain \(Self.code(scalar)), which means nothing yet: remove it"
    case .startsWithMark(let scalar):
      "a name cannot begin with the combining mark \(Self.code(scalar)): put a letter before it"
    }
  }

  private static func code(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
