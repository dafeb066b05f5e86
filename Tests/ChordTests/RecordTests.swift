// Records in a ring of machines: stored, found from everywhere, kept through crashes and joins, and gone when withdrawn.

import CSodium
import Simulation
import Testing

@testable import Chord

/// Signs records as a session would.
struct RecordSigner {
  let name: (publicKey: [UInt8], secretKey: [UInt8])
  let writer: (publicKey: [UInt8], secretKey: [UInt8])

  init(name: UInt8, writer: UInt8) {
    self.name = Self.keyPair(name)
    self.writer = Self.keyPair(writer)
  }

  var key: Identifier { Record.key(ofName: name.publicKey) }

  func record(number: UInt64, lifetime: UInt64 = 1_800_000, content: [UInt8]) -> Record {
    let expiry = number + lifetime
    let signed = Record.signedBytes(
      network: "chord-chat", key: key, writerKey: writer.publicKey, number: number, expiry: expiry, content: content)
    return Record(
      nameKey: name.publicKey, writerKey: writer.publicKey, number: number, expiry: expiry, content: content,
      nameSignature: Self.sign(signed, name.secretKey), writerSignature: Self.sign(signed, writer.secretKey))
  }

  /// A longer life for a record of this writer's.
  func renewal(of record: Record, until expiry: UInt64) -> Renewal {
    let signed = Renewal.signedBytes(network: "chord-chat", record: record, expiry: expiry)
    return Renewal(
      key: record.key, writerKey: writer.publicKey, number: record.number,
      extended: Record.Extension(expiry: expiry, signature: Self.sign(signed, writer.secretKey)))
  }

  private static func keyPair(_ seed: UInt8) -> (publicKey: [UInt8], secretKey: [UInt8]) {
    var publicKey = [UInt8](repeating: 0, count: 32)
    var secretKey = [UInt8](repeating: 0, count: 64)
    crypto_sign_seed_keypair(&publicKey, &secretKey, Array(repeating: seed, count: 32))
    return (publicKey, secretKey)
  }

  private static func sign(_ message: [UInt8], _ secretKey: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: 64)
    crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
    return signature
  }
}

@Suite("Records in a ring")
struct RecordTests {
  static func settled(_ count: Int, seed: UInt64) -> Simulator {
    var ring = RingOfMachinesTests.ring(of: count, seed: seed)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    return ring
  }

  /// What a get from this node brings: live contents, or nil when there was no answer.
  static func get(_ key: Identifier, from id: Identifier, in ring: inout Simulator) -> [[UInt8]]? {
    let before = ring.observed(id).count
    ring.tell(id, .get(key, 77))
    _ = ring.run(.seconds(12)) { $0.observed(id).count > before }
    guard case .got(77, let records, _) = ring.observed(id).last else { return nil }
    return records.filter { !$0.isTombstone }.map(\.content)
  }

  static func put(_ record: Record, from id: Identifier, in ring: inout Simulator) -> Int? {
    let before = ring.observed(id).count
    ring.tell(id, .put(record, 78))
    _ = ring.run(.seconds(12)) { $0.observed(id).count > before }
    guard case .stored(78, let copies) = ring.observed(id).last else { return nil }
    return copies
  }

  /// Puts as a session does: again after a pause while the ring is in motion, for two seconds.
  static func putEventually(
    _ signer: RecordSigner, _ content: [UInt8], after number: UInt64, from id: Identifier, in ring: inout Simulator
  ) -> Bool {
    for attempt in 1...20 as ClosedRange<UInt64> {
      let record = signer.record(number: number + attempt, content: content)
      if put(record, from: id, in: &ring) != nil { return true }
      ring.run(.milliseconds(100))
    }
    return false
  }

