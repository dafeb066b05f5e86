// Rows of figures as a table for people, as CSV for spreadsheets, or as JSON for programs: one object, or an array of a sweep's.

import Foundation
import Processes

/// Prints rows; a table and CSV as they come, JSON at the end in one piece.
struct RowPrinter {
  enum Form { case table, csv, json }

  private let form: Form
  private(set) var rows: [LookupFigures] = []

  init(_ form: Form) { self.form = form }

  mutating func add(_ row: LookupFigures) {
    rows.append(row)
    let cells = row.cells
    switch form {
    case .json: return
    case .csv:
      let facts = SetUp.facts
      if rows.count == 1 { print((facts + cells).map { Self.quoted($0.name) }.joined(separator: ",")) }
      print((facts + cells).map { Self.quoted(Self.text($0.value)) }.joined(separator: ","))
    case .table:
      if rows.count == 1 { for (name, value) in SetUp.facts { print("\(name): \(value.string ?? value.description)") } }
      print()
      for (name, value) in cells { print("  \(Self.padded(name, 12)) \(Self.text(value))") }
      print("  \(Self.padded("hop counts", 12)) \(row.histogram.map(String.init).joined(separator: " "))")
    }
    fflush(nil)
  }

  func end() {
    guard form == .json else { return }
    let rows = rows.map { row -> JSON in
      guard case .object(var members) = row.json else { return row.json }
      for (name, value) in SetUp.facts { members[name] = value }
      return .object(members)
    }
    print(rows.count == 1 ? rows[0] : .array(rows))
  }

  private static func text(_ value: JSON) -> String {
    if case .number(let number) = value { return String(format: "%.3f", number) }
    return value.string ?? value.description
  }

  private static func quoted(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) } ? "\"\(text.replacingOccurrences(of: "\"", with: "\"\""))\"" : text
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
