// Puts rows on a terminal: only those that have changed since the last time, each in one piece.
//
//     CSI row;1 H   style text style text …   CSI K      the rest of the row is wiped, if there is one
//
// Whose width is unsure (TextWidth.swift) gets its room wiped first, and the cursor is put where we think it is afterwards: the
// terminal may think otherwise, and the rest of the row stands in its place all the same.

/// What the whole screen is to look like.
struct Picture: Equatable {
  var columns = 0
  var rows: [Row] = []
  var cursor = (row: 0, column: 0)

  static func == (a: Picture, b: Picture) -> Bool {
    a.columns == b.columns && a.rows == b.rows && a.cursor == b.cursor
  }
}

/// Knows what the terminal shows.
struct Painter {
  let hasColors: Bool
  /// What was painted last; nil where nobody knows.
  private var shown: [Row?] = []
  private var cursor: (row: Int, column: Int)?

  init(hasColors: Bool) {
    self.hasColors = hasColors
  }

  /// Nothing is known any more: the next picture is painted whole.
  mutating func forget() {
    shown = []
    cursor = nil
  }

  /// The bytes that make the terminal show this picture; none if it does already.
  mutating func paint(_ picture: Picture) -> [UInt8] {
    var bytes: [UInt8] = []
    let isNew = shown.count != picture.rows.count
    if isNew {
      shown = Array(repeating: nil, count: picture.rows.count)
      bytes += "\u{1B}[0m\u{1B}[H\u{1B}[2J".utf8
    }
    for (index, row) in picture.rows.enumerated() where shown[index] != row {
      paint(row, at: index, of: picture.columns, into: &bytes)
      shown[index] = row
    }
    let isMoved = cursor.map { $0 != picture.cursor } ?? true
    guard !bytes.isEmpty || isMoved else { return [] }
    cursor = picture.cursor
    let place = "\u{1B}[\(picture.cursor.row + 1);\(picture.cursor.column + 1)H"
    if bytes.isEmpty { return Array(place.utf8) }
    // The cursor is not seen running about.
    return Array("\u{1B}[?25l".utf8) + bytes + Array((place + "\u{1B}[?25h").utf8)
  }

  private func paint(_ row: Row, at index: Int, of columns: Int, into bytes: inout [UInt8]) {
    bytes += "\u{1B}[\(index + 1);1H".utf8
    var column = 0
    var style = Style.plain
    for run in row.runs {
      if run.style != style { bytes += run.style.sequence(hasColors: hasColors).utf8 }
      style = run.style
      for cluster in TextWidth.clusters(run.text) {
        if cluster.isSure {
          bytes += cluster.text.utf8
        } else {
          bytes += String(repeating: " ", count: cluster.width).utf8
          bytes += "\u{1B}[\(column + 1)G\(cluster.text)\u{1B}[\(column + cluster.width + 1)G".utf8
        }
        column += cluster.width
      }
    }
    if style != .plain { bytes += "\u{1B}[0m".utf8 }
    // Behind the last column the cursor stands on it, and would wipe it.
    if column < columns { bytes += "\u{1B}[K".utf8 }
  }
}
