// How fast the simulator is, and what a ring in it takes.

import ArgumentParser
import Foundation
import Processes
import Simulation

struct SimulatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulator",
    abstract: "Events a second, simulated hours a minute, and memory of a simulated ring.")

  @Option(parsing: .upToNextOption, help: "How many members.")
  var nodes = [100, 1000]

  @Option(help: "How many seconds to simulate once the ring stands.")
  var seconds = 60

  @Option(help: "How many seconds between two joins, in thousandths.")
  var pause = 100

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard nodes.allSatisfy({ (1...100_000).contains($0) }), (1...1_000_000).contains(seconds), pause > 0 else {
      throw ValidationError("1 to 100000 nodes, 1 to 1000000 seconds")
    }
  }

  func run() throws {
    var table = Table(named: "simulator", asJSON: json)
    for count in nodes {
      var configuration = Simulator.Configuration()
      configuration.keepsObservations = false
      configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
      let began = Self.processorSeconds
      var ring = Simulator(configuration)
      ring.fill(with: count, pause: .milliseconds(pause))
      let (built, events) = (Self.processorSeconds, ring.eventCount)
      ring.run(.seconds(seconds))
      let took = Self.processorSeconds - built
      table.add([
        ("nodes", .integer(count)), ("exact", .bool(ring.flaw == nil)), ("build s", .number(built - began)),
        ("build events/s", .number(Double(events) / (built - began))),
        ("quiet events/s", .number(Double(ring.eventCount - events) / took)),
        ("events/node/s", .number(Double(ring.eventCount - events) / Double(count * seconds))),
        ("hours/minute", .number(Double(seconds) / took / 60)), ("peak MB", .number(Self.peakMegabytes)),
      ])
    }
    table.end()
  }

  private static var usage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  /// Of the processor, so that whatever else runs here does not count.
  private static var processorSeconds: Double {
    let time = usage.ru_utime
    return Double(time.tv_sec) + Double(time.tv_usec) / 1e6
  }

  private static var peakMegabytes: Double { Double(usage.ru_maxrss) / 1024 }
}
