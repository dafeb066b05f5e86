// What others have computed, message by message, with each side played by us.

import Foundation
import Noise
import Processes
import Testing

/// One whole conversation, as files of vectors have it. Two ways of naming the fields are in use.
struct Vector: Sendable, CustomTestStringConvertible {
  struct Message {
    let payload: [UInt8]
    let ciphertext: [UInt8]
  }

  struct Side {
    let prologue: [UInt8]
    let staticSecret: [UInt8]
    let ephemeralSecret: [UInt8]
  }

  static let protocolName = "Noise_XX_25519_ChaChaPoly_SHA256"

  let testDescription: String
  let initiator: Side
  let responder: Side
  let handshakeHash: [UInt8]
  let messages: [Message]

  init?(_ json: JSON, named name: String) {
    func bytes(_ names: String...) -> [UInt8]? {
      names.lazy.compactMap { json[$0]?.string }.first.flatMap(Hexadecimal.bytes)
    }
    guard
      let prologues = (bytes("prologue", "init_prologue"), bytes("prologue", "resp_prologue")) as? ([UInt8], [UInt8]),
      let initiatorStatic = bytes("initiator_static", "init_static"),
      let initiatorEphemeral = bytes("initiator_ephemeral", "init_ephemeral"),
      let responderStatic = bytes("responder_static", "resp_static"),
      let responderEphemeral = bytes("responder_ephemeral", "resp_ephemeral"),
      let handshakeHash = bytes("handshake_hash"), let list = json["messages"]?.array
    else { return nil }
    let messages = list.compactMap { message -> Message? in
      guard let payload = message["payload"]?.string.flatMap(Hexadecimal.bytes),
        let ciphertext = message["ciphertext"]?.string.flatMap(Hexadecimal.bytes)
      else { return nil }
      return Message(payload: payload, ciphertext: ciphertext)
    }
    guard messages.count == list.count, messages.count > 3 else { return nil }
    testDescription = name
    initiator = Side(prologue: prologues.0, staticSecret: initiatorStatic, ephemeralSecret: initiatorEphemeral)
    responder = Side(prologue: prologues.1, staticSecret: responderStatic, ephemeralSecret: responderEphemeral)
    self.handshakeHash = handshakeHash
    self.messages = messages
  }

  /// Those of our protocol in a file; nil if one of them cannot be read.
  static func all(in file: URL) throws -> [Vector]? {
    let json = try JSON(parsing: Data(contentsOf: file))
    let ours = (json["vectors"]?.array ?? []).filter { $0["protocol_name"]?.string == protocolName }
    let vectors = ours.enumerated().compactMap { Vector($0.element, named: "vector \($0.offset + 1)") }
    return vectors.count == ours.count && !vectors.isEmpty ? vectors : nil
  }

  /// Plays one side against the vector: writes what it must write, reads what the other side has written.
  func play(_ role: Handshake.Role) throws {
    let (own, other) = role == .initiator ? (initiator, responder) : (responder, initiator)
    var handshake = Handshake(
      role, prologue: own.prologue, staticKey: KeyPair(secret: Secret(own.staticSecret)),
      ephemeralSecret: Secret(own.ephemeralSecret))
    for (number, message) in messages[..<3].enumerated() {
      if number.isMultiple(of: 2) == (role == .initiator) {
        let written = try handshake.write(message.payload)
        #expect(written == message.ciphertext, "message \(number)")
      } else {
        let read = try handshake.read(message.ciphertext)
        #expect(read == message.payload, "message \(number)")
      }
    }
    var transport = try handshake.split()
    #expect(transport.handshakeHash == handshakeHash)
    #expect(transport.remoteStaticKey == KeyPair(secret: Secret(other.staticSecret)).publicKey)
    try exchange(&transport, role)
  }

  private func exchange(_ transport: inout Transport, _ role: Handshake.Role) throws {
    for (number, message) in messages.enumerated().dropFirst(3) {
      if isSentByInitiator(number) == (role == .initiator) {
        let sealed = try transport.sending.sealed(message.payload)
        #expect(sealed == message.ciphertext, "message \(number)")
      } else {
        let opened = try transport.receiving.opened(message.ciphertext)
        #expect(opened == message.payload, "message \(number)")
      }
    }
  }

  /// The two take turns, as before.
  private func isSentByInitiator(_ number: Int) -> Bool { number.isMultiple(of: 2) }
}

@Suite("Vectors") struct VectorTests {
  /// Where published vectors lie, if anywhere.
  static let publishedFile = ProcessInfo.processInfo.environment["NOISE_VECTORS"]

  @Test(
    "an independent implementation with the same keys says the same", arguments: [Handshake.Role.initiator, .responder])
  func independent(role: Handshake.Role) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Vectors/noise_xx_vectors.json")
    let vectors = try #require(try Vector.all(in: file))
    #expect(vectors.count == 2)
    for vector in vectors { try vector.play(role) }
  }

  @Test(
    "the published vectors hold", .enabled(if: publishedFile != nil, "no file of vectors is named in NOISE_VECTORS"),
    arguments: [Handshake.Role.initiator, .responder])
  func published(role: Handshake.Role) throws {
    let file = URL(fileURLWithPath: try #require(Self.publishedFile))
    for vector in try #require(try Vector.all(in: file)) { try vector.play(role) }
  }
}
