// Owners remembered from lookups.

import Simulation
import Testing

@testable import Chord

@Suite("Owners that are remembered")
struct KnownOwnersTests {
  private func peer(_ id: UInt32) -> Peer {
    Peer(id: Identifier(id), endpoint: Endpoint(host: .v4(id), port: 1))
  }

  @Test("the range of each, eight at the most, for five minutes, and none that is dead")
  func bounds() {
    var owners = KnownOwners()
    let start = Instant(nanoseconds: 1)
    for number in 1...9 as ClosedRange<UInt32> {
      #expect(owners.learn(peer(number * 10), after: Identifier(number * 10 - 5), room: 8, at: start) == 1)
    }
    #expect(owners.entries.count == KnownOwners.limit)
    #expect(owners.owner(of: Identifier(10), at: start) == nil, "the oldest is forgotten")
    #expect(owners.owner(of: Identifier(15), at: start) == nil, "where its range begins is the one's before it")
    #expect(
      owners.owner(of: Identifier(16), at: start) == peer(20) && owners.owner(of: Identifier(20), at: start) == peer(20)
    )
    #expect(owners.learn(peer(20), after: Identifier(18), room: 8, at: start) == 2)
    #expect(owners.owner(of: Identifier(16), at: start) == nil, "what it owns now counts")
    owners.forget(Identifier(30), at: nil)
    #expect(owners.owner(of: Identifier(28), at: start) == nil)
    let end = start + KnownOwners.life
    #expect(owners.owner(of: Identifier(20), at: end) == nil)
    #expect(owners.learn(peer(20), after: Identifier(18), room: 8, at: end) == 1, "one asked long ago is a stranger")
    #expect(owners.entries.count == 1)
  }

  @Test("where there is little room few are remembered, and those who are asked for again and again stay")
  func littleRoom() {
    var owners = KnownOwners()
    let start = Instant(nanoseconds: 1)
    func learn(_ number: UInt32, room: Int) -> Int {
      owners.learn(peer(number * 10), after: Identifier(number * 10 - 5), room: room, at: start)
    }
    for uses in 1...3 { #expect(learn(1, room: 8) == uses) }
    #expect(owners.linked(at: start) == 1 && owners.linked(at: start + KnownOwners.life) == 0)
    for number in 2...8 as ClosedRange<UInt32> { #expect(learn(number, room: 8) == 1) }
    for (room, kept) in [(5, 5), (0, KnownOwners.least), (-3, KnownOwners.least)] {
      #expect(learn(9, room: room) >= 1)
      #expect(owners.entries.count == kept)
      #expect(owners.owner(of: Identifier(6), at: start) == peer(10))
    }
  }

  @Test("who asks for the same key again and again asks its owner, and goes the usual way when that one is dead")
  func straight() throws {
    var configuration = Simulator.Configuration()
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    var ring = Simulator.idealRing(of: 200, configuration)
    ring.run(.seconds(20))
    let asker = ring.living[0]
    let key = try #require(
      (1...100).map { Identifier(hashing: [$0], label: "far") }.first { hops(to: $0, from: asker, in: &ring) >= 3 })
    let first = hops(to: key, from: asker, in: &ring)
    #expect(first >= 3)
    for _ in 0..<KnownOwners.isWorthLink { _ = hops(to: key, from: asker, in: &ring) }
    ring.run(.seconds(1))
    #expect(hops(to: key, from: asker, in: &ring) == 1)
    let owner = try #require(ring.owner(of: key))
    ring.crash(owner, silently: true)
    #expect(hops(to: key, from: asker, in: &ring) >= 1)
    ring.run(.seconds(20))
    #expect(hops(to: key, from: asker, in: &ring) > 1)
  }

  /// How long the way to the owner is; the answer must be right.
  private func hops(to key: Identifier, from asker: Identifier, in ring: inout Simulator) -> Int {
    let ticket = Ticket(ring.observed(asker).count + 1)
    ring.tell(asker, .lookUp(key, ticket))
    var answer: (Identifier, Int)?
    _ = ring.run(.seconds(20)) { ring in
      for case .found(ticket, let owner, _, let path) in ring.observed(asker) { answer = (owner.id, path.count) }
      return answer != nil
    }
    #expect(answer?.0 == ring.owner(of: key))
    return answer?.1 ?? 0
  }
}
