// Two ends of a channel that talk to each other without a network, and what happens when somebody lies, or meddles.

import Chat
import Chord
import Noise
import Testing
import UVRuntime

@testable import NodeKit

/// One end of a channel, with what it has come to. Bytes are those of the stream, lengths included.
final class ChannelEnd {
  static let here = Endpoint(host: .v4(0x7F00_0001), port: 1000)
  static let there = Endpoint(host: .v4(0x7F00_0002), port: 2000)

  private var channel: SecureChannel
  private(set) var remote: RemoteNode?
  private(set) var frames: [[UInt8]] = []

  init(
    _ identity: Identity, network: String = "test", isDialler: Bool, expected: Identifier? = nil,
    listens: Endpoint = Endpoint(host: .v4(0), port: 7401), life: UInt8 = 1, ephemeral: UInt8? = nil
  ) {
    let address = isDialler ? Self.there : Self.here
    let hello = Hello(
      publicKey: identity.publicKey, life: Array(repeating: life, count: Hello.lifeLength), listens: listens,
      sees: address)
    let party = SecureChannel.Party(
      network: network, key: KeyPair(ed25519Seed: identity.seed), hello: hello, address: address, expected: expected)
    channel = SecureChannel(
      isDialler: isDialler, party,
      ephemeralSecret: ephemeral.map { Secret(copying: [UInt8](repeating: $0, count: 32).span.bytes) }
        ?? Randomness.secret(),
      at: LoopTime(nanoseconds: 0))
  }

  var seenAs: Endpoint? { channel.seenAs }
  var greeting: [UInt8]? { channel.greeting }

  func first() throws(LinkFailure) -> [UInt8] { try channel.first() }

  /// Takes a message with its length; answers what is to be sent.
  @discardableResult
  func take(_ bytes: [UInt8]) throws(LinkFailure) -> [UInt8]? {
    guard bytes.count - 2 <= channel.longestMessage else { throw .oversized }
    var message = Array(bytes.dropFirst(2))
    var elements = message.mutableSpan
    var span = elements.mutableBytes
    switch try channel.open(&span) {
    case .answer(let answer): return answer
    case .established(let remote, let frames):
      self.remote = remote
      try keep(frames)
      return nil
    case .frames(let count):
      try keep(span.bytes.extracting(0..<count).withUnsafeBytes { Array($0) })
      return nil
    }
  }

  private func keep(_ bytes: [UInt8]) throws(LinkFailure) {
    try Frame.forEach(in: bytes.span.bytes) { type, payload throws(LinkFailure) in
      frames.append([type] + payload.withUnsafeBytes { Array($0) })
      return true
    }
  }

  /// Seals frames into a message with its length.
  func say(_ frames: [UInt8]) throws(LinkFailure) -> [UInt8] {
    var draft =
      [UInt8](repeating: 0, count: channel.headroom) + frames + [UInt8](repeating: 0, count: SecureChannel.tagLength)
    var elements = draft.mutableSpan
    var span = elements.mutableBytes
    try channel.seal(&span)
    return draft
  }

  func rekeySealing() { channel.rekeySealing(at: LoopTime(nanoseconds: 1)) }
  func rekeyOpening() { channel.rekeyOpening() }
  func wantsRekey(at time: LoopTime) -> Bool { channel.wantsRekey(at: time) }

  /// Two ends that have proved to each other who they are; the dialler's third message brought `frames`.
  static func pair(frames: [UInt8] = []) throws(LinkFailure) -> (dialler: ChannelEnd, acceptor: ChannelEnd) {
    let dialler = ChannelEnd(.random(), isDialler: true)
    let acceptor = ChannelEnd(.random(), isDialler: false)
    let second = try acceptor.take(try dialler.first())
    try dialler.take(second ?? [])
    try acceptor.take(try dialler.say((dialler.greeting ?? []) + frames))
    return (dialler, acceptor)
  }
}

@Suite("The secure channel")
struct SecureChannelTests {
  @Test("both sides learn who the other is, where it listens, and how it sees them")
  func success() throws {
    let (alice, bob) = (Identity.random(), Identity.random())
    let dialler = ChannelEnd(alice, isDialler: true, expected: bob.nodeID)
    let acceptor = ChannelEnd(bob, isDialler: false)
    let second = try #require(try acceptor.take(try dialler.first()))
    #expect(try dialler.take(second) == nil)
    #expect(dialler.remote?.peer == Peer(id: bob.nodeID, endpoint: Endpoint(host: ChannelEnd.there.host, port: 7401)))
    let greeting = try #require(dialler.greeting)
    #expect(try acceptor.take(try dialler.say(greeting)) == nil)
    #expect(acceptor.remote?.peer == Peer(id: alice.nodeID, endpoint: Endpoint(host: ChannelEnd.here.host, port: 7401)))
    #expect(acceptor.remote?.publicKey == alice.publicKey && dialler.remote?.publicKey == bob.publicKey)
    #expect(dialler.seenAs == ChannelEnd.here && acceptor.seenAs == ChannelEnd.there)
  }

