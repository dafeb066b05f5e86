// Tells the stories of many seeds, as many at a time as there are cores, and says which went wrong and how to see them again.

import ArgumentParser
import Dispatch
import Foundation
import Simulation

@main
struct Sim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim",
    abstract: "Simulate whole networks under faults, one story a seed, and check that everything comes right.",
    discussion:
      "The same seed tells the same story. Exit status 1 if one went wrong, with the command that tells it again.")

  @Option(help: "The first seed.")
  var seed: UInt64 = 1
  @Option(help: "How many seeds.")
  var seeds = 1
  @Option(help: "Nodes a story begins with.")
  var nodes = 32
  @Option(help: "Simulated seconds in which things go wrong.")
  var trouble = 90
  @Option(help: "A CSV file of round trips between countries (columns cty1, cty2, rtt_avg), instead of drawn delays.")
  var latencies: String?
  @Flag(inversion: .prefixedNo, help: "Check the ring's invariant whenever a pointer has changed.")
  var invariant = true
  @Flag(inversion: .prefixedNo, help: "Remember which signatures hold, instead of working each out for every node.")
  var memory = true
  @Flag(help: "Print every event.")
  var trace = false
  @Option(help: "Stories told at the same time.")
  var jobs = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "A bug is planted: fail unless one of the stories goes wrong.")
  var canary = false

  func validate() throws {
    guard seeds > 0, jobs > 0, trouble > 0 else { throw ValidationError("--seeds, --jobs and --trouble begin at 1") }
    guard (12...1000).contains(nodes) else { throw ValidationError("a story has 12 to 1000 nodes") }
  }

  func run() throws {
    let started = DispatchTime.now()
    let tally = Tally(total: seeds)
    let options = try makeOptions()
    let (first, count) = (seed, seeds)
    let tracing = trace ? Self.show : nil
    DispatchQueue.concurrentPerform(iterations: min(jobs, count)) { (_: Int) -> Void in
      while let offset = tally.next() {
        var story = options
        story.seed = first + UInt64(offset)
        tally.add(Scenario.run(story, tracing: tracing))
      }
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - started.uptimeNanoseconds) / 1e9
    tally.summarize(seconds: seconds, command: again)
    if canary {
      guard tally.firstFailure != nil else { return try end("The planted bug was not found.") }
      return print("The planted bug was found.")
    }
    if tally.firstFailure != nil { throw ExitCode(1) }
    if count >= 100, let unseen = tally.unseen { return try end("Never happened, and so was not tested: \(unseen)") }
  }

  @Sendable private static func show(_ line: String) { print(line) }

  private func end(_ sentence: String) throws {
    FileHandle.standardError.write(Data((sentence + "\n").utf8))
    throw ExitCode(1)
  }

  private func makeOptions() throws -> Scenario.Options {
    var options = Scenario.Options()
    options.nodes = nodes
    options.trouble = .seconds(trouble)
    options.checksInvariant = invariant
    options.remembersSignatures = memory
    if let latencies {
      do {
        options.latencies = try LatencyMatrix(csv: String(contentsOfFile: latencies, encoding: .utf8))
      } catch let error as LatencyMatrixError {
        throw ValidationError("\(latencies): \(error)")
      }
    }
    return options
  }

  /// The command that tells one story again.
  private func again(_ seed: UInt64) -> String {
    var options = ""
    if nodes != 32 || trouble != 90 { options += " --nodes \(nodes) --trouble \(trouble)" }
    if let latencies { options += " --latencies \(latencies)" }
    if !invariant { options += " --no-invariant" }
    return options.isEmpty ? "make sim SEED=\(seed)" : "make sim SEED=\(seed) ARGS=\"\(options.dropFirst())\""
  }
}

/// The reports of all stories, from all threads.
final class Tally: @unchecked Sendable {
  private let lock = NSLock()
  private let total: Int
  private var given = 0
  private var done = 0
  private var failures: [Scenario.Report] = []
  private var sights: [Scenario.Sight: Int] = [:]
  private var events = 0
  private var messages = 0
  private var simulated = Duration.zero
  private var slowest: (Duration, seed: UInt64) = (.zero, 0)

  init(total: Int) { self.total = total }

  var firstFailure: Scenario.Report? { failures.min { $0.seed < $1.seed } }
  /// What no story has seen.
  var unseen: String? {
    let unseen = Scenario.Sight.allCases.filter { sights[$0] ?? 0 == 0 }
    return unseen.isEmpty ? nil : unseen.map(\.rawValue).joined(separator: ", ")
  }

  func next() -> Int? {
    lock.withLock {
      guard given < total else { return nil }
      given += 1
      return given - 1
    }
  }

  func add(_ report: Scenario.Report) {
    lock.withLock {
      done += 1
      events += report.events
      messages += report.messages
      simulated += report.simulated
      for (sight, count) in report.sights { sights[sight, default: 0] += count }
      if let healing = report.healing, healing > slowest.0 { slowest = (healing, report.seed) }
      if report.failure != nil { failures.append(report) }
      if total >= 20, done.isMultiple(of: max(total / 20, 1)) {
        print("\(done) of \(total) stories, \(failures.count) went wrong")
        fflush(nil)
      }
    }
  }

  func summarize(seconds: Double, command: (UInt64) -> String) {
    for report in failures.sorted(by: { $0.seed < $1.seed }).prefix(10) {
      print("\nSeed \(report.seed): \(report.failure ?? "")")
      for line in report.lastEvents.suffix(failures.count == 1 ? 40 : 6) { print("    \(line.prefix(300))") }
      print("  again: \(command(report.seed))")
    }
    if failures.count > 10 {
      print("\nAnd: \(failures.map(\.seed).sorted().dropFirst(10).map(String.init).joined(separator: " "))")
    }
    let simulatedSeconds = Double(simulated.components.seconds)
    print(
      """

      \(done) stories, \(failures.count) went wrong. \(events) events, \(messages) messages, \
      \(Int(simulatedSeconds / 3600)) simulated hours in \(Int(seconds)) s: \(Int(Double(events) / seconds)) events a second.
      Slowest healing: \(Double(slowest.0.components.seconds) + Double(slowest.0.components.attoseconds) / 1e18) s \
      (seed \(slowest.seed)).
      """)
    let seen = Scenario.Sight.allCases.map { "\($0.rawValue) \(sights[$0] ?? 0)" }
    print("Seen: \(seen.joined(separator: ", ")).")
  }
}
