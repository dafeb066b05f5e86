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
      ("hops", .number(Distribution(hops).mean)), ("hops 10/90", .string(Self.spread(hops))),
      ("timeouts", .number(Distribution(timeouts).mean)),
      ("timeouts 10/90", .string(Self.spread(timeouts))),
      ("median ms", .number(Distribution(milliseconds).percentile(0.5))),
      ("p90 ms", .number(Distribution(milliseconds).percentile(0.9))),
      ("p99 ms", .number(Distribution(milliseconds).percentile(0.99))),
    ]
  }

  private static func spread(_ values: [Int]) -> String {
    let values = Distribution(values)
    return "\(Int(values.percentile(0.1))), \(Int(values.percentile(0.9)))"
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
      ("median ms", .number(Distribution(milliseconds).percentile(0.5))),
      ("p90 ms", .number(Distribution(milliseconds).percentile(0.9))),
      ("p99 ms", .number(Distribution(milliseconds).percentile(0.99))),
      ("requests", .number(Distribution(requests).mean)),
      ("p99 requests", .number(Distribution(requests).percentile(0.99))),
    ]
  }
}
