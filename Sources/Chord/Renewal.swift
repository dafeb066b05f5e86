// How a record lives on: its writer signs a later expiry and nothing else, so that to renew it costs its holders a hundred and
// forty bytes instead of the whole envelope, and no holder need compare contents.
//
//   ring key 20 · writerKey W 32 · number u64 · expiry u64 · signature by W 64
//
//   signature   over "chord-chat extension 1" · network (u8 + n) · ring key 20 · W 32 · number u64 · expiry u64
//               · the record's own signature by W 64
//
// The record's signature is covered but not sent: whoever holds the record has it, and whoever does not has nothing to extend. So an
// extension belongs to one record, byte for byte, even should a number come twice in the lives of a key. The label is one of its own:
// what was signed as a record is no extension, nor the other way round. A tombstone has none: its end is never put off.
// An extension that says less than the record has already changes nothing, so to say an old one again is idle.

/// A longer life for a record that its holders have, without the record.
public struct Renewal: Hashable, Sendable {
  /// Where on the ring the record belongs.
  public var key: Identifier
  /// Whose record it is.
  public var writerKey: [UInt8]
  /// Which of the writer's records.
  public var number: UInt64
  /// What is added to it.
  public var extended: Record.Extension

  /// Puts a renewal together; whether it holds can only be told beside the record.
  public init(key: Identifier, writerKey: [UInt8], number: UInt64, extended: Record.Extension) {
    self.key = key
    self.writerKey = writerKey
    self.number = number
    self.extended = extended
  }

  /// What the writer signs to let `record` live until `expiry`.
  public static func signedBytes(network: String, record: Record, expiry: UInt64) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Array("chord-chat extension 1".utf8))
    writer.writeShort(Array(network.utf8.prefix(255)))
    writer.write(record.key)
    writer.write(record.writerKey)
    writer.write(record.number)
    writer.write(expiry)
    writer.write(record.writerSignature)
    return writer.bytes
  }
}

extension Record {
  /// What tells its holders of its longer life; nil when it has none.
  public var renewal: Renewal? {
    extended.map { Renewal(key: key, writerKey: writerKey, number: number, extended: $0) }
  }

  /// Whether the writer has given this record that longer life.
  func isAuthentic(_ extended: Extension, network: String, by check: SignatureCheck = .ed25519) -> Bool {
    guard !isTombstone, extended.expiry > expiry else { return false }
    let signed = Renewal.signedBytes(network: network, record: self, expiry: extended.expiry)
    return check.holds(extended.signature, over: signed, by: writerKey)
  }
}

extension ByteWriter {
  /// All but the ring key.
  mutating func write(_ renewal: Renewal) {
    write(renewal.writerKey)
    write(renewal.number)
    write(renewal.extended)
  }
}

extension ByteReader {
  /// All but the ring key, which is known from elsewhere.
  @_lifetime(self: copy self)
  mutating func renewal(under key: Identifier) throws(Malformed) -> Renewal {
    Renewal(
      key: key, writerKey: try array(Record.keyBytes), number: try uint64(), extended: try recordExtension())
  }
}
