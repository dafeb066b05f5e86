// What both sides of a handshake build up in step: a hash over everything said so far, and a chaining key over everything agreed so far
// (spec 5.2). Whoever sees something else than the other, be it one bit, has another hash, and from the next sealed piece on nothing
// opens.
//
//     mixHash(bytes)   hash = SHA-256(hash · bytes)
//     mixKey(secret)   chaining key, cipher key = HKDF(chaining key, secret)
//
// Before the first agreement there is no key: what is "sealed" then goes as it is.

import CSodium

/// The chaining key, the hash, and the cipher of a handshake.
struct SymmetricState: ~Copyable {
  /// Over everything said so far, 32 bytes.
  private(set) var hash: [UInt8]
  private(set) var chainingKey: Secret
  private(set) var cipher: CipherState?

  /// `protocolName` has 32 bytes at most, the size of the hash: longer ones would be hashed.
  init(protocolName: StaticString) {
    let name = protocolName.withUTF8Buffer { Array($0) }
    precondition(name.count <= Int(crypto_hash_sha256_BYTES), "the name fits into a hash")
    let hash = name + [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES) - name.count)
    self.hash = hash
    chainingKey = Secret(copying: hash.span.bytes)
  }

  /// What sealing adds at this point of the handshake, in bytes.
  var overhead: Int { cipher == nil ? 0 : CipherState.tagBytes }

  mutating func mixHash(_ bytes: [UInt8]) {
    let input = hash + bytes
    crypto_hash_sha256(&hash, input, UInt64(input.count))
  }

  mutating func mixKey(_ shared: borrowing Secret) {
    let keys = DerivedKeys(chainingKey: chainingKey, input: shared)
    chainingKey = keys.first
    cipher = CipherState(key: keys.second)
  }

  /// EncryptAndHash.
  mutating func seal(_ plaintext: [UInt8]) throws(NoiseError) -> [UInt8] {
    var message = plaintext + [UInt8](repeating: 0, count: overhead)
    if overhead > 0 {
      var elements = message.mutableSpan
      var bytes = elements.mutableBytes
      try cipher?.seal(&bytes, with: hash)
    }
    mixHash(message)
    return message
  }

  /// DecryptAndHash.
  mutating func open(_ message: RawSpan) throws(NoiseError) -> [UInt8] {
    let sealed = message.withUnsafeBytes { Array($0) }
    var plaintext = sealed
    if overhead > 0 {
      var elements = plaintext.mutableSpan
      var bytes = elements.mutableBytes
      _ = try cipher?.open(&bytes, with: hash)
      plaintext.removeLast(CipherState.tagBytes)
    }
    mixHash(sealed)
    return plaintext
  }

  /// The initiator's key for sealing and the responder's. The chaining key ends with this.
  consuming func split() -> DerivedKeys {
    DerivedKeys(chainingKey: chainingKey, input: Secret(byteCount: 0))
  }
}
