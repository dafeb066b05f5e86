// The screen as a value: what is shown, in which rows, in a window of any size.

import NodeKit
import Testing

@testable import node

/// A screen and somebody before it.
private final class Desk {
  var screen: ChatScreen
  var painter = Painter(hasColors: false)

  init(columns: Int, rows: Int) {
    screen = ChatScreen(columns: columns, rows: rows)
  }

  var picture: Picture { screen.picture() }

  /// The rows as text, without what is at their ends.
  var text: [String] {
    picture.rows.map { row in
      var text = Substring(row.runs.map(\.text).joined())
      while text.last == " " { text.removeLast() }
      return String(text)
    }
  }

  /// What has to be written to the terminal.
  func painted() -> String { String(decoding: painter.paint(picture), as: UTF8.self) }

  @discardableResult
  func press(_ key: Key) -> ChatScreen.Action? { screen.press(key) }

  func type(_ text: String) {
    for key in text { press(.text(String(key))) }
  }
}

@Suite("The screen")
struct ChatScreenTests {
  private static let day = "Saturday, 28 November 2026"

  private func entry(_ kind: Entry.Kind, _ text: String, _ clock: String = "20:01", day: String = day) -> Entry {
    Entry(kind: kind, text: text, time: LocalTime(clock: clock, day: day))
  }

  private func user(_ name: String) throws -> User {
    User(name: try UserName(name), identity: .random())
  }

  @Test("widths are those of terminals, and what they do not agree about is known")
  func widths() {
    let samples: [(String, Int)] = [
      ("hello", 5), ("日本語", 6), ("e\u{301}", 1), ("👩‍💻", 2), ("🇩🇪", 2), ("👍🏽", 2), ("❤\u{FE0F}", 2), ("한국", 4), ("ｆｕｌｌ", 8),
      ("שלום", 4), ("", 0), ("\u{2068}x\u{2069}", 1), ("กำ", 2), ("🏴‍☠️", 2), ("…", 1),
    ]
    for (text, width) in samples { #expect(TextWidth.of(text) == width, "\(text)") }
    #expect(TextWidth.clusters("👩‍💻").map(\.isSure) == [false])
    #expect(TextWidth.clusters("日e\u{301}").map(\.isSure) == [true, true])
  }

  @Test("a mountain of marks takes bounded room, and a mark alone stands on a circle")
  func marks() {
    let clusters = TextWidth.clusters("a" + String(repeating: "\u{301}", count: 1000))
    #expect(clusters.allSatisfy { $0.text.unicodeScalars.count <= TextWidth.scalarLimit + 1 && $0.width >= 1 })
    #expect(TextWidth.clusters("\u{301}").map(\.text) == ["\u{25CC}\u{301}"])
  }

  @Test("lines are broken at blanks, between wide characters, and otherwise where they must be")
  func wrapping() {
    #expect(Wrapping.rows("one two three", first: 7, width: 7) == ["one two", "three"])
    #expect(Wrapping.rows("one two three", first: 8, width: 5) == ["one two", "three"])
    #expect(Wrapping.rows("abcdefghij", first: 4, width: 5) == ["abcd", "efghi", "j"])
    #expect(Wrapping.rows("日本語です", first: 5, width: 4) == ["日本", "語で", "す"])
    #expect(Wrapping.rows("", first: 5, width: 4) == [""])
    #expect(Wrapping.rows("a שלום b", first: 6, width: 4) == ["\u{2068}a שלום\u{2069}", "b"])
    for width in 2...12 {
      for text in ["the quick brown fox", "日本 x 語", "👩‍💻👩‍💻 e\u{301}e\u{301}", "        ", "a  b   c    d"] {
        let rows = Wrapping.rows(text, first: width, width: width)
        #expect(rows.allSatisfy { TextWidth.of($0) <= width }, "\(text) in \(width)")
        let (all, shown) = (text.filter { $0 != " " }, rows.joined().filter { $0 != " " })
        #expect(all == shown, "\(text) in \(width)")
      }
    }
  }

  @Test("nothing but an event of ours begins in the first columns")
  func forgery() {
    let forged = "x\n20:01   -- session with bob opened\n20:02   alice: lies"
    for width in [20, 40, 80] {
      let rows = EntryRows.of(entry(.text(from: "bob"), forged), width: width)
      for row in rows.dropFirst() { #expect(row.runs.first?.text == "      | ", "\(row)") }
      #expect(rows.allSatisfy { $0.width <= width })
    }
  }

  @Test("isolates of ours stay around what goes from right to left, in every row; those of others are shown by name")
  func isolates() {
    func rows(_ kind: Entry.Kind, _ text: String, width: Int = 80) -> [String] {
      EntryRows.of(entry(kind, text), width: width).map { $0.runs.map(\.text).joined() }
    }
    let identity = "\u{2068}אבי כהן\u{2069}#3K7QM"
    #expect(rows(.notice, "you are \(identity)") == ["20:01   -- \u{2068}you are \(identity)\u{2069}"])
    #expect(rows(.error, "no \(identity)\u{202E}") == ["20:01   error: \u{2068}no \(identity)\\u{202E}\u{2069}"])
    #expect(
      rows(.notice, "you are \(identity)", width: 23) == [
        "20:01   -- \u{2068}you are \u{2068}אבי\u{2069}\u{2069}", "      | \u{2068}\u{2068}כהן\u{2069}#3K7QM\u{2069}",
      ])
    for kind in [Entry.Kind.text(from: "bob"), .own(.arrived)] {
      #expect(rows(kind, "\u{2068}x\u{2069}")[0].hasSuffix(": \\u{2068}x\\u{2069}"))
    }
    #expect(Row.beginning(of: "\u{2068}אבגדה\u{2069}", within: 4) == "\u{2068}אבג\u{2069}…")
    #expect(Row.beginning(of: "\u{2068}אב\u{2069}#3K7QM", within: 6) == "\u{2068}אב\u{2069}#3K…")
  }

  @Test("the screen has a conversation, a status and a line, and from 90 columns on a list")
  func layout() throws {
    let desk = Desk(columns: 40, rows: 8)
    desk.screen.identity = "alice#K7QM2-XWB9P-TD4HG-Z3R8F"
    desk.screen.standing = "in the ring, 2 peers"
    let bob = desk.screen.talks.index(with: try user("bob"))
    desk.screen.talks[bob].title = "bob"
    desk.screen.talks.show(bob)
    desk.screen.talks.append(entry(.text(from: "bob"), "hello"), to: bob)
    desk.screen.talks.append(entry(.own(.waiting), "a text that takes more than one row", "20:02"), to: bob)
    desk.type("hi")
    #expect(
      desk.text == [
        "", "", "── Saturday, 28 November 2026 ──────────", "20:01   bob: hello",
        "20:02 … you: a text that takes more than", "      | one row", " alice#K7QM2-…  in the ring, 2 peers",
        "bob> hi",
      ])
    desk.screen.columns = 90
    desk.screen.talks.append(entry(.error, "odd"), to: 0)
    #expect(desk.text[0] == " 1 this node         1  │")
    #expect(desk.text[1] == " 2 bob                  │")
    #expect(desk.text[4].hasPrefix("                        │ 20:01   bob: hello"))
    #expect(desk.picture.cursor == (7, 7))
  }

