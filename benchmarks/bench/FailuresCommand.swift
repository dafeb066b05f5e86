// A share of all members fails at once: what lookups are like before anything is repaired (Chord, ToN 2003, Table II).

import ArgumentParser
import Chord
import Processes
import Simulation

struct FailuresCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "failures",
    abstract: "Lookups in a simulated ring of which a share has failed silently at once.")

  @OptionGroup var options: RingOptions

  @Option(parsing: .upToNextOption, help: "Which shares of the members fail.")
  var shares = [0, 0.1, 0.2, 0.3, 0.4, 0.5]

  @Flag(help: "Follow the first lookup that is wrong or fails, event by event.")
  var trace = false

  func validate() throws {
    guard shares.allSatisfy({ (0..<1).contains($0) }) else { throw ValidationError("shares from 0 up to 1") }
  }

  func run() throws {
    var table = Table(named: "failures", asJSON: options.json)
    for successors in options.successors {
      let rings = try options.seeds.map { ($0, try options.ring(successors: successors, seed: $0)) }
      for share in shares {
        var tally = LookupTally()
        for (seed, ring) in rings {
          let experiment = FailureExperiment(ring, failing: share, seed: seed)
          tally.add(trace ? follow(experiment) : experiment.run(lookups: options.lookups))
        }
        table.add(
          [("r", .integer(successors)), ("p", .number(share))] + tally.cells
            + [("pings to the dead", .number(Double(tally.pings) / Double(max(tally.count, 1))))])
      }
    }
    table.end()
  }

  private func follow(_ experiment: FailureExperiment) -> LookupTally {
    var tally = LookupTally()
    for number in 0..<options.lookups {
      let (asker, key) = experiment.question(number)
      experiment.look(up: key, from: asker, into: &tally)
      guard tally.wrong + tally.failed > 0 else { continue }
      print("lookup \(number): \(asker) asks for \(key)")
      var again = LookupTally()
      experiment.look(up: key, from: asker, into: &again) { print($0) }
      break
    }
    return tally
  }
}
