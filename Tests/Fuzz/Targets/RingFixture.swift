// A small ring for the machines under fuzz to stand in: honest members who bring it in, and records that hold.
//
//   0x10…  0x70…  [0x80… ours]  0x81…  0x90…  0xA0…  0xF0…        of these 0x10, 0x70, 0x90 and 0xF0 are members at first

@testable import Chat
@testable import Chord

enum RingFixture {
  static let me = peer(0x8000_0000, 1)
  static let peers: [Peer] = [0x1000_0000, 0x7000_0000, 0x8100_0000, 0x9000_0000, 0xA000_0000, 0xF000_0000]
    .enumerated().map { peer($1, UInt16($0 + 2)) }
  private static let members = [0, 1, 3, 5].map { peers[$0] }

  private static func peer(_ fraction: UInt32, _ port: UInt16) -> Peer {
    Peer(id: Identifier(fraction: fraction), endpoint: Fixture.endpoint(port))
  }

  /// Two sessions each under three names, each with an older and a newer record and a tombstone; and two that do not hold.
  static let records: [Record] = {
    var records: [Record] = []
    for name in 1...3 {
      for writer in 1...2 {
        for (age, content) in [[UInt8(1)], [2, 2], []].enumerated() {
          records.append(record(UInt8(name), UInt8(writer), number: Fixture.utc + UInt64(age) * 1000, content))
        }
      }
    }
    // One that lives longer than it was written to; its shorter form is there too, as on holders that have not heard of it.
    var extended = records[1]
    extended.extended = life(of: extended, writer: 1, until: extended.expiry + 60_000)
    records.append(extended)
    var forged = records[0]
    forged.number += 1
    let distant = record(1, 3, number: Fixture.utc + 2 * Record.maximumLifetime, [3])
    return records + [forged, distant]
  }()

  /// Longer lives of the records: two that hold, an older one of the two, one that another writer has signed, one beyond the hour, and one
  /// for a tombstone.
  static let renewals: [Renewal] = {
    let (first, second, tombstone) = (records[0], records[3], records[2])
    let lives: [(Record, UInt8, UInt64)] = [
      (first, 1, 120_000), (first, 1, 60_000), (second, 2, 60_000), (first, 2, 180_000),
      (first, 1, 2 * Record.maximumLifetime), (tombstone, 1, 60_000),
    ]
    return lives.map { record, writer, longer in
      Renewal(
        key: record.key, writerKey: record.writerKey, number: record.number,
        extended: life(of: record, writer: writer, until: record.expiry + longer))
    }
  }()

  private static func life(of record: Record, writer: UInt8, until expiry: UInt64) -> Record.Extension {
    let signer = SigningKey(seed: [UInt8](repeating: 100 + writer, count: 32))
    let signed = Renewal.signedBytes(network: Fixture.network, record: record, expiry: expiry)
    return Record.Extension(expiry: expiry, signature: signer.sign(signed))
  }

  private static func record(_ name: UInt8, _ writer: UInt8, number: UInt64, _ content: [UInt8]) -> Record {
    let nameSigner = SigningKey(seed: [UInt8](repeating: name, count: 32))
    let writerSigner = SigningKey(seed: [UInt8](repeating: 100 + writer, count: 32))
    let expiry = number + 600_000
    let signed = Record.signedBytes(
      network: Fixture.network, key: Record.key(ofName: nameSigner.publicKey), writerKey: writerSigner.publicKey,
      number: number, expiry: expiry, content: content)
    return Record(
      nameKey: nameSigner.publicKey, writerKey: writerSigner.publicKey, number: number, expiry: expiry,
      content: content, nameSignature: nameSigner.sign(signed), writerSignature: writerSigner.sign(signed))
  }

  // MARK: Machines

  /// When the fixture's ring stands.
  static let start = Fixture.later(Fixture.start, by: .milliseconds(200))

  /// What an input begins with: made once, since a copy costs nothing.
  static let beginnings: [ChordNode] = [
    joined(successors: 4, copies: 3), joined(successors: 1, copies: 8), joined(successors: 16, copies: 1), alone(),
    fresh(), fresh(isObserver: true),
  ]

  static func fresh(isObserver: Bool = false, successors: Int = 4, copies: Int = 3) -> ChordNode {
    var configuration = ChordNode.Configuration()
    configuration.network = Fixture.network
    configuration.successors = successors...successors
    configuration.copies = copies
    configuration.isObserver = isObserver
    return ChordNode(me: me, configuration: configuration, seed: 1, at: Fixture.start)
  }

  private static func alone() -> ChordNode {
    var node = fresh()
    var effects: [ChordNode.Effect] = []
    node.handle(.start, at: Fixture.start, into: &effects)
    node.handle(.nobodyFound, at: Fixture.start, into: &effects)
    return node
  }

  /// Brought in by members that answer as they should, until nothing more is said.
  private static func joined(successors: Int, copies: Int) -> ChordNode {
    var node = fresh(successors: successors, copies: copies)
    var effects: [ChordNode.Effect] = []
    node.handle(.start, at: Fixture.start, into: &effects)
    node.handle(.introduced(members[0]), at: Fixture.start, into: &effects)
    for turn in 1...10 {
      let now = Fixture.later(Fixture.start, by: .milliseconds(20 * turn))
      while let index = effects.firstIndex(where: { if case .send = $0 { true } else { false } }) {
        guard case .send(let message, let peer) = effects.remove(at: index) else { break }
        if let answer = answer(to: message, of: peer) {
          node.handle(.received(answer, from: peer), at: now, into: &effects)
        }
      }
      if turn == 1 { node.handle(.received(.notify(1), from: members[1]), at: now, into: &effects) }
      node.handle(.tick, at: now, into: &effects)
    }
    precondition(node.isInRing && node.ring.predecessor == members[1], "the fixture's ring stands")
    return node
  }

  private static func answer(to message: Message, of peer: Peer) -> Message? {
    switch message {
    case .query(let ticket), .queryAgain(let ticket, _):
      let place = members.firstIndex(of: peer) ?? 0
      let others = (1..<members.count).map { members[(place + $0) % members.count] }
      return .view(ticket, View(isMember: true, predecessor: others.last, successors: others))
    case .notify(let ticket): return .notified(ticket, isPredecessor: true)
    case .ping(let ticket), .chosen(let ticket): return .pong(ticket, isMember: true)
    case .request(let request): return .reply(Reply(ticket: request.ticket, path: [], answer: .joinPoint(members[1])))
    case .view, .notified, .pong, .changed, .hint, .leaving, .accepted, .reply, .replicate, .replicated, .extend,
      .before, .askBefore, .unchanged:
      return nil
    }
  }
}
