// The other end of a link, which says what a test tells it to say.

import Chat
import Chord
import Noise
import Testing
import UVRuntime

@testable import NodeKit

/// A connection that says what it is told to say. With an identity it shakes hands by itself, and from then on what it says is sealed;
/// without one it sends plain bytes.
final class RawPeer: TCPConnectionHandler {
  private(set) var connection: TCPConnection!
  private(set) var frames: [(type: UInt8, payload: [UInt8])] = []
  private(set) var isConnected = false
  private(set) var hasEnded = false
  private(set) var isClosed = false
  private(set) var remote: RemoteNode?
  private(set) var receivedBytes = 0
  private var reader = MessageReader()
  private var channel: SecureChannel?
  /// A handshake of its own making, and what its last message is to say.
  private var crafted: Handshake?
  private var payload: [UInt8] = []
  /// Whether the last message of the handshake is sent.
  var proves = true
  /// Whether it ends its own side when the other has ended theirs.
  var endsToo = true

  var isEstablished: Bool { remote != nil }
  /// Whether the other side has ended this connection, in whatever way.
  var isOver: Bool { hasEnded || isClosed }
  var goodbyes: [UInt8] { frames.filter { $0.type == 0x03 }.compactMap(\.payload.first) }

  init(on loop: EventLoop, to endpoint: Endpoint, _ identity: Identity?, network: String, listens: Bool) throws {
    if let identity {
      let port: UInt16 = listens ? 9 : 0
      channel = Self.channel(
        identity, network: network, isDialler: true, listens: Endpoint(host: .v4(0), port: port), address: endpoint)
    }
    connection = try TCPConnection(on: loop, to: endpoint.socketAddress, timeout: .seconds(5), handler: self)
  }

  /// Proves the static key of `identity` and says `payload` in the last message of the handshake.
  init(on loop: EventLoop, to endpoint: Endpoint, _ identity: Identity, network: String, payload: [UInt8]) throws {
    crafted = Handshake(
      .initiator, prologue: Array("chord-chat".utf8) + [1, UInt8(network.utf8.count)] + Array(network.utf8),
      staticKey: KeyPair(ed25519Seed: identity.seed), ephemeralSecret: Randomness.secret())
    self.payload = payload
    connection = try TCPConnection(on: loop, to: endpoint.socketAddress, timeout: .seconds(5), handler: self)
  }

  /// The other end of a connection that a node has dialled.
  init(accepted connection: TCPConnection, _ identity: Identity, network: String, listens: Endpoint) {
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
  func write(_ bytes: [UInt8]) {
    guard let headroom = channel?.headroom, isEstablished else { return connection.write(bytes) }
    var draft = [UInt8](repeating: 0, count: headroom) + bytes + [UInt8](repeating: 0, count: SecureChannel.tagLength)
    var elements = draft.mutableSpan
    var span = elements.mutableBytes
    do throws(LinkFailure) { try channel?.seal(&span) } catch { Issue.record("not sealed: \(error)") }
    connection.write(draft)
  }

  func write(_ type: UInt8, _ payload: [UInt8] = []) {
    write(FrameTests.frame(type, payload))
  }

  func write(_ message: Message) {
    write(Frame.encoded { message.encode(into: &$0) })
  }

  func connected(_ connection: TCPConnection) {
    isConnected = true
    do {
      if let first = try channel?.first() { connection.write(first) }
      if let first = try crafted?.write() { connection.write([0, UInt8(first.count)] + first) }
    } catch {
      Issue.record("no first message: \(error)")
    }
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    receivedBytes += bytes.byteCount
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
    case .answer(let answer)?: connection.write(answer)
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
      connection.write([UInt8(last.count >> 8), UInt8(last.count & 255)] + last)
    } catch {
      connection.close()
    }
  }

  private func keep(_ frames: RawSpan) throws(LinkFailure) {
    try Frame.forEach(in: frames) { type, payload throws(LinkFailure) in
      self.frames.append((type, payload.withUnsafeBytes { Array($0) }))
      return true
    }
  }

  func ended(_ connection: TCPConnection) {
    hasEnded = true
    if endsToo { connection.shutdown() }
  }

  func closed(_ connection: TCPConnection, error: UVError?) {
    isClosed = true
  }
}
