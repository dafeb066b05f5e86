// Texts under every fault that their two users survive: `bench delivery` sends a hundred thousand of them.

import Simulation
import Testing

@Suite("Delivery while everything between two users breaks")
struct DeliveryTests {
  @Test("every text is shown once, in order, and answered as delivered", arguments: 1...3 as ClosedRange<UInt64>)
  func everyText(seed: UInt64) {
    var options = DeliveryExperiment.Options()
    options.seed = seed
    options.writers = 8
    options.others = 8
    options.texts = 1500
    let tally = DeliveryExperiment.run(options)
    #expect(tally.failure == nil)
    #expect(tally.written == 1500 && tally.delivered == 1500 && tally.failed == 0)
    #expect(tally.broken > 20 && tally.silent > 0 && tally.moved > 0 && tally.crashes > 5)
  }
}
