// Whether a signature holds. What is signed in a ring is the same few records, and every member that meets one checks it for itself:
// a holder before it keeps it, a reader before it believes it. Nobody takes another's word for that, and nobody remembers it.
//
//   public key 32 · bytes · signature 64 ──> holds, or not
//
// That is a function of its three arguments and of nothing else, so it is given to a machine as time and chance are. A node on a
// network checks with `ed25519`, and nothing outside this package can give it another. The simulator, which plays all members of a ring
// at once, remembers what one of them has found out, and does not work out the same for the next (Tests/Simulation/SignatureMemory.swift).

import CSodium

/// How a machine finds out whether a signature is that of a key over some bytes.
public struct SignatureCheck: Sendable {
  private let isRight: @Sendable (_ signature: [UInt8], _ bytes: [UInt8], _ publicKey: [UInt8]) -> Bool

  /// Works every one of them out: Ed25519 as in RFC 8032.
  public static let ed25519 = SignatureCheck { signature, bytes, publicKey in
    crypto_sign_verify_detached(signature, bytes, UInt64(bytes.count), publicKey) == 0
  }

  /// `isRight` must say what `ed25519` says; it is given keys of 32 bytes and signatures of 64.
  package init(_ isRight: @escaping @Sendable (_ signature: [UInt8], _ bytes: [UInt8], _ publicKey: [UInt8]) -> Bool) {
    self.isRight = isRight
  }

  /// Whether `signature` is that of `publicKey` over `bytes`; never when either has not the length that it should have.
  public func holds(_ signature: [UInt8], over bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
    signature.count == Record.signatureBytes && publicKey.count == Record.keyBytes
      && isRight(signature, bytes, publicKey)
  }
}
