// Others' text, made safe to show. Whatever somebody sends must neither drive the terminal nor pass for an event of ours.
//
//     21:04 alice: the first line            an event begins in the first column
//           | a further line of the same     and nothing else ever does
//           | ␛[2J is shown, not obeyed
//
// A character that acts instead of showing itself is shown by name: C0 and DEL as the pictures of U+2400, everything else that
// is invisible or turns the writing direction as \u{202E}. Left alone is what scripts and emoji need: the joiners (U+200C,
// U+200D), variation selectors, and the tags that make a flag after U+1F3F4.
//
// A terminal that orders text by its direction (UAX #9) would let a Hebrew name and a Hebrew text trade places across the colon
// between them. So whatever has right-to-left characters is isolated, by U+2068 before and U+2069 behind it, on a terminal: in
// a pipe the text stays as it was sent, and where nothing goes from right to left, as nearly always, there is nothing to isolate.

import Glibc

/// Makes text from elsewhere safe for a terminal.
enum Display {
  /// What every further line of a text begins with.
  static let continuation = "      | "

  /// Whether what is written is seen by a person at once.
  static let isTerminal = isatty(1) == 1

  /// The lines of a text, each safe to show. Never empty.
  static func lines(_ text: String, isolating: Bool = isTerminal) -> [String] {
    lines(text) { safe($0, isolating: isolating) }
  }

  /// The lines of a sentence of ours. What it has of others has been made safe before, and stays isolated.
  static func lines(ofOurs sentence: String) -> [String] {
    lines(sentence) { safe($0, isolating: false, keepingIsolates: true) }
  }

  private static func lines(_ text: String, _ safe: (Substring.UnicodeScalarView) -> String) -> [String] {
    // Split at U+000A alone, by scalars: as a Swift character "\r\n" is one, and not equal to "\n".
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(safe)
  }

  /// A text on one line: line feeds are shown as well.
  static func line(_ text: String, isolating: Bool = isTerminal) -> String {
    safe(text.unicodeScalars[...], isolating: isolating)
  }

  /// The beginning of a text on one line, for an error that speaks of it.
  static func beginning(_ text: String, atMost count: Int = 60, isolating: Bool = isTerminal) -> String {
    // A single character can be megabytes of combining marks: count scalars.
    let scalars = text.unicodeScalars
    let beginning = scalars.prefix(count)
    return safe(beginning, isolating: isolating) + (beginning.endIndex < scalars.endIndex ? "…" : "")
  }

  private static func safe(
    _ scalars: Substring.UnicodeScalarView, isolating: Bool, keepingIsolates: Bool = false
  ) -> String {
    var shown = String.UnicodeScalarView()
    let isIsolated = isolating && scalars.contains { isRightToLeft($0) }
    if isIsolated { shown.append(opening) }
    var flagEnd = scalars.startIndex
    for index in scalars.indices {
      let scalar = scalars[index]
      // ASCII, nearly always: no property needs looking up.
      if (0x20...0x7E).contains(scalar.value) || index < flagEnd || !isActing(scalar)
        || (keepingIsolates && (scalar == opening || scalar == closing))
      {
        shown.append(scalar)
        if scalar.value == 0x1F3F4 { flagEnd = endOfFlag(scalars[scalars.index(after: index)...]) }
      } else {
        // One by one: `append(contentsOf:)` copies all that is there already, each time.
        for part in name(of: scalar).unicodeScalars { shown.append(part) }
      }
    }
    if isIsolated { shown.append(closing) }
    return String(shown)
  }

  static let opening: Unicode.Scalar = "\u{2068}"
  private static let closing: Unicode.Scalar = "\u{2069}"

  /// A text that is safe to show, isolated if it has right-to-left characters.
  static func isolated(_ text: String) -> String {
    text.unicodeScalars.contains(where: isRightToLeft) ? "\(opening)\(text)\(closing)" : text
  }

  /// A piece of a text that is safe to show, with the end of the isolate that has not ended in it; nil if there is none.
  static func closed(_ text: String) -> String? {
    let last = text.unicodeScalars.last { $0 == opening || $0 == closing }
    return last == opening ? "\(text)\(closing)" : nil
  }

  /// A text without our isolates around any part of it: those of others are shown by name, so all there are are ours.
  static func withoutIsolates(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0 == opening || $0 == closing }) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != opening && $0 != closing }))
  }

  /// Where the tags end that make a black flag that of a country's part: a code of 3 to 6 letters and digits, and the end tag (UTS #51).
  /// Anything else, which might hide a text of its own, is no flag.
  private static func endOfFlag(_ scalars: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView.Index {
    let tags = scalars.prefix(7).prefix {
      (0xE0030...0xE0039).contains($0.value) || (0xE0061...0xE007A).contains($0.value)
    }
    guard (3...6).contains(tags.count), scalars[tags.endIndex...].first?.value == 0xE007F else {
      return scalars.startIndex
    }
    return scalars.index(after: tags.endIndex)
  }

  /// Whether a character is written from right to left, or belongs to a number that is: the blocks that Unicode keeps for such
  /// scripts (DerivedBidiClass.txt), whatever is assigned there.
  private static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFE, 0x10800...0x10FFF, 0x1E800...0x1EFFF: true
    default: false
    }
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
