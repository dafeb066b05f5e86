// Rings that stand from the beginning must be what rings become that have grown: else what is measured in them says nothing.

import Chord
import Simulation
import Testing

@Suite("Rings that stand from the beginning")
struct IdealRingTests {
  private static var configuration: Simulator.Configuration {
    var configuration = Simulator.Configuration()
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    configuration.keepsObservations = false
    return configuration
  }

  @Test("every pointer and every finger is exact, and stays so", arguments: [1, 2, 3, 16, 17, 18, 200])
  func isExact(count: Int) {
    var ring = Simulator.idealRing(of: count, Self.configuration)
    #expect(ring.living.count == count)
    #expect(ring.flaw == nil && ring.hasExactFingers)
    #expect(ring.living.allSatisfy { ring.machine($0)?.isInRing == true })
    let changes = ring.changeCount
    ring.run(.seconds(60))
    #expect(ring.flaw == nil && ring.hasExactFingers)
    #expect(ring.changeCount == changes, "in a ring that stands no pointer changes")
    #expect(ring.eventCount > 3 * 60 * count || count < 3)
  }

  @Test("its members point at whom those of a ring that has grown point at")
  func isLikeOneThatHasGrown() throws {
    // Fingers are compared with what is right, above: one that has grown may have more than it needs.
    let ideal = Simulator.idealRing(of: 60, Self.configuration)
    let grown = try #require(Simulator.ring(of: 60, Self.configuration))
    #expect(ideal.living == grown.living)
    for id in ideal.living {
      let (one, other) = (try #require(ideal.machine(id)), try #require(grown.machine(id)))
      #expect(one.ring.predecessor == other.ring.predecessor && one.ring.successors == other.ring.successors)
    }
  }

  @Test("what happens in it is the same each time")
  func repeats() {
    var (one, other) = (
      Simulator.idealRing(of: 40, Self.configuration), Simulator.idealRing(of: 40, Self.configuration)
    )
    one.run(.seconds(20))
    other.run(.seconds(20))
    #expect(one.eventCount == other.eventCount && one.messageCount == other.messageCount)
  }
}
