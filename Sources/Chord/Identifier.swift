// A place on the ring: one of 2^160 identifiers, and the arithmetic of the circle.
//
//              0
//          .-------.          `distance(to:)` is always clockwise; `between` is strict and circular:
//        /           \        between(a, x, b) holds when x is met strictly after a and strictly before b
//       |      x      |       on the way clockwise, and between(a, x, a) for every x other than a.
//        \   /       /
//          `-------'          Source: Stoica et al., "Chord", ToN 2003, section IV; Zave, TSE 2017.
//
// Identifiers are SHA-256 cut to 160 bits (SHA-1, which the paper used, is broken).

import CSodium

/// A point on the identifier circle: an unsigned 160-bit number, all arithmetic modulo 2^160.
public struct Identifier: Hashable, Comparable, Sendable {
  /// Bits 159 … 96, 95 … 32 and 31 … 0.
  var high: UInt64
  var middle: UInt64
  var low: UInt32

  /// The number of bits of an identifier, and so of places a finger can stand at.
  public static let bitCount = 160
  /// The number of bytes of an identifier on the wire.
  public static let byteCount = 20
  /// The origin of the circle.
  public static let zero = Identifier(high: 0, middle: 0, low: 0)

  init(high: UInt64, middle: UInt64, low: UInt32) {
    self.high = high
    self.middle = middle
    self.low = low
  }

  /// The identifier of a small number, for tests and examples.
  public init(_ value: UInt32) {
    self.init(high: 0, middle: 0, low: value)
  }

  /// An identifier that divides the circle: `numerator` of 2^32 parts of it.
  public init(fraction numerator: UInt32) {
    self.init(high: UInt64(numerator) << 32, middle: 0, low: 0)
  }

  public static func < (a: Identifier, b: Identifier) -> Bool {
    if a.high != b.high { return a.high < b.high }
    if a.middle != b.middle { return a.middle < b.middle }
    return a.low < b.low
  }
}

// MARK: - The circle

extension Identifier {
  /// How far it is clockwise from here to `other`; zero to oneself.
  public func distance(to other: Identifier) -> Identifier {
    let (low, borrowLow) = other.low.subtractingReportingOverflow(low)
    let (middlePart, borrowPart) = other.middle.subtractingReportingOverflow(middle)
    let (middle, borrowMiddle) = middlePart.subtractingReportingOverflow(borrowLow ? 1 : 0)
    let high = other.high &- high &- (borrowPart || borrowMiddle ? 1 : 0)
    return Identifier(high: high, middle: middle, low: low)
  }

  /// The identifier `offset` further clockwise.
  public func advanced(by offset: Identifier) -> Identifier {
    let (low, carryLow) = low.addingReportingOverflow(offset.low)
    let (middlePart, carryPart) = middle.addingReportingOverflow(offset.middle)
    let (middle, carryMiddle) = middlePart.addingReportingOverflow(carryLow ? 1 : 0)
    let high = high &+ offset.high &+ (carryPart || carryMiddle ? 1 : 0)
    return Identifier(high: high, middle: middle, low: low)
  }

  /// 2 to the power of `exponent`, which must be less than 160.
  public static func powerOfTwo(_ exponent: Int) -> Identifier {
    precondition((0..<bitCount).contains(exponent), "an identifier has bits 0 to 159")
    if exponent < 32 { return Identifier(high: 0, middle: 0, low: 1 << UInt32(exponent)) }
    if exponent < 96 { return Identifier(high: 0, middle: 1 << UInt64(exponent - 32), low: 0) }
    return Identifier(high: 1 << UInt64(exponent - 96), middle: 0, low: 0)
  }

  /// The place of the highest bit that is set, or nil for zero: the whole part of the logarithm to base 2.
  public var highestBit: Int? {
    if high != 0 { return 159 - high.leadingZeroBitCount }
    if middle != 0 { return 95 - middle.leadingZeroBitCount }
    if low != 0 { return 31 - low.leadingZeroBitCount }
    return nil
  }

  /// This distance as a fraction of the whole circle, 0 up to 1. For estimates only.
  public var fractionOfCircle: Double {
    Double(high) / 0x1p64 + Double(middle) / 0x1p128
  }
}

/// Whether `x` is met strictly after `a` and strictly before `b`, going clockwise.
/// `between(a, x, a)` holds for every `x` other than `a`.
public func between(_ a: Identifier, _ x: Identifier, _ b: Identifier) -> Bool {
  if a < b { return a < x && x < b }
  if a == b { return x != a }
  return a < x || x < b
}

/// Whether `x` lies in the half-open range (a, b], going clockwise; the whole circle when `a == b`.
public func inRange(_ a: Identifier, _ x: Identifier, _ b: Identifier) -> Bool {
  x == b || between(a, x, b)
}

// MARK: - Making and writing identifiers

extension Identifier {
  /// The first 160 bits of the SHA-256 of `label`, a zero byte, and `bytes`. The label keeps the uses of the hash apart.
  public init(hashing bytes: [UInt8], label: StaticString) {
    var input = label.withUTF8Buffer { Array($0) }
    input.append(0)
    input += bytes
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256(&digest, input, UInt64(input.count))
    self.init(bigEndian: digest)
  }

  /// From the first 20 of `bytes`, big-endian. There must be at least 20.
  init(bigEndian bytes: [UInt8]) {
    precondition(bytes.count >= Self.byteCount)
    high = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
    middle = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[16..<20].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The 20 bytes, big-endian.
  public var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
      + (0..<8).map { UInt8(truncatingIfNeeded: middle >> (56 - 8 * $0)) }
      + (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
  }
}

extension Identifier: LosslessStringConvertible {
  /// Forty hexadecimal digits, in lower case.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// From exactly forty hexadecimal digits, in either case; nil for anything else.
  public init?(_ description: String) {
    let digits = Array(description.utf8)
    guard digits.count == 2 * Self.byteCount else { return nil }
    var bytes: [UInt8] = []
    for pair in stride(from: 0, to: digits.count, by: 2) {
      guard let upper = Self.value(ofDigit: digits[pair]), let lower = Self.value(ofDigit: digits[pair + 1]) else {
        return nil
      }
      bytes.append(upper << 4 | lower)
    }
    self.init(bigEndian: bytes)
  }

  private static func value(ofDigit digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
