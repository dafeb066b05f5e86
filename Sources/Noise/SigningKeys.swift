// The keys of a channel from keys that sign: an Ed25519 key and an X25519 key are the same point on two forms of one curve, so who
// proves the one in a handshake proves the other.
//
//     seed ──SHA-512, clamped──► X25519 secret ──► X25519 public key
//       └──► Ed25519 public key ───────────────────────► the same
//
// The X25519 form forgets the sign bit of the Ed25519 key; who takes a channel key for proof of an Ed25519 key must know the bit from
// elsewhere.
//
// This is here and not where identities are: they know nothing of channels, and channels nothing of them; both meet in bytes.
//
// Unsafe code. libsodium is handed arrays and secrets of the sizes it names.

import CSodium

extension KeyPair {
  /// The X25519 form of the Ed25519 key pair made from `seed`, 32 bytes.
  public convenience init(ed25519Seed seed: [UInt8]) {
    precondition(seed.count == Int(crypto_sign_SEEDBYTES), "an Ed25519 seed has 32 bytes")
    var signing = Secret(byteCount: Int(crypto_sign_SECRETKEYBYTES))
    var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
    _ = signing.withMutableBytes { crypto_sign_seed_keypair(&publicKey, $0, seed) }
    var secret = Secret(byteCount: Self.keyBytes)
    _ = secret.withMutableBytes { secret in
      signing.withBytes { crypto_sign_ed25519_sk_to_curve25519(secret, $0) }
    }
    self.init(secret: secret)
  }

  /// The X25519 form of an Ed25519 public key, 32 bytes. Refuses what is no point of the curve's main group.
  public static func publicKey(ofEd25519 publicKey: [UInt8]) throws(NoiseError) -> [UInt8] {
    guard publicKey.count == Int(crypto_sign_PUBLICKEYBYTES) else { throw .invalidKey }
    var converted = [UInt8](repeating: 0, count: keyBytes)
    guard crypto_sign_ed25519_pk_to_curve25519(&converted, publicKey) == 0 else { throw .invalidKey }
    return converted
  }
}
