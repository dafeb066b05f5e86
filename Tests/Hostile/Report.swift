// What came of the attacks, as a table, and what of it is too much.

import Foundation
import Processes

struct Report {
  struct Row {
    var attack: String
    var outcome: Attacker.Outcome
    var failures: Failures
    var before: Usage
    var after: Usage
    /// What honest requests took before the attack, while a node that is none of theirs was attacked, under it, and once the ring was as
    /// it had been.
    var latencies: (before: Latencies, beside: Latencies, during: Latencies, after: Latencies)
    /// How long that took.
    var recovery: Duration
    /// What else was seen.
    var remark: String?
    var tries = 1

    /// All queues and tables together must stay far below what a small computer has.
    private static let memory = 64 << 10

    /// The honest users' 99th percentile under attack, as so many times the worst of those when it was not they who were attacked.
    var ratio: Double {
      let others = [latencies.before, latencies.beside, latencies.after].map { $0.percentile(0.99) }
      return latencies.during.percentile(0.99) / others.reduce(0, max)
    }

    private var isSlow: Bool { ratio > 2 && latencies.during.percentile(0.99) > Latencies.noticed }

    /// Whether that others had to wait is all there is to complain of.
    var isOnlySlow: Bool { isSlow && faults.count == 1 }

    var faults: [String] {
      var faults: [String] = []
      if latencies.during.failed > 0 { faults.append("\(latencies.during.failed) honest requests failed") }
      if latencies.after.failed > 0 { faults.append("\(latencies.after.failed) failed afterwards") }
      if !latencies.after.isCalm(after: latencies.before) { faults.append("others still have to wait afterwards") }
      if isSlow { faults.append("others had to wait") }
      if after.peakKilobytes - before.residentKilobytes > Self.memory { faults.append("too much memory") }
      return faults
    }
  }

  private(set) var broken: [Row] = []

  init() {
    print(
      """
      The percentiles are of honest requests: before → while a node elsewhere is attacked → under attack → once the ring is as it was.

      | kind | connections | messages | KB | what the node did | MB before → most → after | CPU s | requests | p50 ms | p99 ms | times |
      |---|---|---|---|---|---|---|---|---|---|---|
      """)
  }

  mutating func add(_ row: Row) {
    if !row.faults.isEmpty { broken.append(row) }
    let (before, beside, during, after) = row.latencies
    func course(_ share: Double) -> String {
      [before, beside, during, after].map { Self.number($0.percentile(share)) }.joined(separator: " → ")
    }
    let megabytes = [row.before.residentKilobytes, row.after.peakKilobytes, row.after.residentKilobytes]
    let columns = [
      row.attack, "\(row.outcome.connections)", "\(row.outcome.messages)", "\(row.outcome.bytes >> 10)",
      Self.deeds(row), megabytes.map { Self.number(Double($0) / 1024, 1) }.joined(separator: " → "),
      Self.number(row.after.processorSeconds - row.before.processorSeconds), "\(during.milliseconds.count)",
      course(0.5), course(0.99), Self.number(row.ratio, 1) + row.faults.map { " **\($0)**" }.joined(),
    ]
    print("| \(columns.joined(separator: " | ")) |")
    fflush(nil)
  }

  /// What the node did, as far as it can be seen from outside.
  private static func deeds(_ row: Row) -> String {
    var deeds = row.failures.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    if row.outcome.ended > 0 { deeds.append("\(row.outcome.ended) ended") }
    if row.outcome.answers > 0 { deeds.append("\(row.outcome.answers) answers") }
    if row.outcome.heldBack > 0 { deeds.append("held \(row.outcome.heldBack >> 10) KB back") }
    if row.outcome.visitors > 0 { deeds.append("came or asked \(row.outcome.visitors) times") }
    if row.recovery > .milliseconds(500) { deeds.append("\(number(row.recovery.milliseconds / 1000, 1)) s to settle") }
    if row.tries > 1 { deeds.append("at try \(row.tries)") }
    if let remark = row.remark { deeds.append(remark) }
    return deeds.isEmpty ? "nothing" : deeds.joined(separator: ", ")
  }

  private static func number(_ value: Double, _ digits: Int = 2) -> String {
    String(format: "%.\(digits)f", value)
  }

  func end() {
    guard !broken.isEmpty else { return print("\nThe honest have noticed nothing that matters.") }
    print("\nToo much: \(broken.map(\.attack).joined(separator: ", "))")
  }
}
