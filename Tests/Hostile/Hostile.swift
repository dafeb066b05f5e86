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
      Before and after each attack the same is measured in peace, and once more while a node of another network is attacked just so, since \
      the attack itself takes its share of the machine; the worst of the three is what the attack is compared with. A kind that only makes others wait is tried again, since the machine may have been busy: three times at most. Exits with 1 \
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
      try run(attacks, &report) { try Company(limitsPrivate: limitPrivate) }
    }
    if isWanted(Attack.descriptors.name) {
      try run([Attack.descriptors], &report) {
        try Company(limitsPrivate: limitPrivate, descriptors: 64)
      } remark: { company in
        "a newcomer was ready \(Int(try company.welcome().milliseconds)) ms after the flood"
      }
    }
    report.end()
    if !report.broken.isEmpty { throw ExitCode(1) }
  }

  private func isWanted(_ name: String) -> Bool {
    kinds.isEmpty || kinds.contains { name.hasPrefix($0) }
  }

  /// The honest who are measured, and others whom nobody measures.
  private struct Field {
    let company: Company
    let attacker: Attacker
    let elsewhere: Company
    let attackerElsewhere: Attacker
  }

  private func run(
    _ attacks: [Attack], _ report: inout Report, company: () throws -> Company,
    remark: (Company) throws -> String? = { _ in nil }
  ) throws {
    let (company, elsewhere) = (try company(), try company())
    let field = Field(
      company: company, attacker: try Attacker(company.target), elsewhere: elsewhere,
      attackerElsewhere: try Attacker(elsewhere.target))
    var peace = try company.measure(for: .seconds(seconds))
    for attack in attacks {
      var row = try run(attack, on: field, after: peace)
      // Where only the times were too long the machine's other work may have been to blame: then they are not when it is done again.
      for number in 2...Self.tries where row.isOnlySlow {
        row = try run(attack, on: field, after: row.latencies.after)
        row.tries = number
      }
      row.remark = try remark(company)
      report.add(row)
      peace = row.latencies.after
    }
    try company.end()
    try elsewhere.end()
  }

  private static let tries = 3
  private static let calmings = 5

  private func run(_ attack: Attack, on field: Field, after peace: Latencies) throws -> Report.Row {
    let company = field.company
    field.attackerElsewhere.begin(attack)
    let beside = try company.measure(for: .seconds(seconds))
    _ = field.attackerElsewhere.end()
    _ = try field.elsewhere.recover()
    try company.forgetPeak()
    let (failures, before) = (try company.failures(), try company.usage())
    field.attacker.begin(attack)
    let during = try company.measure(for: .seconds(seconds))
    let outcome = field.attacker.end()
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
      after: after, latencies: (peace, beside, during, calm), recovery: recovery)
  }
}
