// Records: put, found, withdrawn; the directory's part of finding a user.

import ArgumentParser
import Chord
import Processes
import Simulation

struct RecordsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "records",
    abstract: "Puts users' records in a simulated ring, finds them and withdraws them.",
    discussion: """
      A put is right when all copies are stored, a find when it brings the very record, a withdrawal when a find after it no longer brings \
      it. Finds and withdrawals begin with the same tables each time; hops and stretch are those of a find, \
      stretch over the way to the owner of the record and back. --lookups is the number of records.
      """)

  @OptionGroup var options: RingOptions

  @Option(help: "Which share of the members fails at once and silently after the puts; several with commas.")
  var fail = List([0.0])

  @Flag(help: "Print comma-separated rows instead of a table.")
  var csv = false

  func validate() throws {
    guard fail.values.allSatisfy({ (0..<1).contains($0) }) else { throw ValidationError("shares from 0 up to 1") }
    guard !(csv && options.json) else { throw ValidationError("--csv or --json") }
  }

  func run() throws {
    var out = RowPrinter(options.json ? .json : csv ? .csv : .table)
    for nodes in options.nodes.values {
      for successors in options.successors.values {
        let rings = try options.allSeeds.map { ($0, try options.ring(of: nodes, successors: successors, seed: $0)) }
        for share in fail.values { for row in measure(rings, nodes, successors, share) { out.add(row) } }
      }
    }
    out.end()
  }

  private func measure(
    _ rings: [(UInt64, Simulator)], _ nodes: Int, _ successors: Int, _ share: Double
  ) -> [LookupFigures] {
    var rows = ["put", "find", "withdraw"].map { name in
      LookupFigures(
        settings: [
          ("operation", .string(name)), ("nodes", .integer(nodes)), ("successors", .integer(successors)),
          ("mode", .string("simulated")), ("routing", .string(options.routing.rawValue)),
          ("seed", .integer(Int(truncatingIfNeeded: options.seed))),
          ("seeds", .integer(options.seeds)), ("latency", .string(options.latency.name)), ("fail", .number(share)),
        ], nodes: nodes, failing: share)
    }
    for (seed, ring) in rings {
      let began = ProcessorTime.own
      let known = ring.living.compactMap { ring.machine($0)?.knownPeers.count }
      var experiment = RecordExperiment(ring, failing: share, seed: seed)
      let progress = Progress("\(nodes) nodes, seed \(seed)", of: options.lookups)
      let tallies = experiment.run(records: options.lookups) { progress.tell($0) }
      progress.end()
      let third = (ProcessorTime.own - began) / 3
      for (row, tally) in [tallies.puts, tallies.finds, tallies.withdrawals].enumerated() {
        rows[row].tallies.append(tally)
        rows[row].knownPeers += known
        rows[row].processorSeconds += third
      }
    }
    return rows
  }
}
