// A session writing its user's record: once, with a longer life again and again, and once more, without content, when it leaves.
//
// W is a key pair made from the identity's secret. Holders let nobody but W replace what W wrote, so a friend who knows the name cannot
// delete it; and a node that crashed and comes back with the same identity replaces what it wrote before. Numbers never
// repeat and never fall, whatever the UTC clock does: number = max(UTC milliseconds, last + 1), and last is learnt from a
// holder when it was written in an earlier life by a clock that was ahead.

import Chord

/// Writes the records of one user in one network.
public struct DirectoryWriter: Sendable {
  private let user: User
  private let identity: Identity
  private let network: String
  private let key: DirectoryKey
  private let writer: SigningKey
  private var lastNumber: UInt64 = 0
  private var lastExpiry: UInt64 = 0

  /// How long a record lives without being extended (30 min, in milliseconds): six renewals may fail in a row, and a crashed
  /// node is forgotten within half an hour.
  public static let lifetime: UInt64 = 1_800_000

  /// Writes for `user`, whose identity this is.
  public init(user: User, identity: Identity, network: String) {
    let seed = Digest.sha256("chord-chat writer", identity.seed + Array(network.utf8))
    self.init(user: user, identity: identity, network: network, writerSeed: seed)
  }

  /// `writerSeed` has 32 secret bytes.
  init(user: User, identity: Identity, network: String, writerSeed: [UInt8]) {
    self.user = user
    self.identity = identity
    self.network = network
    key = DirectoryKey(user: user, network: network)
    writer = SigningKey(seed: writerSeed)
  }

  /// Where on the ring the records belong.
  public var ringKey: Identifier { key.ringKey }
  /// The public half of W.
  public var writerKey: [UInt8] { writer.publicKey }

  /// A record that says the user is reached at `endpoints`: the first four that can be dialled. Nil when none can.
  public mutating func record(endpoints: [Endpoint], at utc: UInt64) -> Record? {
    let usable = endpoints.filter(\.isDialable).prefix(DirectoryEntry.maximumEndpoints)
    guard let entry = DirectoryEntry(publicKey: identity.publicKey, salt: identity.salt, endpoints: Array(usable))
    else {
      return nil
    }
    let expiry = utc &+ Self.lifetime
    lastExpiry = max(lastExpiry, expiry)
    let binding = bind(expiry: expiry, at: utc)
    let bytes = entry.bytes
    let signed = bytes + identity.sign(binding.signedBytes(entry: bytes))
    return seal(binding, content: binding.encrypt(signed, key: key.encryptionKey))
  }

  /// The same record with a whole life from now. Nil when it lives that long already, as after a clock was set back.
  public mutating func extended(_ record: Record, at utc: UInt64) -> Record? {
    let expiry = utc &+ Self.lifetime
    guard expiry > record.validUntil else { return nil }
    lastExpiry = max(lastExpiry, expiry)
    let signed = Renewal.signedBytes(network: network, record: record, expiry: expiry)
    var extended = record
    extended.extended = Record.Extension(expiry: expiry, signature: writer.sign(signed))
    return extended
  }

  /// A holder has these records: if one is our own, from an earlier life, what is written next is newer. Tells whether one was.
  public mutating func follow(_ records: [Record]) -> Bool {
    let own = records.filter {
      $0.writerKey == writer.publicKey && $0.nameKey == key.nameKey
        && ($0.number, $0.validUntil) > (lastNumber, lastExpiry) && $0.isAuthentic(network: network)
    }
    guard let latest = own.max(by: { $1.isNewer(than: $0) }) else { return false }
    lastNumber = latest.number
    lastExpiry = max(lastExpiry, latest.validUntil)
    return true
  }

  /// A record that withdraws all earlier ones of this writer, and lasts as long as they, extensions included. Nil when there were none.
  public mutating func tombstone(at utc: UInt64) -> Record? {
    guard lastNumber > 0 else { return nil }
    // Holders take no more than the longest life, should the clock have gone back.
    let expiry = min(lastExpiry, utc &+ Record.maximumLifetime)
    return seal(bind(expiry: expiry, at: utc), content: [])
  }

  private mutating func bind(expiry: UInt64, at utc: UInt64) -> EntryBinding {
    lastNumber = max(utc, lastNumber &+ 1)
    return EntryBinding(
      network: network, ringKey: key.ringKey, writerKey: writer.publicKey, number: lastNumber, expiry: expiry)
  }

  private func seal(_ binding: EntryBinding, content: [UInt8]) -> Record {
    let signed = Record.signedBytes(
      network: network, key: binding.ringKey, writerKey: binding.writerKey, number: binding.number,
      expiry: binding.expiry, content: content)
    return Record(
      nameKey: key.nameKey, writerKey: binding.writerKey, number: binding.number, expiry: binding.expiry,
      content: content, nameSignature: key.nameSigner.sign(signed), writerSignature: writer.sign(signed))
  }
}

extension Record {
  /// When its writer last wrote it or let it live longer, in UTC milliseconds: each time it has a whole life from then.
  var renewedAt: UInt64 { max(number, validUntil &- min(DirectoryWriter.lifetime, validUntil)) }
}
