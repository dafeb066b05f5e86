// What a peer, or somebody in between, can do to a handshake: nothing but end it.

import CSodium
import Testing

@testable import Noise

@Suite("A handshake among enemies") struct HostileHandshakeTests {
  private static let payload: [UInt8] = [0xCA, 0xFE, 0x00]

  @Test("a bit that is flipped anywhere in a message ends the handshake", arguments: 0..<3)
  func flips(number: Int) throws {
    var sample = Both()
    let length = try sample.message(number, payload: Self.payload).count
    for bit in 0..<(length * 8) {
      var both = Both()
      var message = try both.message(number, payload: Self.payload)
      message[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: NoiseError.forged, "bit \(bit)") {
        _ = try both.read(number, message)
        // The first message is in the clear: it is the second that cannot be opened then.
        if number == 0 {
          let answer = try both.write(1)
          _ = try both.read(1, answer)
        }
      }
      if number == 2 {
        #expect(throws: NoiseError.ended, "bit \(bit)") { _ = try both.responder.split() }
      } else {
        #expect(throws: NoiseError.ended, "bit \(bit)") { _ = try both.initiator.write() }
      }
    }
  }

  @Test("a message that is cut short anywhere, or goes on, ends the handshake", arguments: 0..<3)
  func cuts(number: Int) throws {
    let whole = [32, 96, 64][number]
    for length in 0...(whole + Self.payload.count + 1) where length != whole + Self.payload.count {
      var both = Both()
      let message = try both.message(number, payload: Self.payload) + [0]
      var error: NoiseError?
      do throws(NoiseError) {
        _ = try both.read(number, Array(message[..<length]))
        if number == 0 {
          let answer = try both.write(1)
          _ = try both.read(1, answer)
        }
      } catch let caught {
        error = caught
      }
      #expect(error == (length < whole ? .truncated : .forged), "\(length) bytes")
      if number != 0 || length < whole {
        #expect(throws: NoiseError.ended, "\(length) bytes") { _ = try both.read(number, message) }
      }
    }
  }

  @Test("a message longer than Noise allows is not even looked at", arguments: 0..<3)
  func oversized(number: Int) throws {
    var both = Both()
    let message = try both.message(number)
    #expect(throws: NoiseError.oversized) {
      _ = try both.read(number, message + [UInt8](repeating: 0, count: 65_536 - message.count))
    }
    #expect(throws: NoiseError.ended) { _ = try both.read(number, message) }
  }

  @Test("who has another prologue is not understood")
  func prologues() throws {
    for prologues in [([], [0]), ([0], []), ([1, 2], [1, 3]), ([1], [1, 0])] as [([UInt8], [UInt8])] {
      var both = Both(prologues: prologues)
      let first = try both.message(0)
      _ = try both.read(0, first)
      let second = try both.write(1)
      #expect(throws: NoiseError.forged) { _ = try both.read(1, second) }
    }
  }

  @Test("a message of another handshake is refused, though the keys are the same", arguments: 1..<3)
  func replayed(number: Int) throws {
    var earlier = Both()
    let recorded = try earlier.message(number)
    var both = Both()
    both.initiator = Handshake(.initiator, prologue: [], staticKey: Both.alice, ephemeralSecret: Secret(0x77))
    _ = try both.message(number)
    #expect(throws: NoiseError.forged) { _ = try both.read(number, recorded) }
  }

  // MARK: Keys of small order

  /// All points whose multiples by a clamped secret are zero, and other ways of writing them (cr.yp.to/ecdh.html, "validate").
  static let weakKeys: [[UInt8]] = {
    let low = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ].compactMap(Hexadecimal.bytes)
    return low + low.map { $0[..<31] + [$0[31] | 0x80] }
  }()

  @Test("an ephemeral key of small order is refused by the responder", arguments: weakKeys)
  func weakFromInitiator(key: [UInt8]) throws {
    var both = Both()
    _ = try both.read(0, key)
    #expect(throws: NoiseError.weakKey) { _ = try both.write(1) }
    #expect(throws: NoiseError.ended) { _ = try both.write(1) }
  }

  @Test("an ephemeral key of small order is refused by the initiator", arguments: weakKeys)
  func weakFromResponder(key: [UInt8]) throws {
    var both = Both()
    let second = try both.message(1)
    #expect(throws: NoiseError.weakKey) { _ = try both.read(1, key + second[32...]) }
    #expect(throws: NoiseError.ended) { _ = try both.initiator.write() }
  }

  /// With such a static key everybody could prove it: what follows from it is known beforehand.
  @Test("a responder with a static key of small order is refused", arguments: weakKeys)
  func weakResponder(key: [UInt8]) throws {
    var both = Both()
    let first = try both.message(0)
    let ephemeralKey = KeyPair(secret: Secret(0x66))
    var forger = SymmetricState(protocolName: Handshake.protocolName)
    for heard in [[], first, [], ephemeralKey.publicKey] as [[UInt8]] { forger.mixHash(heard) }
    forger.mixKey(try ephemeralKey.sharedSecret(with: first))
    var message = try ephemeralKey.publicKey + forger.seal(key)
    forger.mixKey(Secret(byteCount: 32))
    message += try forger.seal([])
    #expect(throws: NoiseError.weakKey) { _ = try both.read(1, message) }
    let known = both.initiator.remoteStaticKey
    #expect(known == nil)
  }

  @Test("an initiator with a static key of small order is refused", arguments: weakKeys)
  func weakInitiator(key: [UInt8]) throws {
    // The forger is an honest initiator up to its last message.
    let ephemeralKey = KeyPair(secret: Secret(0x66))
    var forger = SymmetricState(protocolName: Handshake.protocolName)
    for said in [[], ephemeralKey.publicKey, []] as [[UInt8]] { forger.mixHash(said) }
    var both = Both()
    _ = try both.read(0, ephemeralKey.publicKey)
    let second = try both.write(1)
    let remote = Array(second[..<32])
    forger.mixHash(remote)
    forger.mixKey(try ephemeralKey.sharedSecret(with: remote))
    let remoteStatic = try forger.open(second.span.bytes.extracting(32..<80))
    forger.mixKey(try ephemeralKey.sharedSecret(with: remoteStatic))
    _ = try forger.open(second.span.bytes.extracting(80..<96))
    var message = try forger.seal(key)
    forger.mixKey(Secret(byteCount: 32))
    message += try forger.seal([])
    #expect(throws: NoiseError.weakKey) { _ = try both.read(2, message) }
    #expect(throws: NoiseError.ended) { _ = try both.responder.split() }
  }
}
