// A record that lives on without being written again, and those who would have it live longer than its writer wants, or shorter.

import Simulation
import Testing

@testable import Chord

@Suite("Longer lives of records")
struct RenewalTests {
  private static let utc: UInt64 = 1_790_000_000_000
  private static let writer = RecordSigner(name: 1, writer: 1)
  private static let record = writer.record(number: utc, content: [1])

  private static func store(_ records: [Record] = [record]) -> RecordStore {
    var store = RecordStore(network: "chord-chat")
    for record in records { _ = store.offer(record, from: nil, at: utc) }
    return store
  }

  private static func extend(_ store: inout RecordStore, _ renewal: Renewal, at time: UInt64 = utc)
    -> RecordStore.Outcome
  {
    store.extend(renewal, at: time)
  }

  @Test("the writer's word makes a record live longer, and it is answered for as long")
  func lives() {
    var store = Self.store()
    #expect(Self.extend(&store, Self.writer.renewal(of: Self.record, until: Self.utc + 2_400_000)) == .stored)
    #expect(store.records(under: Self.record.key, at: Self.record.expiry + 1).map(\.content) == [[1]])
    #expect(store.records(under: Self.record.key, at: Self.utc + 2_400_000).isEmpty)
    let isWhole = store.records(under: Self.record.key, at: Self.utc).allSatisfy {
      $0.isAuthentic(network: "chord-chat")
    }
    #expect(isWhole, "what is handed on proves itself")
  }

  @Test("nobody else's word does: another writer's, one for another record, a bent one, one for another network")
  func forged() {
    let other = RecordSigner(name: 1, writer: 2)
    let newer = Self.writer.record(number: Self.utc + 1, content: [2])
    let until = Self.utc + 2_400_000
    var bent = Self.writer.renewal(of: Self.record, until: until)
    bent.extended.signature[9] ^= 1
    var longer = Self.writer.renewal(of: Self.record, until: until)
    longer.extended.expiry += 1
    var renamed = other.renewal(of: Self.record, until: until)
    renamed.writerKey = Self.record.writerKey
    var renumbered = Self.writer.renewal(of: newer, until: until)
    renumbered.number = Self.record.number
    for renewal in [bent, longer, renamed, renumbered] {
      var store = Self.store()
      #expect(Self.extend(&store, renewal) == .refused)
      #expect(store.records(under: Self.record.key, at: Self.utc) == [Self.record])
    }
    var store = Self.store()
    #expect(Self.extend(&store, other.renewal(of: Self.record, until: until)) == .unknown)
    #expect(Self.extend(&store, Self.writer.renewal(of: newer, until: until)) == .unknown)
  }

  @Test("an older word said again changes nothing, nor does one beyond the hour, nor any for what was withdrawn")
  func replayed() {
    var store = Self.store()
    let first = Self.writer.renewal(of: Self.record, until: Self.utc + 2_000_000)
    let second = Self.writer.renewal(of: Self.record, until: Self.utc + 2_400_000)
    #expect(Self.extend(&store, first) == .stored && Self.extend(&store, second) == .stored)
    guard case .outdated = Self.extend(&store, first) else {
      Issue.record("an older word was taken")
      return
    }
    #expect(Self.extend(&store, second) == .known)
    let tooLong = Self.writer.renewal(
      of: Self.record, until: Self.utc + Record.maximumLifetime + Record.clockTolerance + 1)
    #expect(Self.extend(&store, tooLong) == .refused)
    let tombstone = Self.writer.record(number: Self.utc + 1, lifetime: 2_400_000, content: [])
    #expect(store.offer(tombstone, from: nil, at: Self.utc) == .stored)
    guard case .outdated = Self.extend(&store, second) else {
      Issue.record("what was withdrawn lives on")
      return
    }
    #expect(Self.extend(&store, Self.writer.renewal(of: tombstone, until: tombstone.expiry + 1)) == .refused)
  }

  @Test("a renewal costs a holder less than 200 bytes, and an envelope has at most 1 KiB")
  func sizes() {
    let renewal = Self.writer.renewal(of: Self.record, until: Self.utc + 2_400_000)
    var question = ByteWriter()
    Message.extend(1, renewal).encode(into: &question)
    var answer = ByteWriter()
    Message.replicated(1, isKept: true).encode(into: &answer)
    // Each is a frame of its own, with a length of two bytes.
    #expect(question.bytes.count + 2 + answer.bytes.count + 2 <= 200)
    var longest = Self.writer.record(number: Self.utc, content: Array(repeating: 1, count: Record.maximumContent))
    longest.extended = renewal.extended
    var envelope = ByteWriter()
    envelope.write(longest)
    #expect(envelope.bytes.count == Record.maximumEnvelope && Record.maximumEnvelope <= 1024)
  }

  @Test("nobody fills a store alone, be it over one link or from one network; what is renewed takes no new room")
  func shares() {
    var store = RecordStore(network: "chord-chat", capacity: 40)
    func source(_ peer: UInt32, _ host: UInt32) -> RecordSource {
      RecordSource(peer: Identifier(peer), host: .v4(host))
    }
    func fill(_ names: ClosedRange<UInt8>, from source: RecordSource) -> Int {
      names.count {
        store.offer(
          RecordSigner(name: $0, writer: 1).record(number: Self.utc, content: [1]), from: source, at: Self.utc)
          == .stored
      }
    }
    let network: UInt32 = 203 << 24 | 113 << 8
    #expect(fill(1...30, from: source(1, network | 1)) == 10)
    #expect(fill(31...60, from: source(2, network | 2)) == 10)
    #expect(fill(61...90, from: source(3, network | 3)) == 0, "a third one of the same network")
    #expect(fill(61...90, from: source(4, 198 << 24 | 1)) == 10)
    let again = RecordSigner(name: 1, writer: 1).record(number: Self.utc + 1, content: [2])
    #expect(store.offer(again, from: source(1, network | 1), at: Self.utc) == .stored)
    store.expire(at: Self.utc + 4_000_000)
    #expect(store.count == 0 && store.shares.isEmpty)
    // At home everybody is of one network, and that is no one's fault.
    #expect(fill(1...10, from: source(1, 10 << 24 | 1)) + fill(11...20, from: source(2, 10 << 24 | 2)) == 20)
    #expect(fill(21...30, from: source(3, 10 << 24 | 3)) == 10)
  }

  @Test("in a ring a renewal reaches every holder; one who lacks the record is sent it")
  func inARing() {
    var ring = RecordTests.settled(8, seed: 31)
    let number = ring.time.utcMilliseconds
    let record = Self.writer.record(number: number, content: [1])
    #expect(RecordTests.put(record, from: ring.living[0], in: &ring) == 8)
    // A newcomer next to the key holds nothing when it comes, and the renewals find that out.
    let renewal = Self.writer.renewal(of: record, until: number + 2_400_000)
    ring.tell(ring.living[3], ChordNode.Event.extend(renewal, 91))
    #expect(ring.run(.seconds(5)) { $0.observed($0.living[3]).contains(.stored(91, copies: 8)) })
    // One that nobody has heard of is not extended.
    let unheard = RecordSigner(name: 9, writer: 1)
    let nothing = unheard.record(number: number, content: [1])
    ring.tell(ring.living[2], ChordNode.Event.extend(unheard.renewal(of: nothing, until: number + 2_400_000), 92))
    #expect(ring.run(.seconds(5)) { $0.observed($0.living[2]).contains(.failed(92, .unknown)) })
  }
}
