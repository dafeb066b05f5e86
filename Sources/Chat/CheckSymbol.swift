// The last symbol of an id, which tells a typing error from a user who is not there.
//
// A symbol has 5 bits, so it is an element of the field GF(32). With `a` a generator of the field (order 31), the 20 symbols
// s0 … s19 of an id satisfy
//
//   s0·a^19 + s1·a^18 + … + s18·a + s19 = h(name)
//
// where h(name) is five bits of a hash of the folded name. The weights are 20 different nonzero elements. So one wrong symbol
// changes the sum by (wrong − right)·weight, which is not 0; and two exchanged symbols change it by (difference of the symbols)
// · (difference of their weights), which is not 0 either. Both are always caught, as in ISO 7064; any other mistake, a wrong
// name included, passes once in 32.

/// The arithmetic of check symbols.
enum CheckSymbol {
  /// The symbol that completes `symbols`, 19 values below 32, for the user of this folded name.
  static func completing(_ symbols: [UInt8], name folded: [UInt8]) -> UInt8 {
    let sum = symbols.reduce(0) { timesGenerator($0) ^ $1 }  // Horner
    return timesGenerator(sum) ^ expected(folded)
  }

  /// Whether all 20 `symbols` are those of an id of this folded name.
  static func holds(_ symbols: [UInt8], name folded: [UInt8]) -> Bool {
    symbols.count == UserID.symbolCount && completing(Array(symbols.dropLast()), name: folded) == symbols.last
  }

  private static func expected(_ folded: [UInt8]) -> UInt8 {
    Digest.sha256("chord-chat check", folded)[0] & 31
  }

  /// Multiplies by the generator x of GF(2)[x] / (x^5 + x^2 + 1), a primitive polynomial.
  private static func timesGenerator(_ value: UInt8) -> UInt8 {
    let doubled = value << 1
    return doubled & 32 != 0 ? doubled ^ 0b10_0101 : doubled
  }
}
