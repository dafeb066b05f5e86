// What the simulated measurements take: how large a ring, over what network, from which seeds.

import ArgumentParser
import Chord
import Simulation

/// Simulated rings.
struct RingOptions: ParsableArguments {
  @Option(help: "How many members; several with commas.")
  var nodes = List([1000])

  @Option(help: "The length of the successor lists; several with commas.")
  var successors = List([16])

  @Flag(help: "Let the lists grow with the ring, as those of nodes do: from --successors up to 32.")
  var growing = false

  @Option(help: "How many lookups for each row and seed.")
  var lookups = 10_000

  @Option(help: "The first seed: the same one gives the same figures.")
  var seed: UInt64 = 1

  @Option(help: "How many seeds, one after the other.")
  var seeds = 1

  /// How members route; values of their configuration, not programs of their own.
  enum Routing: String, ExpressibleByArgument, CaseIterable {
    case classic, proximity

    var values: Chord.Routing {
      switch self {
      case .classic: .classic
      case .proximity: .proximity
      }
    }
  }

  @Option(
    help:
      "classic: as in the paper, fingers at powers of two, not chosen by proximity, clockwise only; proximity: near fingers, both ways round."
  )
  var routing = Routing.proximity

  @Option(help: LatencyArgument.help)
  var latency = LatencyArgument.usual

  @Flag(help: "Let the ring grow join by join, instead of beginning with one that stands.")
  var grown = false

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard nodes.values.allSatisfy({ (2...100_000).contains($0) }), (1...1_000_000).contains(lookups),
      (1...1000).contains(seeds), successors.values.allSatisfy({ (1...MessageLimit.successors).contains($0) })
    else {
      throw ValidationError(
        "2 to 100000 nodes, 1 to 1000000 lookups, 1 to 1000 seeds, 1 to \(MessageLimit.successors) successors")
    }
  }

  private static let life = Duration.seconds(45)

  var allSeeds: [UInt64] { (0..<UInt64(seeds)).map { seed &+ $0 } }

  /// A ring whose every pointer and finger is exact, or the reason why there is none.
  func ring(of nodes: Int, successors: Int, seed: UInt64) throws -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.seed = seed
    configuration.node.successors = successors...(growing ? MessageLimit.successors : successors)
    configuration.node.routing = routing.values
    configuration.keepsObservations = false
    configuration.latency = try latency.latency(seed: seed)
    var ring = grown ? Simulator.ring(of: nodes, configuration) : .idealRing(of: nodes, configuration)
    // An ordinary life for as long as it takes to refresh all fingers: they are linked then, and no member hurries any more.
    ring?.run(Self.life)
    guard let ring, ring.flaw == nil, ring.hasExactFingers else {
      throw ValidationError("\(nodes) nodes with \(successors) successors do not become an exact ring (seed \(seed))")
    }
    return ring
  }
}
