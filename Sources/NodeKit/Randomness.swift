// Keys, nonces and seeds come from libsodium, here and nowhere else; the machines are handed what they need.

import CSodium
import Chat
import Noise

package enum Randomness {
  /// Whether libsodium is ready for use; tried once.
  static let isReady = sodium_init() >= 0

  package static func bytes(_ count: Int) -> [UInt8] {
    precondition(isReady, "libsodium could not be initialised")
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
  }

  /// The ephemeral key of a handshake.
  package static func secret() -> Secret {
    precondition(isReady, "libsodium could not be initialised")
    return Secret(byteCount: KeyPair.keyBytes) { bytes in
      bytes.withUnsafeMutableBytes { bytes in
        if let start = bytes.baseAddress { randombytes_buf(start, bytes.count) }
      }
    }
  }

  static func word() -> UInt64 {
    bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension Identity {
  /// A new key pair and salt for a session. Every second key pair will do: the Curve25519 form forgets the sign bit.
  public static func random() -> Identity {
    while true {
      let seed = Randomness.bytes(seedBytes)
      if let identity = Identity(seed: seed, salt: Randomness.bytes(saltBytes)) { return identity }
    }
  }
}
