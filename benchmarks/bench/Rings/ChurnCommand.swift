// Members come and go: what lookups are like meanwhile, and what it costs (Chord, ToN 2003, Table III; Bamboo, USENIX 2004).

import ArgumentParser
import Chord
import Foundation
import Processes
import Simulation

struct ChurnCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "churn",
    abstract: "Lookups in a simulated ring whose members come and go.")

  @OptionGroup var options: RingOptions

  @Option(help: "Joins a second, and departures a second; several with commas.")
  var rates = List([0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40])

  @Option(help: "Instead of rates: medians of the sessions in minutes.")
  var sessions = List<Double>([])

  @Option(help: "Which share of the departures are crashes.")
  var crashes = 0.5

  @Flag(help: "Nobody is told of a crash.")
  var silent = false

  @Option(help: "How many lookups a second.")
  var lookupRate = 10.0

  @Option(help: "For how many seconds there is churn before the first lookup.")
  var warmUp = 120

  @Flag(help: "Count the bytes of all messages.")
  var bytes = false

  @Flag(help: "Tell of every lookup that was wrong or failed.")
  var mishaps = false

  func validate() throws {
    guard options.nodes.values.count == 1 else { throw ValidationError("one number of nodes") }
    guard (rates.values + sessions.values).allSatisfy({ (0.001...1000).contains($0) }), (0...1).contains(crashes),
      (0.001...10_000).contains(lookupRate), (0...100_000).contains(warmUp)
    else { throw ValidationError("rates and medians above 0, crashes from 0 to 1") }
  }

  func run() throws {
    var table = Table(named: "churn", asJSON: options.json)
    let nodes = options.nodes.values[0]
    let perMedian = Double(nodes) * log(2) / 60
    for successors in options.successors.values {
      let rings = try options.allSeeds.map { ($0, try options.ring(of: nodes, successors: successors, seed: $0)) }
      for rate in sessions.values.isEmpty ? rates.values : sessions.values.map({ perMedian / $0 }) {
        table.add([("r", .integer(successors)), ("rate", .number(rate))] + measure(rate, in: rings))
      }
    }
    table.end()
  }

  private func measure(_ rate: Double, in rings: [(UInt64, Simulator)]) -> [(name: String, value: JSON)] {
    var tally = LookupTally()
    var (memberSeconds, seconds) = (0.0, 0.0)
    var (bytes, messages, links) = (0, 0, 0)
    for (seed, ring) in rings {
      var configuration = ChurnExperiment.Configuration()
      configuration.rate = rate
      configuration.crashes = crashes
      configuration.isSilent = silent
      configuration.lookupsPerSecond = lookupRate
      configuration.warmUp = .seconds(warmUp)
      var experiment = ChurnExperiment(ring, configuration, seed: seed)
      experiment.run(lookups: options.lookups)
      tally.add(experiment.tally)
      memberSeconds += experiment.memberSeconds
      seconds += experiment.measured / .seconds(1)
      bytes += experiment.bytes
      messages += experiment.messages
      links += experiment.links
      if mishaps { for mishap in experiment.mishaps { print("seed \(seed):", mishap) } }
    }
    var cells = tally.cells + [("members", .number(memberSeconds / max(seconds, 1)))]
    if self.bytes {
      cells += [
        ("bytes/node/s", .number(Double(bytes) / memberSeconds)),
        ("messages/node/s", .number(Double(messages) / memberSeconds)),
        ("links/node/s", .number(Double(links) / memberSeconds)),
      ]
    }
    return cells
  }
}
