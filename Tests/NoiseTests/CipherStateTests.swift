// One direction of a channel: sealing where the bytes lie, what cannot be opened, the last number, new keys.

import CSodium
import Testing

@testable import Noise

@Suite("A cipher") struct CipherStateTests {
  private static let key = [UInt8](repeating: 0xC5, count: 32)
  private static let text = Array("a text of no importance".utf8)

  private func cipher(nonce: UInt64 = 0) -> CipherState { CipherState(key: Secret(Self.key), nonce: nonce) }

  /// What libsodium makes of it when it is asked directly.
  private func expected(_ text: [UInt8], nonce: [UInt8], key: [UInt8] = key) -> [UInt8] {
    var sealed = [UInt8](repeating: 0, count: text.count + 16)
    crypto_aead_chacha20poly1305_ietf_encrypt(&sealed, nil, text, UInt64(text.count), nil, 0, nil, nonce, key)
    return sealed
  }

  // MARK: In place

  @Test(
    "a message is sealed and opened where it lies, and nothing around it is touched",
    arguments: [0, 1, 15, 16, 17, 64, 1000, 65_519])
  func inPlace(length: Int) throws {
    let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let around = [UInt8](repeating: 0xEE, count: 24)
    var buffer = around + text + [UInt8](repeating: 0, count: 16) + around
    let place = 24..<(24 + length + 16)
    var sender = cipher()
    try buffer.withUnsafeMutableBytes { buffer in
      var bytes = MutableRawSpan(_unsafeBytes: buffer[place])
      try sender.seal(&bytes)
    }
    #expect(buffer == around + expected(text, nonce: [UInt8](repeating: 0, count: 12)) + around)
    var receiver = cipher()
    let count = try buffer.withUnsafeMutableBytes { buffer in
      var bytes = MutableRawSpan(_unsafeBytes: buffer[place])
      return try receiver.open(&bytes)
    }
    #expect(count == length)
    #expect(Array(buffer[24..<(24 + length)]) == text)
    #expect(Array(buffer.prefix(24)) == around && Array(buffer.suffix(24)) == around)
  }

  @Test("a message has its number, little-endian, in the last eight bytes of the nonce")
  func number() throws {
    var sender = cipher(nonce: 0x0102_0304_0506_0708)
    let first = try sender.sealed(Self.text)
    #expect(first == expected(Self.text, nonce: [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]))
    let second = try sender.sealed(Self.text)
    #expect(second == expected(Self.text, nonce: [0, 0, 0, 0, 9, 7, 6, 5, 4, 3, 2, 1]))
    let next = sender.nonce
    #expect(next == 0x0102_0304_0506_070A)
  }

  @Test("too long a message is refused on both sides, too short a one by the receiver")
  func sizes() throws {
    var sender = cipher()
    var receiver = cipher()
    #expect(throws: NoiseError.oversized) { _ = try sender.sealed([UInt8](repeating: 0, count: 65_520)) }
    #expect(throws: NoiseError.oversized) { _ = try receiver.opened([UInt8](repeating: 0, count: 65_536)) }
    for length in 0..<16 {
      #expect(throws: NoiseError.truncated) { _ = try receiver.opened([UInt8](repeating: 0, count: length)) }
    }
    let nonces = [sender.nonce, receiver.nonce]
    #expect(nonces == [0, 0])
  }

  // MARK: What cannot be opened

  @Test("a bit that is flipped anywhere is found; the plaintext stays hidden, and the next true message is opened")
  func flips() throws {
    var sender = cipher()
    var receiver = cipher()
    let message = try sender.sealed(Self.text)
    for bit in 0..<(message.count * 8) {
      var forged = message
      forged[bit / 8] ^= 1 << UInt8(bit % 8)
      var elements = forged.mutableSpan
      var bytes = elements.mutableBytes
      var error: NoiseError?
      do throws(NoiseError) { _ = try receiver.open(&bytes) } catch let caught { error = caught }
      #expect(error == .forged)
      let remains = forged.dropLast(16)
      #expect(remains.allSatisfy { $0 == 0 }, "bit \(bit)")
    }
    let nonce = receiver.nonce
    #expect(nonce == 0)
    let opened = try receiver.opened(message)
    #expect(opened == Self.text)
  }

  @Test("a message that comes twice, late or not at all is as good as forged")
  func order() throws {
    var sender = cipher()
    var receiver = cipher()
    var messages: [[UInt8]] = []
    for _ in 0..<3 { messages.append(try sender.sealed(Self.text)) }
    #expect(throws: NoiseError.forged) { _ = try receiver.opened(messages[1]) }
    _ = try receiver.opened(messages[0])
    #expect(throws: NoiseError.forged) { _ = try receiver.opened(messages[0]) }
    #expect(throws: NoiseError.forged) { _ = try receiver.opened(messages[2]) }
    _ = try receiver.opened(messages[1])
    _ = try receiver.opened(messages[2])
  }

  @Test("what one end sealed, that end cannot open: nothing can be sent back to where it came from")
  func reflection() throws {
    var ends = try Both.connected()
    let message = try ends.initiator.sending.sealed(Self.text)
    #expect(throws: NoiseError.forged) { _ = try ends.initiator.receiving.opened(message) }
  }

  // MARK: The last number

  @Test("after the last number nothing is sealed or opened any more, and no number comes again")
  func exhaustion() throws {
    let last = UInt64.max - 1
    var sender = cipher(nonce: last)
    var receiver = cipher(nonce: last)
    let message = try sender.sealed(Self.text)
    let opened = try receiver.opened(message)
    #expect(opened == Self.text)
    for _ in 0..<3 {
      #expect(throws: NoiseError.exhausted) { _ = try sender.sealed(Self.text) }
      #expect(throws: NoiseError.exhausted) { _ = try receiver.opened(message) }
    }
    let nonces = [sender.nonce, receiver.nonce]
    #expect(nonces == [.max, .max])
    // Not even a new key brings numbers back: it has to be a new channel.
    sender.rekey()
    #expect(throws: NoiseError.exhausted) { _ = try sender.sealed(Self.text) }
  }

  // MARK: New keys

  @Test("the new key is what the reserved number makes of zeros, and the numbers go on")
  func rekeyed() throws {
    var sender = cipher()
    _ = try sender.sealed(Self.text)
    sender.rekey()
    let message = try sender.sealed(Self.text)
    let reserved = [UInt8](repeating: 0, count: 4) + [UInt8](repeating: 0xFF, count: 8)
    let key = Array(expected([UInt8](repeating: 0, count: 32), nonce: reserved)[..<32])
    #expect(message == expected(Self.text, nonce: [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], key: key))
  }

  @Test("a rekey on both sides goes unnoticed, on one side alone nothing is understood until the other follows")
  func rekey() throws {
    var ends = try Both.connected()
    for round in 0..<3 {
      let before = try ends.initiator.sending.sealed(Self.text)
      let first = try ends.responder.receiving.opened(before)
      ends.initiator.sending.rekey()
      let after = try ends.initiator.sending.sealed(Self.text)
      #expect(throws: NoiseError.forged, "round \(round)") { _ = try ends.responder.receiving.opened(after) }
      ends.responder.receiving.rekey()
      let second = try ends.responder.receiving.opened(after)
      #expect(first == Self.text && second == Self.text)
      // The other direction has a key of its own.
      let back = try ends.responder.sending.sealed(Self.text)
      let third = try ends.initiator.receiving.opened(back)
      #expect(third == Self.text)
    }
  }
}
