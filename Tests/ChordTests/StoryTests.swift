// A few short stories of the simulator in every run of the tests; `make sim` tells long ones, and many.

import Simulation
import Synchronization
import Testing

@Suite("Stories of the simulator")
struct StoryTests {
  private static func options(_ seed: UInt64) -> Scenario.Options {
    var options = Scenario.Options()
    options.seed = seed
    options.nodes = 14
    options.trouble = .seconds(20)
    return options
  }

  @Test("whatever goes wrong, everything comes right", arguments: 1...6 as ClosedRange<UInt64>)
  func comesRight(seed: UInt64) {
    let report = Scenario.run(Self.options(seed))
    #expect(report.failure == nil)
    #expect(report.sights[.delivered] ?? 0 > 10 && report.simulated > .seconds(60))
  }

  @Test("the same seed tells the same story, event by event, and another seed another one")
  func replays() {
    let (first, again, other) = (Self.events(of: 7), Self.events(of: 7), Self.events(of: 8))
    #expect(first.count > 10_000)
    #expect(first == again)
    #expect(first != other)
  }

  @Test("a story is the same, event by event, whether signatures are remembered or worked out for every node")
  func remembers() {
    #expect(Self.events(of: 9) == Self.events(of: 9, remembersSignatures: false))
  }

  private static func events(of seed: UInt64, remembersSignatures: Bool = true) -> [String] {
    let lines = Lines()
    var options = options(seed)
    options.remembersSignatures = remembersSignatures
    _ = Scenario.run(options) { lines.add($0) }
    return lines.all
  }

  /// Lines that may come from any thread.
  private final class Lines: Sendable {
    private let kept = Mutex<[String]>([])
    var all: [String] { kept.withLock { $0 } }
    func add(_ line: String) { kept.withLock { $0.append(line) } }
  }
}
