// Conversations between whole ring machines on a simulated network: joining, repairing, looking up, storing.

import Chord
import Simulation
import Testing

@Suite("A ring of machines")
struct RingOfMachinesTests {
  /// A ring of `count`, the first three being bootstraps, all started at the same moment.
  static func ring(of count: Int, seed: UInt64, successors: Int = 16) -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.seed = seed
    configuration.node.successors = successors...successors
    var ring = Simulator(configuration)
    let ids = (0..<count).map { ring.start($0) }
    ring.bootstraps = ids.prefix(3).compactMap { ring.machine($0)?.me }
    return ring
  }

  @Test(
    "nodes started at the same moment stand in one exact ring within 5 s", arguments: [1, 2, 3, 5, 27],
    [1, 2, 3, 4] as [UInt64])
  func simultaneousStart(count: Int, seed: UInt64) {
    var ring = Self.ring(of: count, seed: seed)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
  }

  @Test("an exact ring stays exact", arguments: [2, 27])
  func stays(count: Int) {
    var ring = Self.ring(of: count, seed: 7)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    #expect(!ring.run(.seconds(30)) { $0.flaw != nil }, "\(ring.flaw ?? "")")
  }

  @Test("every lookup finds the true owner, and its path ends there", arguments: [1, 2, 5, 40], [16, 4])
  func lookups(count: Int, successors: Int) {
    var ring = Self.ring(of: count, seed: 11, successors: successors)
    #expect(ring.run(.seconds(10)) { $0.flaw == nil })
    ring.run(.seconds(5))
    for (number, id) in ring.living.enumerated() {
      let key = Identifier(hashing: [UInt8(number)], label: "test")
      ring.tell(id, .lookUp(key, 99))
      _ = ring.run(.milliseconds(100)) { $0.observed(id).contains { if case .found = $0 { true } else { false } } }
      guard case .found(99, let owner, _, let path) = ring.observed(id).last else {
        Issue.record("no answer to \(id): \(ring.observed(id))")
        continue
      }
      #expect(owner.id == ring.owner(of: key))
      #expect(owner.id == id ? path.isEmpty : path.last == owner.id)
      #expect(path.count <= 6)
    }
  }

  @Test(
    "a third dies at once: lookups are right again within 5 s", arguments: [1, 2, 3, 4, 5] as [UInt64], [false, true])
  func massCrash(seed: UInt64, silently: Bool) {
    var ring = Self.ring(of: 27, seed: seed)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    var generator = Generator(seed: seed)
    let victims = ring.living.shuffled(using: &generator).prefix(9)
    for victim in victims { ring.crash(victim, silently: silently) }
    #expect(ring.run(silently ? .seconds(15) : .seconds(1)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
  }

  @Test("nodes that leave are gone at once and nobody else is disturbed")
  func leaving() {
    var ring = Self.ring(of: 12, seed: 5)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    for id in ring.living.prefix(5) { ring.tell(id, .leave) }
    #expect(ring.run(.seconds(2)) { $0.living.count == 7 && $0.flaw == nil }, "\(ring.flaw ?? "")")
  }

  @Test("who joins a ring larger than its list hurries through one round of fingers, not through every one")
  func fingersCalmDown() {
    var ring = Self.ring(of: 40, seed: 8)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    ring.run(.seconds(30))
    let before = ring.messageCount
    ring.run(.seconds(20))
    let quiet = ring.messageCount - before
    for number in 40..<50 {
      ring.start(number)
      ring.run(.seconds(1))
    }
    ring.run(.seconds(30))
    let joined = ring.messageCount
    ring.run(.seconds(20))
    #expect(ring.messageCount - joined < quiet * 3 / 2)
  }

  @Test("a crashed node comes back with the same identity")
  func restart() {
    var ring = Self.ring(of: 9, seed: 6)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    let id = ring.living[4]
    ring.crash(id)
    ring.start(4, id: id)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
  }

  @Test("rings that formed apart become one", arguments: [1, 2, 3] as [UInt64])
  func merge(seed: UInt64) {
    var configuration = Simulator.Configuration()
    configuration.seed = seed
    var ring = Simulator(configuration)
    let left = (0..<8).map { ring.start($0) }
    ring.bootstraps = [ring.machine(left[0])!.me]
    #expect(ring.run(.seconds(5)) { $0.flaw == nil })
    let right = (8..<16).map { ring.start($0) }
    ring.bootstraps = [ring.machine(right[0])!.me]
    ring.run(.seconds(3))
    ring.bootstraps = [ring.machine(left[0])!.me, ring.machine(right[0])!.me]
    #expect(ring.run(.seconds(30)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
  }
}
