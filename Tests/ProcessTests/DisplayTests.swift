// What others send, on its way to the screen: every character there is, and what the direction of a script does to a line.

import NodeKit
import Testing

@testable import node

@Suite("What is shown of others")
struct DisplayTests {
  /// What must never reach a terminal, written out from the Unicode character database, and not as the program decides it: C0, DEL
  /// and C1, the ends of lines and paragraphs, everything that marks, embeds, overrides or isolates a direction, what is
  /// invisible by nature, and tags.
  static let forbidden: [ClosedRange<UInt32>] = [
    0x00...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x61C...0x61C, 0x180E...0x180E, 0x200B...0x200B, 0x200E...0x200F,
    0x2028...0x202E, 0x2060...0x206F, 0xFEFF...0xFEFF, 0xFFF9...0xFFFB, 0x1D173...0x1D17A, 0xE0000...0xE007F,
  ]

  static func isForbidden(_ scalar: Unicode.Scalar) -> Bool { forbidden.contains { $0.contains(scalar.value) } }

  @Test("of all characters there are, none that acts is let through, and none that shows itself is changed")
  func everyScalar() {
    var changed = 0
    for scalar in (UInt32(0)...0x10FFFF).compactMap(Unicode.Scalar.init) {
      let text = "a\(scalar)b"
      let line = Display.line(text, isolating: false)
      if line.unicodeScalars.contains(where: Self.isForbidden) { Issue.record("U+\(String(scalar.value, radix: 16))") }
      if !line.unicodeScalars.elementsEqual(text.unicodeScalars) { changed += 1 }
      let isolated = Display.line(text, isolating: true)
      if !isolated.utf8.elementsEqual(line.utf8), !isolated.utf8.elementsEqual("\u{2068}\(line)\u{2069}".utf8) {
        Issue.record("U+\(String(scalar.value, radix: 16)) is isolated otherwise")
      }
      if scalar != "\n", Display.lines(text, isolating: true) != [isolated] {
        Issue.record("U+\(String(scalar.value, radix: 16)) ends a line")
      }
    }
    // The forbidden ones, and some four thousand that are reserved for such or mean nothing.
    #expect((350...4500).contains(changed), "\(changed)")
  }

  @Test(
    "what is written from right to left is isolated on a terminal, and nowhere else",
    arguments: ["שלום", "مرحبا", "١٢٣", "ܫܠܡܐ", "ދިވެހި", "ߒߞߏ", "𞤀𞤣𞤤𞤢𞤥", "a 21:04 אבג: x", "\u{FB2A}", "\u{FDFA}"])
  func rightToLeft(_ text: String) {
    #expect(Display.line(text, isolating: true) == "\u{2068}\(text)\u{2069}")
    #expect(Display.line(text, isolating: false) == text)
    #expect(Display.lines("x\n\(text)\ny", isolating: true) == ["x", "\u{2068}\(text)\u{2069}", "y"])
    #expect(Display.beginning(text + String(repeating: "x", count: 99), isolating: true).hasSuffix("\u{2069}…"))
  }

  @Test(
    "what is written from left to right is never touched",
    arguments: ["hello", "Ünïcödé", "日本語", "नमस्ते", "👩‍💻 🏴‍☠️", "", "1 + 1"])
  func leftToRight(_ text: String) {
    #expect(Display.line(text, isolating: true).unicodeScalars.elementsEqual(text.unicodeScalars))
  }

  @Test("a text cannot end the isolate that it stands in, nor begin another")
  func escapes() {
    let shown = Display.line("א\u{2069} 21:05 bob: hi\u{202E}\u{2067}", isolating: true)
    #expect(shown == "\u{2068}א\\u{2069} 21:05 bob: hi\\u{202E}\\u{2067}\u{2069}")
  }

  @Test("tags are let through where they make a flag, and hide nothing elsewhere")
  func flags() {
    let scotland = "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}"
    #expect(Display.line("x\(scotland)\(scotland)y") == "x\(scotland)\(scotland)y")
    let hidden = [
      "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}", "\u{1F3F4}\u{E0067}\u{E007F}",
      "\u{1F3F4}\u{E0041}\u{E0042}\u{E0043}\u{E007F}",
      "x\u{E0067}\u{E0062}\u{E0073}\u{E007F}", "\u{1F3F4}" + String(repeating: "\u{E0061}", count: 7) + "\u{E007F}",
      scotland + "\u{E0061}",
    ]
    for text in hidden {
      let shown = Display.line(text)
      #expect(shown.contains("\\u{E00"), "\(shown)")
      #expect(shown.replacing(scotland, with: "").unicodeScalars.allSatisfy { !Self.isForbidden($0) })
    }
  }

  @Test("JSON in a terminal turns no direction either, and means the same")
  func json() throws {
    for scalar in (UInt32(0)...0xFFFF).compactMap(Unicode.Scalar.init) {
      let line = JSON.string("a\(scalar)b").line
      let turns = line.unicodeScalars.contains {
        [0x61C, 0x200E, 0x200F].contains($0.value) || (0x202A...0x202E).contains($0.value)
          || (0x2066...0x2069).contains($0.value)
      }
      #expect(try !turns && JSONReader.read(Array(line.utf8)) == .string("a\(scalar)b"))
    }
  }

  @Test("a user is understood as copied from where they were shown isolated")
  func copied() throws {
    let user = "\u{2068}אבג\u{2069}"
    let plain = LineCommand.parse("/accept אבג")
    guard case .accept(.name(let name)) = plain else { return #expect(Bool(false), "\(plain)") }
    #expect(name.text == "אבג" && LineCommand.parse("/accept \(user)") == plain)
  }

  // MARK: Names

  @Test(
    "who is called as our own lines begin, or nearly so, is shown with the id",
    arguments: ["error", "you", "You", "ERROR", "--", "––", "y0u", "уоu", "ｅｒｒｏｒ", "𝗒𝗈𝗎", "еrrоr", "yo\u{FE0F}u"])
  func ours(_ name: String) throws {
    let user = User(name: try UserName(name), identity: .random())
    var names = Names()
    #expect(names.shown(user) == Names.full(user))
  }

  @Test("everybody else is shown by name", arguments: ["bob", "your", "errors", "ron", "юра", "李小龍", "you2", "Toy"])
  func others(_ name: String) throws {
    var names = Names()
    #expect(names.shown(User(name: try UserName(name), identity: .random())) == Display.line(name))
  }

  @Test("of commands about a user the name alone is understood, and the whole is checked as always")
  func whom() throws {
    #expect(LineCommand.parse("/ignore  Alice Smith ") == .ignore(.name(try UserName("Alice Smith"))))
    for (line, word) in [
      ("/accept", "needs a user"), ("/ignore   ", "needs a user"), ("/accept a#b", "is not a user"),
      ("/accept \u{7}", "is not a user"), ("/acept bob", "/accept"), ("/ignroe bob", "/ignore"),
      ("/unignore bob", "/ignore"),
    ] {
      guard case .mistake(let mistake) = LineCommand.parse(line) else {
        Issue.record("\(line) is understood")
        continue
      }
      #expect(mistake.contains(word), "\(mistake)")
    }
  }
}
