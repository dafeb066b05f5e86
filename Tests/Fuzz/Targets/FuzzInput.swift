// Bytes as decisions. Past the end every decision is 0, so that each input means something and a shorter one is a simpler one.

/// Takes an input apart from its front.
struct FuzzInput {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isEmpty: Bool { position >= bytes.count }

  mutating func byte() -> UInt8 {
    guard position < bytes.count else { return 0 }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func uint16() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

  mutating func bool() -> Bool { byte() & 1 == 1 }

  /// One of a few.
  mutating func choice(_ count: Int) -> Int { Int(byte()) % count }

  mutating func element<Element>(of elements: [Element]) -> Element { elements[choice(elements.count)] }

  /// Up to `count` bytes, as many as there are.
  mutating func take(_ count: Int) -> [UInt8] {
    let end = min(bytes.count, position + count)
    defer { position = end }
    return Array(bytes[position..<end])
  }

  mutating func rest() -> [UInt8] { take(bytes.count) }
}
