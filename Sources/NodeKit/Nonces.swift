// Nonces by which a node knows its own hello again. Dialling one of the bootstrap addresses a node may reach itself, which is no
// news; or another node that was started with the same key, which is a mistake that somebody should hear of.
//
//   nonce 32 = random 16 · first 16 bytes of SHA-256(secret 32 · random 16)

import CSodium

/// Makes the nonces of one node's handshakes.
struct Nonces {
  private let secret = Randomness.bytes(32)

  func make() -> [UInt8] {
    let random = Randomness.bytes(16)
    return random + mark(of: random)
  }

  /// Whether this node made it.
  func areOwn(_ nonce: [UInt8]) -> Bool {
    nonce.count == 32 && Array(nonce[16...]) == mark(of: Array(nonce[..<16]))
  }

  private func mark(of random: [UInt8]) -> [UInt8] {
    let input = secret + random
    var digest = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256(&digest, input, UInt64(input.count))
    return Array(digest[..<16])
  }
}
