import Chord
import Testing

@testable import Chat

/// A writer that always has something to write.
private final class Pen {
  struct NothingWritten: Error {}

  private var writer: DirectoryWriter

  init(_ writer: DirectoryWriter) { self.writer = writer }

  var key: Identifier { writer.ringKey }
  var writerKey: [UInt8] { writer.writerKey }

  func follow(_ records: [Record]) -> Bool { writer.follow(records) }

  func record(_ endpoints: [Endpoint], at utc: UInt64) throws -> Record {
    guard let record = writer.record(endpoints: endpoints, at: utc) else { throw NothingWritten() }
    return record
  }

  func extended(_ record: Record, at utc: UInt64) throws -> Record {
    guard let extended = writer.extended(record, at: utc) else { throw NothingWritten() }
    return extended
  }

  func tombstone(at utc: UInt64) throws -> Record {
    guard let record = writer.tombstone(at: utc) else { throw NothingWritten() }
    return record
  }
}

@Suite("Records in the directory")
struct DirectoryTests {
  let network = "test"
  let utc: UInt64 = 1_700_000_000_000
  let identity = World.identity(1)
  let addresses = [Endpoint(host: .v4(0x0A00_0001), port: 4000), Endpoint(host: .v6(1, 2), port: 4001)]
  let user: User

  init() throws { user = User(name: try UserName("Alice"), identity: World.identity(1)) }

  private func writer(_ seed: UInt8 = 9) -> Pen {
    Pen(
      DirectoryWriter(
        user: user, identity: identity, network: network, writerSeed: [UInt8](repeating: seed, count: 32)))
  }

  func best(_ records: [Record], at utc: UInt64? = nil) -> DirectoryEntry? {
    var reader = DirectoryReader(user: user, network: network)
    _ = reader.take(records, utc: utc ?? self.utc)
    return reader.best?.entry
  }

  @Test("whoever knows the name finds, checks and reads the record")
  func roundTrip() throws {
    let writer = writer()
    let record = try writer.record(addresses, at: utc)
    #expect(record.key == DirectoryKey(user: user, network: network).ringKey && record.key == writer.key)
    #expect(record.isAuthentic(network: network) && record.isTimely(at: utc) && record.isAlive(at: utc))
    #expect(record.content.count <= Record.maximumContent)
    let typed = try User(parsing: user.description.lowercased())
    let entry = try DirectoryEntry.open(record, user: typed, network: network, utc: utc)
    #expect(entry.endpoints == addresses && entry.publicKey == identity.publicKey && entry.salt == identity.salt)
    #expect(entry.peer == Peer(id: identity.nodeID, endpoint: addresses[0]))
    var bytes = ByteWriter()
    bytes.write(record)
    var reader = ByteReader(bytes.bytes.span.bytes)
    #expect(try reader.record() == record)
  }

  @Test("neither the addresses nor the key can be read from the record")
  func secrecy() throws {
    let writer = writer()
    let record = try writer.record(addresses, at: utc)
    for secret in [Array(identity.publicKey[..<8]), Array(identity.salt[..<8])] {
      #expect(!record.content.indices.contains { record.content[$0...].starts(with: secret) })
    }
  }

  @Test("at most four addresses that can be dialled are written, and without one nothing is")
  func endpoints() throws {
    let writer = writer()
    let many = (0..<9).map { Endpoint(host: .v4(UInt32($0)), port: 4000) }  // the first is 0.0.0.0
    let record = try writer.record(many, at: utc)
    #expect(try DirectoryEntry.open(record, user: user, network: network, utc: utc).endpoints == Array(many[1...4]))
    #expect(throws: Pen.NothingWritten.self) { try writer.record([], at: utc) }
    #expect(throws: Pen.NothingWritten.self) { try writer.record([many[0]], at: utc) }
  }

  @Test("numbers rise even when the clock goes back, and no nonce repeats")
  func numbers() throws {
    let writer = writer()
    let records = try [utc, utc, utc - 5_000, utc + 5_000].map { try writer.record(addresses, at: $0) }
    #expect(records.map(\.number) == [utc, utc + 1, utc + 2, utc + 5_000])
    #expect(Set(records.map(\.content)).count == 4)
  }

