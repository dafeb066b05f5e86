// What each side says first, inside the handshake (SecureChannel.swift), as a frame like any other:
//
//   hello   01 · public key 32 · life 16 · listens endpoint · sees endpoint
//
// `public key`: the node's Ed25519 identity; its Curve25519 form is the static key that the handshake has proved.
// `life`: drawn by a node when it starts. By it a node that has reached itself (one of the bootstrap addresses is its own, which is no
// news) is told from another one that was started with the same key (a mistake that somebody should hear of).
// `listens`: where the sender can be dialled; host 0.0.0.0 means "the host you see, if it is IPv4", :: means "the host you see",
// port 0 "nowhere" (an observer).
// `sees`: the address at which the sender sees the receiver.

import Chat
import Chord
import Noise

/// Who was found at the other end.
package struct RemoteNode: Hashable {
  package var peer: Peer
  package var publicKey: [UInt8]
  /// Whether it can be dialled, and so be a member.
  var listens: Bool
}

/// The first frame of each side.
package struct Hello: Hashable {
  var publicKey: [UInt8]
  var life: [UInt8]
  var listens: Endpoint
  var sees: Endpoint

  static let type: UInt8 = 0x01
  package static let lifeLength = 16
  /// With two IPv6 addresses; with its frame's header.
  static let longestFrame = Frame.headerLength + 32 + lifeLength + 19 + 19

  package init(publicKey: [UInt8], life: [UInt8], listens: Endpoint, sees: Endpoint) {
    self.publicKey = publicKey
    self.life = life
    self.listens = listens
    self.sees = sees
  }

  init(payload: RawSpan) throws(LinkFailure) {
    var reader = ByteReader(payload)
    do throws(Malformed) {
      publicKey = try reader.array(32)
      life = try reader.array(Self.lifeLength)
      listens = try reader.endpoint()
      sees = try reader.endpoint()
      try reader.end()
    } catch {
      throw .malformed
    }
  }

  /// The whole frame.
  package var frame: [UInt8] {
    Frame.encoded { writer in
      writer.write(Self.type)
      writer.write(publicKey)
      writer.write(life)
      writer.write(listens)
      writer.write(sees)
    }
  }

  /// The node that said this on a link whose handshake has proved `staticKey`, and which comes from, or was dialled at, `address`.
  func sender(provedBy staticKey: [UInt8], at address: Endpoint, to own: Hello) throws(LinkFailure) -> RemoteNode {
    // What is no point of the curve has no channel key, and is not the one that was proved.
    guard Identity.isAcceptable(publicKey: publicKey), (try? KeyPair.publicKey(ofEd25519: publicKey)) == staticKey
    else {
      throw .unproved
    }
    guard publicKey != own.publicKey else { throw life == own.life ? .ourselves : .twin }
    var endpoint = listens
    if endpoint.isUnspecified {
      // Who listens on IPv4 alone cannot be dialled where it is seen on IPv6.
      if !endpoint.covers(address.host) { endpoint.port = 0 }
      endpoint.host = address.host
    }
    return RemoteNode(
      peer: Peer(id: Identity.nodeID(of: publicKey), endpoint: endpoint), publicKey: publicKey,
      listens: endpoint.port != 0)
  }
}
