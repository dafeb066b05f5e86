import Chat
import Testing

@Suite("User names")
struct UserNameTests {
  @Test(
    "names of many scripts, with spaces inside, joiners and emoji, are accepted as typed",
    arguments: ["a", "Alice", "Jean Luc", "Ægir", "李小龍", "नमस्ते", "👩‍💻", "❤️", "می‌خواهم", "Straße", "x1️⃣", "O'Brien-42"])
  func accepted(_ text: String) throws {
    #expect(try UserName(text).text == text)
  }

  @Test("a name that differs in case or in composition only is the same name")
  func equality() throws {
    #expect(try UserName("Alice") == UserName("aLICE"))
    #expect(try UserName("STRASSE") == UserName("straße"))
    #expect(try UserName("e\u{301}") == UserName("É"))
    #expect(try UserName("ΣΊΣΥΦΟΣ") == UserName("σίσυφος"))
    #expect(try UserName("Alice") != UserName("Alicia"))
    #expect(try UserName("e\u{301}").text.unicodeScalars.count == 1)
  }

  @Test("each way to be wrong has its own error")
  func refused() {
    #expect(throws: InvalidUserName.empty) { try UserName("") }
    #expect(throws: InvalidUserName.tooLong(33)) { try UserName(String(repeating: "x", count: 33)) }
    #expect(throws: InvalidUserName.tooLong(1_000_000)) { try UserName(String(repeating: "x", count: 1_000_000)) }
    #expect(throws: InvalidUserName.containsHash) { try UserName("a#b") }
    #expect(throws: InvalidUserName.surroundingSpace) { try UserName(" a") }
    #expect(throws: InvalidUserName.surroundingSpace) { try UserName("a\u{3000}") }
    #expect(throws: InvalidUserName.controlCharacter("\u{0}")) { try UserName("a\u{0}b") }
    #expect(throws: InvalidUserName.controlCharacter("\u{2028}")) { try UserName("a\u{2028}b") }
    #expect(throws: InvalidUserName.controlCharacter("\u{1B}")) { try UserName("\u{1B}[31m") }
    #expect(throws: InvalidUserName.invisibleCharacter("\u{202E}")) { try UserName("a\u{202E}b") }
    #expect(throws: InvalidUserName.invisibleCharacter("\u{200B}")) { try UserName("a\u{200B}b") }
    #expect(throws: InvalidUserName.invisibleCharacter("\u{200D}")) { try UserName("a\u{200D}b") }
    #expect(throws: InvalidUserName.invisibleCharacter("\u{3164}")) { try UserName("\u{3164}") }
    #expect(throws: InvalidUserName.unassignedCharacter("\u{E000}")) { try UserName("\u{E000}") }
    #expect(throws: InvalidUserName.unassignedCharacter("\u{0378}")) { try UserName("\u{0378}") }
    #expect(throws: InvalidUserName.startsWithMark("\u{301}")) { try UserName("\u{301}a") }
  }

  @Test("thirty-two characters are allowed, and their number is counted after composition")
  func longest() throws {
    #expect(try UserName(String(repeating: "e\u{301}", count: 32)).text.unicodeScalars.count == 32)
  }

  @Test("every scalar there is gives a name or an error, and folding what is folded changes nothing")
  func everyScalar() throws {
    var accepted = 0
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value), let name = try? UserName("x" + String(Character(scalar))) else {
        continue
      }
      accepted += 1
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
        Issue.record("U+\(String(value, radix: 16)) in a name")
      case .format: Issue.record("U+\(String(value, radix: 16)), a format character, in a name")
      default: break
      }
      guard !scalar.isASCII else { continue }
      let again = try? UserName(String(decoding: name.folded, as: UTF8.self))
      if again?.folded != name.folded { Issue.record("U+\(String(value, radix: 16)) folds further") }
    }
    #expect(accepted > 100_000)
    #expect(throws: Never.self) { try UserName(String(repeating: "\u{1FB7}", count: 32)) }
  }

  @Test("every error says what to do")
  func sentences() {
    let errors: [InvalidUserName] = [
      .empty, .tooLong(40), .containsHash, .surroundingSpace, .controlCharacter("\u{7}"),
      .invisibleCharacter("\u{202E}"),
      .unassignedCharacter("\u{378}"), .startsWithMark("\u{301}"),
    ]
    #expect(errors.allSatisfy { $0.description.contains(": ") && $0.description.count > 30 })
    #expect(InvalidUserName.controlCharacter("\u{7}").description.contains("U+0007"))
  }
}
