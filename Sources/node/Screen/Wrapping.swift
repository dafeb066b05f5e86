// Long lines in short rows: broken at blanks where that is possible, between wide characters, and otherwise wherever the row is full.
//
// Text that is written from right to left is isolated row by row (Display.swift), since a terminal orders each row by itself.

/// Breaks texts into rows.
enum Wrapping {
  /// The rows of one line of a text. `first` is how many columns the first row has, `width` what the others have.
  static func rows(_ line: String, first: Int, width: Int) -> [String] {
    let clusters = TextWidth.clusters(Display.withoutIsolates(line))
    var rows: [String] = []
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
        rows.append(text(clusters[start..<end]))
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
    rows.append(text(clusters[start...]))
    return rows
  }

  /// Blanks at the end of a row are not shown.
  private static func text(_ clusters: ArraySlice<Cluster>) -> String {
    var clusters = clusters
    while clusters.last?.text == " " { clusters = clusters.dropLast() }
    return Display.isolated(clusters.reduce(into: "") { $0 += $1.text })
  }
}
