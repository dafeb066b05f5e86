// The chaos itself must not rot: a short run of it, with few nodes, as `make chaos` would run it.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("Chaos") struct ChaosRuns {
    /// With ten nodes: start 1 s, faults 4 s, then up to 12 s until everything that fell silent has been found out.
    private static let limit = Duration.seconds(150) * Patience.factor

    @Test("ten nodes survive a few seconds of faults")
    func storm() throws {
      let heard = try run(["storm", "--nodes", "10", "--seconds", "4", "--seed", "3", "--no-figures", "--brief"])
      #expect(heard.contains("All promises were kept."))
    }

    @Test("what is wrong with the command line is told, and nothing is started")
    func wrongUsage() throws {
      let heard = Heard()
      let child = try ChildProcess(try NodeBinary.path(of: "chaos"), ["storm", "--nodes", "3"]) { bytes, _ in
        heard.append(bytes)
      }
      #expect(child.ending(within: Patience.answer) == .exited(64))
      #expect(heard.text == "")
    }

    private func run(_ arguments: [String]) throws -> String {
      let heard = Heard()
      let child = try ChildProcess(try NodeBinary.path(of: "chaos"), arguments) { bytes, _ in heard.append(bytes) }
      let ending = child.ending(within: Self.limit)
      #expect(ending == .exited(0), "\(heard.text)\(child.standardError)")
      return heard.text
    }
  }
}
