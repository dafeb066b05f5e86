// What the directory stores: an envelope that its holders can check but not read.
//
//   nameKey E 32 · writerKey W 32 · number u64 · expiry u64 · content u16 + n · signature by E 64 · signature by W 64
//     · extended u8 0, or 1 · expiry u64 · signature by W 64
//
// Whoever knows a name derives the key pair E, so only they can write under it at all; the ring key is a hash of E's public
// half, so a record names its own place. W belongs to one user: only W replaces, extends or deletes what W wrote. Number
// and expiry are UTC milliseconds; the higher number wins. No content means that the writer withdrew: a tombstone.
//
// Both signatures cover: label · network (u8 + n) · ring key 20 · W 32 · number u64 · expiry u64 · content. A record that is to live
// on is not written again: W signs a later expiry, which goes with it from then on (Renewal.swift). What the signatures and the
// content are bound to stays the first expiry.

/// A signed, opaque entry of the directory.
public struct Record: Hashable, Sendable {
  /// The public half of the Ed25519 key pair that everyone who knows the name can derive.
  public var nameKey: [UInt8]
  /// The public half of the Ed25519 key pair of the user who wrote this.
  public var writerKey: [UInt8]
  /// Of several records of one writer the highest number counts. At least the writer's UTC milliseconds.
  public var number: UInt64
  /// The end of its life as it was written, in UTC milliseconds.
  public var expiry: UInt64
  /// What the record says, encrypted for those who know the name; empty when the writer has withdrawn it.
  public var content: [UInt8]
  /// By the name's key, over `signedBytes`.
  public var nameSignature: [UInt8]
  /// By the writer's key, over `signedBytes`.
  public var writerSignature: [UInt8]
  /// The longer life that the writer has given it since.
  public var extended: Extension?

  /// A later end of the life of a record that there is.
  public struct Extension: Hashable, Sendable {
    /// In UTC milliseconds; later than the record's own.
    public var expiry: UInt64
    /// By the writer's key, over `Renewal.signedBytes`.
    public var signature: [UInt8]

    public init(expiry: UInt64, signature: [UInt8]) {
      self.expiry = expiry
      self.signature = signature
    }
  }

  /// The longest envelope, in bytes, its extension included: 1 KiB, so that four fit into a few packets and a full store into 16 MiB.
  public static let maximumEnvelope = 1_024
  /// The longest content, in bytes: what an envelope leaves, three times what a key, a salt and four addresses take.
  public static let maximumContent = maximumEnvelope - 2 * keyBytes - 2 * 8 - 2 - 2 * signatureBytes - extensionBytes
  /// A record may expire at most this far ahead (1 h), so that nothing outlives its writer for long.
  public static let maximumLifetime: UInt64 = 3_600_000
  /// Tolerated difference between two machines' UTC clocks (5 min).
  public static let clockTolerance: UInt64 = 300_000

  static let keyBytes = 32
  static let signatureBytes = 64
  private static let extensionBytes = 1 + 8 + signatureBytes

  /// Puts a record together; `isAuthentic` tells whether its signatures hold.
  public init(
    nameKey: [UInt8], writerKey: [UInt8], number: UInt64, expiry: UInt64, content: [UInt8],
    nameSignature: [UInt8], writerSignature: [UInt8], extended: Extension? = nil
  ) {
    self.nameKey = nameKey
    self.writerKey = writerKey
    self.number = number
    self.expiry = expiry
    self.content = content
    self.nameSignature = nameSignature
    self.writerSignature = writerSignature
    self.extended = extended
  }

  /// Where on the ring the record belongs.
  public var key: Identifier { Self.key(ofName: nameKey) }

  /// Where on the ring the records of a name belong.
  public static func key(ofName nameKey: [UInt8]) -> Identifier {
    Identifier(hashing: nameKey, label: "chord-chat record")
  }

  /// Whether the writer has withdrawn what it wrote.
  public var isTombstone: Bool { content.isEmpty }

  /// The end of its life, in UTC milliseconds: as extended last.
  public var validUntil: UInt64 { extended?.expiry ?? expiry }

  /// Whether this one counts, of two by the same writer: the later one, or the same one with the longer life.
  public func isNewer(than other: Record) -> Bool { (number, validUntil) > (other.number, other.validUntil) }

  /// Whether holders still answer with it. A tombstone is kept for the clocks' tolerance longer, to outlive its record everywhere.
  public func isAlive(at utcMilliseconds: UInt64) -> Bool {
    let end = isTombstone ? expiry &+ Self.clockTolerance : validUntil
    return utcMilliseconds < end
  }

  /// Whether it expires no further ahead than is allowed, given both clocks' tolerance.
  public func isTimely(at utcMilliseconds: UInt64) -> Bool {
    validUntil <= utcMilliseconds &+ Self.maximumLifetime &+ Self.clockTolerance
      && number <= utcMilliseconds &+ Self.maximumLifetime
  }

  /// What both signatures cover.
  public static func signedBytes(
    network: String, key: Identifier, writerKey: [UInt8], number: UInt64, expiry: UInt64, content: [UInt8]
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Array("chord-chat record 1".utf8))
    writer.writeShort(Array(network.utf8.prefix(255)))
    writer.write(key)
    writer.write(writerKey)
    writer.write(number)
    writer.write(expiry)
    writer.write(content)
    return writer.bytes
  }

  /// Whether all signatures hold in this network.
  public func isAuthentic(network: String, by check: SignatureCheck = .ed25519) -> Bool {
    guard content.count <= Self.maximumContent else { return false }
    let signed = Self.signedBytes(
      network: network, key: key, writerKey: writerKey, number: number, expiry: expiry, content: content)
    return check.holds(nameSignature, over: signed, by: nameKey)
      && check.holds(writerSignature, over: signed, by: writerKey)
      && isExtensionAuthentic(network: network, by: check)
  }

  /// Whether its writer has given it the longer life that it has, if it has one.
  public func isExtensionAuthentic(network: String, by check: SignatureCheck = .ed25519) -> Bool {
    extended.map { isAuthentic($0, network: network, by: check) } ?? true
  }
}

extension ByteWriter {
  public mutating func write(_ record: Record) {
    write(record.nameKey)
    write(record.writerKey)
    write(record.number)
    write(record.expiry)
    writeLong(record.content)
    write(record.nameSignature)
    write(record.writerSignature)
    write(record.extended != nil)
    if let extended = record.extended { write(extended) }
  }

  mutating func write(_ extended: Record.Extension) {
    write(extended.expiry)
    write(extended.signature)
  }
}

extension ByteReader {
  @_lifetime(self: copy self)
  public mutating func record() throws(Malformed) -> Record {
    Record(
      nameKey: try array(Record.keyBytes), writerKey: try array(Record.keyBytes),
      number: try uint64(), expiry: try uint64(), content: try long(atMost: Record.maximumContent),
      nameSignature: try array(Record.signatureBytes), writerSignature: try array(Record.signatureBytes),
      extended: try bool() ? try recordExtension() : nil)
  }

  @_lifetime(self: copy self)
  mutating func recordExtension() throws(Malformed) -> Record.Extension {
    Record.Extension(expiry: try uint64(), signature: try array(Record.signatureBytes))
  }
}
