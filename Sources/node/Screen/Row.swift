// What a row of the screen holds: pieces of text, each in one style. Two rows are equal when they look alike, which is how it is
// known what has to be painted anew.

/// How a piece of text looks. Colours are the terminal's own, so that they suit its background.
struct Style: Hashable {
  /// Colours of the terminal's palette that can be read on light and on dark grounds.
  enum Color: UInt8 { case red = 31, green = 32, blue = 34, magenta = 35, cyan = 36 }

  var isBold = false
  var isDim = false
  var isReversed = false
  var color: Color?

  static let plain = Style()
  static let bold = Style(isBold: true)
  static let dim = Style(isDim: true)
  static let reversed = Style(isReversed: true)
  static let error = Style(color: .red)

  /// The escape sequence that switches from nothing to this style.
  func sequence(hasColors: Bool) -> String {
    var codes = ["0"]
    if isBold { codes.append("1") }
    // A faint text is a matter of colour: whoever wants none gets none.
    if isDim, hasColors { codes.append("2") }
    if isReversed { codes.append("7") }
    if let color, hasColors { codes.append(String(color.rawValue)) }
    return "\u{1B}[" + codes.joined(separator: ";") + "m"
  }
}

/// A piece of text in one style.
struct Run: Equatable {
  var text: String
  var style: Style
}

/// One row.
struct Row: Equatable {
  private(set) var runs: [Run] = []
  /// In columns.
  private(set) var width = 0

  init() {}

  init(_ text: String, _ style: Style = .plain) {
    append(text, style)
  }

  /// Adds a text that is safe to show.
  mutating func append(_ text: String, _ style: Style = .plain) {
    guard !text.isEmpty else { return }
    width += TextWidth.of(text)
    if let last = runs.indices.last, runs[last].style == style {
      runs[last].text += text
    } else {
      runs.append(Run(text: text, style: style))
    }
  }

  mutating func append(_ other: Row) {
    for run in other.runs { append(run.text, run.style) }
  }

  /// Blanks up to that column.
  mutating func pad(to column: Int, _ style: Style = .plain) {
    if column > width { append(String(repeating: " ", count: column - width), style) }
  }

  /// No more than so many columns: what does not fit is left out, and an ellipsis says so.
  func cut(to limit: Int) -> Row {
    guard width > limit else { return self }
    var row = Row()
    for run in runs {
      let left = limit - row.width
      if TextWidth.of(run.text) < left {
        row.append(run.text, run.style)
        continue
      }
      // Something always comes after, be it in this run or in the next.
      row.append(Row.beginning(of: run.text + " ", within: left), run.style)
      break
    }
    return row
  }

  /// The beginning of a text that fits, with an ellipsis if something is left out.
  static func beginning(of text: String, within columns: Int) -> String {
    guard TextWidth.of(text) > columns else { return text }
    guard columns > 0 else { return "" }
    var (beginning, width) = ("", 0)
    for cluster in TextWidth.clusters(text) {
      guard width + cluster.width <= columns - 1 else { break }
      beginning += cluster.text
      width += cluster.width
    }
    return (Display.closed(beginning) ?? beginning) + "…"
  }
}
