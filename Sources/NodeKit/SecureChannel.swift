// The channel of one connection: a handshake in which both sides prove their keys, and after it messages that nobody else can read,
// change, replay or reorder. Noise_XX_25519_ChaChaPoly_SHA256 (Sources/Noise); every message is preceded by its length (MessageReader).
//
//   dialler                                      acceptor
//      │  1  e ─────────────────────────────────────► │
//      │ ◄───────── e, ee, s, es · hello  2           │   the dialler knows who is there, and may talk
//      │  3  s, se · hello · frames ────────────────► │   both know, and both may
//      │ ◄──────── sealed frames, in both directions ─► │
//
// Neither side proves anything to a third: what was said can be denied. What both must agree on without saying it, the prologue, has
// the protocol's name and version and the network's name: nodes of two networks never link, and cannot tell why.
//
// Messages are sealed and opened where they lie. A draft of a message is   room for length (and, in message 3, for s) · frames · room
// for the tag.

import Chord
import Noise
import UVRuntime

/// One side of a secure channel.
package struct SecureChannel: ~Copyable {
  /// What a message that has come means.
  package enum Opened {
    /// Send this.
    case answer([UInt8])
    /// The other side is this node, and has said these frames already.
    case established(RemoteNode, frames: [UInt8])
    /// So many bytes of frames lie at the message's beginning.
    case frames(byteCount: Int)
  }

  /// What both sides know before they talk.
  package struct Party {
    var network: String
    var key: KeyPair
    var hello: Hello
    /// The address dialled, or the one the other comes from.
    var address: Endpoint
    /// Who was dialled, if that is known.
    var expected: Identifier?
    /// Keys are renewed after so many bytes.
    var bytesPerKey = SecureChannel.bytesPerKey

    package init(network: String, key: KeyPair, hello: Hello, address: Endpoint, expected: Identifier? = nil) {
      self.network = network
      self.key = key
      self.hello = hello
      self.address = address
      self.expected = expected
    }
  }

  private enum Turn {
    case expectsFirst, expectsSecond, expectsThird
    /// We have dialled, and message 3 leaves with our first frames.
    case owesThird
    case open
  }

  static let version: UInt8 = 1
  /// Message 3 may bring frames, but those of a stranger: few. Messages 1 and 2 are shorter.
  static let longestHandshakeMessage = 4_096
  package static let tagLength = CipherState.tagBytes
  private static let lengthLength = 2
  private static let keyLength = KeyPair.keyBytes
  /// The sealed static key of message 3.
  private static let sealedKeyLength = keyLength + tagLength
  /// Keys are renewed after so many bytes, and after so long: whoever gets hold of one reads no more than that of what was said before.
  static let bytesPerKey: UInt64 = 1 << 30
  static let timePerKey = Duration.seconds(600)
  /// The frame that announces it, last in its message.
  static let rekeyFrame: [UInt8] = [0, 1, 0x06]

  private let party: Party
  private var turn: Turn
  private var handshake: Handshake?
  private var transport: Transport?
  private var bytesSealed: UInt64 = 0
  private var keyMadeAt: LoopTime

  /// `ephemeralSecret` must be fresh.
  package init(isDialler: Bool, _ party: Party, ephemeralSecret: consuming Secret, at now: LoopTime) {
    self.party = party
    keyMadeAt = now
    turn = isDialler ? .expectsSecond : .expectsFirst
    handshake = Handshake(
      isDialler ? .initiator : .responder, prologue: Self.prologue(party.network), staticKey: party.key,
      ephemeralSecret: ephemeralSecret)
  }

  package static func prologue(_ network: String) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Array("chord-chat".utf8))
    writer.write(version)
    writer.writeShort(Array(network.utf8.prefix(255)))
    return writer.bytes
  }

  /// The address at which the other side sees us, once it has said so.
  private(set) var seenAs: Endpoint?
  /// What a dialler's first message after `established` must begin with; nil for others.
  package var greeting: [UInt8]? {
    if case .owesThird = turn { party.hello.frame } else { nil }
  }

  // MARK: What comes

  /// Whether the other side has proved who it is.
  var isEstablished: Bool {
    switch turn {
    case .owesThird, .open: true
    case .expectsFirst, .expectsSecond, .expectsThird: false
    }
  }

  /// How long the next message may be: whoever has not said who it is has nothing long to say.
  var longestMessage: Int {
    switch turn {
    case .expectsFirst: Self.keyLength
    case .expectsSecond: Self.keyLength + Self.sealedKeyLength + Hello.longestFrame + Self.tagLength
    case .expectsThird: Self.longestHandshakeMessage
    case .owesThird, .open: MessageReader.maximumLength
    }
  }

  /// The message with which a dialler begins, its length included.
  package mutating func first() throws(LinkFailure) -> [UInt8] {
    try Self.withLength(write([]))
  }

  /// Takes a message; opens it where it lies once the channel is open.
  package mutating func open(_ message: inout MutableRawSpan) throws(LinkFailure) -> Opened {
    switch turn {
    case .expectsFirst:
      guard message.byteCount == Self.keyLength else { throw .foreignProtocol }
      _ = try read(message.bytes, orElse: .foreignProtocol)
      turn = .expectsThird
      return .answer(Self.withLength(try write(party.hello.frame)))
    case .expectsSecond:
      let payload = try read(message.bytes, orElse: .network)
      let (remote, frames) = try sender(of: payload)
      guard frames.isEmpty else { throw .unexpected }
      turn = .owesThird
      return .established(remote, frames: [])
    case .expectsThird:
      let payload = try read(message.bytes, orElse: .unproved)
      let (remote, frames) = try sender(of: payload)
      try split()
      return .established(remote, frames: frames)
    case .owesThird:
      throw .unexpected  // the other side has nothing to say before it knows us
    case .open:
      do throws(NoiseError) {
        return .frames(byteCount: try transport?.receiving.open(&message) ?? 0)
      } catch {
        throw .forged
      }
    }
  }

  /// The other side uses a new key from the next message on.
  package mutating func rekeyOpening() {
    transport?.receiving.rekey()
  }

  private mutating func sender(of payload: [UInt8]) throws(LinkFailure) -> (RemoteNode, frames: [UInt8]) {
    var hello: Hello?
    try Frame.forEach(in: payload.span.bytes) { type, payload throws(LinkFailure) in
      guard type == Hello.type else { throw .unexpected }
      hello = try Hello(payload: payload)
      return false
    }
    guard let hello, let staticKey = handshake?.remoteStaticKey else { throw .malformed }
    let remote = try hello.sender(provedBy: staticKey, at: party.address, to: party.hello)
    if let expected = party.expected, remote.peer.id != expected { throw .wrongIdentity }
    seenAs = hello.sees
    return (remote, Array(payload[hello.frame.count...]))
  }

  // MARK: What goes

  /// Room before the frames of the next message.
  package var headroom: Int {
    if case .owesThird = turn { Self.lengthLength + Self.sealedKeyLength } else { Self.lengthLength }
  }

  /// How long a draft may be, its headroom included; room is left for the announcement of a new key.
  var longestDraft: Int {
    let longest: Int
    if case .owesThird = turn { longest = Self.longestHandshakeMessage } else { longest = MessageReader.maximumLength }
    return Self.lengthLength + longest - Self.tagLength - Self.rekeyFrame.count
  }

  /// Whether the next message should announce a new key.
  func wantsRekey(at now: LoopTime) -> Bool {
    guard case .open = turn else { return false }
    return bytesSealed >= party.bytesPerKey || now - keyMadeAt >= Self.timePerKey
  }

  /// Makes a message of a draft: headroom, frames, and `tagLength` bytes of room.
  package mutating func seal(_ draft: inout MutableRawSpan) throws(LinkFailure) {
    let length = draft.byteCount - Self.lengthLength
    precondition(isEstablished && length <= MessageReader.maximumLength, "a draft that fits, to one we know")
    if case .owesThird = turn { try sealThird(&draft) } else { try sealFrames(&draft) }
    draft.storeBytes(of: UInt8(length >> 8), toByteOffset: 0, as: UInt8.self)
    draft.storeBytes(of: UInt8(length & 255), toByteOffset: 1, as: UInt8.self)
    bytesSealed += UInt64(length)
  }

  /// The last message has announced a new key.
  package mutating func rekeySealing(at now: LoopTime) {
    transport?.sending.rekey()
    bytesSealed = 0
    keyMadeAt = now
  }

  private mutating func sealFrames(_ draft: inout MutableRawSpan) throws(LinkFailure) {
    let range = Self.lengthLength..<draft.byteCount
    do throws(NoiseError) {
      try draft.withPart(range) { part throws(NoiseError) in try transport?.sending.seal(&part) }
    } catch {
      throw .lost  // all numbers of a key used up, which takes longer than a key lives
    }
  }

  private mutating func sealThird(_ draft: inout MutableRawSpan) throws(LinkFailure) {
    let payload = draft.bytes.extracting(headroom..<(draft.byteCount - Self.tagLength)).withUnsafeBytes { Array($0) }
    let message = try write(payload)
    draft.withPart(Self.lengthLength..<draft.byteCount) { part in
      precondition(part.byteCount == message.count, "message 3 is as long as its draft")
      for (offset, byte) in message.enumerated() { part.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self) }
    }
    try split()
  }

  // MARK: The handshake

  private mutating func write(_ payload: [UInt8]) throws(LinkFailure) -> [UInt8] {
    do throws(NoiseError) {
      return try handshake?.write(payload) ?? []
    } catch {
      throw .unproved
    }
  }

  private mutating func read(_ message: RawSpan, orElse failure: LinkFailure) throws(LinkFailure) -> [UInt8] {
    do throws(NoiseError) {
      return try handshake?.read(message) ?? []
    } catch {
      throw failure
    }
  }

  private mutating func split() throws(LinkFailure) {
    do throws(NoiseError) {
      transport = try handshake?.split()
      handshake = nil
      turn = .open
    } catch {
      throw .unproved
    }
  }

  private static func withLength(_ message: [UInt8]) -> [UInt8] {
    [UInt8(message.count >> 8), UInt8(message.count & 255)] + message
  }
}