  @Test(
    "the dialler's first frames ride on the last message of the handshake: two round trips, the connection's included")
  func early() throws {
    let (dialler, acceptor) = try ChannelEnd.pair(frames: FrameTests.frame(0x40, [1]) + FrameTests.frame(0x41, [2]))
    #expect(acceptor.frames == [[0x40, 1], [0x41, 2]])
    try dialler.take(try acceptor.say(FrameTests.frame(0x42, [3])))
    try acceptor.take(try dialler.say(FrameTests.frame(0x43, [4])))
    #expect(dialler.frames == [[0x42, 3]] && acceptor.frames.last == [0x43, 4])
  }

  @Test("another node than the one dialled, ourselves, a twin, and another network are each told apart")
  func refusals() throws {
    let (alice, bob) = (Identity.random(), Identity.random())
    for (dialler, failure) in [
      (ChannelEnd(alice, isDialler: true, expected: alice.nodeID), LinkFailure.wrongIdentity),
      (ChannelEnd(bob, isDialler: true), .ourselves),
      (ChannelEnd(bob, isDialler: true, life: 2), .twin),
      (ChannelEnd(alice, network: "other", isDialler: true), .network),
      (ChannelEnd(alice, network: "", isDialler: true), .network),
    ] {
      let acceptor = ChannelEnd(bob, isDialler: false)
      let second = try #require(try acceptor.take(try dialler.first()))
      #expect(throws: failure) { try dialler.take(second) }
      #expect(dialler.remote == nil)
    }
  }

  @Test("with any bit of the handshake changed nobody is established")
  func bits() throws {
    let (alice, bob) = (Identity.random(), Identity.random())
    let lengths = try Self.handshake(alice, bob) { _, message in message }.map(\.count)
    #expect(lengths.count == 3)
    for (number, length) in lengths.enumerated() {
      for byte in 2..<length {
        #expect(throws: LinkFailure.self, "byte \(byte) of message \(number + 1)") {
          try Self.handshake(alice, bob) { place, message in
            guard place == number else { return message }
            var bent = message
            bent[byte] ^= 1 << UInt8(byte % 8)
            return bent
          }
        }
      }
    }
  }

  @Test("a message of the handshake cut short anywhere establishes nobody")
  func truncated() throws {
    let (alice, bob) = (Identity.random(), Identity.random())
    let lengths = try Self.handshake(alice, bob) { _, message in message }.map(\.count)
    for (number, length) in lengths.enumerated() {
      for count in 2..<length {
        #expect(throws: LinkFailure.self) {
          try Self.handshake(alice, bob) { $0 == number ? Array($1.prefix(count)) : $1 }
        }
      }
    }
  }

  /// A whole handshake through somebody who may change its messages; answers them.
  @discardableResult
  private static func handshake(
    _ alice: Identity, _ bob: Identity, _ meddle: (Int, [UInt8]) -> [UInt8]
  ) throws -> [[UInt8]] {
    let dialler = ChannelEnd(alice, isDialler: true)
    let acceptor = ChannelEnd(bob, isDialler: false)
    let first = meddle(0, try dialler.first())
    let second = meddle(1, try acceptor.take(first) ?? [0, 0])
    try dialler.take(second)
    let third = meddle(2, try dialler.say(dialler.greeting ?? []))
    try acceptor.take(third)
    #expect(dialler.remote?.publicKey == bob.publicKey && acceptor.remote?.publicKey == alice.publicKey)
    return [first, second, third]
  }

  @Test("the keys of a whole network do not help to be somebody: the static key must be the one that was told")
  func impersonation() throws {
    let (alice, bob, mallory) = (Identity.random(), Identity.random(), Identity.random())
    let acceptor = ChannelEnd(bob, isDialler: false)
    var noise = Handshake(
      .initiator, prologue: Array("chord-chat".utf8) + [1, 4] + Array("test".utf8),
      staticKey: KeyPair(ed25519Seed: mallory.seed), ephemeralSecret: Randomness.secret())
    let first = try noise.write()
    let second = try #require(try acceptor.take([0, 32] + first))
    _ = try noise.read(second.span.bytes.extracting(2..<second.count))
    let hello = Hello(
      publicKey: alice.publicKey, life: Array(repeating: 3, count: 16), listens: ChannelEnd.here, sees: ChannelEnd.there
    )
    let third = try noise.write(hello.frame)
    #expect(throws: LinkFailure.unproved) { try acceptor.take([0, UInt8(third.count)] + third) }
  }

  @Test("what is said afterwards can be neither changed, nor repeated, nor left out, nor reordered")
  func transport() throws {
    let frames = FrameTests.frame(0x43, Array(repeating: 7, count: 100))
    for attack in 0..<4 {
      let (dialler, acceptor) = try ChannelEnd.pair()
      let first = try dialler.say(frames)
      let second = try dialler.say(frames)
      #expect(first != second)
      switch attack {
      case 0:
        var bent = first
        bent[40] ^= 1
        #expect(throws: LinkFailure.forged) { try acceptor.take(bent) }
        try acceptor.take(first)  // what failed has changed nothing
      case 1:
        try acceptor.take(first)
        #expect(throws: LinkFailure.forged) { try acceptor.take(first) }
      case 2: #expect(throws: LinkFailure.forged) { try acceptor.take(second) }
      default: #expect(throws: LinkFailure.forged, "one's own words") { try dialler.take(first) }
      }
    }
  }

  @Test("a new key is used by both sides from the same message on, and by neither before")
  func rekey() throws {
    let (dialler, acceptor) = try ChannelEnd.pair()
    let before = try dialler.say(FrameTests.frame(0x43, [1]))
    dialler.rekeySealing()
    let after = try dialler.say(FrameTests.frame(0x43, [2]))
    try acceptor.take(before)
    #expect(throws: LinkFailure.forged) { try acceptor.take(after) }
    acceptor.rekeyOpening()
    try acceptor.take(after)
    try dialler.take(try acceptor.say(FrameTests.frame(0x43, [3])))
    #expect(acceptor.frames == [[0x43, 1], [0x43, 2]] && dialler.frames == [[0x43, 3]])
  }

  @Test("a key is renewed after its time, and after its volume")
  func rekeyLimits() throws {
    let (dialler, _) = try ChannelEnd.pair()
    let start = LoopTime(nanoseconds: 0)
    #expect(!dialler.wantsRekey(at: start + SecureChannel.timePerKey - .seconds(1)))
    #expect(dialler.wantsRekey(at: start + SecureChannel.timePerKey))
    dialler.rekeySealing()
    #expect(!dialler.wantsRekey(at: start + .seconds(1)))
    let text = [UInt8](repeating: 0, count: 65_000)
    for _ in 0..<(SecureChannel.bytesPerKey / 65_016) { _ = try dialler.say(text) }
    #expect(!dialler.wantsRekey(at: start + .seconds(1)))
    _ = try dialler.say(text)
    #expect(dialler.wantsRekey(at: start + .seconds(1)))
  }

  @Test("nothing that was said can be seen in the bytes that are sent")
  func hidden() throws {
    let (alice, bob) = (Identity.random(), Identity.random())
    let messages = try Self.handshake(alice, bob) { _, message in message }
    let stream = messages.flatMap { $0 }
    for secret in [alice.publicKey, bob.publicKey, KeyPair(ed25519Seed: alice.seed).publicKey] {
      let isThere = stream.indices.contains { stream[$0...].starts(with: secret) }
      #expect(!isThere)
    }
  }
}

