// The bytes on the wire: one vector for each message, tested both ways and quoted in docs/PROTOCOL.md.

import Chord
import Testing

@Suite("Messages")
struct MessageTests {
  static let a = Peer(id: Identifier(0x0A), endpoint: Endpoint(host: .v4(0x7F00_0001), port: 7401))
  static let b = Peer(id: Identifier(0x0B), endpoint: Endpoint(host: .v6(0x2001_0DB8_0000_0000, 7), port: 7402))
  static let record = Record(
    nameKey: Array(repeating: 0xE0, count: 32), writerKey: Array(repeating: 0xD0, count: 32), number: 1_790_000_000_000,
    expiry: 1_790_001_800_000, content: [1, 2, 3], nameSignature: Array(repeating: 0xE1, count: 64),
    writerSignature: Array(repeating: 0xD1, count: 64))

  static let idA = "000000000000000000000000000000000000000a"
  static let peerA = idA + "04" + "7f000001" + "1ce9"
  static let peerB = "000000000000000000000000000000000000000b" + "06" + "20010db8000000000000000000000007" + "1cea"
  static let recordBytes =
    String(repeating: "e0", count: 32) + String(repeating: "d0", count: 32) + "000001a0c4506c00" + "000001a0c46be340"
    + "0003" + "010203" + String(repeating: "e1", count: 64) + String(repeating: "d1", count: 64) + "00"
  static let longer = Record.Extension(expiry: 1_790_002_100_000, signature: Array(repeating: 0xD2, count: 64))
  static let renewal = Renewal(
    key: Identifier(255), writerKey: record.writerKey, number: record.number, extended: longer)
  static let longerBytes = "000001a0c4707720" + String(repeating: "d2", count: 64)
  static let renewalBytes = String(repeating: "d0", count: 32) + "000001a0c4506c00" + longerBytes
  static var extendedRecord: Record {
    var extended = record
    extended.extended = longer
    return extended
  }
  static let extendedBytes = recordBytes.dropLast(2) + "01" + longerBytes
  static let key = "00000000000000000000000000000000000000ff"

  /// What PROTOCOL.md quotes.
  static let vectors: [(name: String, message: Message, hex: String)] = [
    ("query", .query(7), "10" + "00000007"),
    (
      "view", .view(7, View(isMember: true, predecessor: a, successors: [b, a])),
      "11" + "00000007" + "01" + "01" + peerA + "02" + peerB + peerA
    ),
    ("notify", .notify(8), "12" + "00000008"),
    ("notified", .notified(8, isPredecessor: true), "13" + "00000008" + "01"),
    ("ping", .ping(9), "14" + "00000009"),
    ("pong", .pong(9, isMember: true), "15" + "00000009" + "01"),
    ("changed", .changed, "16"),
    ("hint", .hint(a), "17" + peerA),
    ("leaving", .leaving(predecessor: nil, successors: [a]), "18" + "00" + "01" + peerA),
    (
      "find_successor",
      .request(Request(ticket: 10, key: Identifier(255), hopsLeft: 32, claim: .none, question: .findSuccessor)),
      "19" + "0000000a" + key + "20" + "00" + "00"
    ),
    (
      "join",
      .request(Request(ticket: 11, key: Identifier(10), hopsLeft: 31, claim: .none, question: .join(a))),
      "19" + "0000000b" + idA + "1f" + "00" + "01" + peerA
    ),
    (
      "get from a copy",
      .request(Request(ticket: 12, key: Identifier(255), hopsLeft: 30, claim: .replica(2), question: .get)),
      "19" + "0000000c" + key + "1e" + "12" + "02"
    ),
    (
      "put",
      .request(Request(ticket: 13, key: Identifier(255), hopsLeft: 29, claim: .owner, question: .put(record))),
      "19" + "0000000d" + key + "1d" + "01" + "03" + recordBytes
    ),
    (
      "nearest",
      .request(Request(ticket: 22, key: Identifier(255), hopsLeft: 0, claim: .none, question: .nearest)),
      "19" + "00000016" + key + "00" + "00" + "04"
    ),
    ("accepted", .accepted(14), "1a" + "0000000e"),
    (
      "owner",
      .reply(
        Reply(
          ticket: 15, path: [Identifier(10)],
          answer: .owner(a, View(isMember: true, predecessor: nil, successors: [b])))),
      "1b" + "0000000f" + "01" + idA + "00" + peerA + "01" + "00" + "01" + peerB
    ),
    (
      "join point", .reply(Reply(ticket: 16, path: [], answer: .joinPoint(a))),
      "1b" + "00000010" + "00" + "01" + peerA
    ),
    (
      "records", .reply(Reply(ticket: 17, path: [], answer: .records([record]))),
      "1b" + "00000011" + "00" + "02" + "01" + recordBytes
    ),
    ("stored", .reply(Reply(ticket: 18, path: [], answer: .stored(copies: 8))), "1b" + "00000012" + "00" + "03" + "08"),
    ("redirect", .reply(Reply(ticket: 19, path: [], answer: .redirect(b))), "1b" + "00000013" + "00" + "04" + peerB),
    (
      "failure", .reply(Reply(ticket: 20, path: [], answer: .failure(.unreachable))),
      "1b" + "00000014" + "00" + "05" + "02"
    ),
    (
      "nearest members", .reply(Reply(ticket: 22, path: [Identifier(10)], answer: .nearest([record], [b, a]))),
      "1b" + "00000016" + "01" + idA + "06" + "01" + recordBytes + "02" + peerB + peerA
    ),
    ("replicate", .replicate(21, record), "1c" + "00000015" + recordBytes),
    ("replicate an extended one", .replicate(21, extendedRecord), "1c" + "00000015" + extendedBytes),
    ("extend a copy", .extend(22, renewal), "1e" + "00000016" + key + renewalBytes),
    (
      "extend",
      .request(Request(ticket: 23, key: Identifier(255), hopsLeft: 28, claim: .owner, question: .extend(renewal))),
      "19" + "00000017" + key + "1c" + "01" + "05" + renewalBytes
    ),
    ("replicated", .replicated(21, isKept: true), "1d" + "00000015" + "01"),
    ("before", .before([b, a]), "1f" + "02" + peerB + peerA),
    ("chosen", .chosen(24), "20" + "00000018"),
    ("query again", .queryAgain(25, 0x0123_4567_89AB_CDEF), "21" + "00000019" + "0123456789abcdef"),
    ("unchanged", .unchanged(25), "22" + "00000019"),
    ("before?", .askBefore, "23"),
  ]

