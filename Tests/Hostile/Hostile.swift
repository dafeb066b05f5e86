// `make hostile`: peers that break the rules, one kind after the other, against a real node in the middle of real conversations. For each:
// what the node did, what it cost, and what the honest users noticed.

import ArgumentParser
import Foundation
import Processes
import UVRuntime

@main
struct Hostile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hostile",
    abstract: "Attacks a real node, and measures what honest users notice.",
    discussion: """
      Before and after each attack the same is measured in peace; the worse of the two is what the attack is compared with. A kind that \
      only makes others wait is tried again, since the machine may have been busy: three times at most. Exits with 1 \
      if the node dies, takes more memory than it may, an honest request fails, or the honest users' 99th percentile more than \
      doubles.
      """)

  @Option(parsing: .upToNextOption, help: "Only kinds whose names begin so.")
  var kinds: [String] = []

  @Option(help: "How long each attack lasts, in seconds.")
  var seconds = 3.0

  @Flag(help: "Hold loopback to the limits for public addresses too.")
  var limitPrivate = false

  func validate() throws {
    guard (0.2...3600).contains(seconds) else { throw ValidationError("0.2 to 3600 seconds") }
  }

  func run() throws {
    var report = Report()
    let attacks = Attack.all.filter { isWanted($0.name) }
    if !attacks.isEmpty {
      let company = try Company(limitsPrivate: limitPrivate)
      try run(attacks, against: company, &report)
      try company.end()
    }
    if isWanted(Attack.descriptors.name) {
      let company = try Company(limitsPrivate: limitPrivate, descriptors: 64)
      try run([Attack.descriptors], against: company, &report) {
        "a newcomer was ready \(Int(try company.welcome().milliseconds)) ms after the flood"
      }
      try company.end()
    }
    report.end()
    if !report.broken.isEmpty { throw ExitCode(1) }
  }

  private func isWanted(_ name: String) -> Bool {
    kinds.isEmpty || kinds.contains { name.hasPrefix($0) }
  }

  private func run(
    _ attacks: [Attack], against company: Company, _ report: inout Report, remark: () throws -> String? = { nil }
  ) throws {
    let attacker = try Attacker(company.target)
    var peace = try company.measure(for: .seconds(seconds))
    for attack in attacks {
      var row = try run(attack, by: attacker, against: company, after: peace)
      // Where only the times were too long the machine's other work may have been to blame: then they are not when it is done again.
      for number in 2...Self.tries where row.isOnlySlow {
        row = try run(attack, by: attacker, against: company, after: row.latencies.after)
        row.tries = number
      }
      row.remark = try remark()
      report.add(row)
      peace = row.latencies.after
    }
  }

  private static let tries = 3
  private static let calmings = 5

  private func run(
    _ attack: Attack, by attacker: Attacker, against company: Company, after peace: Latencies
  ) throws -> Report.Row {
    try company.forgetPeak()
    let (failures, before) = (try company.failures(), try company.usage())
    attacker.begin(attack)
    let during = try company.measure(for: .seconds(seconds))
    let outcome = attacker.end()
    let after = try company.usage()
    // What an attack leaves behind must not pass for peace: it is waited for, and counted as the time to recover.
    var recovery = try company.recover()
    var calm = try company.measure(for: .seconds(seconds))
    for _ in 1..<Self.calmings where !calm.isCalm(after: peace) {
      recovery += .seconds(seconds)
      calm = try company.measure(for: .seconds(seconds))
    }
    return Report.Row(
      attack: attack.name, outcome: outcome, failures: try company.failures().subtracting(failures), before: before,
      after: after, latencies: (peace, during, calm), recovery: recovery)
  }
}
