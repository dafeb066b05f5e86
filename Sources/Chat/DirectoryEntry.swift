// What a user's record says, once decrypted. Holders of the record cannot read it; whoever knows the name can, and can check
// that the user wrote it, for this place, this network and this writer: it cannot be copied into another record.
//
//   entry       publicKey 32 · salt 16 · endpoints (u8 1…4 + n × 7 or 19)
//   content     nonce 24 · XChaCha20-Poly1305-IETF of: entry · signature 64 by the user's key
//
//   signature   over "chord-chat entry 1" · network (u8 + n) · ring key 20 · W 32 · number u64 · expiry u64 · entry
//   key         the directory key's encryption key
//   nonce       the first 24 bytes of SHA-256( "chord-chat nonce" · 0 · key 32 · W 32 · number u64 · expiry u64 · entry · signature ):
//               it repeats only if everything does. A number and an expiry could come twice, in two lives of one key whose clock was
//               set back; two entries under one nonce would show what they differ in. Readers take it as it comes (RFC 5297's idea).
//   additional  ring key 20 · W 32 · number u64 · expiry u64
//
// Number and expiry are those with which the record was written: an extension changes neither, so it needs nothing new in here.

import Chord
import CSodium

/// Where a user is to be reached, and what proves it.
public struct DirectoryEntry: Hashable, Sendable {
  /// The public key of the user's session, 32 bytes.
  public let publicKey: [UInt8]
  /// The salt of the user's id, 16 bytes.
  public let salt: [UInt8]
  /// Where the user's node listens, best address first: 1 to 4.
  public let endpoints: [Endpoint]

  /// A host has a handful of addresses; each costs a reader one attempt to dial.
  public static let maximumEndpoints = 4

  /// The user's node under its first address.
  public var peer: Peer { Peer(id: nodeID, endpoint: endpoints[0]) }
  /// The place on the ring of the user's node.
  public var nodeID: Identifier { Identity.nodeID(of: publicKey) }

  /// Nil unless there are 1 to 4 endpoints, all of which can be dialled.
  init?(publicKey: [UInt8], salt: [UInt8], endpoints: [Endpoint]) {
    guard (1...Self.maximumEndpoints).contains(endpoints.count), endpoints.allSatisfy(\.isDialable) else { return nil }
    self.publicKey = publicKey
    self.salt = salt
    self.endpoints = endpoints
  }

  /// Reads `record` as somebody who looks for `user` at the UTC time `utc`, in milliseconds.
  public static func open(
    _ record: Record, user: User, network: String, utc: UInt64
  ) throws(InvalidEntry) -> DirectoryEntry {
    try open(record, user: user, key: DirectoryKey(user: user, network: network), network: network, utc: utc)
  }

  static func open(
    _ record: Record, user: User, key: DirectoryKey, network: String, check: SignatureCheck = .ed25519, utc: UInt64
  ) throws(InvalidEntry) -> DirectoryEntry {
    guard record.nameKey == key.nameKey else { throw .foreign }
    guard record.isTimely(at: utc) else { throw .fromTheFuture }
    guard record.isAlive(at: utc) else { throw .expired }
    if record.isTombstone { throw .withdrawn }
    let binding = EntryBinding(record, key: key, network: network)
    guard let plain = binding.decrypt(record.content, key: key.encryptionKey) else { throw .undecipherable }
    guard plain.count > Identity.signatureBytes else { throw .malformed }
    let bytes = Array(plain.dropLast(Identity.signatureBytes))
    let signature = Array(plain.suffix(Identity.signatureBytes))
    // However the bytes are malformed, the record is none.
    guard let entry = try? DirectoryEntry(bytes: bytes) else { throw .malformed }
    guard user.isProved(by: entry.publicKey, salt: entry.salt),
      check.holds(signature, over: binding.signedBytes(entry: bytes), by: entry.publicKey)
    else { throw .unproved }
    // The user has signed for this place, writer, number and end, so that the envelope's signatures, which are for those who cannot read
    // it, add nothing; but a longer life is its writer's word alone.
    guard record.isExtensionAuthentic(network: network, by: check) else { throw .forged }
    return entry
  }
}

