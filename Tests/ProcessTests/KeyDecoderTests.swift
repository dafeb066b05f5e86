// Bytes from a keyboard, in whatever pieces they come.

import Testing

@testable import node

/// A decoder that is one and the same for all who hold it.
private final class Keyboard {
  private var decoder = KeyDecoder()

  var waitsForMore: Bool { decoder.waitsForMore }
  func decode(_ bytes: some Collection<UInt8>) -> [Key] { decoder.decode(bytes) }
  func timedOut() -> [Key] { decoder.timedOut() }
}

@Suite("Keys")
struct KeyDecoderTests {
  private func keys(_ text: String) -> [Key] {
    let decoder = Keyboard()
    let keys = decoder.decode(Array(text.utf8))
    #expect(!decoder.waitsForMore)
    return keys
  }

  @Test("text, control keys and the keys of many terminals are known")
  func samples() {
    let samples: [(String, Key)] = [
      ("a", .text("a")), ("日本", .text("日本")), ("\r", .named(.enter)), ("\t", .named(.tab)),
      ("\u{7F}", .named(.backspace)), ("\u{8}", .named(.backspace)), ("\u{1}", .control("a")),
      ("\u{1A}", .control("z")), ("\u{0}", .control("@")), ("\u{1C}", .control("\\")), ("\u{1F}", .control("_")),
      ("\u{1B}[A", .named(.up)), ("\u{1B}OB", .named(.down)), ("\u{1B}[1;5C", .controlNamed(.right)),
      ("\u{1B}[1;3D", .altNamed(.left)), ("\u{1B}Od", .controlNamed(.left)), ("\u{1B}[H", .named(.home)),
      ("\u{1B}[4~", .named(.end)), ("\u{1B}[8~", .named(.end)), ("\u{1B}[3~", .named(.delete)),
      ("\u{1B}[5~", .named(.pageUp)), ("\u{1B}[6;3~", .altNamed(.pageDown)), ("\u{1B}OP", .function(1)),
      ("\u{1B}[11~", .function(1)), ("\u{1B}[[A", .function(1)), ("\u{1B}[24~", .function(12)),
      ("\u{1B}[Z", .named(.backTab)), ("\u{1B}a", .alt("a")), ("\u{1B}1", .alt("1")), ("\u{1B}é", .alt("é")),
      ("\u{1B}\u{7F}", .altNamed(.backspace)), ("\u{1B}\r", .altNamed(.enter)),
      ("\u{1B}\u{1B}[A", .altNamed(.up)), ("\u{1B}[999;999;999x", .unknown), ("\u{1B}[?1;2c", .unknown),
    ]
    for (bytes, key) in samples { #expect(keys(bytes) == [key], "\(bytes.debugDescription)") }
  }

  @Test("whatever stands where a number belongs, a sequence is the key without it")
  func numbers() {
    for number in ["-9223372036854775808", "9223372036854775807", "99999999999999999999", "-2", "0", "", "65536"] {
      #expect(keys("\u{1B}[1;\(number)A") == [.named(.up)], "\(number)")
      #expect(keys("\u{1B}[\(number)~") == [.unknown], "\(number)")
    }
  }

  @Test("a paste right behind the Escape key is a paste")
  func escapeAndPaste() {
    let expected: [Key] = [.named(.escape), .pasteBegan, .pasted("two"), .pasteEnded, .text("x")]
    #expect(keys("\u{1B}\u{1B}[200~two\u{1B}[201~x") == expected)
  }

  @Test("however the bytes are cut, the keys are the same")
  func cuts() {
    let whole = "aé\u{1B}[1;5C日\u{1B}OP\u{1B}x\u{1B}[200~two\r\nlínes 🦊\u{1B}[201~\u{1B}[3~🏴‍☠️\u{3}"
    let bytes = Array(whole.utf8)
    func normal(_ keys: [Key]) -> [Key] {
      keys.reduce(into: []) { result, key in
        switch (result.last, key) {
        case (.text(let before), .text(let more)): result[result.count - 1] = .text(before + more)
        case (.pasted(let before), .pasted(let more)): result[result.count - 1] = .pasted(before + more)
        default: result.append(key)
        }
      }
    }
    let expected = normal(keys(whole))
    #expect(expected.contains(.pasted("two\r\nlínes 🦊")))
    for size in 1...bytes.count {
      let decoder = Keyboard()
      var found: [Key] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        found += decoder.decode(bytes[start..<min(start + size, bytes.count)])
      }
      #expect(normal(found) == expected, "in pieces of \(size)")
    }
  }

  @Test("an ESC alone is a key when time has passed, and not before")
  func escape() {
    let decoder = Keyboard()
    #expect(decoder.decode([0x1B]) == [] && decoder.waitsForMore)
    #expect(decoder.timedOut() == [.named(.escape)] && !decoder.waitsForMore)
    #expect(decoder.timedOut() == [])
    #expect(decoder.decode([0x1B, UInt8(ascii: "[")]) == [] && decoder.waitsForMore)
    #expect(decoder.timedOut() == [.alt("[")])
    #expect(decoder.decode([0x1B, 0x1B]) == [] && decoder.waitsForMore)
    #expect(decoder.timedOut() == [.named(.escape), .named(.escape)])
    #expect(decoder.decode(Array("\u{1B}[1;".utf8)) == [])
    #expect(decoder.timedOut() == [.unknown])
    #expect(decoder.decode(Array("a".utf8)) == [.text("a")])
  }

  @Test("half a character waits for its rest without a clock, and whatever else comes ends it")
  func halfCharacter() {
    let decoder = Keyboard()
    #expect(decoder.decode([0xE6, 0x97]) == [] && !decoder.waitsForMore)
    #expect(decoder.decode([0xA5]) == [.text("日")])
    #expect(decoder.decode([0xE6]) == [])
    #expect(decoder.decode(Array("\r".utf8)) == [.text("\u{FFFD}"), .named(.enter)])
    #expect(decoder.decode([0xFF, 0x80, 0x61]) == [.text("\u{FFFD}\u{FFFD}a")])
  }

  @Test("a sequence without end is given up, and what comes after it is heard")
  func endless() {
    let decoder = Keyboard()
    var keys = decoder.decode(Array(("\u{1B}[" + String(repeating: "1;", count: 5000)).utf8))
    keys += decoder.decode(Array(String(repeating: "2", count: 5000).utf8))
    #expect(keys == [])
    #expect(decoder.decode(Array("Aab".utf8)) == [.unknown, .text("ab")])
    #expect(decoder.decode(Array("\u{1B}[1\rx".utf8)) == [.unknown, .named(.enter), .text("x")])
  }

  @Test("whatever bytes come, there is an end, and nothing of a paste is a key")
  func anything() {
    var generator = SystemRandomNumberGenerator()
    let alphabet: [UInt8] = [
      0x1B, 0x5B, 0x4F, 0x32, 0x30, 0x31, 0x7E, 0x3B, 0x41, 0x0D, 0xE6, 0x97, 0xA5, 0xFF, 0x03, 0x00,
    ]
    for _ in 0..<2000 {
      let decoder = Keyboard()
      var isPasting = false
      for _ in 0..<8 {
        let bytes = (0..<Int.random(in: 0...12)).compactMap { _ in alphabet.randomElement(using: &generator) }
        for key in decoder.decode(bytes) {
          switch key {
          case .pasteBegan: isPasting = true
          case .pasteEnded: isPasting = false
          case .pasted: #expect(isPasting)
          default: #expect(!isPasting)
          }
        }
        if Bool.random() { _ = decoder.timedOut() }
      }
    }
  }
}
