// X25519: each side has a secret and a public key, and from its own secret and the other's public key both get the same shared
// secret (spec 12.1).
//
//     secret a · public B ──► shared secret ◄── public A · secret b
//
// An object and not a value: all links of a node share its static key, which so lies in memory once.
//
// Unsafe code. libsodium is handed the 32 bytes of keys whose sizes were checked when they came in.

import CSodium

/// A pair of X25519 keys.
public final class KeyPair {
  /// The size of a secret and of a public key, in bytes.
  public static let keyBytes = 32

  /// The public half, 32 bytes.
  public let publicKey: [UInt8]
  let secret: Secret

  /// The pair with this secret half, any 32 bytes.
  public init(secret: consuming Secret) {
    precondition(secret.byteCount == Self.keyBytes, "a secret key has 32 bytes")
    var publicKey = [UInt8](repeating: 0, count: Self.keyBytes)
    _ = secret.withBytes { crypto_scalarmult_curve25519_base(&publicKey, $0) }
    self.publicKey = publicKey
    self.secret = secret
  }

  /// What only the two owners can compute. Refuses keys of small order, whose result is zero whatever our secret (RFC 7748, 6.1).
  func sharedSecret(with publicKey: [UInt8]) throws(NoiseError) -> Secret {
    precondition(publicKey.count == Self.keyBytes, "a public key has 32 bytes")
    var shared = Secret(byteCount: Self.keyBytes)
    let status = shared.withMutableBytes { shared in
      secret.withBytes { crypto_scalarmult_curve25519(shared, $0, publicKey) }
    }
    guard status == 0 else { throw .weakKey }
    return shared
  }
}

extension KeyPair: CustomReflectable {
  /// Shows the public half only, wherever a value that holds a pair is printed.
  public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
