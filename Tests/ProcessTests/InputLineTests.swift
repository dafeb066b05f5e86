// The line being typed: what the keys of Emacs do to it, and what is seen of it.

import Testing

@testable import node

@Suite("The line being typed")
struct InputLineTests {
  /// A line with `|` where the cursor stands.
  private func line(_ text: String) -> InputLine {
    var line = InputLine()
    let parts = text.split(separator: "|", omittingEmptySubsequences: false)
    line.insert(String(parts[0]))
    if parts.count > 1 {
      line.insert(String(parts[1]))
      for _ in String(parts[1]) { line.moveLeft() }
    }
    return line
  }

  private func shown(_ line: InputLine) -> String {
    line.beforeCursor + "|" + line.text.dropFirst(line.beforeCursor.count)
  }

  @Test("every key does what Emacs does")
  func keys() {
    let samples: [(String, (inout InputLine) -> Void, String)] = [
      ("one two|", { $0.moveWordLeft() }, "one |two"), ("one|, two", { $0.moveWordRight() }, "one, two|"),
      ("one two|", { $0.moveToStart() }, "|one two"), ("|one", { $0.moveToEnd() }, "one|"),
      ("a|b", { $0.deleteBackward() }, "|b"), ("a|b", { $0.deleteForward() }, "a|"),
      ("|", { $0.deleteBackward() }, "|"), ("|", { $0.deleteForward() }, "|"),
      ("one /two three|", { $0.killWordBackward() }, "one /two |"), ("one /two|", { $0.killToBlank() }, "one |"),
      ("|one two", { $0.killWordForward() }, "| two"), ("one| two", { $0.killToEnd() }, "one|"),
      ("one| two", { $0.killToStart() }, "| two"), ("ab|", { $0.transpose() }, "ba|"),
      ("a|b", { $0.transpose() }, "ba|"),
      ("日本👩‍💻|", { $0.deleteBackward() }, "日本|"), ("e\u{301}|x", { $0.deleteBackward() }, "|x"),
    ]
    for (before, key, after) in samples {
      var line = line(before)
      key(&line)
      #expect(shown(line) == after, "\(before)")
    }
  }

  @Test("what is killed in one go is yanked as one piece")
  func kills() {
    var line = line("one two three|")
    line.killWordBackward()
    line.killWordBackward()
    #expect(shown(line) == "one |")
    line.moveToStart()
    line.yank()
    #expect(shown(line) == "two three|one ")
    line.killToEnd()
    line.killToStart()
    line.yank()
    #expect(shown(line) == "two threeone |")
  }

  @Test("a letter and a mark that come one after the other are one character, and so are the halves of an emoji")
  func joining() {
    var line = line("e|x")
    line.insert("\u{301}")
    #expect(shown(line) == "e\u{301}|x" && line.glyphs.count == 2)
    line.set("")
    for part in ["👩", "\u{200D}", "💻", "🇩", "🇪"] { line.insert(part) }
    #expect(line.glyphs.count == 2 && line.glyphs.map(\.width) == [2, 2])
    line.moveLeft()
    line.deleteBackward()
    #expect(line.text == "🇩🇪")
  }

  @Test("the history goes back and forth, and keeps what was being typed")
  func history() {
    var line = InputLine()
    for text in ["one", "two", "two", "three"] {
      line.insert(text)
      let finished = line.finish()
      #expect(finished == text)
    }
    line.insert("draft")
    line.older()
    #expect(line.text == "three")
    line.older()
    line.older()
    line.older()
    #expect(line.text == "one")
    for _ in 0..<3 { line.newer() }
    #expect(line.text == "draft")
    line.newer()
    #expect(line.text == "draft")
  }

  @Test("what is changed in the history is kept until a line is done, and then all is as it was")
  func changedHistory() {
    var line = InputLine()
    for text in ["one", "two"] {
      line.insert(text)
      _ = line.finish()
    }
    line.insert("draft")
    line.older()
    line.insert(", changed")
    line.older()
    line.insert(", too")
    line.newer()
    #expect(line.text == "two, changed")
    line.newer()
    #expect(line.text == "draft")
    line.older()
    line.older()
    let finished = line.finish()
    #expect(finished == "one, too" && line.isEmpty)
    line.older()
    #expect(line.text == "one, too")
    line.older()
    #expect(line.text == "two")
    line.older()
    #expect(line.text == "one")
  }

  @Test("a line has an end, and what does not fit changes nothing")
  func bound() {
    var line = InputLine()
    let fits = line.insert(String(repeating: "x", count: InputLine.byteLimit))
    let isTooMuch = !line.insert("y")
    line.deleteBackward()
    let fitsAgain = line.insert("y")
    #expect(fits && isTooMuch && fitsAgain)
    #expect(line.glyphs.count == InputLine.byteLimit)
  }

  @Test("the cursor is always in the window, whatever is typed")
  func window() {
    var line = InputLine()
    let alphabet = ["a", "日", "e\u{301}", "👩‍💻", " ", "\n", "\u{1B}", "ש", "\u{0301}"]
    for width in [10, 33, 80] {
      line.set("")
      for step in 0..<200 {
        switch step % 7 {
        case 3: line.moveLeft()
        case 5: line.moveWordLeft()
        case 6: line.moveToEnd()
        default: line.insert(alphabet[step % alphabet.count])
        }
        let (row, cursor) = line.window(width)
        #expect(row.width <= width && (0..<width).contains(cursor), "\(width): \(row), \(cursor)")
      }
    }
    line.set("one\ntwo")
    #expect(line.window(20).row == Row("one␊two"))
  }
}
