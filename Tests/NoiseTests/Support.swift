// Keys that are the same in every run, and messages as arrays.

import CSodium
import Noise
import Testing

/// Hexadecimal digits.
enum Hexadecimal {
  static func text(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  static func bytes(_ text: String) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}

extension Secret {
  /// 32 bytes that depend on `number`.
  init(_ number: UInt8) { self.init(copying: [UInt8](repeating: number, count: 32).span.bytes) }

  init(_ bytes: [UInt8]) { self.init(copying: bytes.span.bytes) }
}

extension Handshake {
  mutating func read(_ message: [UInt8]) throws(NoiseError) -> [UInt8] { try read(message.span.bytes) }
}

extension CipherState {
  /// The message with its tag.
  mutating func sealed(_ plaintext: [UInt8]) throws(NoiseError) -> [UInt8] {
    var message = plaintext + [UInt8](repeating: 0, count: Self.tagBytes)
    var elements = message.mutableSpan
    var bytes = elements.mutableBytes
    try seal(&bytes)
    return message
  }

  mutating func opened(_ message: [UInt8]) throws(NoiseError) -> [UInt8] {
    var message = message
    var elements = message.mutableSpan
    var bytes = elements.mutableBytes
    let count = try open(&bytes)
    return Array(message[..<count])
  }
}

/// Both ends of a handshake. Static keys are the same in all of them, so that they cost one multiplication each.
struct Both: ~Copyable {
  nonisolated(unsafe) static let alice = KeyPair(secret: Secret(0xA1))
  nonisolated(unsafe) static let bob = KeyPair(secret: Secret(0xB0))

  var initiator: Handshake
  var responder: Handshake

  init(prologues: ([UInt8], [UInt8]) = ([], [])) {
    initiator = Handshake(.initiator, prologue: prologues.0, staticKey: Self.alice, ephemeralSecret: Secret(0x1E))
    responder = Handshake(.responder, prologue: prologues.1, staticKey: Self.bob, ephemeralSecret: Secret(0x2E))
  }

  /// The message of that number (0 … 2), those before it having arrived.
  mutating func message(_ number: Int, payload: [UInt8] = []) throws -> [UInt8] {
    for earlier in 0..<number {
      let passed = try write(earlier)
      _ = try read(earlier, passed)
    }
    return try write(number, payload: payload)
  }

  mutating func write(_ number: Int, payload: [UInt8] = []) throws(NoiseError) -> [UInt8] {
    number == 1 ? try responder.write(payload) : try initiator.write(payload)
  }

  mutating func read(_ number: Int, _ message: [UInt8]) throws(NoiseError) -> [UInt8] {
    number == 1 ? try initiator.read(message) : try responder.read(message)
  }

  /// Both ends of the channel, after a handshake without payloads.
  static func connected() throws -> Connected {
    var both = Both()
    let last = try both.message(2)
    _ = try both.read(2, last)
    return try both.split()
  }

  mutating func split() throws(NoiseError) -> Connected {
    Connected(initiator: try initiator.split(), responder: try responder.split())
  }
}

/// Both ends of a channel.
struct Connected: ~Copyable {
  var initiator: Transport
  var responder: Transport
}
