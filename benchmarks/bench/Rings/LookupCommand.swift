// Lookups: N nodes, random keys from random nodes, and whether the answers were right, how many members they passed, how long they took.

import ArgumentParser
import Chord
import Foundation
import Processes
import Simulation

struct LookupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Lookups of random keys from random nodes: hops, time, stretch, what failed, and what it cost.",
    discussion: """
      A hop is a member passed, the owner included. A time-out is a request to a node that is dead by then. A lookup is right when the \
      node it names owned the key at some moment between question and answer, wrong when it names another, failed when it is refused or \
      not answered within a minute. Stretch is its time over that of a message to the owner and back. Every simulated lookup \
      begins with the same tables, and nothing is learnt from an earlier one, unless --warm. \
      The status is 0 also when lookups failed: that is a result.
      """)

  enum Mode: String, ExpressibleByArgument, CaseIterable { case simulated, loopback }

  @OptionGroup var options: RingOptions

  @Option(help: "Simulated nodes on a virtual clock, or real ones over real sockets in one process.")
  var mode = Mode.simulated

  @Option(
    help:
      "Which share of the members fails at once and silently before the lookups, with no time to repair; several with commas."
  )
  var fail = List([0.0])

  @Option(
    help: ArgumentHelp(
      "Members come and go meanwhile, as many as go: exponential:60m or weibull:60m:0.5, medians and the shape.",
      valueName: "sessions"))
  var churn: SessionsArgument?

  @Option(help: "Under churn: which share of the departures are crashes.")
  var crashes = 0.5

  @Flag(help: "Under churn: nobody is told of a crash.")
  var silent = false

  @Option(
    help:
      "Under churn and on loopback: how many lookups a second; a time counts from the moment the lookup was meant for.")
  var rate = 20.0

  @Option(help: "Under churn: for how many seconds there is churn before the first lookup.")
  var warmUp = 120

  @Flag(help: "What nodes learn from a lookup stays for the next ones.")
  var warm = false

  @Option(
    help: ArgumentHelp(
      "With --warm: so many keys, asked for in proportion to one over their rank, instead of another one each time.",
      valueName: "keys"))
  var popular: Int?

  @Option(help: "With --popular: how many members ask.")
  var askers = 20

  @Option(
    help: "For how many seconds the bytes of a ring are counted in which nobody asks for anything; 0: not at all.")
  var quiet = 30

  @Flag(help: "Print comma-separated rows instead of a table.")
  var csv = false

  @Option(
    name: .customLong("report"),
    help: ArgumentHelp("Make a page of plots and figures there besides, index.html.", valueName: "directory"))
  var reportDirectory: String?

  @Flag(help: "Follow the first lookup that is wrong or fails, event by event, instead.")
  var trace = false

  func validate() throws {
    guard fail.values.allSatisfy({ (0..<1).contains($0) }), (0...1).contains(crashes), (0...100_000).contains(warmUp),
      (0.001...10_000).contains(rate), (0...100_000).contains(quiet)
    else { throw ValidationError("shares from 0 up to 1, a rate above 0") }
    guard churn == nil || fail.values == [0] && !warm else {
      throw ValidationError("--churn goes without --fail and --warm")
    }
    guard mode == .simulated || churn == nil && fail.values == [0] && !warm && options.nodes.values.max() ?? 0 <= 1000
    else {
      throw ValidationError("on loopback up to 1000 nodes, and none of --churn, --fail and --warm")
    }
    if let popular {
      guard warm, (1...100_000).contains(popular), (1...(options.nodes.values.min() ?? 1)).contains(askers) else {
        throw ValidationError(
          "1 to 100000 popular keys, with --warm, and as many members who ask as there are at the most")
      }
    }
    guard !(csv && options.json) else { throw ValidationError("--csv or --json") }
  }

  func run() throws {
    if trace { return try follow() }
    let place = try reportDirectory.map { try ReportDirectory($0) }
    let began = ContinuousClock.now
    var out = RowPrinter(options.json ? .json : csv ? .csv : .table)
    try measure { out.add($0) }
    out.end()
    guard let place else { return }
    let command = ReportPage.line(of: CommandLine.arguments)
    let seconds = (.now - began) / .seconds(1)
    let chapter = ReportPage.Chapter(title: "Lookups", prefix: "", commands: [(command, seconds)], lookups: out.rows)
    try place.write(ReportPage(chapters: [chapter]).html, as: "index.html")
  }

  /// Row by row, as they are asked for.
  func measure(_ each: (LookupFigures) -> Void) throws {
    var trouble = ChurnExperiment.Configuration()
    trouble.crashes = crashes
    trouble.isSilent = silent
    trouble.lookupsPerSecond = rate
    trouble.warmUp = .seconds(warmUp)
    let load = popular.map { LookupExperiment.Load.skewed(keys: $0, askers: askers) } ?? .even
    var simulated = SimulatedLookups(
      options, isWarm: warm, load: load, quiet: .seconds(quiet), churn: trouble, rows: fail.values.count)
    for nodes in options.nodes.values {
      for successors in options.successors.values {
        if mode == .loopback {
          for seed in options.allSeeds {
            let loopback = LoopbackLookups.Options(
              nodes: nodes, successors: successors, lookups: options.lookups, rate: rate, seed: seed)
            each(try LoopbackLookups.run(loopback))
          }
        } else if let churn {
          each(try simulated.churning(churn, of: nodes, successors: successors))
        } else {
          for share in fail.values { each(try simulated.failing(share, of: nodes, successors: successors)) }
        }
      }
    }
  }

  private func follow() throws {
    let (nodes, successors) = (options.nodes.values[0], options.successors.values[0])
    let ring = try options.ring(of: nodes, successors: successors, seed: options.seed)
    var experiment = LookupExperiment(ring, failing: fail.values[0], seed: options.seed)
    for number in 0..<options.lookups {
      var tally = LookupTally()
      let (asker, key) = experiment.question(number)
      experiment.look(up: key, from: asker, into: &tally)
      guard tally.right == 0 else { continue }
      print("lookup \(number): \(asker) asks for \(key)")
      experiment.look(up: key, from: asker, into: &tally) { print($0) }
      return
    }
    print("all \(options.lookups) lookups are right")
  }
}
