// The report: one page that needs nothing besides itself, no script and no other file, for a browser, in light and dark, and for paper.
//
//     set-up                     on what it was measured
//     chapter                    what was measured, by which commands, how long that took
//       picture, caption         and the command again: a picture is copied without what stands around it
//       table                    every figure

import Foundation
import Processes

struct ReportPage {
  /// Rows under the names of their columns.
  struct Table {
    var title: String
    var note = ""
    var columns: [String]
    var rows: [[String]]
  }

  struct Chapter {
    let title: String
    /// Begins the names of its pictures' files.
    let prefix: String
    var commands: [(line: String, seconds: Double)] = []
    var lookups: [LookupFigures] = []
    var tables: [Table] = []
    /// What could not be measured, and why.
    var failures: [String] = []
  }

  var chapters: [Chapter]
  var facts = SetUp.facts

  func pictures(of chapter: Chapter) -> [Picture] { LookupPictures(chapter.lookups, prefix: chapter.prefix).all }

  var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width,initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>chord-chat, measured</title>
    <style>
    \(Self.sheet)\(PlotStyle.sheet)</style>
    </head>
    <body>
    <h1>chord-chat, measured</h1>
    \(setUp)
    \(chapters.map(text).joined(separator: "\n"))
    </body>
    </html>

    """
  }

  private var setUp: String {
    let rows = facts.map { name, value in
      "<tr><th scope=\"row\">\(name.escaped)</th><td>\((value.string ?? value.description).escaped)</td></tr>"
    }
    return "<table class=\"facts\">\n\(rows.joined(separator: "\n"))\n</table>"
  }

  private func text(of chapter: Chapter) -> String {
    var text = "<section>\n<h2>\(chapter.title.escaped)</h2>\n"
    for command in chapter.commands {
      text += "<p class=\"command\"><code>\(command.line.escaped)</code> took \(Self.seconds(command.seconds))</p>\n"
    }
    for failure in chapter.failures { text += "<p class=\"failure\">\(failure.escaped)</p>\n" }
    let how = chapter.commands.map { "<code>\($0.line.escaped)</code>" }.joined(separator: ", ")
    for picture in pictures(of: chapter) {
      text += "<figure>\n<h3>\(picture.title.escaped)</h3>\n\(picture.inline)"
      text += "<figcaption>\(picture.caption.escaped) Made by \(how).</figcaption>\n</figure>\n"
    }
    let tables = chapter.tables + (chapter.lookups.isEmpty ? [] : [Self.table(of: chapter.lookups)])
    for table in tables { text += Self.html(table) }
    return text + "</section>\n"
  }

  static func seconds(_ seconds: Double) -> String { String(format: seconds < 10 ? "%.1f s" : "%.0f s", seconds) }

  /// As one would type it, without the way to the program.
  static func line(of arguments: [String]) -> String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_.,:/=+%@"))
    let words = arguments.dropFirst().map { word in
      word.unicodeScalars.allSatisfy(plain.contains) && !word.isEmpty
        ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
    return (["bench"] + words).joined(separator: " ")
  }

  // MARK: Tables

  /// All rows, with every column that one of them has; what is the same in all stands above.
  private static func table(of rows: [LookupFigures]) -> Table {
    let cells = rows.map(\.cells)
    let columns = cells.joined().map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let texts = columns.map { name in cells.map { row in row.first { $0.name == name }.map { text($0.value) } ?? "" } }
    let settings = Set(rows.flatMap { $0.settings.map(\.name) })
    let isSame = zip(columns, texts).map { settings.contains($0) && rows.count > 1 && Set($1).count == 1 }
    let same = columns.indices.filter { isSame[$0] }.map { "\(columns[$0]) \(texts[$0][0])" }
    let differing = columns.indices.filter { !isSame[$0] }
    return Table(
      title: "All figures of the lookups", note: same.isEmpty ? "" : "In all rows: \(same.joined(separator: ", ")).",
      columns: differing.map { columns[$0] }, rows: rows.indices.map { row in differing.map { texts[$0][row] } })
  }

  /// Not more digits than say something.
  static func text(_ value: JSON) -> String {
    guard case .number(let number) = value else { return value.string ?? value.description }
    let text = String(format: abs(number) >= 100 ? "%.0f" : "%.3f", number)
    return text.contains(".") ? String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()) : text
  }

  private static func html(_ table: Table) -> String {
    let head = table.columns.map { "<th scope=\"col\">\($0.escaped)</th>" }.joined()
    let rows = table.rows.map { row in "<tr>" + row.map { "<td>\($0.escaped)</td>" }.joined() + "</tr>" }
    return """
      <h3>\(table.title.escaped)</h3>
      \(table.note.isEmpty ? "" : "<p class=\"command\">\(table.note.escaped)</p>")
      <div class="wide"><table class="figures">
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table></div>

      """
  }

  private static let sheet = """
    :root{color-scheme:light dark;--page:#fafafa;--text:#1b1b1b;--soft:#5c5c5c;--rule:#d5d5d5;--code:#eee;--bad:#a40000}
    @media (prefers-color-scheme:dark){:root{--page:#0e1116;--text:#e8e8e8;--soft:#a3a9b0;--rule:#30363d;--code:#1f252c;--bad:#ff8f8f}}
    body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:var(--text);background:var(--page);\
    max-width:896px;margin:2rem auto;padding:0 1rem}
    h1{font-size:1.6rem}h2{font-size:1.3rem;margin-top:3rem;border-bottom:1px solid var(--rule)}h3{font-size:1.05rem;margin-bottom:.4rem}
    svg.plot{display:block;max-width:100%;height:auto}figure{margin:1.5rem 0}
    figcaption,.command,.failure{font-size:.85rem;color:var(--soft)}.command{margin:.2rem 0}.failure{color:var(--bad)}
    code{font:.92em ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;background:var(--code);padding:.1em .3em;border-radius:3px;overflow-wrap:anywhere}
    table{border-collapse:collapse;font-size:.85rem}th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--rule)}
    .facts th{color:var(--soft);font-weight:normal}.wide{overflow-x:auto}
    .figures{font-variant-numeric:tabular-nums}.figures th,.figures td{text-align:right;white-space:nowrap}
    @media print{:root{--page:#fff;--text:#000;--soft:#333;--rule:#bbb;--code:#f3f3f3}body{max-width:none;margin:0;font-size:11pt}\
    figure,tr{break-inside:avoid}h2,h3{break-after:avoid}.figures{font-size:5.5pt}.figures th,.figures td{padding:.1rem .2rem}}

    """
}

/// Where a report goes.
struct ReportDirectory {
  let url: URL
  /// About as much as a page takes.
  private static let page = 1 << 18

  /// Makes it if it is missing, and tries it out: better an error now than after ten minutes of measuring.
  init(_ path: String) throws {
    url = URL(fileURLWithPath: path)
    let trial = url.appendingPathComponent(".trial-\(getpid())")
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: trial) }
      try Data(count: Self.page).write(to: trial)
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// In the place of what is there, all at once or not at all.
  func write(_ text: String, as name: String) throws {
    let file = url.appendingPathComponent(name)
    do { try Data(text.utf8).write(to: file, options: .atomic) } catch { throw Self.failure(file.path, error) }
  }

  private static func failure(_ path: String, _ error: any Error) -> ProcessError {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
    let reason =
      cause.domain == NSPOSIXErrorDomain
      ? String(cString: strerror(Int32(cause.code))) : "\(error.localizedDescription)"
    return ProcessError("a report cannot be written to \(path): \(reason)")
  }
}
