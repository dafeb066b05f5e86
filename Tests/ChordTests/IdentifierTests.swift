// The arithmetic of the circle, against plain reasoning and against itself.

import Chord
import Testing

@Suite("Identifiers")
struct IdentifierTests {
  @Test("between is strict and circular")
  func betweenness() {
    let (a, b, c) = (Identifier(1), Identifier(5), Identifier(9))
    #expect(between(a, b, c))
    #expect(!between(c, b, a) && between(c, Identifier(0), a) && between(c, Identifier(10), a))
    #expect(!between(a, a, c) && !between(a, c, c))
    #expect(between(a, b, a) && !between(a, a, a))
    #expect(inRange(a, c, c) && !inRange(a, a, c) && inRange(a, a, a))
  }

  @Test("of three different identifiers exactly one order holds")
  func trichotomy() {
    var generator = Generator(seed: 3)
    for _ in 0..<1000 {
      let ids = (0..<3).map { _ in Identifier(hashing: [UInt8.random(in: 0...255, using: &generator)], label: "t") }
      guard Set(ids).count == 3 else { continue }
      #expect(between(ids[0], ids[1], ids[2]) != between(ids[0], ids[2], ids[1]))
      #expect(between(ids[0], ids[1], ids[2]) == between(ids[1], ids[2], ids[0]))
    }
  }

  @Test("a distance walked leads there, and the two ways round make the circle")
  func distances() {
    for (a, b) in [(Identifier(5), Identifier(3)), (.zero, .powerOfTwo(159)), (.powerOfTwo(96), Identifier(1))] {
      #expect(a.advanced(by: a.distance(to: b)) == b)
      #expect(a.distance(to: b).advanced(by: b.distance(to: a)) == .zero)
    }
    #expect(Identifier(3).distance(to: Identifier(5)) == Identifier(2))
    #expect(Identifier(5).distance(to: Identifier(3)).description == String(repeating: "f", count: 39) + "e")
  }

  @Test("powers of two have one bit, each its own")
  func powers() {
    for exponent in 0..<Identifier.bitCount { #expect(Identifier.powerOfTwo(exponent).highestBit == exponent) }
    #expect(Identifier.zero.highestBit == nil)
    #expect(Identifier.powerOfTwo(159).fractionOfCircle == 0.5)
  }

  @Test("forty hexadecimal digits, both ways, and nothing else")
  func text() throws {
    let text = "00112233445566778899aabbccddeeff01234567"
    #expect(Identifier(text)?.description == text)
    #expect(Identifier(text.uppercased())?.description == text)
    for bad in ["", "0", text + "0", String(text.dropLast()) + "g", "é" + text.dropFirst(2), " " + text.dropFirst()] {
      #expect(Identifier(bad) == nil)
    }
  }

  @Test("hashing is SHA-256 over label, zero and bytes, cut to 160 bits")
  func hashing() {
    // printf 'test\0abc' | sha256sum
    #expect(
      Identifier(hashing: Array("abc".utf8), label: "test").description == "e9266133719d7b9604220b0fbd5f8cf488817bac")
  }
}
