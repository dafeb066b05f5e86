// How an entry of a conversation looks: eight columns with the time and a mark, then who said what. Nothing but an entry of ours ever
// begins in the first columns, so no text can pass for an event.
//
//     ── Saturday, 28 November 2026 ─────────
//     20:01   bob: a text that is longer than
//           | the window is wide
//     20:02 … alice: not acknowledged yet
//     20:02 ✗ alice: will not arrive
//     20:03   -- session with bob#… closed

/// Makes rows of entries.
enum EntryRows {
  private static let margin = 8
  private static let continuation = "      | "

  static func day(_ day: String, width: Int) -> Row {
    var row = Row("── \(day) ", .dim)
    if row.width < width { row.append(String(repeating: "─", count: width - row.width), .dim) }
    return row.cut(to: width)
  }

  static func of(_ entry: Entry, width: Int) -> [Row] {
    var head = Row(entry.time.clock, .dim)
    head.append(" ")
    var style = Style.plain
    var name: (text: String, style: Style)?
    switch entry.kind {
    case .text(let sender):
      head.append("  ")
      name = (sender + ":", Style(isBold: true, color: color(of: sender)))
    case .own(let delivery):
      switch delivery {
      case .waiting: head.append("… ", .bold)
      case .arrived: head.append("  ")
      case .failed: head.append("✗ ", Style(isBold: true, color: .red))
      }
      if delivery == .waiting { style = .dim }
      name = ("you:", .bold)
    case .notice:
      head.append("  ")
      name = ("--", .dim)
      style = .dim
    case .error:
      head.append("  ")
      name = ("error:", Style(isBold: true, color: .red))
    }
    let lines =
      switch entry.kind {
      case .text, .own: Display.lines(entry.text, isolating: false)
      case .notice, .error: Display.lines(ofOurs: entry.text)
      }
    return rows(head, name, lines, style, width: max(width, margin + 2))
  }

  private static func rows(
    _ head: Row, _ name: (text: String, style: Style)?, _ lines: [String], _ style: Style, width: Int
  ) -> [Row] {
    var head = head
    var rows: [Row] = []
    let room = width - margin
    if let name {
      // A name that takes most of the row has it for itself.
      if TextWidth.of(name.text) + 1 > room / 2, TextWidth.of(name.text) > 8 {
        head.append(Row(name.text, name.style).cut(to: room))
        rows.append(head)
        head = Row(continuation, .dim)
      } else {
        head.append(name.text, name.style)
        head.append(" ")
      }
    }
    for line in lines {
      for part in Wrapping.rows(line, first: width - head.width, width: room) {
        head.append(part, style)
        rows.append(head)
        head = Row(continuation, .dim)
      }
    }
    return rows
  }

  /// The same name has the same colour, always and everywhere.
  private static func color(of name: String) -> Style.Color {
    let colors: [Style.Color] = [.cyan, .green, .magenta, .blue]
    let sum = name.utf8.reduce(UInt32(5381)) { $0 &* 33 &+ UInt32($1) }
    return colors[Int(sum % UInt32(colors.count))]
  }
}
