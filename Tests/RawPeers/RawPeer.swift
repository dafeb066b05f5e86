// The other end of a link, which says what somebody tells it to say: for tests of single nodes, and for attacks on real ones.

import Chat
import Chord
import NodeKit
import Noise
import UVRuntime

/// A connection that says what it is told to say. With an identity it shakes hands by itself, and from then on what it says is sealed;
/// without one it sends plain bytes.
package final class RawPeer: TCPConnectionHandler {
  package private(set) var connection: TCPConnection!
  package private(set) var frames: [(type: UInt8, payload: [UInt8])] = []
  package private(set) var isConnected = false
  package private(set) var hasEnded = false
  package private(set) var isClosed = false
  package private(set) var remote: RemoteNode?
  private var reader = MessageReader()
  private var channel: SecureChannel?
  /// A handshake of its own making, and what its last message is to say.
  private var crafted: Handshake?
  private var payload: [UInt8] = []
  /// Whether the last message of the handshake is sent.
  package var proves = true
  /// Changes what leaves of its handshake: which message (0 or 1) of its own, and its bytes with their length.
  package var meddle: (Int, [UInt8]) -> [UInt8] = { $1 }
  private var handshakes = 0
  /// The last message that was sealed, to be sent once more.
  package private(set) var lastSealed: [UInt8] = []
  package private(set) var sentBytes = 0
  /// Hears what the ring says to it.
  package var onMessage: ((RawPeer, Message) -> Void)?
  /// Whether it answers when it is asked whether its link lives, as every node does.
  package var answersPings = false
  /// Whether it ends its own side when the other has ended theirs.
  package var endsToo = true

  package var isEstablished: Bool { remote != nil }
  /// Whether the other side has ended this connection, in whatever way.
  package var isOver: Bool { hasEnded || isClosed }
  package var goodbyes: [UInt8] { frames.filter { $0.type == 0x03 }.compactMap(\.payload.first) }

  /// `host` and `port`: where it says that it listens. `sees`: where it says that it sees the other, if it lies.
  package init(
    on loop: EventLoop, to endpoint: Endpoint, _ identity: Identity?, network: String, listens: Bool, port: UInt16 = 9,
    host: Endpoint.Host = .v4(0), sees: Endpoint? = nil
  ) throws {
    if let identity {
      let port: UInt16 = listens ? port : 0
      channel = Self.channel(
        identity, network: network, isDialler: true, listens: Endpoint(host: host, port: port),
        address: sees ?? endpoint)
    }
    connection = try TCPConnection(on: loop, to: endpoint.socketAddress, timeout: .seconds(5), handler: self)
  }

  /// Proves the static key of `identity` and says `payload` in the last message of the handshake.
  package init(on loop: EventLoop, to endpoint: Endpoint, _ identity: Identity, network: String, payload: [UInt8])
    throws
  {
    crafted = Handshake(
      .initiator, prologue: SecureChannel.prologue(network),
      staticKey: KeyPair(ed25519Seed: identity.seed), ephemeralSecret: Randomness.secret())
    self.payload = payload
    connection = try TCPConnection(on: loop, to: endpoint.socketAddress, timeout: .seconds(5), handler: self)
  }

  /// The other end of a connection that a node has dialled.
  package init(accepted connection: TCPConnection, _ identity: Identity, network: String, listens: Endpoint) {
    channel = Self.channel(
      identity, network: network, isDialler: false, listens: listens,
      address: connection.remoteAddress.map { Endpoint($0) } ?? listens)
    self.connection = connection
    connection.handler = self
  }

  private static func channel(
    _ identity: Identity, network: String, isDialler: Bool, listens: Endpoint, address: Endpoint
  ) -> SecureChannel {
    let hello = Hello(
      publicKey: identity.publicKey, life: Randomness.bytes(Hello.lifeLength), listens: listens, sees: address)
    let party = SecureChannel.Party(
      network: network, key: KeyPair(ed25519Seed: identity.seed), hello: hello, address: address)
    return SecureChannel(isDialler: isDialler, party, ephemeralSecret: Randomness.secret(), at: .current)
  }

  /// Sends bytes: as one sealed message once a channel stands, otherwise as they are.
  package func write(_ bytes: [UInt8]) {
    guard let headroom = channel?.headroom, isEstablished else { return writeRaw(bytes) }
    let isGreeting = channel?.greeting != nil
    var draft = [UInt8](repeating: 0, count: headroom) + bytes + [UInt8](repeating: 0, count: SecureChannel.tagLength)
    var elements = draft.mutableSpan
    var span = elements.mutableBytes
    do throws(LinkFailure) { try channel?.seal(&span) } catch { preconditionFailure("not sealed: \(error)") }
    lastSealed = draft
    writeRaw(isGreeting ? shake(draft) : draft)
  }

  /// Sends bytes as they are.
  package func writeRaw(_ bytes: [UInt8]) {
    sentBytes += bytes.count
    connection.write(bytes)
  }

  private func shake(_ message: [UInt8]) -> [UInt8] {
    defer { handshakes += 1 }
    return meddle(handshakes, message)
  }

  package func write(_ type: UInt8, _ payload: [UInt8] = []) {
    write(
      Frame.encoded { writer in
        writer.write(type)
        writer.write(payload)
      })
  }

  /// Announces a new key, and uses it from then on.
  package func renewKey() {
    write(0x06)
    channel?.rekeySealing(at: .current)
  }

  package func write(_ message: Message) {
    write(Frame.encoded { message.encode(into: &$0) })
  }

  package func connected(_ connection: TCPConnection) {
    isConnected = true
    do {
      if let first = try channel?.first() { writeRaw(shake(first)) }
      if let first = try crafted?.write() { writeRaw(shake([0, UInt8(first.count)] + first)) }
    } catch {
      preconditionFailure("no first message: \(error)")
    }
  }

  package func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    do {
      try reader.read(&bytes, limit: { MessageReader.maximumLength }) { message throws(LinkFailure) in
        try take(&message)
        return true
      }
    } catch {
      connection.close()  // as a node does that cannot make sense of the other
    }
  }

  private func take(_ message: inout MutableRawSpan) throws(LinkFailure) {
    guard channel != nil else { return answer(message.bytes) }
    switch try channel?.open(&message) {
    case .answer(let answer)?: writeRaw(shake(answer))
    case .established(let remote, let frames)?:
      self.remote = remote
      if proves, let greeting = channel?.greeting { write(greeting) }
      try keep(frames.span.bytes)
    case .frames(let count)?: try keep(message.bytes.extracting(0..<count))
    case nil: break
    }
  }

  /// The last message of a handshake of its own making.
  private func answer(_ message: RawSpan) {
    do {
      _ = try crafted?.read(message)
      guard let last = try crafted?.write(payload) else { return }
      writeRaw(shake([UInt8(last.count >> 8), UInt8(last.count & 255)] + last))
    } catch {
      connection.close()
    }
  }

  private func keep(_ frames: RawSpan) throws(LinkFailure) {
    try Frame.forEach(in: frames) { type, payload throws(LinkFailure) in
      self.frames.append((type, payload.withUnsafeBytes { Array($0) }))
      if type == 0x04, answersPings { write(0x05) }
      if let onMessage, Message.types.contains(type), let message = try? Message(type: type, payload: payload) {
        onMessage(self, message)
      }
      return true
    }
  }

  package func ended(_ connection: TCPConnection) {
    hasEnded = true
    if endsToo { connection.shutdown() }
  }

  package func closed(_ connection: TCPConnection, error: UVError?) {
    isClosed = true
  }
}
