// One side of a channel against a peer that says anything, in any order, in what it shakes hands with and afterwards. Nobody forges a
// seal by chance, so an input can also have a message made by a friend, rightly sealed, with anything in it.

import Chord
import Noise
import UVRuntime

@testable import Chat
@testable import NodeKit

enum HandshakeTarget {
  private static let ours = Fixture.identity(1)
  private static let theirs = Fixture.identity(2)
  // A pair of keys never changes; inputs are tried one after the other.
  nonisolated(unsafe) private static let ourKey = KeyPair(ed25519Seed: ours.seed)
  nonisolated(unsafe) private static let theirKey = KeyPair(ed25519Seed: theirs.seed)
  private static let prologue =
    Array("chord-chat".utf8) + [1, UInt8(Fixture.network.utf8.count)] + Array(Fixture.network.utf8)

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let traits = input.byte()
    let isDialler = traits & 1 != 0
    let expected = traits & 2 != 0 ? (traits & 4 != 0 ? ours.nodeID : theirs.nodeID) : nil
    let address = traits & 8 != 0 ? Endpoint(host: .v6(0x2001_0DB8 << 32, 7), port: 9) : Fixture.endpoint(9)
    let hello = Hello(
      publicKey: ours.publicKey, life: [UInt8](repeating: 7, count: 16), listens: Fixture.endpoint(1), sees: address)
    let party = SecureChannel.Party(
      network: Fixture.network, key: ourKey, hello: hello, address: address, expected: expected)
    var channel = SecureChannel(
      isDialler: isDialler, party, ephemeralSecret: secret(3), at: LoopTime(nanoseconds: 0))
    var friend = Handshake(
      isDialler ? .responder : .initiator, prologue: prologue, staticKey: theirKey, ephemeralSecret: secret(4))
    if isDialler, let first = try? channel.first() { _ = try? friend.read(first.span.bytes.extracting(2...)) }
    while !input.isEmpty {
      let payload = input.bool() ? Self.hello(&input) : input.take(Int(input.byte()))
      let isFriendly = input.bool()
      var message = isFriendly ? (try? friend.write(payload)) ?? payload : payload
      let isBent = input.byte() & 3 == 3 && !message.isEmpty
      if isBent { message[Int(input.uint16()) % message.count] ^= 1 << (input.byte() & 7) }
      guard message.count <= channel.longestMessage else { return }
      let wasEstablished = channel.isEstablished
      var elements = message.mutableSpan
      var span = elements.mutableBytes
      guard let opened = try? channel.open(&span) else { return }  // the link ends
      switch opened {
      case .answer(let answer):
        try hold(!isDialler && !wasEstablished, "an answer out of turn")
        try hold(answer.count == 2 + 96 + hello.frame.count, "a second message is as long as it is")
        _ = try? friend.read(answer.span.bytes.extracting(2...))
      case .established(let node, _):
        try hold(isFriendly && !isBent && !wasEstablished, "established without a proof")
        try hold(node.publicKey == theirs.publicKey && node.peer.id == theirs.nodeID, "a wrong node")
        try hold(expected ?? node.peer.id == node.peer.id, "another node than expected")
        try hold(node.listens == (node.peer.endpoint.port != 0), "dialable or not")
        try hold(!node.peer.endpoint.isUnspecified, "dialable nowhere")
      case .frames:
        throw Fault(text: "sealed by nobody")
      }
    }
  }

  private static func secret(_ byte: UInt8) -> Secret {
    let bytes = [UInt8](repeating: byte, count: 32)
    return Secret(copying: bytes.span.bytes)
  }

  /// A hello as a friend sends it, with one or two things changed, and perhaps more after it.
  private static func hello(_ input: inout FuzzInput) -> [UInt8] {
    let changes = input.byte()
    let key: [UInt8] =
      switch changes & 3 {
      case 1: ours.publicKey
      case 2: (input.take(32) + [UInt8](repeating: 0, count: 32)).prefix(32).map { $0 }
      default: theirs.publicKey
      }
    var frame = Hello(
      publicKey: key, life: [UInt8](repeating: changes & 4 != 0 ? 7 : 9, count: 16), listens: endpoint(&input),
      sees: endpoint(&input)
    ).frame
    if changes & 8 != 0 { frame[input.choice(frame.count)] ^= input.byte() }
    if changes & 16 != 0 { frame += input.take(input.choice(8)) }
    return changes & 32 != 0 ? Array(frame.dropLast(input.choice(64))) : frame
  }

  private static func endpoint(_ input: inout FuzzInput) -> Endpoint {
    switch input.choice(4) {
    case 0: Fixture.endpoint(input.uint16())
    case 1: Endpoint(host: .v4(0), port: input.uint16())
    case 2: Endpoint(host: .v6(0, 0), port: input.uint16())
    default: Endpoint(host: .v6(UInt64(input.byte()), UInt64(input.byte())), port: input.uint16())
    }
  }
}
