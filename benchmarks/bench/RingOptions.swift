// What the simulated measurements take: how large a ring, over what network, from which seeds.

import ArgumentParser
import Chord
import Foundation
import Simulation

/// A simulated ring.
struct RingOptions: ParsableArguments {
  @Option(help: "How many members.")
  var nodes = 1000

  @Option(parsing: .upToNextOption, help: "The lengths of the successor lists.")
  var successors = [16]

  @Option(help: "How many lookups for each row and seed.")
  var lookups = 10_000

  @Option(parsing: .upToNextOption, help: "One run for each.")
  var seeds: [UInt64] = [1]

  @Option(
    help: """
      CSV of round trips in milliseconds (columns cty1, cty2, rtt_avg) to place nodes in. Without it every pair of nodes has a \
      one-way delay of its own, 20 to 80 ms.
      """)
  var latency: String?

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard (2...100_000).contains(nodes), (1...1_000_000).contains(lookups), !seeds.isEmpty, !successors.isEmpty,
      successors.allSatisfy({ (1...MessageLimit.successors).contains($0) })
    else {
      throw ValidationError("2 to 100000 nodes, 1 to 1000000 lookups, 1 to \(MessageLimit.successors) successors")
    }
  }

  /// A ring that stands, or the reason why there is none.
  func ring(successors: Int, seed: UInt64, countsBytes: Bool = false) throws -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.seed = seed
    configuration.node.successors = successors
    configuration.keepsObservations = false
    configuration.countsBytes = countsBytes
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    if let latency {
      configuration.latency = .matrix(try Latency.Matrix(csv: String(contentsOfFile: latency, encoding: .utf8)))
    }
    guard let ring = Simulator.ring(of: nodes, configuration) else {
      throw ValidationError("\(nodes) nodes with \(successors) successors do not become an exact ring (seed \(seed))")
    }
    return ring
  }
}
