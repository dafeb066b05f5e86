// Long lines in short rows: broken at blanks where that is possible, between wide characters, and otherwise wherever the row is full.
//
// Text that is written from right to left is isolated row by row (Display.swift), since a terminal orders each row by itself: an isolate
// that goes on in the next row ends with the row, and begins again there.

/// Breaks texts into rows.
enum Wrapping {
  /// The rows of one line of a text. `first` is how many columns the first row has, `width` what the others have.
  static func rows(_ line: String, first: Int, width: Int) -> [String] {
    let clusters = TextWidth.clusters(line)
    var rows: [String] = []
    var isInside = false
    var start = 0
    var (columns, index) = (0, 0)
    /// Where a row may end: the index after the blank or the wide character, and the columns up to there.
    var lastBreak: Int?
    var limit = max(2, first)
    while index < clusters.count {
      let cluster = clusters[index]
      let isBlank = cluster.text == " "
      if columns + cluster.width > limit, index > start, !isBlank {
        let end = lastBreak.flatMap { $0 > start ? $0 : nil } ?? index
        rows.append(text(clusters[start..<end], &isInside))
        start = end
        while start < clusters.count, clusters[start].text == " ", start < index { start += 1 }
        columns = clusters[start..<index].reduce(0) { $0 + $1.width }
        lastBreak = nil
        limit = max(2, width)
        continue
      }
      columns += cluster.width
      index += 1
      if isBlank || cluster.width == 2 { lastBreak = index }
    }
    rows.append(text(clusters[start...], &isInside))
    return rows
  }

  /// Blanks at the end of a row are not shown. `isInside`: whether it begins in an isolate, and then whether the next one does.
  private static func text(_ clusters: ArraySlice<Cluster>, _ isInside: inout Bool) -> String {
    var clusters = clusters
    while clusters.last?.text == " " { clusters = clusters.dropLast() }
    let text = clusters.reduce(into: isInside ? String(Display.opening) : "") { $0 += $1.text }
    let closed = Display.closed(text)
    isInside = closed != nil
    return Display.isolated(closed ?? text)
  }
}
