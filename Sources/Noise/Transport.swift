// A channel that stands: what a handshake leaves behind (spec 5.2, Split).
//
//     initiator   sending ═══ first key ═══► receiving   responder
//               receiving ◄══ second key ═══ sending

/// Both directions of a channel, and whom it leads to.
public struct Transport: ~Copyable {
  /// Seals what we say.
  public var sending: CipherState
  /// Opens what the other side says.
  public var receiving: CipherState
  /// A hash over the whole handshake, 32 bytes: the same on both sides and in no other channel (spec 11.2).
  public let handshakeHash: [UInt8]
  /// The other side's static key, 32 bytes, proved.
  public let remoteStaticKey: [UInt8]

  init(keys: consuming DerivedKeys, role: Handshake.Role, handshakeHash: [UInt8], remoteStaticKey: [UInt8]) {
    switch role {
    case .initiator:
      sending = CipherState(key: keys.first)
      receiving = CipherState(key: keys.second)
    case .responder:
      sending = CipherState(key: keys.second)
      receiving = CipherState(key: keys.first)
    }
    self.handshakeHash = handshakeHash
    self.remoteStaticKey = remoteStaticKey
  }
}
