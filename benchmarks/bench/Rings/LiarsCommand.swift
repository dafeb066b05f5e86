// Finds among liars: a share of the members lies about lookups and records, and honest users look for each other.

import ArgumentParser
import Processes
import Simulation

struct LiarsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "liars",
    abstract: "Finds in a simulated ring of which a share lies about lookups and records.",
    discussion: "Exit status 1 if anything false passed for a user.")

  @Option(help: "How many members; every fifth has a user.")
  var nodes = 1000

  @Option(help: "How many finds for each row and seed.")
  var finds = 2000

  @Option(parsing: .upToNextOption, help: "One run for each.")
  var seeds: [UInt64] = [1]

  @Option(parsing: .upToNextOption, help: "Which shares of the members lie.")
  var liars = [0, 0.05, 0.1, 0.2, 0.3]

  @Flag(help: "Besides all ways of lying together, a row for each.")
  var eachWay = false

  @Flag(help: "Look for users who have never been there: the right answer is nobody.")
  var absent = false

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard (20...100_000).contains(nodes), (1...1_000_000).contains(finds), !seeds.isEmpty,
      liars.allSatisfy({ (0..<1).contains($0) })
    else { throw ValidationError("20 to 100000 nodes, 1 to 1000000 finds, shares from 0 up to 1") }
  }

  func run() throws {
    var table = Table(named: "liars", asJSON: json)
    var wrong = 0
    let experiments = try seeds.map { seed in
      var options = LiarExperiment.Options()
      options.nodes = nodes
      options.seed = seed
      guard let experiment = LiarExperiment(options) else {
        throw ValidationError("\(nodes) nodes do not become an exact ring (seed \(seed))")
      }
      return experiment
    }
    for share in liars {
      let ways: [Liars.Way?] = eachWay && share > 0 ? [nil] + Liars.Way.allCases : [nil]
      for way in ways {
        var tally = LiarExperiment.Tally()
        for experiment in experiments {
          tally.add(experiment.run(finds: finds, lying: share, way: way, absent: absent))
        }
        wrong += tally.wrong
        table.add(
          [("liars", .number(share)), ("way", .string(way.map { "\($0)" } ?? "all"))] + tally.cells)
      }
    }
    table.end()
    if wrong > 0 { throw ExitCode(1) }
  }
}
