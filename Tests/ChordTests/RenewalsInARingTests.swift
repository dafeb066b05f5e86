// A record that lives on by extensions alone in a ring that changes: what they cost, whom they reach, and what nobody but the writer can
// make of them.

import Simulation
import Testing

@testable import Chord

@Suite("Longer lives in a ring")
struct RenewalsInARingTests {
  private static let utc: UInt64 = 1_790_000_000_000
  private let signer = RecordSigner(name: 60, writer: 61)

  /// The record, as it lives until `expiry`.
  private func extended(_ record: Record, until expiry: UInt64) -> Record {
    var extended = record
    extended.extended = signer.renewal(of: record, until: expiry).extended
    return extended
  }

  /// What comes back when this node extends the record.
  private static func extend(_ renewal: Renewal, from id: Identifier, in ring: inout Simulator) -> ChordNode.Effect? {
    let before = ring.observed(id).count
    ring.tell(id, .extend(renewal, 79))
    _ = ring.run(.seconds(12)) { $0.observed(id).count > before }
    return ring.observed(id).last
  }

  @Test("a record lives for two hours by extensions alone, while its owners die and others join, and then ends")
  func hours() {
    var ring = RecordTests.settled(9, seed: 61)
    let start = ring.time.utcMilliseconds
    let record = signer.record(number: start, content: [5])
    let writer = ring.living[0]
    #expect(RecordTests.put(record, from: writer, in: &ring) == 8)
    for round in 1...24 {
      ring.run(.seconds(300))
      if round.isMultiple(of: 3) {
        ring.start(200 + round)
        ring.run(.seconds(2))
        if let owner = ring.owner(of: signer.key), owner != writer { ring.crash(owner) }
        ring.run(.seconds(2))
      }
      let renewal = signer.renewal(of: record, until: ring.time.utcMilliseconds + 1_800_000)
      #expect(Self.extend(renewal, from: writer, in: &ring) == .stored(79, copies: 8), "round \(round)")
      for id in ring.living { #expect(RecordTests.get(signer.key, from: id, in: &ring) == [[5]]) }
    }
    #expect(ring.time.utcMilliseconds >= start + 7_200_000)
    ring.run(.seconds(1_801))
    for id in ring.living { #expect(RecordTests.get(signer.key, from: id, in: &ring) == []) }
  }

  @Test("a holder that missed the record is sent it when it is to be extended, and only that one is")
  func healed() throws {
    var ring = RecordTests.settled(5, seed: 63)
    let record = signer.record(number: ring.time.utcMilliseconds, content: [5])
    #expect(RecordTests.put(record, from: ring.living[0], in: &ring) == 5)
    let owner = try #require(ring.owner(of: signer.key))
    var machines: [Identifier: ChordNode] = [:]
    for id in ring.living { machines[id] = ring.machine(id) }
    let forgetful = try #require(machines[owner]?.ring.successors.first?.id)
    machines[forgetful]?.store = RecordStore(network: "chord-chat")
    // By hand: everything that the five say to each other about this extension.
    var effects: [ChordNode.Effect] = []
    let renewal = signer.renewal(of: record, until: record.expiry + 1_000)
    machines[owner]?.handle(.extend(renewal, 1), at: ring.time, into: &effects)
    var waiting = effects.map { (owner, $0) }
    var said: [Message] = []
    var answer: ChordNode.Effect?
    while !waiting.isEmpty {
      let (from, effect) = waiting.removeFirst()
      guard case .send(let message, let peer) = effect else {
        answer = effect
        continue
      }
      said.append(message)
      let sender = try #require(machines[from]?.me)
      effects = []
      machines[peer.id]?.handle(.received(message, from: sender), at: ring.time, into: &effects)
      waiting += effects.map { (peer.id, $0) }
    }
    #expect(answer == .stored(1, copies: 5))
    let extended = extended(record, until: record.expiry + 1_000)
    for id in ring.living {
      #expect(machines[id]?.store.records(under: signer.key, at: ring.time.utcMilliseconds) == [extended])
    }
    // Four extensions, one record, and an answer to each.
    #expect(said.count { if case .extend = $0 { true } else { false } } == 4)
    #expect(said.count { $0.isReplicate(of: extended) } == 1)
    #expect(said.count { if case .replicated = $0 { true } else { false } } == 5)
  }

  @Test("a put that names another place than the record's own is refused, and leaves nothing behind")
  func misplaced() throws {
    let ring = RecordTests.settled(1, seed: 27)
    let id = ring.living[0]
    let record = signer.record(number: ring.time.utcMilliseconds, content: [1])
    var node = try #require(ring.machine(id))
    var effects: [ChordNode.Effect] = []
    let peer = Peer(id: Identifier(1), endpoint: Simulator.endpoint(99))
    let request = Request(
      ticket: 1, key: record.key.advanced(by: .powerOfTwo(3)), hopsLeft: 9, claim: .insist, question: .put(record))
    node.handle(.received(.request(request), from: peer), at: ring.time, into: &effects)
    #expect(effects == [.send(.reply(Reply(ticket: 1, path: [id], answer: .failure(.refused))), to: peer)])
    #expect(node.recordCount == 0)
  }

  // MARK: Bytes

  @Test("with what a secure channel adds to each of the two frames, renewing still costs a holder at most 200 bytes")
  func cost() {
    let record = signer.record(number: Self.utc, content: [1])
    let renewal = signer.renewal(of: record, until: record.expiry + 1)
    let asked = bytes(.extend(1, renewal)).count + 2
    let answered = bytes(.replicated(1, isKept: true)).count + 2
    #expect(asked == 139 && answered == 8)
    // A length of two bytes and a tag of 16 around each, if nothing else travels with it.
    #expect(asked + answered + 2 * 18 == 183)
  }

  @Test("no bit of an extension can be changed, and one who knows the name cannot sign one")
  func bits() {
    let record = signer.record(number: Self.utc, content: [1])
    let genuine = signer.renewal(of: record, until: record.expiry + 600_000)
    var store = RecordStore(network: "chord-chat")
    #expect(store.offer(record, from: nil, at: Self.utc) == .stored)
    for place in 0..<(64 * 8) {
      var bent = genuine
      bent.extended.signature[place / 8] ^= 1 << (place % 8)
      #expect(store.extend(bent, at: Self.utc) == .refused)
    }
    for bit in 0..<64 {
      var bent = genuine
      bent.extended.expiry ^= 1 << UInt64(bit)
      let outcome = store.extend(bent, at: Self.utc)
      #expect(outcome == .refused || outcome == .outdated(by: record))
    }
    // The key of the name signs as well as W does, but it is not W; and what W signed as a record is no extension.
    var friend = RecordSigner(name: 60, writer: 60).renewal(of: record, until: record.expiry + 600_000)
    friend.writerKey = record.writerKey
    var label = genuine
    label.extended.signature = record.writerSignature
    #expect(store.extend(friend, at: Self.utc) == .refused && store.extend(label, at: Self.utc) == .refused)
    #expect(store.records(under: signer.key, at: Self.utc) == [record])
    #expect(extended(record, until: record.expiry + 1).isAuthentic(network: "chord-chat"))
    #expect(!extended(record, until: record.expiry + 1).isAuthentic(network: "other"))
    // One that lets a record end where it would have ended, or sooner, or that is for a tombstone.
    #expect(!extended(record, until: record.expiry).isAuthentic(network: "chord-chat"))
    #expect(!extended(record, until: record.expiry - 1).isAuthentic(network: "chord-chat"))
    let tombstone = signer.record(number: Self.utc + 1, content: [])
    #expect(!extended(tombstone, until: tombstone.expiry + 1).isAuthentic(network: "chord-chat"))
  }

  @Test("a record that comes again as it was, or with an older extension, shortens nothing; a tombstone outlives both")
  func cameAgain() {
    var store = RecordStore(network: "chord-chat")
    let record = signer.record(number: Self.utc, content: [1])
    let (older, latest) = (
      extended(record, until: record.expiry + 1_000), extended(record, until: record.expiry + 600_000)
    )
    #expect(
      store.offer(older, from: nil, at: Self.utc) == .stored && store.offer(latest, from: nil, at: Self.utc) == .stored)
    #expect(store.offer(record, from: nil, at: Self.utc) == .outdated(by: latest))
    #expect(store.offer(older, from: nil, at: Self.utc) == .outdated(by: latest))
    #expect(store.offer(latest, from: nil, at: Self.utc) == .known)
    let beyond = Self.utc + Record.maximumLifetime + Record.clockTolerance
    #expect(store.offer(extended(record, until: beyond + 1), from: nil, at: Self.utc) == .refused)
    let tombstone = signer.record(number: Self.utc + 1, lifetime: latest.validUntil - Self.utc - 1, content: [])
    #expect(store.offer(tombstone, from: nil, at: Self.utc) == .stored)
    let end = latest.validUntil + Record.clockTolerance
    #expect(store.offer(latest, from: nil, at: end - 1) == .outdated(by: tombstone))
    #expect(store.records(under: signer.key, at: end - 1) == [tombstone])
    #expect(store.offer(latest, from: nil, at: end) == .refused)
  }

  private func bytes(_ message: Message) -> [UInt8] {
    var writer = ByteWriter()
    message.encode(into: &writer)
    return writer.bytes
  }
}

extension Message {
  fileprivate func isReplicate(of record: Record) -> Bool {
    if case .replicate(_, record) = self { true } else { false }
  }
}
