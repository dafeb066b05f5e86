// Who is at the other end of a link. Both sides say hello at once, and each proves its key by signing both hellos:
//
//   hello   01 · "chord-chat" 10 · version u8 · network u8 + n · public key 32 · nonce 32 · listens endpoint · sees endpoint
//   proof   02 · signature 64     over: label · 'd' dialler or 'a' acceptor · SHA-256(dialler's hello) · SHA-256(acceptor's)
//
// `listens`: where the sender can be dialled; host 0.0.0.0 means "the host you see, if it is IPv4", :: means "the host you see",
// port 0 "nowhere" (an observer).
// `sees`: the address at which the sender sees the receiver.
//
// The links are in the clear: the proof says who opened the connection, not that nobody sits in the middle. Everything that a
// secure channel will replace is in this file.

import CSodium
import Chat
import Chord

/// Who was found at the other end.
struct RemoteNode: Hashable {
  var peer: Peer
  var publicKey: [UInt8]
  /// Whether it can be dialled, and so be a member.
  var listens: Bool
}

/// One side of the handshake, as a state machine over frames.
struct Handshake {
  enum Outcome {
    case send([UInt8])
    case established(RemoteNode)
  }

  /// What the sender of a hello tells.
  struct Hello {
    var network: String
    var publicKey: [UInt8]
    var nonce: [UInt8]
    var listens: Endpoint
    var sees: Endpoint
  }

  static let version: UInt8 = 1
  /// A hello with the longest network name and two IPv6 addresses has 379 bytes: whoever announces more speaks something else.
  static let maximumFrame = 512
  private static let magic = Array("chord-chat".utf8)
  private static let label = Array("chord-chat link 1".utf8)

  private let identity: Identity
  private let isDialler: Bool
  private let expected: Identifier?
  private let remoteAddress: Endpoint
  private let network: String
  private let isOwnNonce: ([UInt8]) -> Bool
  private let ownHello: [UInt8]
  private var theirHello: (bytes: [UInt8], hello: Hello)?

  /// `nonce` must be fresh; `expected` is the identifier of the node that was dialled, if known.
  init(
    identity: Identity, network: String, nonce: [UInt8], isOwnNonce: @escaping ([UInt8]) -> Bool, listens: Endpoint,
    remoteAddress: Endpoint, isDialler: Bool, expected: Identifier?
  ) {
    self.isOwnNonce = isOwnNonce
    self.identity = identity
    self.network = network
    self.isDialler = isDialler
    self.expected = expected
    self.remoteAddress = remoteAddress
    var writer = ByteWriter()
    writer.write(Self.magic)
    writer.write(Self.version)
    writer.writeShort(Array(network.utf8.prefix(255)))
    writer.write(identity.publicKey)
    writer.write(nonce)
    writer.write(listens)
    writer.write(remoteAddress)
    ownHello = writer.bytes
  }

  /// The first frame to send.
  var hello: [UInt8] {
    Frame.encoded { writer in
      writer.write(UInt8(0x01))
      writer.write(ownHello)
    }
  }

  /// The address at which the other side sees us; nil before its hello.
  var seenAs: Endpoint? { theirHello?.hello.sees }

  mutating func received(_ type: UInt8, _ payload: RawSpan) throws(LinkFailure) -> Outcome {
    switch (type, theirHello) {
    case (0x01, nil):
      let bytes = payload.withUnsafeBytes { Array($0) }
      let hello = try Self.parse(payload)
      try check(hello)
      theirHello = (bytes, hello)
      return .send(proof(theirs: bytes))
    case (0x02, let theirs?):
      return .established(try verify(payload, theirs.bytes, theirs.hello))
    case (_, nil): throw .foreignProtocol
    case (_, _?): throw .unexpected
    }
  }

  private static func parse(_ payload: RawSpan) throws(LinkFailure) -> Hello {
    var reader = ByteReader(payload)
    let theirVersion: UInt8
    do throws(Malformed) {
      guard try reader.array(magic.count) == magic else { throw .invalid(.kind) }
      theirVersion = try reader.byte()
    } catch {
      throw .foreignProtocol
    }
    guard theirVersion == version else { throw .version }
    do throws(Malformed) {
      let hello = Hello(
        network: String(decoding: try reader.short(), as: UTF8.self), publicKey: try reader.array(32),
        nonce: try reader.array(32), listens: try reader.endpoint(), sees: try reader.endpoint())
      try reader.end()
      return hello
    } catch {
      throw .foreignProtocol
    }
  }

  private func check(_ hello: Hello) throws(LinkFailure) {
    guard hello.network == network else { throw .network }
    guard Identity.isAcceptable(publicKey: hello.publicKey) else { throw .unproved }
    guard hello.publicKey != identity.publicKey else { throw isOwnNonce(hello.nonce) ? .ourselves : .twin }
    if let expected, Identity.nodeID(of: hello.publicKey) != expected { throw .wrongIdentity }
  }

  private func signed(dialler: [UInt8], acceptor: [UInt8], byDialler: Bool) -> [UInt8] {
    Self.label + [UInt8(ascii: byDialler ? "d" : "a")] + sha256(dialler) + sha256(acceptor)
  }

  private func proof(theirs: [UInt8]) -> [UInt8] {
    let dialler = isDialler ? ownHello : theirs
    let acceptor = isDialler ? theirs : ownHello
    let signature = identity.sign(signed(dialler: dialler, acceptor: acceptor, byDialler: isDialler))
    return Frame.encoded { writer in
      writer.write(UInt8(0x02))
      writer.write(signature)
    }
  }

  private func verify(_ payload: RawSpan, _ theirs: [UInt8], _ hello: Hello) throws(LinkFailure) -> RemoteNode {
    let signature = payload.withUnsafeBytes { Array($0) }
    let dialler = isDialler ? ownHello : theirs
    let acceptor = isDialler ? theirs : ownHello
    let message = signed(dialler: dialler, acceptor: acceptor, byDialler: !isDialler)
    guard signature.count == 64,
      crypto_sign_verify_detached(signature, message, UInt64(message.count), hello.publicKey) == 0
    else { throw .unproved }
    var endpoint = hello.listens
    if endpoint.isUnspecified {
      // Who listens on IPv4 alone cannot be dialled where it is seen on IPv6.
      if !endpoint.covers(remoteAddress.host) { endpoint.port = 0 }
      endpoint.host = remoteAddress.host
    }
    return RemoteNode(
      peer: Peer(id: Identity.nodeID(of: hello.publicKey), endpoint: endpoint), publicKey: hello.publicKey,
      listens: endpoint.port != 0)
  }

  private func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
    return digest
  }
}
