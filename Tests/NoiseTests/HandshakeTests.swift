// How a handshake goes well, and the order it insists on.

import Noise
import Testing

@Suite("The handshake") struct HandshakeTests {
  @Test(
    "both sides end up with each other's keys and the same channel, with and without a prologue and payloads",
    arguments: [[], Array("chord-chat".utf8), [UInt8](repeating: 7, count: 1000)] as [[UInt8]],
    [[[], [], []], [[1], [2, 3], [4, 5, 6]], [[], [0], []]] as [[[UInt8]]])
  func both(prologue: [UInt8], payloads: [[UInt8]]) throws {
    var both = Both(prologues: (prologue, prologue))
    for (number, payload) in payloads.enumerated() {
      let message = try both.write(number, payload: payload)
      #expect(message.count == [32, 96, 64][number] + payload.count)
      let read = try both.read(number, message)
      #expect(read == payload)
    }
    let areComplete = [both.initiator.isComplete, both.responder.isComplete]
    #expect(areComplete == [true, true])
    var ends = try both.split()
    #expect(ends.initiator.handshakeHash == ends.responder.handshakeHash)
    #expect(ends.initiator.remoteStaticKey == Both.bob.publicKey)
    #expect(ends.responder.remoteStaticKey == Both.alice.publicKey)
    for text in [[], [1], [UInt8](repeating: 9, count: 65_519)] as [[UInt8]] {
      let there = try ends.initiator.sending.sealed(text)
      let arrived = try ends.responder.receiving.opened(there)
      #expect(arrived == text)
      let back = try ends.responder.sending.sealed(text)
      let returned = try ends.initiator.receiving.opened(back)
      #expect(returned == text)
      #expect(there != back, "each direction has its own key")
    }
  }

  @Test("the other's static key is known when it is proved, to the initiator before it says its own")
  func remoteStaticKey() throws {
    var both = Both()
    for number in 0..<3 {
      let keys = [both.initiator.remoteStaticKey, both.responder.remoteStaticKey]
      #expect(keys == [number < 2 ? nil : Both.bob.publicKey, nil])
      let message = try both.write(number)
      _ = try both.read(number, message)
    }
    let key = both.responder.remoteStaticKey
    #expect(key == Both.alice.publicKey)
  }

  @Test("a channel has another hash when anything was another: a prologue, a payload, a key")
  func hashes() throws {
    func hash(prologue: [UInt8] = [], payload: [UInt8] = [], ephemeral: UInt8 = 0x1E) throws -> [UInt8] {
      var both = Both(prologues: (prologue, prologue))
      both.initiator = Handshake(
        .initiator, prologue: prologue, staticKey: Both.alice, ephemeralSecret: Secret(ephemeral))
      for number in 0..<3 {
        let message = try both.write(number, payload: number == 2 ? payload : [])
        _ = try both.read(number, message)
      }
      return try both.split().initiator.handshakeHash
    }
    let hashes = try [hash(), hash(prologue: [0]), hash(payload: [0]), hash(ephemeral: 0x1F)]
    #expect(Set(hashes).count == hashes.count)
    #expect(try hash() == hashes[0])
  }

  @Test("the longest message goes through, one byte more is refused before it is sent", arguments: 0..<3)
  func longest(number: Int) throws {
    let room = 65_535 - [32, 96, 64][number]
    let payload = [UInt8](repeating: 0x55, count: room)
    var both = Both()
    let message = try both.message(number, payload: payload)
    #expect(message.count == 65_535)
    let read = try both.read(number, message)
    #expect(read == payload)

    var other = Both()
    #expect(throws: NoiseError.oversized) { _ = try other.message(number, payload: payload + [0]) }
    #expect(throws: NoiseError.ended) { _ = try other.write(number) }
  }

  // MARK: Order

  /// What can be called.
  enum Call: CaseIterable {
    case initiatorWrites, initiatorReads, responderWrites, responderReads

    /// When it is the turn of this call: how many messages have passed.
    var turns: [Int] {
      switch self {
      case .initiatorWrites, .responderReads: [0, 2]
      case .initiatorReads, .responderWrites: [1]
      }
    }

    func run(_ both: inout Both, _ message: [UInt8]) throws {
      switch self {
      case .initiatorWrites: _ = try both.initiator.write()
      case .initiatorReads: _ = try both.initiator.read(message)
      case .responderWrites: _ = try both.responder.write()
      case .responderReads: _ = try both.responder.read(message)
      }
    }
  }

  /// Every call with every number of messages that may have passed when it is not its turn.
  private static let outOfTurn = Call.allCases.flatMap { call in
    (0...3).filter { !call.turns.contains($0) }.map { (call, $0) }
  }

  @Test("what comes out of turn ends the handshake on that side", arguments: outOfTurn)
  func order(call: Call, passed: Int) throws {
    var both = Both()
    var messages: [[UInt8]] = []
    for number in 0..<passed {
      messages.append(try both.write(number))
      _ = try both.read(number, messages[number])
    }
    let again = messages.last ?? [UInt8](repeating: 9, count: 32)
    #expect(throws: NoiseError.outOfTurn) { try call.run(&both, again) }
    #expect(throws: NoiseError.ended) { try call.run(&both, again) }
    switch call {
    case .initiatorWrites, .initiatorReads:
      #expect(throws: NoiseError.ended) { _ = try both.initiator.write() }
      #expect(throws: NoiseError.ended) { _ = try both.initiator.read(again) }
      let remains = both.initiator.isComplete || both.initiator.remoteStaticKey != nil
      #expect(!remains)
    case .responderWrites, .responderReads:
      #expect(throws: NoiseError.ended) { _ = try both.responder.write() }
      #expect(throws: NoiseError.ended) { _ = try both.responder.read(again) }
      let remains = both.responder.isComplete || both.responder.remoteStaticKey != nil
      #expect(!remains)
    }
  }

  @Test("a handshake that is not complete leaves no channel, and one that is leaves one only")
  func early() throws {
    for passed in 0..<3 {
      var both = Both()
      if passed > 0 {
        let message = try both.message(passed - 1)
        _ = try both.read(passed - 1, message)
      }
      #expect(throws: NoiseError.outOfTurn) { _ = try both.initiator.split() }
      #expect(throws: NoiseError.outOfTurn) { _ = try both.responder.split() }
      #expect(throws: NoiseError.ended) { _ = try both.initiator.split() }
    }
    var both = Both()
    let last = try both.message(2)
    _ = try both.read(2, last)
    _ = try both.split()
    #expect(throws: NoiseError.ended) { _ = try both.initiator.split() }
    #expect(throws: NoiseError.ended) { _ = try both.responder.write() }
  }
}
