// What can go wrong in a secure channel. All of it but `oversized`, `outOfTurn` and `exhausted` is the peer's doing, or that of
// somebody in between; none of it can be mended, so whoever gets one of these ends the link.

/// Why a message could not be written or read.
public enum NoiseError: Error, Hashable, Sendable {
  /// The message is shorter than what it must contain.
  case truncated
  /// The message would have more than 65,535 bytes, or has.
  case oversized
  /// The message was not sealed with the same key, number and associated data: it was changed, replayed, or meant for somebody else.
  case forged
  /// A public key with which every key agreement ends in zeros, so that its owner need not know anything.
  case weakKey
  /// A public key that is none.
  case invalidKey
  /// All numbers of a key are used up.
  case exhausted
  /// It is the other side's turn, or all three messages of the handshake have passed, or not yet.
  case outOfTurn
  /// An earlier failure has ended the handshake.
  case ended
}
