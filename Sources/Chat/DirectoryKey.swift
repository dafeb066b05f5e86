// What everyone who knows `name#id` can derive, and nobody else: where the user's record lies, who may write there, and how to
// read it. The id's 95 bits come from a key and a salt, so knowing the name alone gives nothing.
//
//   SHA-512( "chord-chat directory" · 0 · network (u8 + n) · folded name (u8 + n) · 19 symbols )
//     = seed of the key pair E, 32 bytes · encryption key, 32 bytes
//
//   place on the ring = Record.key(ofName: public half of E)

import Chord

/// The keys of one user's entry in the directory of one network.
public struct DirectoryKey: Sendable {
  /// The public half of E.
  public let nameKey: [UInt8]
  /// Where on the ring the user's records belong.
  public let ringKey: Identifier
  let nameSigner: SigningKey
  let encryptionKey: [UInt8]

  /// Derives the keys of `user` in the network of this name.
  public init(user: User, network: String) {
    var input = ByteWriter()
    input.writeShort(Array(network.utf8.prefix(255)))
    input.writeShort(user.name.folded)
    input.write(user.id.symbols.dropLast())
    let digest = Digest.sha512("chord-chat directory", input.bytes)
    nameSigner = SigningKey(seed: Array(digest[..<32]))
    encryptionKey = Array(digest[32...])
    nameKey = nameSigner.publicKey
    ringKey = Record.key(ofName: nameKey)
  }
}
