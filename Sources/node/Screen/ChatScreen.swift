// What the whole screen shows, as a value: conversations, the line being typed, and how the node stands. From it a picture is made.
//
//     ┌──────────────────────────────────────────────────────────┐
//     │ 1 this node   │ ── Saturday, 28 November 2026 ────────── │   the list from 90 columns on
//     │ 2 bob       3 │ 20:01   bob: hello                       │
//     │ 3 carol       │ 20:02 … you: hi                          │
//     │ bob: one of bob, boris                                   │   a hint, when there is one
//     │ alice#PY529-…  in the ring, 3 peers            2 bob (3) │   the status, reversed
//     │ bob> what is being typed_                                │
//     └──────────────────────────────────────────────────────────┘

/// Everything that is seen.
struct ChatScreen {
  /// Below this there is no room for a conversation.
  static let smallest = (columns: 24, rows: 6)
  /// From here on the list of conversations is shown.
  static let widthWithList = 90
  private static let listWidth = 24

  var columns: Int
  var rows: Int
  var talks = Talks()
  var input = InputLine()
  /// Who we are: `alice#PY529-…`
  var identity = ""
  /// How the node stands in the ring, in a few words.
  var standing = "looking for others"
  /// One line for the moment, gone with the next key.
  var hint: String?
  /// What has been pasted, and is asked about.
  var paste = Paste()
  /// Who may be meant when somebody is named.
  var people: [Completion.Person] = []
  /// The next key is taken as it is.
  var isQuoting = false

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  private var hasList: Bool { columns >= Self.widthWithList }
  /// The columns of the conversation.
  var talkWidth: Int { hasList ? columns - Self.listWidth - 2 : columns }
  private var note: String? { paste.question ?? hint }
  /// The rows of the conversation.
  var talkHeight: Int { rows - 2 - (note == nil ? 0 : 1) }

  // MARK: Scrolling

  /// Moves the window so many rows up, or down if negative.
  mutating func scroll(_ distance: Int) {
    let place = talks.shown.place
    talks.shown.place = talks.shown.scrollback.place(distance, above: place, height: talkHeight, width: talkWidth)
    if talks.shown.place == nil { talks.shown.unread = 0 }
  }

  mutating func scrollToStart() {
    talks.shown.place = talks.shown.scrollback.placeOfFirst(height: talkHeight, width: talkWidth)
  }

  mutating func scrollToEnd() {
    talks.shown.place = nil
    talks.shown.unread = 0
  }

  // MARK: The picture

  mutating func picture() -> Picture {
    guard columns >= Self.smallest.columns, rows >= Self.smallest.rows else { return tooSmall() }
    let height = talkHeight
    var lines = talks.shown.scrollback.window(height, width: talkWidth, at: talks.shown.place)
    lines = Array(repeating: Row(), count: height - lines.count) + lines
    if hasList { lines = zip(list(height), lines).map { Self.beside($0, $1) } }
    if let note { lines.append(Row(note, .bold).cut(to: columns)) }
    lines.append(status())
    let (row, cursor) = inputRow()
    lines.append(row)
    return Picture(columns: columns, rows: lines, cursor: (rows - 1, cursor))
  }

  private func tooSmall() -> Picture {
    var lines = Array(repeating: Row(), count: max(1, rows))
    lines[0] = Row("The window is too small.").cut(to: max(1, columns))
    return Picture(columns: columns, rows: lines, cursor: (0, 0))
  }

  private static func beside(_ list: Row, _ talk: Row) -> Row {
    var row = list
    row.pad(to: listWidth)
    row.append("│ ", .dim)
    row.append(talk)
    return row
  }

  private func list(_ height: Int) -> [Row] {
    // The one that is looked at is always seen.
    let start = max(0, min(talks.current - height / 2, talks.all.count - height))
    let shown = talks.all.indices[start...].prefix(height)
    var rows = shown.map { index -> Row in
      let talk = talks.all[index]
      let style =
        index == talks.current ? Style.reversed : talk.unread > 0 ? .bold : talk.isOpen || index == 0 ? .plain : .dim
      let count = (talk.waiting > 0 ? "…" : "") + (talk.unread > 0 ? "\(talk.unread) " : " ")
      let number = index < 9 ? "\(index + 1) " : "  "
      var row = Row(" \(number)", style)
      row.append(Row.beginning(of: talk.title, within: Self.listWidth - row.width - TextWidth.of(count) - 2), style)
      row.pad(to: Self.listWidth - 1 - TextWidth.of(count), style)
      row.append(count, style)
      return row
    }
    while rows.count < height { rows.append(Row()) }
    return rows
  }

  /// Who we are, how we stand, and what waits elsewhere. What does not fit goes, the least important first.
  private func status() -> Row {
    let elsewhere = talks.all.indices.filter { $0 != talks.current && talks.all[$0].unread > 0 }
      .map { ($0 < 9 ? "\($0 + 1) " : "") + "\(talks.all[$0].title) (\(talks.all[$0].unread))" }
    var right: [String] = []
    if talks.shown.place != nil {
      right.append(talks.shown.unread > 0 ? "↓ \(talks.shown.unread) new" : "↓ more")
    }
    if talks.shown.waiting > 0 { right.append("… \(talks.shown.waiting) not delivered yet") }
    right += elsewhere.prefix(3)
    if elsewhere.count > 3 { right.append("+\(elsewhere.count - 3)") }
    let news = right.joined(separator: "  ")
    let who = [identity, Self.shortened(identity)].first { TextWidth.of($0 + standing + news) + 6 <= columns } ?? ""
    var row = Row(" ", .reversed)
    row.append(who.isEmpty ? standing : "\(who)  \(standing)", .reversed)
    if !news.isEmpty {
      row.pad(to: columns - 1 - TextWidth.of(news), .reversed)
      row.append(row.width + TextWidth.of(news) < columns ? news : "  " + news, .reversed)
    }
    row.pad(to: columns, .reversed)
    return row.cut(to: columns)
  }

  /// `alice#PY529-…`: enough to know oneself by; the whole stands in the conversation.
  private static func shortened(_ identity: String) -> String {
    guard let mark = identity.lastIndex(of: "#"), let end = identity[mark...].firstIndex(of: "-") else {
      return identity
    }
    return identity[...end] + "…"
  }

  private func inputRow() -> (Row, Int) {
    let title = talks.current == 0 ? "" : Row.beginning(of: talks.shown.title, within: max(8, columns / 4))
    var row = Row("\(title)> ", .bold)
    let (text, cursor) = input.window(columns - row.width)
    let start = row.width
    row.append(text)
    return (row, min(start + cursor, columns - 1))
  }
}
