// How many columns of a terminal a text takes, as far as anybody can know.
//
// Terminals count by scalars (wcwidth) or by what a reader takes for one character, and by different versions of Unicode. So a
// cluster says whether its width is sure: one scalar, or one and marks that take no room. Whoever paints an unsure one puts the
// cursor back afterwards (Painter.swift), and the line stays in order whatever the terminal thinks. Widths of scalars are
// utf8proc's; of several scalars in one cluster we take the widest reading, so that a terminal that thinks smaller leaves a blank.

import CUTF8Proc

/// What a reader takes for one character.
struct Cluster: Equatable {
  var text: String
  /// In columns: 0 for what joins the character before it, 1, 2, seldom more.
  var width: Int
  /// Whether all terminals agree about the width.
  var isSure: Bool
}

/// Widths of texts that are safe to show (Display.swift).
enum TextWidth {
  /// Marks beyond so many on one character are shown on characters of their own: half of the limit of UAX #15, section 13, and enough
  /// for any script.
  static let scalarLimit = 16

  /// The columns that a text takes.
  static func of(_ text: String) -> Int {
    if isPlain(text) { return text.utf8.count }
    return clusters(text).reduce(0) { $0 + $1.width }
  }

  /// A text in pieces that can each be put somewhere.
  static func clusters(_ text: String) -> [Cluster] {
    if isPlain(text) { return text.unicodeScalars.map { Cluster(text: String($0), width: 1, isSure: true) } }
    var clusters: [Cluster] = []
    for character in text {
      let scalars = character.unicodeScalars
      if scalars.count <= scalarLimit {
        clusters.append(cluster(scalars))
        continue
      }
      var rest = Substring(String(character)).unicodeScalars
      while !rest.isEmpty {
        clusters.append(cluster(String(rest.prefix(scalarLimit)).unicodeScalars))
        rest = rest.dropFirst(scalarLimit)
      }
    }
    return clusters
  }

  private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }

  private static func cluster(_ scalars: some Collection<Unicode.Scalar>) -> Cluster {
    var text = String.UnicodeScalarView()
    for scalar in scalars { text.append(scalar) }
    guard let first = scalars.first else { return Cluster(text: "", width: 0, isSure: true) }
    let sum = scalars.reduce(0) { $0 + width(of: $1) }
    if scalars.count == 1 {
      // A mark with nothing to stand on stands on a dotted circle, as in the charts of Unicode.
      if sum == 0, isMark(first) { return Cluster(text: "\u{25CC}" + String(text), width: 1, isSure: true) }
      return Cluster(text: String(text), width: sum, isSure: true)
    }
    if isMark(first) { return Cluster(text: "\u{25CC}" + String(text), width: max(1, sum), isSure: false) }
    if scalars.contains(where: isEmojiSign) {
      return Cluster(text: String(text), width: max(2, width(of: first)), isSure: false)
    }
    let isSure = scalars.dropFirst().allSatisfy { width(of: $0) == 0 && isMark($0) }
    return Cluster(text: String(text), width: max(sum, 1), isSure: isSure)
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    if (0x20...0x7E).contains(scalar.value) { return 1 }
    return max(0, Int(utf8proc_charwidth(Int32(bitPattern: scalar.value))))
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark: true
    default: false
    }
  }

  /// What makes a picture of the scalars around it: the emoji selector, flags' letters, skin tones, and joiners between pictures.
  private static func isEmojiSign(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xFE0F, 0x1F1E6...0x1F1FF, 0x1F3FB...0x1F3FF, 0x20E3, 0xE0020...0xE007F: true
    case 0x1F300...0x1FAFF: true
    default: false
    }
  }
}
