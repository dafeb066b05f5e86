// The benchmark harness: one executable, one subcommand per question. Each starts real nodes and asks them as a bot
// would, or simulates a ring of the same machines, and prints a table, or JSON for whoever compares runs.

import ArgumentParser

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures chord-chat: real nodes as processes on this machine, and rings of many in a simulator.",
    discussion: "Build with -c release: a debug build measures the debug build.",
    subcommands: [
      LookupCommand.self, RecordsCommand.self, IdleCommand.self, ConnectionsCommand.self, ChurnCommand.self,
      LiarsCommand.self, SessionCommand.self,
      TextsCommand.self, EchoCommand.self, CompareCommand.self, PeerCommand.self,
      DeliveryCommand.self,
      SimulatorCommand.self, ReportCommand.self,
    ])
}

/// What every measurement takes.
struct MeasurementOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "How often to repeat.")
  var repetitions = 30

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard (1...10_000).contains(repetitions) else { throw ValidationError("repeat 1 to 10000 times") }
  }
}