  @Test("a record is held by eight members and found from everywhere", arguments: [1, 2, 5, 20])
  func storedAndFound(count: Int) {
    var ring = Self.settled(count, seed: 21)
    let signer = RecordSigner(name: 1, writer: 2)
    let record = signer.record(number: ring.time.utcMilliseconds, content: [42])
    #expect(Self.put(record, from: ring.living[0], in: &ring) == min(8, count))
    for id in ring.living { #expect(Self.get(signer.key, from: id, in: &ring) == [[42]]) }
  }

  @Test("nobody's key holds nothing, and that is said at once")
  func nothing() {
    var ring = Self.settled(12, seed: 22)
    let start = ring.now
    #expect(Self.get(Identifier(5), from: ring.living[3], in: &ring) == [])
    #expect(ring.now - start < .milliseconds(20))
    // Nor is there anything to copy: whoever asks for nobody makes no work for others.
    for id in ring.living { #expect(ring.machine(id)?.transfers.isEmpty == true) }
  }

  @Test("a record outlives the death of its owner and of most holders", arguments: [1, 2, 3] as [UInt64])
  func holdersDie(seed: UInt64) {
    var ring = Self.settled(20, seed: seed)
    let signer = RecordSigner(name: 3, writer: 4)
    let record = signer.record(number: ring.time.utcMilliseconds, content: [7])
    #expect(Self.put(record, from: ring.living[0], in: &ring) == 8)
    for _ in 0..<7 {
      if let owner = ring.owner(of: signer.key) { ring.crash(owner) }
    }
    for id in ring.living { #expect(Self.get(signer.key, from: id, in: &ring) == [[7]]) }
    ring.run(.seconds(3))
    for _ in 0..<4 {
      if let owner = ring.owner(of: signer.key) { ring.crash(owner) }
      ring.run(.seconds(1))
    }
    for id in ring.living { #expect(Self.get(signer.key, from: id, in: &ring) == [[7]]) }
  }

  @Test("members that join before the owner find and get the record")
  func ownersJoin() {
    var ring = Self.settled(6, seed: 23)
    let signer = RecordSigner(name: 5, writer: 6)
    let record = signer.record(number: ring.time.utcMilliseconds, content: [9])
    _ = Self.put(record, from: ring.living[0], in: &ring)
    for step in 1...12 {
      // Each newcomer stands just after the key, and so becomes its owner.
      ring.start(100 + step, id: signer.key.advanced(by: .powerOfTwo(100 - step)))
      ring.run(.milliseconds(5 * step))
      for id in ring.living.prefix(3) where ring.machine(id)?.isInRing == true {
        #expect(Self.get(signer.key, from: id, in: &ring) == [[9]])
      }
    }
    #expect(ring.run(.seconds(3)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
    #expect(Self.get(signer.key, from: ring.living[0], in: &ring) == [[9]])
  }

  @Test("a withdrawn record is gone from everywhere at once, and stays gone when holders change")
  func withdrawn() {
    var ring = Self.settled(20, seed: 24)
    let signer = RecordSigner(name: 7, writer: 8)
    let number = ring.time.utcMilliseconds
    _ = Self.put(signer.record(number: number, content: [1]), from: ring.living[0], in: &ring)
    _ = Self.put(signer.record(number: number + 1, content: []), from: ring.living[5], in: &ring)
    for id in ring.living { #expect(Self.get(signer.key, from: id, in: &ring) == []) }
    for _ in 0..<6 {
      if let owner = ring.owner(of: signer.key) { ring.crash(owner) }
      ring.run(.milliseconds(200))
      #expect(Self.get(signer.key, from: ring.living[0], in: &ring) == [])
    }
  }

  @Test("who leaves while the owner is silent has its record withdrawn by others", arguments: 1...5)
  func withdrawnFromTheDead(seed: UInt64) throws {
    var ring = Self.settled(20, seed: seed)
    let signer = RecordSigner(name: 9, writer: 10)
    let number = ring.time.utcMilliseconds
    let owner = try #require(ring.owner(of: signer.key))
    let leaver = try #require(ring.machine(owner)?.ring.predecessor?.id)
    #expect(Self.put(signer.record(number: number, content: [1]), from: leaver, in: &ring) == 8)
    ring.crash(owner, silently: true)
    ring.tell(leaver, .put(signer.record(number: number + 1, content: []), 77))
    ring.run(.seconds(1))
    #expect(ring.machine(leaver)?.forwards.isEmpty == false, "somebody has answered: nothing to be tested")
    ring.tell(leaver, .leave)
    ring.run(.seconds(20))
    for id in ring.living { #expect(Self.get(signer.key, from: id, in: &ring) == []) }
  }

  @Test("who was cut off, stands alone and leaves has its record withdrawn by those it knew")
  func withdrawnByTheLonely() throws {
    var ring = Self.settled(20, seed: 6)
    let signer = RecordSigner(name: 13, writer: 14)
    let number = ring.time.utcMilliseconds
    let leaver = ring.living[7]
    #expect(Self.put(signer.record(number: number, content: [1]), from: leaver, in: &ring) == 8)
    ring.cut { ($0 == leaver) != ($1 == leaver) }
    #expect(ring.run(.seconds(60)) { $0.machine(leaver)?.ring.isAlone == true })
    ring.heal()
    #expect(Self.put(signer.record(number: number + 1, content: []), from: leaver, in: &ring) == 1)
    ring.tell(leaver, .leave)
    ring.run(.seconds(30))
    for id in ring.living { #expect(Self.get(signer.key, from: id, in: &ring) == []) }
  }

  @Test("a member further on that has an old copy hears that the record has ended; another keeps nothing")
  func endIsHeardFurtherOn() throws {
    var ring = Self.settled(20, seed: 3)
    let signer = RecordSigner(name: 11, writer: 12)
    let number = ring.time.utcMilliseconds
    let record = signer.record(number: number, content: [1])
    #expect(Self.put(record, from: ring.living[0], in: &ring) == 8)
    let owner = try #require(ring.owner(of: signer.key).flatMap { ring.machine($0) })
    let (keeper, other) = (owner.ring.successors[9], owner.ring.successors[10])
    ring.tell(keeper.id, .received(.replicate(1, record), from: owner.me))
    ring.tell(other.id, .received(.replicate(0, record), from: owner.me))
    ring.run(.milliseconds(200))
    let before = (ring.machine(keeper.id)?.recordCount, ring.machine(other.id)?.recordCount)
    #expect(before == (1, 0))
    #expect(Self.put(signer.record(number: number + 1, content: []), from: ring.living[0], in: &ring) == 8)
    ring.run(.milliseconds(200))
    let utc = ring.time.utcMilliseconds
    #expect(ring.machine(keeper.id)?.store.records(under: signer.key, at: utc).map(\.isTombstone) == [true])
    #expect(ring.machine(other.id)?.recordCount == 0)
  }

  @Test(
    "withdrawing while the only neighbour one has heard of leaves too does not leave the record behind",
    arguments: 0..<60)
  func withdrawnAsOthersLeave(seed: UInt64) {
    var ring = RingOfMachinesTests.ring(of: 1, seed: seed)
    _ = ring.run(.milliseconds(50)) { $0.machine($0.living[0])?.isInRing == true }
    let bootstrap = ring.living[0]
    let (alice, bob) = (ring.start(1), ring.start(2))
    _ = ring.run(.seconds(1)) { ring in [alice, bob].allSatisfy { ring.machine($0)?.isInRing == true } }
    let signer = RecordSigner(name: UInt8(seed), writer: 2)
    let number = ring.time.utcMilliseconds
    #expect(Self.putEventually(signer, [1], after: number, from: alice, in: &ring))
    ring.tell(bootstrap, .leave)
    #expect(Self.putEventually(signer, [], after: number + 20, from: alice, in: &ring))
    ring.tell(alice, .leave)
    _ = ring.run(.seconds(2)) { $0.living == [bob] }
    ring.run(.seconds(1))
    let found = Self.get(signer.key, from: bob, in: &ring)
    #expect(found == [])
  }

  /// Members that have not heard of each other yet may both own a key: one has the record, the other its end.
  @Test("withdrawing in the milliseconds in which all members join does not leave the record behind")
  func withdrawnAsOthersJoin() {
    for seed in 1...1500 as ClosedRange<UInt64> {
      var pause = Generator(seed: seed &* 7919)
      var configuration = Simulator.Configuration()
      configuration.seed = seed
      if seed.isMultiple(of: 2) { configuration.latency = .drawn(.microseconds(20)...(.milliseconds(2))) }
      var ring = Simulator(configuration)
      let first = ring.start(0)
      ring.bootstraps = [ring.machine(first)].compactMap { $0?.me }
      if !seed.isMultiple(of: 3) { ring.run(.milliseconds(Int64(pause.next() % 30))) }
      let all = (1...3).map { ring.start($0) }
      let alice = all[0]
      #expect(ring.run(.seconds(5)) { $0.machine(alice)?.isInRing == true })
      let signer = RecordSigner(name: UInt8(seed % 250), writer: 2)
      let number = ring.time.utcMilliseconds
      #expect(Self.putEventually(signer, [1], after: number, from: alice, in: &ring))
      ring.run(.microseconds(Int64(pause.next() % 20_000)))
      #expect(Self.putEventually(signer, [], after: number + 20, from: alice, in: &ring))
      ring.tell(alice, .leave)
      #expect(ring.run(.seconds(2)) { !$0.living.contains(alice) })
      ring.run(.microseconds(Int64(pause.next() % 5_000)))
      for id in all.dropFirst() {
        let found = Self.get(signer.key, from: id, in: &ring)
        #expect(found?.isEmpty ?? true, "seed \(seed)")
      }
    }
  }

  @Test("holders refuse what is forged, stale, expired, or too far ahead")
  func refused() {
    var ring = Self.settled(3, seed: 25)
    let signer = RecordSigner(name: 9, writer: 10)
    let id = ring.living[1]
    let number = ring.time.utcMilliseconds
    var forged = signer.record(number: number, content: [1])
    forged.content = [2]
    #expect(Self.put(forged, from: id, in: &ring) == nil)
    #expect(Self.put(signer.record(number: number - 2_000_000, content: [1]), from: id, in: &ring) == nil)
    #expect(Self.put(signer.record(number: number, lifetime: 9_000_000, content: [1]), from: id, in: &ring) == nil)
    #expect(Self.get(signer.key, from: id, in: &ring) == [])
    #expect(Self.put(signer.record(number: number + 5, content: [5]), from: id, in: &ring) == 3)
    _ = Self.put(signer.record(number: number + 4, content: [4]), from: id, in: &ring)
    #expect(Self.get(signer.key, from: id, in: &ring) == [[5]])
  }

  @Test("an answer that does not answer the question is none")
  func answersFit() {
    let record = RecordSigner(name: 1, writer: 1).record(number: 1, content: [1])
    let view = View(isMember: true, predecessor: nil, successors: [])
    let peer = Peer(id: Identifier(1), endpoint: Simulator.endpoint(1))
    let renewal = RecordSigner(name: 1, writer: 1).renewal(of: record, until: record.expiry + 1)
    let questions: [Request.Question] = [.findSuccessor, .join(peer), .get, .put(record), .extend(renewal)]
    let fitting: [(Reply.Answer, [Bool])] = [
      (.owner(peer, view), [true, false, false, false, false]), (.joinPoint(peer), [false, true, false, false, false]),
      (.records([record]), [false, false, true, true, true]),
      (.stored(copies: 1), [false, false, false, true, true]),
      (.redirect(peer), [true, true, true, true, true]), (.failure(.full), [true, true, true, true, true]),
    ]
    for (answer, expected) in fitting { #expect(questions.map(answer.answers) == expected) }
  }

  @Test("a fifth writer under one key takes the place of the last, and the first three keep theirs against any number")
  func squatters() {
    var ring = Self.settled(3, seed: 26)
    let number = ring.time.utcMilliseconds
    for writer in 1...4 as ClosedRange<UInt8> {
      let signer = RecordSigner(name: 50, writer: writer)
      #expect(Self.put(signer.record(number: number, content: [writer]), from: ring.living[0], in: &ring) == 3)
    }
    for writer in 5...7 as ClosedRange<UInt8> {
      let next = RecordSigner(name: 50, writer: writer)
      #expect(Self.put(next.record(number: number, content: [writer]), from: ring.living[0], in: &ring) == 3)
      #expect(Self.get(next.key, from: ring.living[2], in: &ring).map(Set.init) == [[1], [2], [3], [writer]])
    }
    // Who was there first goes on writing.
    let first = RecordSigner(name: 50, writer: 1).record(number: number + 1, content: [11])
    #expect(Self.put(first, from: ring.living[0], in: &ring) == 3)
  }
}
