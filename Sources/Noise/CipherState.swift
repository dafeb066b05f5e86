// One direction of a channel: a key, and the number of the next message (spec 5.1). ChaCha20-Poly1305 (RFC 8439), in place:
//
//     before  │ plaintext          │ room 16 │          sealed where it lies, in the buffer it is sent from
//     after   │ ciphertext         │ tag 16  │          opened where it lies, in the buffer it was read into
//
// Numbers are not sent: both sides count. So a message that is lost, replayed or out of order is as good as a forged one. No number is
// used twice with a key: the state cannot be copied, and after the last number it refuses.
//
// Unsafe code. The message's bytes are lent by their span, the key's by their secret, the nonce's lie on the stack; libsodium is
// given all of them at once and keeps none.

import CSodium

/// Seals or opens the messages of one direction.
public struct CipherState: ~Copyable {
  /// What sealing adds to a message, in bytes.
  public static let tagBytes = 16
  /// The longest message, tag included, in bytes (spec 3).
  public static let maximumMessage = 65_535
  static let keyBytes = 32
  /// The number that no message has (spec 5.1); `rekey` uses it.
  private static let reserved = UInt64.max

  /// The number of the next message: how many have been sealed, or opened.
  public private(set) var nonce: UInt64
  private(set) var key: Secret

  init(key: consuming Secret, nonce: UInt64 = 0) {
    precondition(key.byteCount == Self.keyBytes, "a cipher key has 32 bytes")
    self.key = key
    self.nonce = nonce
  }

  /// Seals in place. The last 16 bytes are room for the tag, the plaintext is what is before them, and may be empty.
  public mutating func seal(_ message: inout MutableRawSpan) throws(NoiseError) {
    try seal(&message, with: [])
  }

  /// Opens in place; answers how many bytes of plaintext there are now, at the front. A message that fails leaves zeros, and the
  /// state as it was.
  public mutating func open(_ message: inout MutableRawSpan) throws(NoiseError) -> Int {
    try open(&message, with: [])
  }

  /// Replaces the key by one that follows from it, so that whoever finds the new one cannot read what was sealed before (spec 4.2,
  /// 11.3). Both sides must do so between the same two messages. The numbers go on.
  public mutating func rekey() {
    // The key is the first 32 bytes of 32 sealed zeros.
    var next = Secret(byteCount: Self.keyBytes)
    var tag = Secret(byteCount: Self.tagBytes)
    next.withMutableBytes { next in
      tag.withMutableBytes { tag in
        seal(next, count: Self.keyBytes, tag: tag, number: Self.reserved, with: [])
      }
    }
    key = next
  }

  /// ENCRYPT with associated data, which is vouched for but not sent.
  mutating func seal(_ message: inout MutableRawSpan, with associatedData: [UInt8]) throws(NoiseError) {
    precondition(message.byteCount >= Self.tagBytes, "there is room for the tag")
    guard message.byteCount <= Self.maximumMessage else { throw .oversized }
    guard nonce < Self.reserved else { throw .exhausted }
    message.withUnsafeMutableBytes { bytes in
      guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
      let count = bytes.count - Self.tagBytes
      seal(start, count: count, tag: start + count, number: nonce, with: associatedData)
    }
    nonce += 1
  }

  /// DECRYPT with associated data.
  mutating func open(_ message: inout MutableRawSpan, with associatedData: [UInt8]) throws(NoiseError) -> Int {
    guard message.byteCount >= Self.tagBytes else { throw .truncated }
    guard message.byteCount <= Self.maximumMessage else { throw .oversized }
    guard nonce < Self.reserved else { throw .exhausted }
    let count = message.byteCount - Self.tagBytes
    let status = message.withUnsafeMutableBytes { bytes -> Int32 in
      guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return -1 }
      return key.withBytes { key in
        Self.withNonce(nonce) { nonce in
          // Checks the tag before it writes anything but zeros.
          crypto_aead_chacha20poly1305_ietf_decrypt_detached(
            start, nil, start, UInt64(count), start + count, associatedData, UInt64(associatedData.count), nonce, key)
        }
      }
    }
    guard status == 0 else { throw .forged }
    nonce += 1
    return count
  }

  private func seal(
    _ start: UnsafeMutablePointer<UInt8>, count: Int, tag: UnsafeMutablePointer<UInt8>, number: UInt64,
    with associatedData: [UInt8]
  ) {
    key.withBytes { key in
      Self.withNonce(number) { nonce in
        _ = crypto_aead_chacha20poly1305_ietf_encrypt_detached(
          start, tag, nil, start, UInt64(count), associatedData, UInt64(associatedData.count), nil, nonce, key)
      }
    }
  }

  /// The 96 bits that the cipher takes for a number: 32 zeros and the number, little-endian (spec 12.3).
  private static func withNonce<Result>(_ number: UInt64, _ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    let low = UInt32(truncatingIfNeeded: number).littleEndian
    let high = UInt32(truncatingIfNeeded: number >> 32).littleEndian
    return withUnsafePointer(to: (UInt32(0), low, high)) {
      body(UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self))
    }
  }
}
