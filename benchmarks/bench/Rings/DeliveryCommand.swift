// Many texts over sessions whose links and whose way to each other keep breaking: is each shown once, in order, and answered?

import ArgumentParser
import Foundation
import Processes
import Simulation

struct DeliveryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delivery",
    abstract: "Texts over simulated sessions whose links, addresses and intermediate nodes keep failing.",
    discussion: "Exit status 1 if a text was lost, shown twice or out of order, or not delivered.")

  @Option(help: "How many texts.")
  var texts = 100_000

  @Option(parsing: .upToNextOption, help: "One run for each.")
  var seeds: [UInt64] = [1]

  @Option(help: "Thousandths of a second between two faults, on average.")
  var pace = 400

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard (1...10_000_000).contains(texts), (1...1_000_000).contains(pace) else {
      throw ValidationError("1 to 10000000 texts, 1 to 1000000 ms")
    }
  }

  func run() throws {
    var table = Table(named: "delivery", asJSON: json)
    var isWhole = true
    for seed in seeds {
      var options = DeliveryExperiment.Options()
      options.seed = seed
      options.texts = texts
      options.pace = .milliseconds(pace)
      let tally = DeliveryExperiment.run(options)
      table.add([
        ("seed", .integer(Int(seed))), ("texts", .integer(tally.written)), ("delivered", .integer(tally.delivered)),
        ("failed", .integer(tally.failed)), ("links broken", .integer(tally.broken)),
        ("without notice", .integer(tally.silent)), ("moves", .integer(tally.moved)),
        ("crashes", .integer(tally.crashes)), ("links made", .integer(tally.links)),
        ("simulated s", .integer(Int(tally.simulated.components.seconds))),
      ])
      if let failure = tally.failure { FileHandle.standardError.write(Data("seed \(seed): \(failure)\n".utf8)) }
      isWhole = isWhole && tally.failure == nil && tally.delivered == tally.written
    }
    table.end()
    if !isWhole { throw ExitCode(1) }
  }
}
