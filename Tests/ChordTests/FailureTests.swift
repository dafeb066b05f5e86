// Half of a ring dies at once and silently, and before anything is repaired every lookup is answered, and rightly (Chord, ToN 2003,
// Table II, on a small scale; `bench failures` does it on the paper's).

import Chord
import Simulation
import Testing

@Suite("Mass failures")
struct FailureTests {
  private static func experiment(_ count: Int, successors: Int, failing share: Double) throws -> FailureExperiment {
    var configuration = Simulator.Configuration()
    configuration.node.successors = successors
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    configuration.keepsObservations = false
    let ring = try #require(Simulator.ring(of: count, configuration))
    return FailureExperiment(ring, failing: share, seed: 1)
  }

  @Test("half of 100 members die silently: every lookup names the true owner among the living")
  func half() throws {
    let tally = try Self.experiment(100, successors: 16, failing: 0.5).run(lookups: 200)
    #expect((tally.right, tally.wrong, tally.failed) == (200, 0, 0))
    #expect(tally.timeouts.contains { $0 > 0 }, "the dead were met")
  }

  @Test("a lookup that meets one dead member after the other is not given up while somebody works on it")
  func reassured() throws {
    let tally = try Self.experiment(100, successors: 16, failing: 0.6).run(lookups: 60)
    #expect((tally.right, tally.wrong, tally.failed) == (60, 0, 0))
    #expect(tally.milliseconds.contains { $0 > 9000 }, "longer than anybody waits for silence, three times over")
  }
}