/// Why a record does not say where a user is.
public enum InvalidEntry: Error, Hashable, Sendable {
  /// It belongs to another name.
  case foreign
  /// Its writer has not given it the longer life that it claims.
  case forged
  /// Its life has ended.
  case expired
  /// Its number or its expiry lies further ahead than is allowed.
  case fromTheFuture
  /// Its writer has withdrawn it.
  case withdrawn
  /// It was not encrypted for this name, or was altered.
  case undecipherable
  /// What was encrypted is no entry.
  case malformed
  /// The user did not write it.
  case unproved
}

// MARK: - The bytes

extension DirectoryEntry {
  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.write(publicKey)
    writer.write(salt)
    writer.write(UInt8(endpoints.count))
    for endpoint in endpoints { writer.write(endpoint) }
    return writer.bytes
  }

  init(bytes: [UInt8]) throws(Malformed) {
    var reader = ByteReader(bytes.span.bytes)
    let publicKey = try reader.array(Identity.publicKeyBytes)
    let salt = try reader.array(Identity.saltBytes)
    let count = Int(try reader.byte())
    guard count <= Self.maximumEndpoints else { throw .invalid(.count) }
    var endpoints: [Endpoint] = []
    for _ in 0..<count { endpoints.append(try reader.endpoint()) }
    try reader.end()
    guard let entry = DirectoryEntry(publicKey: publicKey, salt: salt, endpoints: endpoints) else {
      throw .invalid(.address)
    }
    self = entry
  }
}

/// What ties an entry to one record of one writer in one network.
struct EntryBinding {
  let network: String
  let ringKey: Identifier
  let writerKey: [UInt8]
  let number: UInt64
  let expiry: UInt64

  init(network: String, ringKey: Identifier, writerKey: [UInt8], number: UInt64, expiry: UInt64) {
    self.network = network
    self.ringKey = ringKey
    self.writerKey = writerKey
    self.number = number
    self.expiry = expiry
  }

  init(_ record: Record, key: DirectoryKey, network: String) {
    self.init(
      network: network, ringKey: key.ringKey, writerKey: record.writerKey, number: record.number, expiry: record.expiry)
  }

  func signedBytes(entry: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Array("chord-chat entry 1".utf8))
    writer.writeShort(Array(network.utf8.prefix(255)))
    writer.write(additional)
    writer.write(entry)
    return writer.bytes
  }

  func encrypt(_ plain: [UInt8], key: [UInt8]) -> [UInt8] {
    let additional = additional
    let nonce = nonce(for: plain, key: key)
    var sealed = [UInt8](repeating: 0, count: plain.count + Int(crypto_aead_xchacha20poly1305_ietf_ABYTES))
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      &sealed, nil, plain, UInt64(plain.count), additional, UInt64(additional.count), nil, nonce, key)
    return nonce + sealed
  }

  func decrypt(_ content: [UInt8], key: [UInt8]) -> [UInt8]? {
    let additional = additional
    let overhead = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)
    guard content.count >= Self.nonceBytes + overhead else { return nil }
    let nonce = Array(content.prefix(Self.nonceBytes))
    let sealed = Array(content.dropFirst(Self.nonceBytes))
    var plain = [UInt8](repeating: 0, count: sealed.count - overhead)
    let result = crypto_aead_xchacha20poly1305_ietf_decrypt(
      &plain, nil, nil, sealed, UInt64(sealed.count), additional, UInt64(additional.count), nonce, key)
    return result == 0 ? plain : nil
  }

  private var additional: [UInt8] {
    var writer = ByteWriter()
    writer.write(ringKey)
    writer.write(writerKey)
    writer.write(number)
    writer.write(expiry)
    return writer.bytes
  }

  private static let nonceBytes = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)

  private func nonce(for plain: [UInt8], key: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(key)
    writer.write(writerKey)
    writer.write(number)
    writer.write(expiry)
    writer.write(plain)
    return Array(Digest.sha256("chord-chat nonce", writer.bytes)[..<Self.nonceBytes])
  }
}
