// Finds among liars: a share of the members lies about lookups and records, and honest users find each other all the same
// (`bench liars` does it on a thousand members, and more often).

import Chord
import Simulation
import Testing

@Suite("Liars")
struct LiarTests {
  /// Made once: every find has a copy of its own.
  private static let experiment: LiarExperiment? = {
    var options = LiarExperiment.Options()
    options.nodes = 200
    return LiarExperiment(options)
  }()

  @Test("with a fifth of 200 members lying in all ways all finds are true")
  func fifth() throws {
    let tally = try #require(Self.experiment).run(finds: 60, lying: 0.2)
    #expect((tally.found, tally.count, tally.wrong) == (60, 60, 0))
    #expect(tally.inquiries > 10, "the liars were met")
  }

  @Test("whatever way of lying all of them agree on", arguments: Liars.Way.allCases)
  func ways(way: Liars.Way) throws {
    let tally = try #require(Self.experiment).run(finds: 20, lying: 0.2, way: way)
    #expect((tally.found, tally.wrong, tally.older) == (20, 0, 0))
  }

  @Test("who has never been there is not found, and nobody is made up in their place", arguments: [0, 0.2])
  func absent(share: Double) throws {
    let tally = try #require(Self.experiment).run(finds: 20, lying: share, absent: true)
    #expect(tally.found + tally.older + tally.wrong == 0)
    #expect(tally.missing >= (share == 0 ? 20 : 16))
  }

  @Test("where nobody lies, and everybody is there, nobody is asked twice")
  func honest() throws {
    let tally = try #require(Self.experiment).run(finds: 60, lying: 0)
    #expect((tally.found, tally.inquiries) == (60, 0))
  }
}
