// Others' text, made safe to show. Whatever somebody sends must neither drive the terminal nor pass for an event of ours.
//
//     21:04 alice: the first line            an event begins in the first column
//           | a further line of the same     and nothing else ever does
//           | ␛[2J is shown, not obeyed
//
// A character that acts instead of showing itself is shown by name: C0 and DEL as the pictures of U+2400, everything else that
// is invisible or turns the writing direction as \u{202E}. Left alone is what scripts and emoji need: the joiners (U+200C,
// U+200D), variation selectors, and the tags that make flags after U+1F3F4.

/// Makes text from elsewhere safe for a terminal.
enum Display {
  /// What every further line of a text begins with.
  static let continuation = "      | "

  /// The lines of a text, each safe to show. Never empty.
  static func lines(_ text: String) -> [String] {
    // Split at U+000A alone, by scalars: as a Swift character "\r\n" is one, and not equal to "\n".
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { safe($0) }
  }

  /// A text on one line: line feeds are shown as well.
  static func line(_ text: String) -> String {
    safe(text.unicodeScalars)
  }

  /// The beginning of a text on one line, for an error that speaks of it.
  static func beginning(_ text: String, atMost count: Int = 60) -> String {
    // A single character can be megabytes of combining marks: count scalars.
    let scalars = text.unicodeScalars
    let beginning = scalars.prefix(count)
    return safe(beginning) + (beginning.endIndex < scalars.endIndex ? "…" : "")
  }

  private static func safe(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var shown = String.UnicodeScalarView()
    var isInFlag = false
    for scalar in scalars {
      // ASCII, nearly always: no property needs looking up.
      if (0x20...0x7E).contains(scalar.value) {
        shown.append(scalar)
        isInFlag = false
        continue
      }
      let isTag = (0xE0020...0xE007F).contains(scalar.value)
      if isTag ? isInFlag : !isActing(scalar) {
        shown.append(scalar)
      } else {
        // One by one: `append(contentsOf:)` copies all that is there already, each time.
        for part in name(of: scalar).unicodeScalars { shown.append(part) }
      }
      isInFlag = scalar.value == 0x1F3F4 || (isInFlag && isTag)
    }
    return String(shown)
  }

  /// Whether a character acts on the text or the terminal, or hides, rather than showing itself.
  private static func isActing(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x200C, 0x200D: return false  // the joiners
    // Visible signs that enclose the numbers after them.
    case 0x0600...0x0605, 0x06DD, 0x070F, 0x0890...0x0891, 0x08E2, 0x110BD, 0x110CD: return false
    case 0x13430...0x1343F: return false  // how Egyptian hieroglyphs are stacked
    case 0x115F, 0x1160, 0x17B4, 0x17B5: return false  // parts of old Korean syllables and of Khmer words
    case 0x3164, 0xFFA0: return true  // look like nothing at all
    default: break
    }
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    case .nonspacingMark: return false  // variation selectors among them
    default: return properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint
    }
  }

  private static func name(of scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0..<0x20: return Unicode.Scalar(0x2400 + scalar.value).map(String.init) ?? ""
    case 0x7F: return "\u{2421}"
    default: return "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
    }
  }
}
