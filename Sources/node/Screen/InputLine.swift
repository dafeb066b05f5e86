// The line being typed, and the keys of Emacs that change it. It may hold line ends (pasted, or Alt-Enter), shown as ␊.
//
//     glyphs: [h][e][l][l][o][ ][w][ö]   cursor between two of them
//
// A glyph is what a reader takes for one character, with its width as it is shown. Whatever is put in is cut into characters again
// together with its neighbours, so that a letter and a mark that come one after the other are one.

/// An editor of one line.
struct InputLine: Equatable {
  /// One character, and the columns it takes as it is shown.
  struct Glyph: Equatable {
    var character: Character
    var width: Int

    init(_ character: Character) {
      self.character = character
      // Nearly always; and a paste may bring thirty thousand.
      let isPlain = character.utf8.count == 1 && (0x20...0x7E).contains(character.utf8.first ?? 0)
      width = isPlain ? 1 : TextWidth.of(Self.shown(character))
    }

    var shown: String { Self.shown(character) }

    private static func shown(_ character: Character) -> String { Display.line(String(character), isolating: false) }
  }

  /// As long as a text may be, and a little for a command before it.
  static let byteLimit = 33_024
  /// What was typed before, to be typed again.
  static let historyLimit = 500

  private(set) var glyphs: [Glyph] = []
  private(set) var cursor = 0
  private var byteCount = 0
  private var killed: [Glyph] = []
  /// Whether the last key killed something: the next kill adds to it.
  private var isKilling = false
  private var history: [String] = []
  /// Where we are in the history; behind its end a line is new.
  private var place = 0
  /// Lines as they were when we went on from their places. They are kept until one is done.
  private var visited: [Int: String] = [:]

  var text: String { String(glyphs.map(\.character)) }
  var beforeCursor: String { String(glyphs[..<cursor].map(\.character)) }
  var isEmpty: Bool { glyphs.isEmpty }

  /// Replaces everything; the cursor goes to the end.
  mutating func set(_ text: String) {
    glyphs = text.map(Glyph.init)
    byteCount = text.utf8.count
    cursor = glyphs.count
  }

  /// Puts a text in at the cursor; false, and nothing is changed, if the line would be too long.
  @discardableResult
  mutating func insert(_ text: String) -> Bool {
    isKilling = false
    guard byteCount + text.utf8.count <= Self.byteLimit else { return false }
    let before = cursor > 0 ? String(glyphs[cursor - 1].character) : ""
    let after = cursor < glyphs.count ? String(glyphs[cursor].character) : ""
    let whole = (before + text + after).map(Glyph.init)
    glyphs.replaceSubrange(max(0, cursor - 1)..<min(glyphs.count, cursor + 1), with: whole)
    byteCount += text.utf8.count
    // The cursor stands where as many bytes stand before it as did before, and those of the text.
    var left = before.utf8.count + text.utf8.count
    cursor = max(0, cursor - 1)
    while left > 0, cursor < glyphs.count {
      left -= String(glyphs[cursor].character).utf8.count
      cursor += 1
    }
    return true
  }

  /// Replaces the last so many characters before the cursor.
  mutating func replace(last count: Int, with text: String) {
    remove(max(0, cursor - count)..<cursor)
    insert(text)
  }

  /// The line is done: it goes into the history and is empty again.
  mutating func finish() -> String {
    let text = self.text
    if !text.isEmpty, history.last != text {
      history.append(text)
      if history.count > Self.historyLimit { history.removeFirst() }
    }
    drop()
    return text
  }

  /// The line is given up, with all that was changed in the history: an empty one is begun.
  mutating func drop() {
    place = history.count
    visited = [:]
    isKilling = false
    set("")
  }

  // MARK: Moving

  mutating func moveLeft() { move(to: cursor - 1) }
  mutating func moveRight() { move(to: cursor + 1) }
  mutating func moveToStart() { move(to: 0) }
  mutating func moveToEnd() { move(to: glyphs.count) }
  mutating func moveWordLeft() { move(to: wordStart) }
  mutating func moveWordRight() { move(to: wordEnd) }

