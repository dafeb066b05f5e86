// One side of the handshake against a peer that says anything, in any order. Nobody forges a signature by chance, so an input can
// also ask for a hello with any of its parts changed, and for a proof that is right, altered, or signed for the other side.

import Chord

@testable import Chat
@testable import NodeKit

enum HandshakeTarget {
  private static let ours = Fixture.identity(1)
  private static let theirs = Fixture.identity(2)
  private static let ownNonce = [UInt8](repeating: 7, count: 32)

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let traits = input.byte()
    let isDialler = traits & 1 != 0
    let expected = traits & 2 != 0 ? (traits & 4 != 0 ? ours.nodeID : theirs.nodeID) : nil
    let seen = traits & 8 != 0 ? Endpoint(host: .v6(0x2001_0DB8 << 32, 7), port: 9) : Fixture.endpoint(9)
    var handshake = Handshake(
      identity: ours, network: Fixture.network, nonce: ownNonce, isOwnNonce: { $0 == ownNonce },
      listens: Fixture.endpoint(1), remoteAddress: seen, isDialler: isDialler, expected: expected)
    let ourHello = Array(handshake.hello.dropFirst(3))
    var theirHello: [UInt8] = []
    var isRightProof = false
    while !input.isEmpty {
      var type: UInt8 = 0x01
      let payload: [UInt8]
      switch input.choice(4) {
      case 0:
        payload = hello(&input)
        if theirHello.isEmpty { theirHello = payload }
      case 1:
        type = 0x02
        (payload, isRightProof) = proof(&input, ours: ourHello, theirs: theirHello, isDialler: isDialler)
      case 2:
        type = input.byte()
        payload = input.take(Int(input.byte()))
        isRightProof = false
        if type == 0x01, theirHello.isEmpty { theirHello = payload }
      default:
        type = input.byte()
        payload = []
        isRightProof = false
      }
      // Nothing: the link has ended.
      guard let outcome = answer(of: &handshake, to: type, payload) else { return }
      switch outcome {
      case .send(let frame):
        try hold(type == 0x01 && frame.count == 67, "a hello is answered with a proof")
        try hold(handshake.seenAs != nil, "a hello says where we are seen")
      case .established(let node):
        try hold(isRightProof && node.publicKey == theirs.publicKey, "established without a proof")
        try hold(node.peer.id == theirs.nodeID && expected ?? node.peer.id == node.peer.id, "a wrong node")
        try hold(node.listens == (node.peer.endpoint.port != 0), "dialable or not")
        try hold(!node.peer.endpoint.isUnspecified, "dialable nowhere")
        return
      }
    }
  }

  private static func answer(
    of handshake: inout Handshake, to type: UInt8, _ payload: [UInt8]
  ) -> Handshake.Outcome? {
    try? handshake.received(type, payload.span.bytes)
  }

  /// A hello as a friend sends it, with one or two things changed.
  private static func hello(_ input: inout FuzzInput) -> [UInt8] {
    let changes = input.byte()
    var writer = ByteWriter()
    writer.write(Array((changes & 1 != 0 ? "chord-chet" : "chord-chat").utf8))
    writer.write(UInt8(changes & 2 != 0 ? input.byte() : 1))
    writer.writeShort(changes & 4 != 0 ? input.take(input.choice(256)) : Array(Fixture.network.utf8))
    switch changes & 24 {
    case 8: writer.write(ours.publicKey)
    case 16: writer.write((input.take(32) + [UInt8](repeating: 0, count: 32)).prefix(32).map { $0 })
    default: writer.write(theirs.publicKey)
    }
    writer.write(changes & 32 != 0 ? ownNonce : [UInt8](repeating: 9, count: 32))
    for _ in 0..<2 { writer.write(endpoint(&input)) }
    if changes & 64 != 0 { writer.write(input.take(input.choice(8))) }
    return changes & 128 != 0 ? Array(writer.bytes.dropLast(input.choice(64))) : writer.bytes
  }

  private static func endpoint(_ input: inout FuzzInput) -> Endpoint {
    switch input.choice(4) {
    case 0: Fixture.endpoint(input.uint16())
    case 1: Endpoint(host: .v4(0), port: input.uint16())
    case 2: Endpoint(host: .v6(0, 0), port: input.uint16())
    default: Endpoint(host: .v6(UInt64(input.byte()), UInt64(input.byte())), port: input.uint16())
    }
  }

  /// A proof, and whether it is the right one.
  private static func proof(
    _ input: inout FuzzInput, ours: [UInt8], theirs hello: [UInt8], isDialler: Bool
  ) -> ([UInt8], Bool) {
    let change = input.byte()
    let dialler = isDialler ? ours : hello
    let acceptor = isDialler ? hello : ours
    let letter = UInt8(ascii: isDialler != (change & 1 != 0) ? "a" : "d")
    let signed = Array("chord-chat link 1".utf8) + [letter] + Fixture.sha256(dialler) + Fixture.sha256(acceptor)
    var signature = theirs.sign(signed)
    if change & 2 != 0 { signature[input.choice(64)] ^= 1 << (change >> 5) }
    if change & 4 != 0 { signature = Array(signature.dropLast(1 + input.choice(63))) }
    return (signature, change & 7 == 0)
  }
}
