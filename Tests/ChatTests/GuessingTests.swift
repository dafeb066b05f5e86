// What somebody can make of the directory who knows everybody's public key, and every name in use, but no id.

import Chord
import Testing

@testable import Chat

@Suite("Guessing")
struct GuessingTests {
  private static let network = "test"

  @Test("who knows keys and names, but no id, finds neither the ring key nor the record's content")
  func withoutTheID() throws {
    var generator = Generator(seed: 9)
    let name = try UserName("Zoë")
    let identity = try #require(Self.identity(&generator))
    let user = User(name: name, identity: identity)
    var writer = DirectoryWriter(user: user, identity: identity, network: Self.network)
    let written = writer.record(endpoints: [Endpoint(host: .v4(0xC633_6407), port: 7401)], at: 1_790_000_000_000)
    let record = try #require(written)
    // Whoever was told the id reads it.
    let right = DirectoryKey(user: user, network: Self.network)
    #expect(right.ringKey == record.key)
    #expect(Self.opens(record, with: user))

    // What can be made from the public key, the name and every guess at the salt that is better than chance.
    var salts = [
      [UInt8](repeating: 0, count: 16), Array(identity.publicKey.prefix(16)), Array(identity.nodeID.bytes.prefix(16)),
    ]
    for _ in 0..<2000 { salts.append((0..<16).map { _ in UInt8(truncatingIfNeeded: generator.next()) }) }
    for salt in salts {
      let guess = User(name: name, publicKey: identity.publicKey, salt: salt)
      #expect(guess.id != user.id)
      let key = DirectoryKey(user: guess, network: Self.network)
      #expect(key.ringKey != record.key && key.nameKey != record.nameKey)
      #expect(!Self.opens(record, with: guess))
    }
    // Nor does the right id help in another network, or under another name.
    #expect(DirectoryKey(user: user, network: "other").ringKey != record.key)
  }

  @Test(
    "what a holder sees of a record says nothing that is in it, and nothing that is the same in another record of the user"
  )
  func opaque() throws {
    var generator = Generator(seed: 10)
    let name = try UserName("Zoë")
    let identity = try #require(Self.identity(&generator))
    let records = try [UInt8(1), 2].map { number in
      let other = Identity(seed: identity.seed, salt: [UInt8](repeating: number, count: 16))
      let session = try #require(other)
      var writer = DirectoryWriter(
        user: User(name: name, identity: session), identity: session, network: "net \(number)")
      let record = writer.record(endpoints: [Endpoint(host: .v4(0xC633_6407), port: 7401)], at: 1_790_000_000_000)
      return try #require(record)
    }
    #expect(records[0].key != records[1].key && records[0].nameKey != records[1].nameKey)
    #expect(records[0].writerKey != records[1].writerKey)
    var bytes = ByteWriter()
    bytes.write(records[0])
    for secret in [
      identity.publicKey, [0xC6, 0x33, 0x64, 0x07], Array(name.text.utf8), [UInt8](repeating: 1, count: 16),
    ] {
      let isThere = bytes.bytes.indices.contains { bytes.bytes[$0...].starts(with: secret) }
      #expect(!isThere)
    }
  }

  private static func opens(_ record: Record, with user: User) -> Bool {
    var reader = DirectoryReader(user: user, network: network)
    return reader.take([record], utc: 1_790_000_000_001)
  }

  private static func identity(_ generator: inout Generator) -> Identity? {
    for _ in 0..<64 {
      let bytes = (0..<48).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      if let identity = Identity(seed: Array(bytes[..<32]), salt: Array(bytes[32...])) { return identity }
    }
    return nil
  }
}
