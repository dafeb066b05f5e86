// Tables of a report: every figure of every row, on sheets no wider than paper.

import Foundation
import Processes

extension ReportPage {
  /// Rows under the names of their columns; the first column says which row it is.
  struct Table {
    var title: String
    var note = ""
    var columns: [String]
    var rows: [[String]]
  }
}

extension ReportPage.Table {
  /// Rows that all have the same columns.
  init(_ title: String, note: String, _ rows: [[(name: String, value: JSON)]]) {
    self.init(
      title: title, note: note, columns: rows.first?.map(\.name) ?? [],
      rows: rows.map { $0.map { Self.text($0.value) } })
  }

  /// Where in the row a table begins: one of everything would be wider than a sheet of paper.
  private static let beginnings = [
    ("Settings", ""), ("Answers and hops", "lookups"), ("Time", "timeouts"), ("Cost", "peers"),
  ]

  /// All figures of all rows, with every column that one of them has. Settings that are the same in all stand above.
  static func tables(of rows: [LookupFigures]) -> [Self] {
    guard !rows.isEmpty else { return [] }
    let cells = rows.map(\.cells)
    let columns = cells.joined().map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var tables: [Self] = []
    var same: [String] = []
    for (number, column) in columns.enumerated() {
      let texts = cells.map { row in row.first { $0.name == column }.map { text($0.value) } ?? "" }
      if let beginning = beginnings.first(where: { $0.1 == (number == 0 ? "" : column) }) {
        tables.append(Self(title: beginning.0, columns: [""], rows: LookupPictures.names(of: rows).map { [$0] }))
      }
      if tables.count == 1, Set(texts).count == 1 {
        same.append("\(column) \(texts[0])")
      } else {
        tables[tables.count - 1].columns.append(column)
        for (row, text) in texts.enumerated() { tables[tables.count - 1].rows[row].append(text) }
      }
    }
    if !same.isEmpty { tables[0].note = "In all rows: \(same.joined(separator: ", "))." }
    // The rows' names say it.
    if tables[0].columns.count <= 2 { tables[0].rows = [] }
    return tables
  }

  /// Not more digits than say something.
  static func text(_ value: JSON) -> String {
    guard case .number(let number) = value else { return value.string ?? value.description }
    let text = String(format: abs(number) >= 100 ? "%.0f" : "%.3f", number)
    return text.contains(".") ? String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()) : text
  }

  var html: String {
    let head = columns.map { "<th scope=\"col\">\($0.escaped)</th>" }.joined()
    let rows = rows.map { row in
      let cells = row.dropFirst().map { "<td>\($0.escaped)</td>" }.joined()
      return "<tr><th scope=\"row\">\((row.first ?? "").escaped)</th>\(cells)</tr>\n"
    }
    let note = note.isEmpty ? "" : "<p class=\"command\">\(note.escaped)</p>\n"
    let whole = """
      <div class="wide"><table class="figures">
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows.joined())</tbody>
      </table></div>

      """
    return "<h3>\(title.escaped)</h3>\n\(note)" + (rows.isEmpty ? "" : whole)
  }
}
