// Records put, found and withdrawn one at a time in a ring that stands; before they are looked for a share of all members may die at once
// and silently.
//
//   at rest ──> puts, one after the other ──> the victims die ──┬─> one find ──────> back to here
//                                                               └─> one withdrawal, and a find that must find nothing ──> back to here
//
// The records are those of users, as the directory writes and signs them; whoever asks is any member.

import Chat
import Chord

/// A ring in which records are put and looked for.
public struct RecordExperiment {
  /// What came of the three.
  public struct Tallies: Sendable {
    /// Stored, with as many copies as there are to be.
    public var puts = LookupTally()
    /// The very record was brought; the hops and the stretch are those to its owner.
    public var finds = LookupTally()
    /// The record's end was stored, and a find afterwards brings no other.
    public var withdrawals = LookupTally()

    public init() {}
  }

  private struct Entry {
    var writer: DirectoryWriter
    var record: Record
    var by: Identifier
  }

  private var ring: Simulator
  private var work: Simulator
  private var entries: [Entry] = []
  private var generator: Generator
  private let failing: Double
  private let copies: Int

  /// `ring` should be exact and have full fingers.
  public init(_ ring: Simulator, failing: Double = 0, seed: UInt64) {
    self.ring = ring
    self.ring.comeToRest()
    self.failing = failing
    let node = ring.configuration.node
    copies = min(node.copies, node.successors.lowerBound + 1, ring.living.count)
    generator = Generator(seed: seed)
    work = self.ring
  }

  /// Puts so many records, and then finds and withdraws each.
  public mutating func run(records: Int, progress: (Int) -> Void = { _ in }) -> Tallies {
    var tallies = Tallies()
    for number in 0..<records {
      put(&tallies.puts)
      work.comeToRest()
      progress(number / 2)
    }
    ring = work
    ring.news = []
    ring.lostRequests = [:]
    let victims = ring.living.shuffled(using: &generator).prefix(Int((failing * Double(ring.living.count)).rounded()))
    for victim in victims { ring.crash(victim, silently: true) }
    ring.news = []
    work = ring
    work.watchHosts()
    for (number, entry) in entries.enumerated() {
      find(entry, &tallies.finds)
      withdraw(entry, &tallies.withdrawals)
      progress((records + number) / 2)
    }
    return tallies
  }

  private mutating func anybody() -> Identifier { ring.living[Int(generator.next() % UInt64(ring.living.count))] }

  private mutating func put(_ tally: inout LookupTally) {
    let identity = Identity.drawn(from: &generator)
    let user = User(name: UserName(unchecked: entries.count), identity: identity)
    var writer = DirectoryWriter(user: user, identity: identity, network: ring.configuration.node.network)
    let member = anybody()
    let endpoints = [ring.address(of: member)?.endpoint].compactMap(\.self)
    guard let record = writer.record(endpoints: endpoints, at: work.time.utcMilliseconds) else { return }
    var lookup = ask(.put(record, 0), record.key, by: member) { [copies] in
      if case .stored(_, let stored) = $0 { (stored == copies ? .right : .wrong, nil) } else { nil }
    }
    lookup.direct = ring.owner(of: record.key).flatMap { ring.roundTrip(member, $0) }
    tally.add(lookup)
    entries.append(Entry(writer: writer, record: record, by: member))
  }

  private mutating func find(_ entry: Entry, _ tally: inout LookupTally) {
    work.rewind(to: ring)
    let asker = anybody()
    var lookup = ask(.get(entry.record.key, 0), entry.record.key, by: asker) {
      guard case .got(_, let records, let hops) = $0 else { return nil }
      return (records == [entry.record] ? .right : .wrong, hops)
    }
    lookup.direct = ring.owner(of: entry.record.key).flatMap { ring.roundTrip(asker, $0) }
    tally.add(lookup)
  }

  private mutating func withdraw(_ entry: Entry, _ tally: inout LookupTally) {
    work.rewind(to: ring)
    var entry = entry
    let (writer, reader) = (ring.isAlive(entry.by) ? entry.by : anybody(), anybody())
    guard let end = entry.writer.tombstone(at: work.time.utcMilliseconds + 1) else { return }
    var lookup = ask(.put(end, 0), end.key, by: writer) { if case .stored = $0 { (.right, nil) } else { nil } }
    lookup.direct = ring.owner(of: end.key).flatMap { ring.roundTrip(writer, $0) }
    let after = ask(.get(end.key, 0), end.key, by: reader) {
      guard case .got(_, let records, _) = $0 else { return nil }
      return (records.contains(entry.record) ? .wrong : .right, nil)
    }
    if after.outcome == .wrong { lookup.outcome = .wrong }
    tally.add(lookup)
  }

  /// Has a member ask, and tells what came of it; `judge` says nil to what is no answer.
  private mutating func ask(
    _ event: ChordNode.Event, _ key: Identifier, by asker: Identifier,
    _ judge: (ChordNode.Effect) -> (LookupTally.Outcome, hops: Int?)?
  ) -> LookupTally.Lookup {
    work.watch(key)
    let asked = work.now
    work.tell(asker, event)
    var verdict: (LookupTally.Outcome, hops: Int?)?
    while verdict == nil, work.step(until: asked + LookupExperiment.patience) {
      guard !work.news.isEmpty else { continue }
      for case .ring(let effect) in work.news.filter({ $0.node == asker }).map(\.news) {
        if case .failed = effect { verdict = (.failed, nil) }
        verdict = judge(effect) ?? verdict
      }
      work.news = []
    }
    var lookup = LookupTally.Lookup(
      verdict?.0 ?? .failed, hops: verdict?.hops, timeouts: work.lostRequests[key] ?? 0, time: work.now - asked)
    lookup.messages = work.watchedMessageCount
    lookup.bytes = work.watchedByteCount
    return lookup
  }
}
