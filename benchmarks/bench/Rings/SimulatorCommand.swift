// How fast the simulator is, and what a ring in it takes.

import ArgumentParser
import Chord
import Foundation
import Processes
import Simulation

struct SimulatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulator",
    abstract: "Events a second, simulated hours a minute, and memory of a simulated ring.",
    discussion: """
      First the ring is quiet and nobody looks on; then each second a member crashes and another one joins, and whenever a pointer has \
      changed the ring's invariant is checked, and after every event the member's own. Times are those of the processor.
      """)

  @Option(parsing: .upToNextOption, help: "How many members.")
  var nodes = [100, 1000, 10_000]

  @Option(help: "How many seconds to simulate in either way once the ring stands.")
  var seconds = 60

  @Flag(help: "Let the ring grow join by join, instead of beginning with one that stands.")
  var grow = false

  @Option(help: "How many milliseconds between two joins of a ring that grows.")
  var pause = 100

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard nodes.allSatisfy({ (32...100_000).contains($0) }), (1...1_000_000).contains(seconds), pause > 0 else {
      throw ValidationError("32 to 100000 nodes, 1 to 1000000 seconds")
    }
  }

  func run() throws {
    var table = Table(named: "simulator", asJSON: json)
    for count in nodes {
      let began = ProcessorTime.own
      var ring = build(count)
      let built = ProcessorTime.own - began
      let eventsBuilt = ring.eventCount
      guard ring.flaw == nil else { throw ValidationError("\(count) nodes have not become an exact ring") }
      let quiet = Self.measure(&ring) { $0.run(.seconds(seconds)) }
      let isExact = ring.flaw == nil
      let checked = try Self.measure(&ring) { try watch(&$0, of: count) }
      table.add(
        [("nodes", .integer(count)), ("exact", .bool(isExact)), ("build s", .number(built))]
          + (grow ? [("build events/s", .number(Double(eventsBuilt) / built))] : [])
          + [
            ("quiet events/s", .number(quiet.pace)), ("checked events/s", .number(checked.pace)),
            ("events/node/s", .number(quiet.events / Double(count * seconds))),
            ("hours/minute", .number(Double(seconds) / quiet.seconds / 60)),
            ("checked hours/minute", .number(Double(seconds) / checked.seconds / 60)),
            ("peak MB", .number(Memory.peakMegabytes)),
          ])
    }
    table.end()
  }

  private func build(_ count: Int) -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.keepsObservations = false
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    guard grow else { return .idealRing(of: count, configuration) }
    var ring = Simulator(configuration)
    ring.fill(with: count, pause: .milliseconds(pause))
    _ = ring.runUntilExact(.seconds(60))
    return ring
  }

  /// Lets a member crash and another one come each second, and looks at everything.
  private func watch(_ ring: inout Simulator, of count: Int) throws {
    var generator = Generator(seed: 1)
    let kept = Set(ring.bootstraps.map(\.id))
    for second in 0..<seconds {
      let others = ring.living.filter { !kept.contains($0) }
      ring.crash(others[Int(generator.next() % UInt64(others.count))])
      try check(&ring, until: ring.now + .milliseconds(500))
      ring.start(count + second)
      try check(&ring, until: ring.now + .milliseconds(500))
    }
  }

  private func check(_ ring: inout Simulator, until end: Instant) throws {
    var seen = -1
    while ring.step(until: end) {
      if let broken = ring.brokenInvariantOfLast { throw ValidationError(broken) }
      guard seen != ring.changeCount else { continue }
      seen = ring.changeCount
      let capacity = ring.configuration.node.successors.lowerBound
      if let broken = RingOracle(ring.members).brokenInvariant(capacity: capacity) { throw ValidationError(broken) }
    }
  }

  private static func measure(
    _ ring: inout Simulator, _ body: (inout Simulator) throws -> Void
  ) rethrows -> (events: Double, seconds: Double, pace: Double) {
    let (events, began) = (ring.eventCount, ProcessorTime.own)
    try body(&ring)
    let (made, took) = (Double(ring.eventCount - events), ProcessorTime.own - began)
    return (made, took, made / took)
  }
}
