// The hashes of this module: a label, a zero byte, and the input. The label keeps the uses of one hash function apart, so that
// a value made for one purpose never means anything for another.

import Chord
import CSodium

/// Labelled SHA-2.
enum Digest {
  /// The 32 bytes of SHA-256 over `label`, a zero byte, and `bytes`.
  static func sha256(_ label: StaticString, _ bytes: [UInt8]) -> [UInt8] {
    let input = labelled(label, bytes)
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256(&digest, input, UInt64(input.count))
    return digest
  }

  /// The 64 bytes of SHA-512 over `label`, a zero byte, and `bytes`.
  static func sha512(_ label: StaticString, _ bytes: [UInt8]) -> [UInt8] {
    let input = labelled(label, bytes)
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha512_BYTES))
    crypto_hash_sha512(&digest, input, UInt64(input.count))
    return digest
  }

  private static func labelled(_ label: StaticString, _ bytes: [UInt8]) -> [UInt8] {
    label.withUTF8Buffer { Array($0) } + [0] + bytes
  }
}

/// An Ed25519 key pair made from a seed.
struct SigningKey: Sendable {
  /// The public half, 32 bytes.
  let publicKey: [UInt8]
  private let secretKey: [UInt8]

  /// `seed` must have 32 bytes.
  init(seed: [UInt8]) {
    precondition(seed.count == Int(crypto_sign_SEEDBYTES), "an Ed25519 seed has 32 bytes")
    var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
    var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
    crypto_sign_seed_keypair(&publicKey, &secretKey, seed)
    self.publicKey = publicKey
    self.secretKey = secretKey
  }

  /// The 64 bytes of the signature over `bytes`.
  func sign(_ bytes: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Int(crypto_sign_BYTES))
    crypto_sign_detached(&signature, nil, bytes, UInt64(bytes.count), secretKey)
    return signature
  }
}

extension SigningKey: CustomReflectable {
  /// Shows the public half only, wherever a value that holds a key is printed.
  var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
