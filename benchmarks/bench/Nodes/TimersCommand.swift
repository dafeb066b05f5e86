// What a deadline costs that never comes: most are set for an answer that arrives in time.

import ArgumentParser
import Processes
import UVRuntime

struct TimersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "timers",
    abstract: "Deadlines that are set and cancelled a second, beside others that stand.",
    discussion: """
      Some deadlines stand, at moments in no order; others are set, each a little later than the one before, and cancelled. In one \
      row each is cancelled at once, in the other a thousand are set before the first of them is cancelled.
      """)

  @Option(help: "How many others stand; several with commas.")
  var standing = List([0, 100, 10_000])

  @Option(help: "How many are set and cancelled in a measurement.")
  var count = 2_000_000

  @Option(name: .shortAndLong, help: "How often to measure each; the median is told.")
  var repetitions = 5

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  /// Questions under way at a time.
  private static let window = 1000

  func validate() throws {
    guard standing.values.allSatisfy({ (0...1_000_000).contains($0) }), (10_000...100_000_000).contains(count),
      (1...100).contains(repetitions)
    else { throw ValidationError("0 to 1000000 standing, 10000 to 100000000 set, 1 to 100 times") }
  }

  func run() throws {
    var table = Table(named: "timers", asJSON: json)
    for standing in standing.values {
      for window in [1, Self.window] {
        let rates = try (0..<repetitions).map { _ in try measure(standing: standing, window: window) }.sorted()
        table.add([
          ("standing", .integer(standing)), ("set before cancelled", .integer(window)),
          ("set and cancelled/s", .integer(Int(rates[rates.count / 2]))), ("slowest", .integer(Int(rates[0]))),
          ("fastest", .integer(Int(rates[rates.count - 1]))),
        ])
      }
    }
    table.end()
  }

  private func measure(standing: Int, window: Int) throws -> Double {
    let loop = try EventLoop()
    var generator = SystemRandomNumberGenerator()
    let now = loop.now
    let others = (0..<standing).map { _ in Deadline(on: loop) {} }
    for other in others { other.set(now + .milliseconds(Int64.random(in: 60_000...120_000, using: &generator))) }
    let deadlines = (0..<window).map { _ in Deadline(on: loop) {} }
    var rate = 0.0
    let start = Deadline(on: loop) { [count] in
      let began = LoopTime.current
      for round in 0..<(count / window) {
        let at = now + .milliseconds(90_000 + Int64(round % 1000))
        for deadline in deadlines { deadline.set(at) }
        for deadline in deadlines { deadline.cancel() }
      }
      rate = Double(count) / ((LoopTime.current - began) / .seconds(1))
      loop.stop()
    }
    start.set(now)
    withExtendedLifetime((others, start)) { loop.run() }
    return rate
  }
}