  private mutating func move(to place: Int) {
    isKilling = false
    cursor = min(max(0, place), glyphs.count)
  }

  /// Words are letters and digits, as for Emacs.
  private static func isWord(_ glyph: Glyph) -> Bool { glyph.character.isLetter || glyph.character.isNumber }

  private var wordStart: Int {
    var place = cursor
    while place > 0, !Self.isWord(glyphs[place - 1]) { place -= 1 }
    while place > 0, Self.isWord(glyphs[place - 1]) { place -= 1 }
    return place
  }

  private var wordEnd: Int {
    var place = cursor
    while place < glyphs.count, !Self.isWord(glyphs[place]) { place += 1 }
    while place < glyphs.count, Self.isWord(glyphs[place]) { place += 1 }
    return place
  }

  // MARK: Removing

  mutating func deleteBackward() {
    isKilling = false
    if cursor > 0 { remove(cursor - 1..<cursor) }
  }

  mutating func deleteForward() {
    isKilling = false
    if cursor < glyphs.count { remove(cursor..<cursor + 1) }
  }

  mutating func killToEnd() { kill(cursor..<glyphs.count, isBefore: false) }
  mutating func killToStart() { kill(0..<cursor, isBefore: true) }
  mutating func killWordBackward() { kill(wordStart..<cursor, isBefore: true) }
  mutating func killWordForward() { kill(cursor..<wordEnd, isBefore: false) }

  /// Back to the last blank, as the terminal's own editor does.
  mutating func killToBlank() {
    var place = cursor
    while place > 0, glyphs[place - 1].character.isWhitespace { place -= 1 }
    while place > 0, !glyphs[place - 1].character.isWhitespace { place -= 1 }
    kill(place..<cursor, isBefore: true)
  }

  /// What was killed last, again.
  mutating func yank() {
    insert(String(killed.map(\.character)))
  }

  private mutating func kill(_ range: Range<Int>, isBefore: Bool) {
    let taken = Array(glyphs[range])
    if !taken.isEmpty { killed = !isKilling ? taken : isBefore ? taken + killed : killed + taken }
    remove(range)
    isKilling = true
  }

  private mutating func remove(_ range: Range<Int>) {
    byteCount -= glyphs[range].reduce(0) { $0 + String($1.character).utf8.count }
    glyphs.removeSubrange(range)
    cursor = range.lowerBound
  }

  /// The characters around the cursor change places; at the end the two before it.
  mutating func transpose() {
    isKilling = false
    guard glyphs.count > 1, cursor > 0 else { return }
    let second = cursor == glyphs.count ? cursor - 1 : cursor
    glyphs.swapAt(second - 1, second)
    cursor = second + 1
  }

  // MARK: History

  mutating func older() { go(to: place - 1) }
  mutating func newer() { go(to: place + 1) }

  private mutating func go(to next: Int) {
    isKilling = false
    guard (0...history.count).contains(next) else { return }
    visited[place] = text
    place = next
    set(visited[next] ?? (next < history.count ? history[next] : ""))
  }
}

extension InputLine {
  /// What is seen of the line in so many columns, and in which of them the cursor stands. The line moves by half a window when the cursor
  /// leaves it; `‹` and `›` say that there is more.
  func window(_ width: Int) -> (row: Row, cursor: Int) {
    let width = max(4, width)
    let column = glyphs[..<cursor].reduce(0) { $0 + $1.width }
    let half = width / 2
    var start = 0  // in columns
    if column >= width - 1 { start = ((column - (width - 1)) / half + 1) * half }
    var row = Row()
    var (place, cursorColumn) = (0, 0)
    for (index, glyph) in glyphs.enumerated() {
      if index == cursor { cursorColumn = row.width }
      defer { place += glyph.width }
      if place < start { continue }
      if start > 0, row.width == 0 { row.append("‹", .dim) }
      if row.width + glyph.width > width - 1 {
        row.append("›", .dim)
        break
      }
      row.append(glyph.shown)
    }
    if cursor == glyphs.count { cursorColumn = row.width }
    return (row, min(cursorColumn, width - 1))
  }
}