  @Test("in every window, from 1×1 to 300×100, the rows fit and the cursor is in it")
  func sizes() throws {
    let desk = Desk(columns: 1, rows: 1)
    for name in ["bob", "李小龍李小龍李小龍", "שלום", "carol with a very long name, too"] {
      let index = desk.screen.talks.index(with: try user(name))
      desk.screen.talks[index].title = name
      for number in 0..<20 {
        desk.screen.talks.append(
          entry(.text(from: name), "日本 text \(number) " + String(repeating: "x", count: number * 9)), to: index)
      }
      desk.screen.talks.show(index)
    }
    desk.type("a line 日本 that is being typed")
    for columns in [1, 2, 10, 23, 24, 39, 40, 80, 89, 90, 91, 300] {
      for rows in [1, 2, 5, 6, 10, 24, 100] {
        (desk.screen.columns, desk.screen.rows) = (columns, rows)
        desk.screen.hint = rows % 2 == 0 ? "a hint that may be longer than the window is wide" : nil
        let picture = desk.picture
        #expect(picture.rows.count == rows)
        #expect(picture.rows.allSatisfy { $0.width <= columns }, "\(columns)×\(rows)")
        #expect((0..<rows).contains(picture.cursor.row) && (0..<columns).contains(picture.cursor.column))
      }
    }
  }

