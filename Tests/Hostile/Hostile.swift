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
      Before and after each attack the same is measured in peace; the worse of the two is what the attack is compared with. Exits with 1 \
      if the node dies, takes more memory than it may, or the honest users' 99th percentile more than doubles.
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
    let company = try Company(limitsPrivate: limitPrivate)
    let attacker = try Attacker(company.target)
    let attacks = Attack.all.filter { attack in kinds.isEmpty || kinds.contains { attack.name.hasPrefix($0) } }
    var report = Report()
    var before = try company.measure(for: .seconds(seconds))
    for attack in attacks {
      let (failures, start) = (try company.failures(), try company.usage())
      attacker.begin(attack)
      let during = try company.measure(for: .seconds(seconds))
      let outcome = attacker.end()
      let end = try company.usage()
      let after = try company.measure(for: .seconds(seconds))
      report.add(
        Report.Row(
          attack: attack.name, outcome: outcome, failures: try company.failures().subtracting(failures), before: start,
          after: end, peace: before.worse(than: after), war: during))
      before = after
    }
    report.end()
    try company.end()
    if !report.broken.isEmpty { throw ExitCode(1) }
  }
}
