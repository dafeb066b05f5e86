// Records as somebody writes them who knows the name, which may be anybody: rightly signed and sealed, with anything inside. Of
// several the reader may choose only one that the user has written.
//
// It is the reader that is tried here, not Ed25519, which would take nearly all of the time: signatures are digests that only this target
// makes, and the reader is given a check that knows them. Real ones are checked by the other targets and by all tests.

import Chord

@testable import Chat

enum SealedTarget {
  private static let identity = Fixture.identity(3)
  private static let user = Fixture.user("Zoë", identity)
  private static let key = DirectoryKey(user: user, network: Fixture.network)
  /// Public keys.
  private static let writers = [UInt8(1), 2].map { SigningKey(seed: [UInt8](repeating: $0, count: 32)).publicKey }
  private static let check = SignatureCheck { signature, bytes, publicKey in signature == sign(bytes, by: publicKey) }
  private static let genuine: [UInt8] = {
    let entry = DirectoryEntry(publicKey: identity.publicKey, salt: identity.salt, endpoints: [Fixture.endpoint(7)])
    return entry?.bytes ?? []
  }()

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    var records: [Record] = []
    var genuineNumbers: Set<UInt64> = []
    while !input.isEmpty, records.count < MessageLimit.recordsPerKey {
      let (record, isGenuine) = record(&input)
      records.append(record)
      if isGenuine { genuineNumbers.insert(record.number) }
    }
    var reader = DirectoryReader(user: user, network: Fixture.network, check: check)
    _ = reader.take(records, utc: Fixture.utc)
    let best = reader.best?.entry
    try hold(best == nil || !genuineNumbers.isEmpty, "an entry that the user has not written")
    try hold(best.map { $0.publicKey == identity.publicKey } ?? true, "an entry of somebody else")
  }

  /// A record, and whether the entry in it is one the user has signed.
  private static func record(_ input: inout FuzzInput) -> (Record, isGenuine: Bool) {
    let traits = input.byte()
    let writer = writers[Int(traits & 1)]
    let number = Fixture.utc &+ UInt64(input.byte())
    let expiry = traits & 2 != 0 ? UInt64(input.uint16()) << 48 : number &+ 1_000_000
    let binding = EntryBinding(
      network: Fixture.network, ringKey: key.ringKey, writerKey: writer, number: number, expiry: expiry)
    var content: [UInt8] = []
    var isGenuine = false
    switch traits >> 2 & 3 {
    case 0:  // what the user writes, or another's entry with the user's signature on it
      var entry = genuine
      if traits & 64 != 0 { entry[input.choice(entry.count)] ^= input.byte() }
      content = binding.encrypt(
        entry + sign(binding.signedBytes(entry: entry), by: identity.publicKey), key: key.encryptionKey)
      isGenuine = true
    case 1: content = binding.encrypt(input.take(input.choice(180)), key: key.encryptionKey)
    case 2: content = input.take(input.choice(64))
    default: break  // a tombstone
    }
    let signed = Record.signedBytes(
      network: Fixture.network, key: binding.ringKey, writerKey: binding.writerKey, number: number, expiry: expiry,
      content: content)
    var signature = sign(signed, by: writer)
    if traits & 16 != 0 { signature[input.choice(64)] ^= 1 }
    var record = Record(
      nameKey: key.nameKey, writerKey: writer, number: number, expiry: expiry, content: content,
      nameSignature: sign(signed, by: key.nameKey), writerSignature: signature)
    if traits & 32 != 0 {
      let later = expiry &+ UInt64(input.byte()) << 12
      let extender = traits & 128 != 0 ? writers[1 - Int(traits & 1)] : writer
      let signed = Renewal.signedBytes(network: Fixture.network, record: record, expiry: later)
      record.extended = Record.Extension(expiry: later, signature: sign(signed, by: extender))
      // Nobody but the writer makes a record live longer, and what claims it falsely is none.
      if traits & 128 != 0 { isGenuine = false }
    }
    return (record, isGenuine)
  }

  private static func sign(_ bytes: [UInt8], by publicKey: [UInt8]) -> [UInt8] {
    Digest.sha512("signature", publicKey + bytes)
  }
}