  @Test("scrolling shows every row once, stops at both ends, and stays where it is while more comes")
  func scrolling() {
    let desk = Desk(columns: 60, rows: 12)
    for number in 0..<200 {
      desk.screen.talks.append(entry(.text(from: "bob"), "text \(number)\(number % 3 == 0 ? "\nand more" : "")"), to: 0)
    }
    let last = desk.text
    #expect(last[9] == "20:01   bob: text 199")
    var seen: [String] = Array(last.prefix(10))
    while true {
      desk.press(.named(.pageUp))
      let page = Array(desk.text.prefix(10))
      if page == Array(seen.prefix(10)) { break }
      let overlap = (1...10).first { page.suffix($0) == seen.prefix($0) } ?? 0
      #expect(overlap >= 1)
      seen = page.dropLast(overlap) + seen
    }
    #expect(seen.count == 200 + 67 + 1, "every text, the second lines, and the day")
    #expect(seen[1] == "20:01   bob: text 0")
    let page = Array(desk.text.prefix(10))
    desk.screen.talks.append(entry(.text(from: "bob"), "new"), to: 0)
    #expect(Array(desk.text.prefix(10)) == page)
    #expect(desk.text[10].hasSuffix("↓ 1 new"))
    for _ in 0..<60 { desk.press(.named(.pageDown)) }
    #expect(desk.text[9] == "20:01   bob: new" && desk.screen.talks.shown.place == nil)
    desk.press(.controlNamed(.home))
    #expect(Array(desk.text.prefix(10)) == page)
    desk.press(.controlNamed(.end))
    #expect(desk.text[9] == "20:01   bob: new")
  }

  @Test("the past is bounded, in lines and in bytes")
  func bounds() {
    var scrollback = Scrollback()
    for number in 0..<25_000 { scrollback.append(entry(.notice, "\(number)")) }
    #expect(scrollback.numbers.count <= Scrollback.limit && scrollback.numbers.upperBound == 25_000)
    #expect(scrollback.numbers.count > Scrollback.limit / 2)
    for _ in 0..<1000 { scrollback.append(entry(.notice, String(repeating: "x", count: 32_768))) }
    #expect(scrollback.numbers.count <= Scrollback.byteLimit / 32_768)
    scrollback.settle(3, .arrived)  // long gone
    #expect(scrollback.window(5, width: 80, at: ScrollPlace(number: 3, row: 7)).count <= 5)
  }

  @Test("what is unread is counted, and Alt-a goes there")
  func unread() throws {
    let desk = Desk(columns: 80, rows: 10)
    let bob = desk.screen.talks.index(with: try user("bob"))
    desk.screen.talks[bob].title = "bob"
    desk.screen.talks.append(entry(.text(from: "bob"), "one"), to: bob)
    desk.screen.talks.append(entry(.notice, "comes and goes"), to: bob)
    desk.screen.talks.append(entry(.text(from: "bob"), "two"), to: bob)
    #expect(desk.text[8].hasSuffix("2 bob (2)"))
    #expect(desk.press(.alt("a")) == .turned)
    #expect(desk.screen.talks.current == bob && desk.screen.talks.shown.unread == 0)
    #expect(desk.press(.alt("1")) == .turned)
    #expect(desk.press(.alt("7")) == nil)
    #expect(desk.screen.talks.current == 0)
  }

  @Test("Tab completes commands, users behind them, and names in a text")
  func completion() {
    let people: [Completion.Person] = [
      .init(name: "bob", full: "bob#AAAAA"), .init(name: "Boris", full: "Boris#BBBBB"),
      .init(name: "two words", full: "two words#C"),
    ]
    let samples: [(String, [String], String)] = [
      ("/he", ["/help "], "/help "), ("/s", ["/sessions ", "/status "], "/s"),
      ("/msg bob", ["bob#AAAAA "], "bob#AAAAA "),
      ("/msg b", ["bob#AAAAA ", "Boris#BBBBB "], "bo"), ("/msg two w", ["two words#C "], "two words#C "),
      ("/id b", [], ""), ("bor", ["Boris: "], "Boris: "), ("hi bor", ["Boris "], "Boris "), ("//he", [], ""),
      ("", [], ""),
    ]
    for (typed, candidates, common) in samples {
      let completion = Completion.of(typed, people: people)
      #expect(completion.candidates == candidates && completion.common == common, "\(typed)")
    }
    let desk = Desk(columns: 80, rows: 10)
    desk.screen.people = people
    desk.type("/op")
    desk.press(.named(.tab))
    desk.type("bob")
    desk.press(.named(.tab))
    #expect(desk.screen.input.text == "/open bob#AAAAA ")
    desk.press(.control("u"))
    desk.type("/s")
    desk.press(.named(.tab))
    #expect(desk.text[7] == "One of /sessions, /status")
  }