@Suite("The handshake of docs/PROTOCOL.md")
struct HandshakeVectorTests {
  @Test("three messages, byte for byte")
  func vector() throws {
    func end(_ seed: UInt8, _ life: UInt8, _ ephemeral: UInt8, isDialler: Bool) throws -> ChannelEnd {
      let bytes = [UInt8](repeating: seed, count: 32)
      let identity = try #require(Identity(seed: bytes, salt: [UInt8](repeating: 0, count: 16)))
      return ChannelEnd(identity, isDialler: isDialler, life: life, ephemeral: ephemeral)
    }
    let dialler = try end(1, 0x11, 0xE1, isDialler: true)
    let acceptor = try end(4, 0x22, 0xE2, isDialler: false)
    let first = try dialler.first()
    let second = try #require(try acceptor.take(first))
    try dialler.take(second)
    let third = try dialler.say((dialler.greeting ?? []) + FrameTests.frame(0x04, []))
    try acceptor.take(third)
    let answer = try acceptor.say(FrameTests.frame(0x05, []))
    #expect(Self.hexadecimal(first) == "00204c2817a9d668ed844d2f95b93b69ecb8485095783a015a424164b0d09702894f")
    #expect(
      Self.hexadecimal(second)
        == "00a119d80204bf85f3e1118e1b23410c88f0d0eeced5156f4c5bdf347b14ed7ec63f89838e9c458ba48d16f6"
        + "dfd4b438b1f23a27a5da677dae65b48f2214c02b2d35fd012f6095cadbe02810e0ee89facb2a50b06b069a42"
        + "f734f8f49bcf5856b2b1fea0f190d0bba6a5ae311f98b975663281767bd0e9df1bf68ff464ef793eec4d29b0"
        + "a11d6455782e8c0084ccc0cc8e0ab973f2047ebd615f747bfce7ebdbac6039")
    #expect(
      Self.hexadecimal(third)
        == "008490fba856240ba31df764abd47dac6cc1e92a6f056f63a929f45b8dfb0061d4f46580750f4115f2d5406f"
        + "c3c229e99c6099c121dbbe2afa28f602976c84b8e5becd020c73befc7121e5cb7e09a48bbc0dba02855ae69b"
        + "f0eba15261ae5d175ba3ba11a37a3d543e3d772cb7692589661c69fde7b5000bc906c008063d6f3b90e846d6"
        + "67ae")
    #expect(Self.hexadecimal(answer) == "0013ecefe0a214246beea5086961e0b934bbd3873f")
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
