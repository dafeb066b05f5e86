// "Did you mean …?": the known word nearest to a mistyped one.
//
// Distance is counted in typing mistakes: a letter left out, put in, replaced, or two neighbours swapped (Damerau 1964, in the
// form that never edits the same place twice).

/// Finds what somebody probably meant.
enum Suggestion {
  /// The known word that `typed` begins, or that is at most two mistakes away; the first of the nearest ones.
  static func nearest(to typed: String, among known: [String]) -> String? {
    let typed = typed.lowercased()
    // No command is nearly this long, and the table below grows with the product of the lengths.
    guard !typed.isEmpty, typed.utf8.count <= 24 else { return nil }
    if let begun = known.first(where: { $0.hasPrefix(typed) }) { return begun }
    let nearest = known.map { (word: $0, distance: distance(typed, $0)) }.min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= 2, nearest.distance < nearest.word.count else { return nil }
    return nearest.word
  }

  /// The number of typing mistakes between two words.
  static func distance(_ first: String, _ second: String) -> Int {
    let a = Array(first)
    let b = Array(second)
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
        row.append(best)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
