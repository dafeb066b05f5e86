// The report: one page that needs nothing besides itself, no script and no other file, for a browser, in light and dark, and for paper.
//
//     set-up                     on what it was measured
//     chapter                    what was measured, by which commands, how long that took
//       picture, caption         and the command again: a picture is copied without what stands around it
//       table                    every figure

import Foundation
import Processes

struct ReportPage {
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
    let tables = chapter.tables + Table.tables(of: chapter.lookups)
    for table in tables { text += table.html }
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
    .figures{font-variant-numeric:tabular-nums}.figures th,.figures td{text-align:right;white-space:nowrap}.figures tbody th{text-align:left;font-weight:normal}
    @media print{:root{--page:#fff;--text:#000;--soft:#333;--rule:#bbb;--code:#f3f3f3}body{max-width:none;margin:0;font-size:11pt}\
    figure,tr{break-inside:avoid}h2,h3{break-after:avoid}.figures{font-size:7pt}figcaption,.command,.failure{font-size:8.5pt}th,td{padding:.1rem .3rem}}

    """
}
