// Who a session is: an Ed25519 key pair and a salt, made by the session itself. Nobody hands them out, nobody registers them.
//
// The key proves the node (its identifier is a hash of the public half) and, with the salt, the user. The salt keeps the two
// apart: whoever meets a public key on the ring cannot try out names against ids without it.
//
// The secure channel uses the same key in its Curve25519 form, which forgets the sign bit of the public key. So that each
// channel key belongs to exactly one public key, only keys whose sign bit is 0 are used: every other seed gives one.

import Chord

/// A session's key pair and salt.
public struct Identity: Sendable {
  /// The 32 bytes from which the key pair is made. Secret.
  public let seed: [UInt8]
  /// The 16 bytes that go into the user's id. Shown only to those whom a session is opened with, and inside the record.
  public let salt: [UInt8]
  private let key: SigningKey

  /// The size of `seed`, in bytes.
  public static let seedBytes = 32
  /// The size of `salt`, in bytes.
  public static let saltBytes = 16
  /// The size of a public key, in bytes.
  public static let publicKeyBytes = 32
  /// The size of a signature, in bytes.
  public static let signatureBytes = 64

  /// Nil when a size is wrong, or when the seed's public key has its sign bit set: try another seed.
  public init?(seed: [UInt8], salt: [UInt8]) {
    guard seed.count == Self.seedBytes, salt.count == Self.saltBytes else { return nil }
    let key = SigningKey(seed: seed)
    guard Self.isAcceptable(publicKey: key.publicKey) else { return nil }
    self.seed = seed
    self.salt = salt
    self.key = key
  }

  /// The public half of the key pair, 32 bytes.
  public var publicKey: [UInt8] { key.publicKey }

  /// The node's place on the ring.
  public var nodeID: Identifier { Self.nodeID(of: publicKey) }

  /// The seed of the key W that signs the records of this identity's user (see `DirectoryWriter`). It follows from the secret, so
  /// that whoever comes back with the same key file overwrites, and withdraws, what a life that was killed has left behind.
  public var writerSeed: [UInt8] { Digest.sha256("chord-chat writer", seed) }

  /// The 64 bytes of the signature over `bytes`.
  public func sign(_ bytes: [UInt8]) -> [UInt8] { key.sign(bytes) }

  /// Whether a public key has 32 bytes and its sign bit (the top bit of the last byte) is 0.
  public static func isAcceptable(publicKey: [UInt8]) -> Bool {
    publicKey.count == publicKeyBytes && publicKey[publicKeyBytes - 1] & 0x80 == 0
  }

  /// The place on the ring of the node with this public key.
  public static func nodeID(of publicKey: [UInt8]) -> Identifier {
    Identifier(hashing: publicKey, label: "chord-chat node")
  }
}

extension Identity: CustomStringConvertible, CustomReflectable {
  /// The node's place on the ring; the secrets are never printed by accident.
  public var description: String { "identity of node \(nodeID)" }
  public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
