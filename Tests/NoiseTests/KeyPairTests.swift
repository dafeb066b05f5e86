// Key pairs and derived keys, against the numbers of their RFCs; and the way from keys that sign to keys that agree.

import CSodium
import Testing

@testable import Noise

extension Secret {
  /// A copy in an array, where a test can compare it.
  var array: [UInt8] { withBytes { Array(UnsafeBufferPointer(start: $0, count: byteCount)) } }
}

@Suite("Keys") struct KeyPairTests {
  private func bytes(_ text: String) throws -> [UInt8] { try #require(Hexadecimal.bytes(text)) }

  @Test("a key agreement is that of RFC 7748 (5.2)")
  func agreement() throws {
    let pair = KeyPair(secret: Secret(try bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")))
    let shared = try pair.sharedSecret(
      with: bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
    #expect(Hexadecimal.text(shared.array) == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
  }

  @Test("two agree, a third does not")
  func two() throws {
    let carol = KeyPair(secret: Secret(0xCA))
    let (one, other) = (
      try Both.alice.sharedSecret(with: Both.bob.publicKey).array,
      try Both.bob.sharedSecret(with: Both.alice.publicKey).array
    )
    #expect(one == other)
    #expect(try carol.sharedSecret(with: Both.bob.publicKey).array != one)
  }

  @Test("derived keys are those of RFC 5869 (A.3)")
  func derivation() throws {
    let keys = DerivedKeys(chainingKey: Secret(byteCount: 32), input: Secret([UInt8](repeating: 0x0B, count: 22)))
    let text = Hexadecimal.text(keys.first.array + keys.second.array)
    #expect(text.hasPrefix("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
  }

  @Test("a pair that is printed or dumped shows its public half only")
  func printed() {
    let pair = KeyPair(secret: Secret(0x5E))
    var text = "\(pair)"
    dump(pair, to: &text)
    #expect(text.contains("publicKey"))
    #expect(!text.contains("94"), "0x5E")
    #expect(Mirror(reflecting: pair).children.map(\.label) == ["publicKey"])
  }

  // MARK: From keys that sign

  /// The Ed25519 public key of a seed.
  private func signingKey(_ seed: [UInt8]) -> [UInt8] {
    var publicKey = [UInt8](repeating: 0, count: 32)
    var secretKey = [UInt8](repeating: 0, count: 64)
    crypto_sign_seed_keypair(&publicKey, &secretKey, seed)
    return publicKey
  }

  @Test("the channel key of a known seed is this one, from either half")
  func convertedVector() throws {
    let seed = [UInt8](repeating: 1, count: 32)
    let expected = "1b1b58dd50ea14b60da17b790cd02754d970c9bab864ebb3c0f3016fe51d3f57"
    #expect(Hexadecimal.text(KeyPair(ed25519Seed: seed).publicKey) == expected)
    #expect(Hexadecimal.text(try KeyPair.publicKey(ofEd25519: signingKey(seed))) == expected)
  }

  @Test("the public half converts to the same key as the secret half, whatever its sign bit")
  func converted() throws {
    var signs: Set<UInt8> = []
    for number in UInt8(0)..<32 {
      let seed = [UInt8](repeating: number, count: 32)
      let publicKey = signingKey(seed)
      signs.insert(publicKey[31] & 0x80)
      #expect(try KeyPair.publicKey(ofEd25519: publicKey) == KeyPair(ed25519Seed: seed).publicKey)
    }
    #expect(signs.count == 2)
  }

  @Test("two keys that differ in the sign bit have one channel key, as the header warns")
  func signBit() throws {
    let publicKey = signingKey([UInt8](repeating: 1, count: 32))
    let other = publicKey[..<31] + [publicKey[31] ^ 0x80]
    #expect(try KeyPair.publicKey(ofEd25519: Array(other)) == KeyPair.publicKey(ofEd25519: publicKey))
  }

  @Test("what is no key of the main group is refused")
  func refused() {
    let one: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)
    let minusOne: [UInt8] = [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
    let zero = [UInt8](repeating: 0, count: 32)  // of order 4
    let nowhere: [UInt8] = [2] + [UInt8](repeating: 0, count: 31)  // y = 2 is not on the curve
    let unreduced: [UInt8] = [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
    for key in [one, minusOne, zero, nowhere, unreduced, [], Array(one.dropLast()), one + [0]] {
      #expect(throws: NoiseError.invalidKey, "\(Hexadecimal.text(key))") {
        try KeyPair.publicKey(ofEd25519: key)
      }
    }
  }

  @Test("an identity's keys shake hands, and each side recognises the other by its Ed25519 key")
  func identities() throws {
    let seeds = [[UInt8](repeating: 3, count: 32), [UInt8](repeating: 4, count: 32)]
    var both = Both()
    both.initiator = Handshake(
      .initiator, prologue: [], staticKey: KeyPair(ed25519Seed: seeds[0]), ephemeralSecret: Secret(0x1E))
    both.responder = Handshake(
      .responder, prologue: [], staticKey: KeyPair(ed25519Seed: seeds[1]), ephemeralSecret: Secret(0x2E))
    let last = try both.message(2)
    _ = try both.read(2, last)
    let ends = try both.split()
    #expect(try ends.initiator.remoteStaticKey == KeyPair.publicKey(ofEd25519: signingKey(seeds[1])))
    #expect(try ends.responder.remoteStaticKey == KeyPair.publicKey(ofEd25519: signingKey(seeds[0])))
  }
}
