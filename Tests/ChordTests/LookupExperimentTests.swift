// The harness must not fool itself: what it counts is compared with what the nodes' tables say, and with what the nodes return.

import Chord
import Simulation
import Testing

@Suite("Lookups as the harness makes them")
struct LookupExperimentTests {
  private static func ring(_ count: Int) -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    configuration.keepsObservations = false
    configuration.node.routing = .classic  // whose ways a test can work out by itself
    var ring = Simulator.idealRing(of: count, configuration)
    ring.run(.seconds(20))
    return ring
  }

  /// The way of a lookup worked out from what the nodes know, without any of their code: as far as possible without passing the key, and
  /// from whoever has the owner in its list to the owner.
  private static func walk(_ ring: Simulator, from asker: Identifier, to key: Identifier) -> [Identifier]? {
    func isIn(_ a: Identifier, _ x: Identifier, _ b: Identifier) -> Bool {
      a.distance(to: x) <= a.distance(to: b) && x != a
    }
    var (place, path) = (asker, [Identifier]())
    for _ in 0..<64 {
      guard let machine = ring.machine(place) else { return nil }
      if let before = machine.ring.predecessor?.id, isIn(before, key, place) { return path }
      let successors = machine.ring.successors.map(\.id)
      if let owner = successors.first(where: { isIn(place, key, $0) }) { return path + [owner] }
      let known = successors + machine.fingerPeers.map(\.id)
      guard let next = known.filter({ $0 != key && isIn(place, $0, key) }).max(by: { isIn(place, $0, $1) && $0 != $1 })
      else { return nil }
      path.append(next)
      place = next
    }
    return nil
  }

  @Test("hops are the length of the way that nodes return, and that is the one in their tables", arguments: [64, 150])
  func hopsAreTheWay(count: Int) throws {
    var experiment = LookupExperiment(Self.ring(count), seed: 7)
    var tally = LookupTally()
    for number in 0..<100 {
      let (asker, key) = experiment.question(number)
      let path = try #require(experiment.look(up: key, from: asker, into: &tally))
      #expect(path == Self.walk(experiment.ring, from: asker, to: key))
      #expect(tally.lookups.last?.hops == path.count)
      #expect(path.last ?? asker == experiment.ring.owner(of: key))
    }
    #expect((tally.right, tally.wrong, tally.failed) == (100, 0, 0))
  }

  @Test("a lookup leaves nothing behind for the next one, unless it is to")
  func leavesNothing() throws {
    let ring = Self.ring(100)
    var together = LookupExperiment(ring, failing: 0.4, seed: 3)
    let tally = together.run(lookups: 40)
    for number in 0..<40 {
      var alone = LookupExperiment(ring, failing: 0.4, seed: 3)
      var one = LookupTally()
      let (asker, key) = alone.question(number)
      alone.look(up: key, from: asker, into: &one)
      #expect(one.lookups == [tally.lookups[number]])
    }
    var warm = LookupExperiment(ring, failing: 0.4, isWarm: true, seed: 3)
    let learnt = warm.run(lookups: 40)
    #expect(learnt.timeouts.reduce(0, +) < tally.timeouts.reduce(0, +), "who is known to be dead is not asked")
  }

  @Test(
    "a lookup costs three messages for each step, and one less for the last; one whose answer is doubted costs more")
  func costs() {
    var experiment = LookupExperiment(Self.ring(64), seed: 5)
    let lookups = experiment.run(lookups: 200).lookups
    for lookup in lookups where !lookup.isDoubted {
      guard let hops = lookup.hops, hops > 0 else { continue }
      // To the next, that it has it, and the answer; the owner itself answers at once.
      #expect(lookup.messages == 3 * hops - 1)
      #expect(lookup.bytes > 30 * lookup.messages)
      if hops == 1, let stretch = lookup.stretch { #expect(stretch > 0.999) }
    }
    #expect(lookups.allSatisfy { !$0.isDoubted || $0.messages > 30 })
    #expect(lookups.count { $0.isDoubted } < 4)
  }
}
