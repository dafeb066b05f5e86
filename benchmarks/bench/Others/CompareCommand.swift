// Ours beside the others, on the same machine and in the same run.
//
//     round 1:  ours, A, B      round 2:  A, B, ours      round 3:  B, ours, A      …
//
// All contests go round in this way, so that whatever changes on the machine meanwhile meets everybody; ratios are paired round by round
// (Paired.swift). Every run is a fresh process with a limit. Whoever is not there is named with the command that would bring it, and a
// run that fails is told and left out of the ratios, never replaced.

import ArgumentParser
import Foundation
import Processes

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Echo servers, hash tables and messengers of others beside ours, interleaved.",
    discussion:
      "`make bench-peers` builds the others. A ratio below 1 is in favour of the first where less is better (ms, us, s)."
  )

  @Option(name: .shortAndLong, help: "Rounds: how often each is run.")
  var repetitions = 5

  @Option(parsing: .upToNextOption, help: "Only contests whose names begin so: echo, ring, chat, \"ring 64\".")
  var only: [String] = []

  @Option(help: ArgumentHelp("Where `make bench-peers` has built them.", valueName: "directory"))
  var peers = ".build-peers"

  @Option(help: ArgumentHelp("Where their scripts lie.", valueName: "directory"))
  var sources = "benchmarks/peers"

  @Flag(help: "Print JSON instead of tables.")
  var json = false

  func validate() throws {
    guard (1...100).contains(repetitions) else { throw ValidationError("1 to 100 rounds") }
  }

  func run() throws {
    let contests = try Contest.all(peers: peers, sources: sources).filter { contest in
      only.isEmpty || only.contains { contest.name.hasPrefix($0) }
    }
    guard !contests.isEmpty else { throw ValidationError("no contest begins so") }
    let loadBefore = Self.loadAverage
    var results = contests.map { ContestResult($0) }
    for round in 0..<repetitions {
      for index in results.indices {
        Progress.tell("round \(round + 1) of \(repetitions): \(contests[index].name)")
        results[index].run(round)
      }
    }
    Progress.tell("")
    if json {
      print(
        JSON.object([
          "benchmark": "compare", "rounds": .integer(repetitions),
          "cores": .integer(ProcessInfo.processInfo.activeProcessorCount),
          "system": .string(ProcessInfo.processInfo.operatingSystemVersionString),
          "load_average_before": .number(loadBefore), "contests": .array(results.map(\.json)),
        ]))
    } else {
      print(
        "\(repetitions) rounds, \(ProcessInfo.processInfo.activeProcessorCount) cores, load average before: \(loadBefore)"
      )
      for result in results { result.tell() }
    }
  }

  /// How many threads wanted to run in the minute before: what the machine was busy with besides.
  private static var loadAverage: Double {
    var loads = [0.0]
    return getloadavg(&loads, 1) == 1 ? loads[0] : .nan
  }
}
