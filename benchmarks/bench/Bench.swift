// The benchmark harness: one executable, one subcommand per question.
//
//   Rings    lookups, records, churn, liars, maintenance: in simulated rings, and lookups on a loopback ring ──┐
//   Nodes    real nodes as processes, asked as a bot would: sessions, texts, idle links; the runtime alone ────┼─> Telling   figures, tables,
//   Others   the programs of others beside ours, in the same run ──────────────────────────────────────────────┘    │      CSV, JSON
//                                                                                                                   └─> Report    plots, a page

import ArgumentParser

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures chord-chat: real nodes as processes on this machine, and rings of many in a simulator.",
    discussion: "Build with -c release: a debug build measures the debug build.",
    subcommands: [
      ReportCommand.self,
      LookupCommand.self, RecordsCommand.self, ChurnCommand.self, LiarsCommand.self, DeliveryCommand.self,
      IdleCommand.self, SimulatorCommand.self,
      SessionCommand.self, TextsCommand.self, ConnectionsCommand.self, EchoCommand.self, InstructionsCommand.self,
      TimersCommand.self, FairnessCommand.self,
      CompareCommand.self, PeerCommand.self,
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
