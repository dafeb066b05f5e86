// The id behind the `#`: 20 symbols of Crockford's base 32, shown in four groups of five.
//
//   K7QM2-XWB9P-TD4HG-Z3R8F
//   '-------------------''-- a check symbol over the name and the other 19 (CheckSymbol.swift)
//            '-- 95 bits of a hash over the name, the public key and the salt (User.swift)
//
// 95 bits: to own another's id one would have to try 2^95 keys. Crockford's alphabet has no I, L, O and U; the first three
// read as 1, 1 and 0, so that an id survives being read aloud and written down.

/// Twenty symbols, each a value below 32. Whether the check symbol fits depends on the name, so `User` checks it.
public struct UserID: Hashable, Sendable {
  /// Symbols 0 to 9 and 10 to 19, five bits each, the first in the highest place.
  private let front: UInt64
  private let back: UInt64

  /// How many symbols an id has, the check symbol included.
  public static let symbolCount = 20

  /// `symbols` must be 20 values below 32.
  init(symbols: [UInt8]) {
    precondition(symbols.count == Self.symbolCount && symbols.allSatisfy { $0 < 32 })
    front = symbols[..<10].reduce(0) { $0 << 5 | UInt64($1) }
    back = symbols[10...].reduce(0) { $0 << 5 | UInt64($1) }
  }

  /// The values of the 20 symbols.
  public var symbols: [UInt8] {
    [front, back].flatMap { half in (0..<10).map { UInt8(half >> UInt64(45 - 5 * $0) & 31) } }
  }

  /// Orders ids, for lists.
  static func precedes(_ a: UserID, _ b: UserID) -> Bool { (a.front, a.back) < (b.front, b.back) }

  static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".unicodeScalars)

  /// The value of a typed symbol in either case; nil for what is none.
  static func value(of typed: Unicode.Scalar) -> UInt8? {
    guard typed.isASCII else { return nil }
    let letters = UInt32(UInt8(ascii: "a"))...UInt32(UInt8(ascii: "z"))
    let upper = letters.contains(typed.value) ? Unicode.Scalar(UInt8(typed.value - 32)) : typed
    switch upper {
    case "O": return 0
    case "I", "L": return 1
    default: return alphabet.firstIndex(of: upper).map { UInt8($0) }
    }
  }
}

extension UserID: CustomStringConvertible {
  /// Four groups of five symbols, joined by hyphens.
  public var description: String {
    var text = String.UnicodeScalarView()
    for (index, symbol) in symbols.enumerated() {
      if index > 0, index.isMultiple(of: 5) { text.append("-") }
      text.append(Self.alphabet[Int(symbol)])
    }
    return String(text)
  }
}