  @Test("of several pasted lines it is asked first; one line is put in where the cursor is")
  func paste() {
    let desk = Desk(columns: 100, rows: 10)
    func paste(_ text: String) {
      for key in [Key.pasteBegan, .pasted(text), .pasteEnded] { #expect(desk.press(key) == nil) }
    }
    paste("one line\r")
    #expect(desk.screen.input.text == "one line" && desk.screen.paste.question == nil)
    paste("two\r\nlines\r")
    #expect(desk.text[7] == "Pasted 2 lines, 9 bytes: (s)end as one text, (e)dit first, or (d)rop?")
    #expect(desk.press(.named(.enter)) == nil)
    #expect(desk.press(.text("s")) == .text("two\nlines"))
    #expect(desk.screen.input.text == "one line")
    paste("two\nlines")
    #expect(desk.press(.named(.escape)) == nil && desk.screen.paste.question == nil)
    paste("two\nlines")
    #expect(desk.press(.text("e")) == nil)
    #expect(desk.screen.input.text == "one linetwo\nlines")
    desk.press(.pasteBegan)
    for _ in 0..<500 { desk.press(.pasted(String(repeating: "x", count: 4096))) }
    desk.press(.pasteEnded)
    #expect(desk.screen.hint?.contains("nothing of it was taken") == true)
    #expect(desk.screen.input.text == "one linetwo\nlines")
  }

  @Test("what is pasted while the question about a paste stands is not taken, and that is said")
  func secondPaste() {
    let desk = Desk(columns: 80, rows: 10)
    func paste(_ text: String) {
      for key in [Key.pasteBegan, .pasted(text), .pasteEnded] { #expect(desk.press(key) == nil) }
    }
    paste("the\nfirst")
    for text in ["the\nsecond", "the third"] {
      paste(text)
      #expect(desk.text[7] == "Another paste was not taken. The first: (s)end as one text, (e)dit, or (d)rop?")
    }
    #expect(desk.press(.text("s")) == .text("the\nfirst"))
    paste("the fourth")
    #expect(desk.screen.input.text == "the fourth")
  }

  @Test("after Ctrl-C a line is a new one: what is typed then comes back from the history")
  func controlC() {
    let desk = Desk(columns: 80, rows: 10)
    desk.type("sent")
    desk.press(.named(.enter))
    desk.press(.named(.up))
    desk.press(.control("c"))
    #expect(desk.screen.input.isEmpty)
    desk.type("a long text")
    desk.press(.named(.up))
    #expect(desk.screen.input.text == "sent")
    desk.press(.named(.down))
    #expect(desk.screen.input.text == "a long text")
  }

  @Test("Ctrl-C empties the line first, then leaves; Ctrl-D and Ctrl-V do what they do in a shell")
  func control() {
    let desk = Desk(columns: 80, rows: 10)
    desk.type("abc")
    #expect(desk.press(.control("c")) == nil && desk.screen.input.isEmpty)
    #expect(desk.press(.control("c")) == .leave)
    desk.type("abc")
    #expect(desk.press(.control("d")) == nil)
    desk.press(.control("v"))
    desk.press(.named(.tab))
    #expect(desk.screen.input.text == "abc\t")
    desk.press(.altNamed(.enter))
    desk.type("x")
    #expect(desk.press(.named(.enter)) == .line("abc\t\nx"))
    #expect(desk.press(.control("d")) == .leave)
    #expect(desk.press(.function(1)) == .help)
    #expect(desk.press(.control("l")) == .redraw)
    #expect(desk.press(.control("z")) == .suspend)
  }

  @Test("only rows that have changed are painted, and unsure widths are put right")
  func painting() {
    let desk = Desk(columns: 80, rows: 24)
    for number in 0..<30 { desk.screen.talks.append(entry(.text(from: "bob"), "text \(number)"), to: 0) }
    let whole = desk.painted()
    #expect(desk.painted() == "")
    desk.type("x")
    #expect(desk.painted() == "\u{1B}[?25l\u{1B}[24;1H\u{1B}[0;1m> \u{1B}[0mx\u{1B}[K\u{1B}[24;4H\u{1B}[?25h")
    desk.press(.named(.left))
    #expect(desk.painted() == "\u{1B}[24;3H")
    desk.painter.forget()
    #expect(desk.painted().utf8.count >= whole.utf8.count)
    desk.press(.control("k"))
    desk.type("👩‍💻")
    #expect(desk.painted().contains("  \u{1B}[3G👩‍💻\u{1B}[5G"))
    #expect(!whole.contains(/\e\[[0-9;]*3[0-9]m/), "no colours were wanted")
  }

  @Test("a terminal that is not known to do it, or that is too small, gets plain lines")
  func terminals() {
    var kind = TerminalKind(name: "xterm-256color", isBothWays: true, size: (80, 24))
    #expect(kind.suitsScreen && kind.hasColors)
    kind.refusesColor = true
    #expect(kind.suitsScreen && !kind.hasColors)
    for name in ["dumb", "unknown", "", nil] {
      kind.name = name
      #expect(!kind.suitsScreen && !kind.hasColors)
    }
    kind.name = "screen"
    kind.size = (20, 5)
    #expect(!kind.suitsScreen)
    kind.size = nil
    #expect(!kind.suitsScreen)
    kind = TerminalKind(name: "xterm", isBothWays: false, size: (80, 24))
    #expect(!kind.suitsScreen)
  }
}
