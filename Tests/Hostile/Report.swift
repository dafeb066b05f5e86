// What came of the attacks, as a table, and what of it is too much.

import Foundation

struct Report {
  struct Row {
    var attack: String
    var outcome: Attacker.Outcome
    var failures: Failures
    var before: Usage
    var after: Usage
    var peace: Latencies
    var war: Latencies

    /// Below this a machine's other work decides: no honest user notices it.
    private static let noticed = 10.0
    /// All queues and tables together must stay far below what a small computer has.
    private static let memory = 64 << 10

    var faults: [String] {
      var faults: [String] = []
      if war.failed > peace.failed { faults.append("\(war.failed) honest requests failed") }
      if war.percentile(0.99) > max(2 * peace.percentile(0.99), Self.noticed) { faults.append("others had to wait") }
      if after.residentKilobytes - before.residentKilobytes > Self.memory { faults.append("too much memory") }
      return faults
    }
  }

  private(set) var broken: [Row] = []

  init() {
    print(
      "attack                        connections  messages        KB  ended          what the node did"
        + "                    MB      CPU s   honest p50, p99 ms in peace → under attack   requests")
  }

  mutating func add(_ row: Row) {
    if !row.faults.isEmpty { broken.append(row) }
    var deeds = row.failures.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    if row.outcome.visitors > 0 { deeds.append("dialled \(row.outcome.visitors) times") }
    let did = deeds.joined(separator: ", ")
    let numbers = { (value: Double) in String(format: "%.2f", value) }
    let columns: [(String, Int)] = [
      (row.attack, 30), (String(row.outcome.connections), 12), (String(row.outcome.messages), 10),
      (String(row.outcome.bytes >> 10), 10), (String(row.outcome.ended), 6), (did.isEmpty ? "–" : did, 44),
      ("\(row.before.residentKilobytes >> 10) → \(row.after.residentKilobytes >> 10)", 10),
      (numbers(row.after.processorSeconds - row.before.processorSeconds), 7),
      (
        "\(numbers(row.peace.percentile(0.5))), \(numbers(row.peace.percentile(0.99))) → "
          + "\(numbers(row.war.percentile(0.5))), \(numbers(row.war.percentile(0.99)))", 34
      ),
      (String(row.war.milliseconds.count), 7), (row.faults.joined(separator: "; "), 0),
    ]
    print(
      columns.map { $0.0.padding(toLength: max($0.1, $0.0.count), withPad: " ", startingAt: 0) }.joined(separator: " "))
    fflush(nil)
  }

  func end() {
    guard !broken.isEmpty else { return print("\nThe honest have noticed nothing that matters.") }
    print("\nToo much: \(broken.map(\.attack).joined(separator: ", "))")
  }
}
