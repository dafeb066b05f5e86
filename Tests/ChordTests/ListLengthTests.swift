// Successor lists that grow with the ring.

import Simulation
import Testing

@testable import Chord

@Suite("How long a list is")
struct ListLengthTests {
  @Test(
    "log2 of the members and six more, within limits",
    arguments: [(1, 16), (1000, 16), (2047, 16), (2048, 17), (10_000, 19), (1_000_000, 25), (.max, 32)])
  func length(members: Int, expected: Int) {
    #expect(Ring.length(for: members, within: 16...32) == expected)
    #expect(Ring.length(for: members, within: 20...20) == 20)
  }

  @Test("members that judge the ring's size differently have exact lists, which grow and are cut with it")
  func grows() {
    var configuration = Simulator.Configuration()
    configuration.node.successors = 4...32
    configuration.keepsObservations = false
    var ring = Simulator.idealRing(of: 64, configuration)
    #expect(ring.run(.seconds(20)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
    ring.run(.seconds(5))
    let lengths = ring.living.compactMap { ring.machine($0)?.ring.capacity }
    #expect(lengths.allSatisfy { (10...15).contains($0) }, "\(lengths)")
    #expect(Set(lengths).count > 1, "all judge alike: nothing to be tested")
    for place in stride(from: 0, to: 56, by: 1) { ring.crash(ring.living[place % 3]) }
    #expect(ring.run(.seconds(30)) { $0.living.count == 8 && $0.flaw == nil }, "\(ring.flaw ?? "")")
    ring.run(.seconds(5))
    // Whose list goes round knows that there are eight.
    for id in ring.living { #expect(ring.machine(id)?.ring.capacity == 9 || ring.machine(id)?.ring.capacity == 10) }
  }
}
