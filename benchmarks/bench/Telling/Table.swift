// A table whose rows are told as they come, or the same as JSON.

import Foundation
import Processes
import Simulation

/// Rows of figures under their names, told one by one: some take minutes.
struct Table {
  private let name: String
  private let isJSON: Bool
  private var rows: [[(name: String, value: JSON)]] = []

  init(named name: String, asJSON isJSON: Bool) {
    self.name = name
    self.isJSON = isJSON
  }

  mutating func add(_ row: [(name: String, value: JSON)]) {
    rows.append(row)
    guard !isJSON else { return }
    if rows.count == 1 { tell(row.map { ($0.name, $0.name) }) }
    tell(row.map { ($0.name, Self.text($0.value)) })
  }

  /// JSON is told at the end, in one piece.
  func end() {
    guard isJSON else { return }
    let rows = rows.map { JSON.object(Dictionary(uniqueKeysWithValues: $0.map { ($0.name, $0.value) })) }
    print(JSON.object(["benchmark": .string(name), "rows": .array(rows)]))
  }

  private func tell(_ cells: [(name: String, text: String)]) {
    let padded = cells.map { name, text in
      String(repeating: " ", count: max(0, max(name.count, 6) - text.count)) + text
    }
    print(padded.joined(separator: "  "))
    fflush(nil)
  }

  private static func text(_ value: JSON) -> String {
    if case .number(let number) = value { return String(format: "%.2f", number) }
    return value.string ?? value.description
  }
}

extension LookupTally {
  /// Hops and time-outs as mean and 10th and 90th percentile, what was not right, and the time in milliseconds.
  var cells: [(name: String, value: JSON)] {
    [
      ("lookups", .integer(count)), ("right", .integer(right)), ("wrong", .integer(wrong)),
      ("failed", .integer(failed)),
      ("hops", .number(Self.mean(hops.map(Double.init)))), ("hops 10/90", .string(Self.spread(hops.map(Double.init)))),
      ("timeouts", .number(Self.mean(timeouts.map(Double.init)))),
      ("timeouts 10/90", .string(Self.spread(timeouts.map(Double.init)))),
      ("median ms", .number(Self.percentile(0.5, of: milliseconds))),
      ("p90 ms", .number(Self.percentile(0.9, of: milliseconds))),
      ("p99 ms", .number(Self.percentile(0.99, of: milliseconds))),
    ]
  }

  fileprivate static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }

  private static func spread(_ values: [Double]) -> String {
    "\(Int(percentile(0.1, of: values))), \(Int(percentile(0.9, of: values)))"
  }

  /// The smallest value that at least this share of all values does not exceed (nearest rank).
  fileprivate static func percentile(_ share: Double, of values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let rank = Int((share * Double(values.count)).rounded(.up))
    return values.sorted()[min(max(rank, 1), values.count) - 1]
  }
}

extension LiarExperiment.Tally {
  /// What was found, the time in milliseconds, and the requests of a find.
  var cells: [(name: String, value: JSON)] {
    [
      ("finds", .integer(count)), ("true", .integer(found)), ("false", .integer(wrong)), ("older", .integer(older)),
      ("nobody", .integer(missing)), ("failed", .integer(failed)),
      ("true %", .number(100 * Double(found) / Double(max(count, 1)))),
      ("asked round %", .number(100 * Double(inquiries) / Double(max(count, 1)))),
      ("median ms", .number(LookupTally.percentile(0.5, of: milliseconds))),
      ("p90 ms", .number(LookupTally.percentile(0.9, of: milliseconds))),
      ("p99 ms", .number(LookupTally.percentile(0.99, of: milliseconds))),
      ("requests", .number(LookupTally.mean(requests))),
      ("p99 requests", .number(LookupTally.percentile(0.99, of: requests))),
    ]
  }
}