  static func bytes(_ hex: String) -> [UInt8] {
    var digits = hex[...]
    var bytes: [UInt8] = []
    while let byte = UInt8(digits.prefix(2), radix: 16) {
      bytes.append(byte)
      digits = digits.dropFirst(2)
    }
    return bytes
  }

  static func decoded(_ bytes: [UInt8]) throws(Malformed) -> Message {
    guard let type = bytes.first else { throw .truncated }
    return try Message(type: type, payload: bytes.span.bytes.extracting(1..<bytes.count))
  }

  @Test("each message has the bytes that PROTOCOL.md shows, both ways", arguments: vectors.indices)
  func vector(place: Int) throws {
    let (_, message, hex) = Self.vectors[place]
    var writer = ByteWriter()
    message.encode(into: &writer)
    #expect(writer.bytes == Self.bytes(hex))
    #expect(try Self.decoded(Self.bytes(hex)) == message)
  }

  @Test(
    "a message cut short anywhere, or with something after it, is malformed and nothing worse",
    arguments: vectors.indices)
  func cut(place: Int) {
    let whole = Self.bytes(Self.vectors[place].hex)
    for count in 1..<whole.count {
      #expect(throws: Malformed.self) { try Self.decoded(Array(whole.prefix(count))) }
    }
    #expect(throws: Malformed.trailing) { try Self.decoded(whole + [0]) }
  }

  @Test("random and damaged bytes never do worse than being refused")
  func noise() {
    var generator = Generator(seed: 1)
    for _ in 0..<20_000 {
      var bytes = Self.bytes(Self.vectors[Int.random(in: 0..<Self.vectors.count, using: &generator)].hex)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      guard let message = try? Self.decoded(bytes) else { continue }
      var writer = ByteWriter()
      message.encode(into: &writer)
      #expect(writer.bytes == bytes, "what is understood has one form only")
    }
  }

  @Test("addresses are written as RFC 5952 wants them")
  func endpoints() {
    let written: [(Endpoint, String)] = [
      (Endpoint(host: .v4(0xC000_0207), port: 80), "192.0.2.7:80"),
      (Endpoint(host: .v6(0, 1), port: 1), "[::1]:1"),
      (Endpoint(host: .v6(0, 0), port: 1), "[::]:1"),
      (Endpoint(host: .v6(0x2001_0DB8_0000_0000, 0x0001_0000_0000_0001), port: 1), "[2001:db8::1:0:0:1]:1"),
      (Endpoint(host: .v6(0x2001_0DB8_0000_0001, 0x0001_0001_0001_0001), port: 1), "[2001:db8:0:1:1:1:1:1]:1"),
      (Endpoint(host: .v6(0x0001_0000_0000_0000, 0), port: 1), "[1::]:1"),
    ]
    for (endpoint, text) in written { #expect(endpoint.description == text) }
  }
}
