// What a ring costs in which nobody asks for anything.

import ArgumentParser
import Processes
import Simulation

struct IdleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "idle",
    abstract: "Messages and bytes of maintenance that a node sends in a second, in a simulated ring at rest.",
    discussion: """
      Bytes are those of all messages with their frames. With headers: every message in a segment of its own, sealed (18 bytes) and with 52 \
      bytes of TCP and IPv4 headers (time stamps), and an empty acknowledgement for every other one: 96 bytes more for a message. \
      In truth what is said in one turn shares them.
      """)

  @OptionGroup var options: RingOptions

  @Option(help: "How many seconds are counted.")
  var seconds = 60

  private static let headers = 96.0

  func validate() throws {
    guard (1...100_000).contains(seconds) else { throw ValidationError("1 to 100000 seconds") }
  }

  func run() throws {
    var table = Table(named: "idle", asJSON: options.json)
    try measure { table.add($0) }
    table.end()
  }

  /// Row by row, as they are asked for.
  func measure(_ each: ([(name: String, value: JSON)]) -> Void) throws {
    for nodes in options.nodes.values {
      for successors in options.successors.values {
        for seed in options.allSeeds {
          var ring = try options.ring(of: nodes, successors: successors, seed: seed)
          let (bytes, messages) = (ring.byteCount, ring.messageCount)
          ring.run(.seconds(seconds))
          let nodeSeconds = Double(nodes * seconds)
          let rates = (Double(ring.byteCount - bytes) / nodeSeconds, Double(ring.messageCount - messages) / nodeSeconds)
          each([
            ("nodes", .integer(nodes)), ("r", .integer(successors)), ("seed", .integer(Int(truncatingIfNeeded: seed))),
            ("messages/node/s", .number(rates.1)), ("bytes/node/s", .number(rates.0)),
            ("with headers", .number(rates.0 + Self.headers * rates.1)),
          ])
        }
      }
    }
  }
}
