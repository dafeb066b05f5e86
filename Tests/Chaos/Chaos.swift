// `make chaos`: forty real nodes under faults for a while, from a seed; then peace, and everything must be well again.
// `make partition`: forty in two networks that are cut apart, and joined again.

import ArgumentParser
import Foundation
import Processes

@main
struct Chaos: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chaos",
    abstract: "Hurts real nodes, and checks what they promise.",
    discussion: """
      A seed repeats the faults, not the run: processes, their scheduling and the network are as they are. Exits with 1 if a \
      promise was broken, and if the run never met what it was to test.
      """,
    subcommands: [StormCommand.self, PartitionCommand.self],
    defaultSubcommand: StormCommand.self)
}

struct StormCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storm", abstract: "Kills, stops, cuts, delays and silences; then expects everything to heal.")

  @Option(help: "What falls from the dice. Default: another one each time.")
  var seed: UInt64 = UInt64.random(in: 1...999_999)

  @Option(help: "How long the faults last, in seconds.")
  var seconds = 60

  @Option(help: "How many nodes, 6 to 100.")
  var nodes = 40

  @Flag(inversion: .prefixedNo, help: "First measure what one death and one silent host cost a ring in peace.")
  var figures = true

  @Flag(help: "Do not mind if something was never met: for runs too short to meet everything.")
  var brief = false

  @Flag(help: "Print every event when it happens.")
  var verbose = false

  func validate() throws {
    guard (6...100).contains(nodes) else { throw ValidationError("6 to 100 nodes") }
    guard (1...86_400).contains(seconds) else { throw ValidationError("1 to 86400 seconds") }
  }

  func run() throws {
    Undoing.begin()
    let story = Story(isVerbose: verbose)
    say("seed \(seed), \(nodes) nodes, \(seconds) s of faults")
    do {
      let run = ChaosRun(nodes: nodes, time: .seconds(seconds), hasFigures: figures, seed: seed, story: story)
      let tally = try run.run()
      say("\n" + tally.summary.joined(separator: "\n"))
      if !brief, !tally.missed.isEmpty {
        say("\nThis run has tested nothing of: \(tally.missed.map(\.rawValue).joined(separator: ", ")).")
        throw ExitCode(1)
      }
      say("\nAll promises were kept.")
    } catch let failure where !(failure is ExitCode) {
      tell(
        failure, story,
        """
        seed \(seed). The same faults (the processes are free to take them otherwise):
          make chaos SEED=\(seed) SECONDS=\(seconds) NODES=\(nodes)
        """)
      throw ExitCode(1)
    }
  }
}

struct PartitionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "partition", abstract: "Cuts the network between two halves of the nodes, and joins it again.")

  @Option(help: "How many nodes, 8 to 100.")
  var nodes = 40

  @Flag(help: "Print every event when it happens.")
  var verbose = false

  func validate() throws {
    guard (8...100).contains(nodes) else { throw ValidationError("8 to 100 nodes") }
  }

  func run() throws {
    Undoing.begin()
    let story = Story(isVerbose: verbose)
    do {
      try PartitionRun(nodes: nodes, story: story).run()
      say("\nAll promises were kept.")
    } catch let missing as NoNamespaces {
      say("skipped: \(missing.why)")
    } catch {
      tell(error, story, "Again:\n  make partition NODES=\(nodes)")
      throw ExitCode(1)
    }
  }
}

/// What went wrong, what led to it, and how to try again.
private func tell(_ failure: any Error, _ story: Story, _ again: String) {
  say("\nThe last events:\n" + story.last.joined(separator: "\n"))
  say("\nVIOLATED: \(failure)\n" + again)
}