  @Test("a record of another network, another name or another place is refused")
  func foreign() throws {
    let writer = writer()
    let record = try writer.record(addresses, at: utc)
    #expect(throws: InvalidEntry.foreign) {
      try DirectoryEntry.open(record, user: user, network: "other", utc: utc)
    }
    let bob = User(name: try UserName("Bob"), identity: identity)
    #expect(throws: InvalidEntry.foreign) { try DirectoryEntry.open(record, user: bob, network: network, utc: utc) }
  }

  @Test("a record with any byte changed is refused")
  func forged() throws {
    let writer = writer()
    let record = try writer.record(addresses, at: utc)
    for place in record.content.indices {
      var forged = record
      forged.content[place] ^= 1
      #expect(throws: InvalidEntry.undecipherable) {
        try DirectoryEntry.open(forged, user: user, network: network, utc: utc)
      }
    }
    var forged = record
    forged.number += 1
    #expect(best([forged]) == nil)
    forged = record
    forged.expiry += 1
    #expect(best([forged]) == nil)
    forged = record
    forged.writerKey = self.writer(8).writerKey
    #expect(best([forged]) == nil)
  }

  @Test("a friend who knows the name cannot put the user elsewhere, not even with the user's own entry")
  func foreignWriter() throws {
    let writer = writer()
    let genuine = try writer.record(addresses, at: utc)
    let key = DirectoryKey(user: user, network: network)
    let thief = SigningKey(seed: [UInt8](repeating: 77, count: 32))
    let plain = try #require(
      EntryBinding(genuine, key: key, network: network).decrypt(genuine.content, key: key.encryptionKey))
    let forger = World.identity(2)
    let invented = try #require(
      DirectoryEntry(publicKey: forger.publicKey, salt: forger.salt, endpoints: [World.endpoint(6666)]))
    let binding = EntryBinding(
      network: network, ringKey: key.ringKey, writerKey: thief.publicKey, number: utc + 10_000, expiry: utc + 60_000)
    let inventedPlain = invented.bytes + forger.sign(binding.signedBytes(entry: invented.bytes))
    for plain in [plain, inventedPlain] {
      let content = binding.encrypt(plain, key: key.encryptionKey)
      let signed = Record.signedBytes(
        network: network, key: key.ringKey, writerKey: thief.publicKey, number: binding.number, expiry: binding.expiry,
        content: content)
      let record = Record(
        nameKey: key.nameKey, writerKey: thief.publicKey, number: binding.number, expiry: binding.expiry,
        content: content, nameSignature: key.nameSigner.sign(signed), writerSignature: thief.sign(signed))
      #expect(record.isAuthentic(network: network))
      #expect(throws: InvalidEntry.unproved) {
        try DirectoryEntry.open(record, user: user, network: network, utc: utc)
      }
      #expect(best([record, genuine])?.endpoints == addresses)
      #expect(best([record]) == nil)
    }
  }

  @Test("records end, and those from the future are refused")
  func expiry() throws {
    let writer = writer()
    let record = try writer.record(addresses, at: utc)
    #expect(best([record], at: utc + DirectoryWriter.lifetime - 1) != nil)
    #expect(throws: InvalidEntry.expired) {
      try DirectoryEntry.open(record, user: user, network: network, utc: utc + DirectoryWriter.lifetime)
    }
    #expect(throws: InvalidEntry.fromTheFuture) {
      try DirectoryEntry.open(record, user: user, network: network, utc: utc - 2 * Record.maximumLifetime)
    }
  }

  @Test("an extended record is read like any other, until its new end, and its tombstone lasts as long")
  func extended() throws {
    let writer = writer()
    let record = try writer.record(addresses, at: utc)
    let later = utc + 3 * DirectoryWriter.lifetime
    var extended = record
    for time in stride(from: utc + 300_000, through: later, by: 300_000) {
      extended = try writer.extended(extended, at: time)
      #expect(extended.isAuthentic(network: network) && extended.isTimely(at: time))
    }
    #expect(extended.expiry == record.expiry && extended.validUntil == later + DirectoryWriter.lifetime)
    #expect(best([extended], at: later)?.endpoints == addresses)
    #expect(best([record, extended], at: later)?.endpoints == addresses)
    #expect(best([record], at: later) == nil)
    #expect(best([extended], at: extended.validUntil) == nil)
    // A clock that was set back adds nothing.
    #expect(throws: Pen.NothingWritten.self) { try writer.extended(extended, at: later - 1) }
    let tombstone = try writer.tombstone(at: later + 1)
    #expect(tombstone.expiry == extended.validUntil)
    #expect(best([tombstone, extended], at: later + 1) == nil)
    // The life before is followed with its extensions: the next tombstone lasts as long as they.
    let again = self.writer()
    #expect(again.follow([extended]) && !again.follow([extended]) && !again.follow([record]))
    #expect(try again.tombstone(at: later).expiry == extended.validUntil)
  }

  @Test("a reader refuses a record whose life others have made longer, or its writer too long")
  func wronglyExtended() throws {
    let record = try writer(1).record(addresses, at: utc)
    let key = DirectoryKey(user: user, network: network)
    let own = SigningKey(seed: [UInt8](repeating: 1, count: 32))
    let thief = SigningKey(seed: [UInt8](repeating: 77, count: 32))
    let expiry = record.expiry + 600_000
    for (signer, network, end, fault) in [
      (thief, self.network, expiry, InvalidEntry.forged), (key.nameSigner, self.network, expiry, .forged),
      (own, "other", expiry, .forged), (own, self.network, record.expiry, .forged),
      (own, self.network, utc + 2 * Record.maximumLifetime, .fromTheFuture),
    ] {
      var extended = record
      let signed = Renewal.signedBytes(network: network, record: record, expiry: end)
      extended.extended = Record.Extension(expiry: end, signature: signer.sign(signed))
      #expect(throws: fault) { try DirectoryEntry.open(extended, user: user, network: self.network, utc: utc) }
    }
  }

  @Test("two lives of a key that write the same number at the same time do not share a nonce")
  func nonces() throws {
    let (one, other) = (writer(), writer())
    let first = try one.record([addresses[0]], at: utc)
    let second = try other.record([addresses[1]], at: utc)
    #expect(first.number == second.number && first.expiry == second.expiry)
    #expect(first.content.prefix(24) != second.content.prefix(24))
    // What differs in the plain texts is not what differs in the sealed ones.
    let key = DirectoryKey(user: user, network: network)
    let binding = EntryBinding(first, key: key, network: network)
    let plain = try #require(binding.decrypt(first.content, key: key.encryptionKey))
    let otherPlain = try #require(binding.decrypt(second.content, key: key.encryptionKey))
    let difference = zip(plain, otherPlain).map(^)
    #expect(
      zip(first.content.dropFirst(24), second.content.dropFirst(24)).map(^).prefix(plain.count) != difference[...])
  }

  @Test("the record with the highest number counts")
  func highest() throws {
    let (old, new) = (writer(1), writer(2))
    let first = try old.record([addresses[0]], at: utc - 1_000)
    let second = try new.record([addresses[1]], at: utc)
    #expect(best([first, second])?.endpoints == [addresses[1]])
    #expect(best([second, first])?.endpoints == [addresses[1]])
    #expect(best([]) == nil)
  }

  @Test("a tombstone hides what its writer wrote, and nothing else")
  func tombstone() throws {
    let (leaving, staying) = (writer(1), writer(2))
    #expect(throws: Pen.NothingWritten.self) { try leaving.tombstone(at: utc) }
    let stays = try staying.record([addresses[1]], at: utc)
    let goes = try leaving.record([addresses[0]], at: utc + 1)
    let tombstone = try leaving.tombstone(at: utc + 2)
    #expect(tombstone.isTombstone && tombstone.expiry == goes.expiry && tombstone.number > goes.number)
    #expect(tombstone.isAuthentic(network: network) && tombstone.isTimely(at: utc))
    #expect(throws: InvalidEntry.withdrawn) {
      try DirectoryEntry.open(tombstone, user: user, network: network, utc: utc)
    }
    #expect(best([goes, stays])?.endpoints == [addresses[0]])
    #expect(best([goes, tombstone]) == nil)
    #expect(best([tombstone, goes, stays])?.endpoints == [addresses[1]])
    let again = try leaving.record(addresses, at: utc + 3)
    #expect(best([tombstone, goes, again])?.endpoints == addresses)
    var forged = tombstone
    forged.number = again.number + 1
    #expect(best([forged, again])?.endpoints == addresses)
  }

  @Test("the keys of a known user in a known network are these")
  func vector() {
    let key = DirectoryKey(user: user, network: network)
    #expect(Hexadecimal.text(key.nameKey) == "924c46514690e19ac0f30360b4d26bfeadd2c12d33d28bb31e3413e099823ea1")
    #expect(key.ringKey.description == "e75bdb92751f47b5ed4d257f8c5871b22d37a20c")
  }

  /// What PROTOCOL.md quotes: another implementation that makes the same record makes all of it the same.
  @Test("the record of a known user, with a known W at a known time, and its extension have these bytes")
  func recordVector() throws {
    let identity = try #require(Identity(seed: [UInt8](repeating: 1, count: 32), salt: (0..<16).map { 0xA0 + $0 }))
    let alice = User(name: try UserName("Alice"), identity: identity)
    let seed = [UInt8](repeating: 2, count: 32)
    let writer = Pen(DirectoryWriter(user: alice, identity: identity, network: network, writerSeed: seed))
    let record = try writer.record([Endpoint(host: .v4(0x7F00_0001), port: 7401)], at: 1_790_000_000_000)
    let extended = try writer.extended(record, at: 1_790_000_300_000)
    #expect(Hexadecimal.text(record.nameKey) == "73c25672a00a684ef3263ebae69cc33494a90badaca009fd3a8d9a8562ed6333")
    #expect(Hexadecimal.text(record.writerKey) == "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394")
    #expect(record.key.description == "95c0a55bbe8754e2d588001cc12f6aa289a3232a")
    #expect(
      Hexadecimal.text(record.content)
        == "7f41753112ca13762fa31dc2cb9fac42a5b0a86c2442c311f5c5404e9a5f932020a5973c58fc7d08552cffad480715ee"
        + "cd6db84e7c4214c76f4dd2a2575d8e84be56ee61f456698c307cec6c215f14f53ece4bdfd3d01522bbb89d825a73f683"
        + "2ab48d279da27b73d0542447e3ad12be7b9b4c40995d2dba3c125517d713487dd6ac6d070b636110a5afd7e9b8245b9b"
        + "466bd1ebcbec09b14896263863705add")
    #expect(
      Hexadecimal.text(record.nameSignature)
        == "bac6e0e3cdbdca0f3a9fe09735f45002de80e9e1797ef038c48ebe761f3578f13ecf261598871aee6825069f04922cba"
        + "ab586128b5e0ed4ca6d614f83ba66b0a")
    #expect(
      Hexadecimal.text(record.writerSignature)
        == "c845336aba4d6e6a7ca398fd577e8b12202ed5bfc331d0c1c5e52e64b472e63e6f38ed8b155abaf60136e4e2c75dedfa"
        + "1cc6d0c527f8f78ea609d071acdb6a02")
    #expect(
      Hexadecimal.text(extended.extended?.signature ?? [])
        == "f2525f7db08c873e0ef00bf6e43e070cb7e1259c658722572584502314eadbaf9971168305e46d35ec74ba6b4bb6dcfc"
        + "9be07359fb0b7bdbe99777befaa57c08")
    #expect(extended.isAuthentic(network: network))
  }
}
