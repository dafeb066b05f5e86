// The screen as a person sees it: the real program in a terminal of the test's own, keys in, and the whole screen compared.
//
// What differs from run to run (times, the day, ids) is replaced by something of the same width.

import Foundation
import Processes
import Testing

extension RealProcesses {
  @Suite("The screen of a chat") struct ScreenTests {
    let fleet: Fleet
    let bob: NodeProcess

    init() throws {
      fleet = try Fleet(bootstraps: 1, names: ["bob"])
      bob = fleet.chats[0]
    }

    private func arguments(_ options: [String] = []) -> [String] {
      [
        "chat", "--username", "alice", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
        fleet.addresses[0],
      ] + options
    }

    /// Alice, at her screen and ready, talking to Bob.
    private func alice(
      _ columns: Int, _ rows: Int, environment: [String: String] = [:]
    ) throws -> (screen: ScreenProcess, user: String) {
      let screen = try ScreenProcess(arguments(), columns: columns, rows: rows, environment: environment)
      // A window that is too narrow for the whole id is made wider to read it.
      screen.resize(columns: max(columns, 120), rows: max(rows, 24))
      let user = try screen.waitFor("user", within: Patience.ready) { rows in
        rows.lazy.compactMap { LineMode.user(named: "alice", in: $0) }.first
      }
      screen.resize(columns: columns, rows: rows)
      try screen.press("/open \(try bob.user())\r")
      try bob.waitFor("session") { $0["state"] == "open" }
      try screen.waitFor("bob>")
      return (screen, user)
    }

    /// Without what differs from run to run.
    static func golden(_ rows: [String]) -> [String] {
      rows.map { row in
        var row = row.replacing(/[0-2][0-9]:[0-5][0-9]\x20/, with: "20:01 ")
        row = row.replacing(/#[0-9A-Z]{5}(-[0-9A-Z]{5}){3}/, with: "#K7QM2-XWB9P-TD4HG-Z3R8F")
        row = row.replacing(/#[0-9A-Z]{5}-…/, with: "#K7QM2-…")
        if let day = row.firstRange(of: /── [A-Z][a-z]+day, [0-9]+ [A-Z][a-z]+ [0-9]+ ─*/) {
          row.replaceSubrange(day, with: "── DAY")
        }
        // FSI and PDI take no room.
        return String(String.UnicodeScalarView(row.unicodeScalars.filter { !(0x2066...0x2069).contains($0.value) }))
      }
    }

    /// The screen ends in these rows, and what is above them is empty.
    private func expect(
      _ screen: ScreenProcess, _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let above = Array(repeating: "", count: max(0, screen.rows.count - expected.count))
      _ = try? screen.waitFor("the screen") { Self.golden($0) == above + expected ? () : nil }
      #expect(Self.golden(screen.rows) == above + expected, sourceLocation: sourceLocation)
      #expect(screen.screen.unknown == [], sourceLocation: sourceLocation)
    }

    private func leave(_ screen: ScreenProcess, expecting code: Int32 = 0) throws {
      // Not Ctrl-C, for which what is not acknowledged yet is lost.
      try screen.press("\u{15}/quit\r")
      #expect(try screen.exitCode() == code)
      #expect(screen.screen.modes == [7, 25], "the terminal is as it was")
      try fleet.quit()
    }

    @Test("typing, editing, sending, and what comes while somebody types")
    func typing() throws {
      let (screen, user) = try alice(80, 10)
      try screen.press("helo\u{1B}[Dl\u{5}, Bob\r")
      #expect(try bob.nextText(from: user) == "hello, Bob")
      try screen.press("half a se")
      try bob.send("an answer, while you type", to: user)
      try bob.send("two\nlines", to: user)
      try expect(
        screen,
        [
          "── DAY",
          "20:01   -- session with bob#K7QM2-XWB9P-TD4HG-Z3R8F opened",
          "20:01   -- you are talking to bob#K7QM2-XWB9P-TD4HG-Z3R8F",
          "20:01   you: hello, Bob",
          "20:01   bob: an answer, while you type",
          "20:01   bob: two",
          "      | lines",
          " alice#K7QM2-XWB9P-TD4HG-Z3R8F  in the ring, 2 peers",
          "bob> half a se",
        ])
      #expect(screen.screen.cursor == (9, 14))
      try screen.press("ntence\u{17}word\r")
      #expect(try bob.nextText(from: user) == "half a word")
      try screen.press("/quit\r")
      #expect(try screen.exitCode() == 0)
      #expect(screen.rows.contains { $0.contains("left the ring") })
      #expect(screen.screen.modes == [7, 25])
      try fleet.quit()
    }

    @Test("wide characters, emoji, marks and right-to-left text keep every row in its place, in 40 columns and in 100")
    func wide() throws {
      let (screen, user) = try alice(40, 10)
      for text in ["日本語のテキストは二倍の幅です、それでも行は揃います", "👩‍💻 code, 🇩🇪 flag, e\u{301}", "שלום לכולם and left"] {
        try bob.send(text, to: user)
      }
      try screen.press("日本👍🏽x")
      // This terminal does not know that several scalars can be one picture: what is too much of them is painted over.
      try expect(
        screen,
        [
          "      | bob#K7QM2-XWB9P-TD4HG-Z3R8F",
          "      | opened",
          "20:01   -- you are talking to",
          "      | bob#K7QM2-XWB9P-TD4HG-Z3R8F",
          "20:01   bob: 日本語のテキストは二倍の幅",
          "      | です、それでも行は揃います",
          "20:01   bob: 👩\u{200D} code, 🇩🇪 flag, e\u{301}",
          "20:01   bob: שלום לכולם and left",
          " alice#K7QM2-…  in the ring, 2 peers",
          "bob> 日本👍x",
        ])
      #expect(screen.screen.cursor == (9, 12))
      screen.resize(columns: 100, rows: 8)
      try expect(
        screen,
        [
          " 1 this node            │ ── DAY",
          " 2 bob                  │ 20:01   -- session with bob#K7QM2-XWB9P-TD4HG-Z3R8F opened",
          "                        │ 20:01   -- you are talking to bob#K7QM2-XWB9P-TD4HG-Z3R8F",
          "                        │ 20:01   bob: 日本語のテキストは二倍の幅です、それでも行は揃います",
          "                        │ 20:01   bob: 👩\u{200D} code, 🇩🇪 flag, e\u{301}",
          "                        │ 20:01   bob: שלום לכולם and left",
          " alice#K7QM2-XWB9P-TD4HG-Z3R8F  in the ring, 2 peers",
          "bob> 日本👍x",
        ])
      try leave(screen)
    }

    @Test("of a paste of several lines it is asked first, and it goes out as one text; one line waits for Return")
    func paste() throws {
      let (screen, user) = try alice(80, 8)
      try screen.press("\u{1B}[200~first\rsecond\r\u{1B}[201~")
      try expect(
        screen,
        [
          "── DAY",
          "20:01   -- session with bob#K7QM2-XWB9P-TD4HG-Z3R8F opened",
          "20:01   -- you are talking to bob#K7QM2-XWB9P-TD4HG-Z3R8F",
          "Pasted 2 lines, 12 bytes: (s)end as one text, (e)dit first, or (d)rop?",
          " alice#K7QM2-XWB9P-TD4HG-Z3R8F  in the ring, 2 peers",
          "bob>",
        ])
      try screen.press("s\u{1B}[200~one line\u{1B}[201~!\r")
      #expect(try bob.nextText(from: user) == "first\nsecond")
      #expect(try bob.nextText(from: user) == "one line!")
      try leave(screen)
    }

    @Test("a screen of 10,000 lines is scrolled through, up, down, to both ends, and other windows show the same")
    func scrollback() throws {
      let (screen, user) = try alice(80, 24)
      for block in 0..<500 {
        try bob.send((0..<20).map { "line \(block * 20 + $0)" }.joined(separator: "\n"), to: user)
      }
      try screen.waitFor("line 9999")
      #expect(screen.rows[21] == "      | line 9999" && screen.rows[0] == "      | line 9978")
      try screen.press("\u{1B}[5~")
      try screen.waitFor("a page further up") {
        $0[21] == "      | line 9978" && $0[0] == "      | line 9957" ? () : nil
      }
      #expect(screen.rows[22].hasSuffix("↓ more"))
      try bob.send("one more", to: user)
      try screen.waitFor("↓ 1 new")
      #expect(screen.rows[21] == "      | line 9978", "what is read stays where it is")
      try screen.press("\u{1B}[1;5H")
      try screen.waitFor("the beginning") { $0[0].hasPrefix("── ") && $0[3].hasSuffix("bob: line 0") ? () : nil }
      try screen.press("\u{1B}[6~")
      try screen.waitFor("a page further down") { $0[0] == "      | line 18" ? () : nil }
      screen.resize(columns: 300, rows: 100)
      try screen.waitFor("more of it") { $0.count == 100 && $0[97].hasSuffix("| line 39") ? () : nil }
      screen.resize(columns: 40, rows: 10)
      try screen.waitFor("less of it") { $0.count == 10 && $0[7] == "      | line 39" ? () : nil }
      try screen.press("\u{1B}[1;5F")
      try screen.waitFor("the end") { $0[7].hasSuffix("bob: one more") && $0[6] == "      | line 9999" ? () : nil }
      try leave(screen)
    }

    @Test("in 300 by 100, in 40 by 10, and in less than that, the screen is whole")
    func sizes() throws {
      let (screen, user) = try alice(300, 100)
      try bob.send("hello", to: user)
      try screen.waitFor("a large screen") { rows in
        rows.count == 100 && rows[0].hasPrefix(" 1 this node            │") && rows[97].hasSuffix("bob: hello")
          && rows[98].hasPrefix(" alice#") && rows[99] == "bob>" ? () : nil
      }
      let isReversed = screen.screen.cells[98].allSatisfy { $0.isReversed }
      #expect(isReversed, "the status goes to the last column")
      screen.resize(columns: 40, rows: 10)
      try screen.waitFor("a small screen") { rows in
        rows.count == 10 && rows[7].hasSuffix("bob: hello") && rows[8].hasPrefix(" alice#") && rows[9] == "bob>"
          ? () : nil
      }
      screen.resize(columns: 20, rows: 5)
      try screen.waitFor("The window is too s…")
      screen.resize(columns: 80, rows: 24)
      try screen.waitFor("a screen of the usual size") { $0.count == 24 && $0[21].hasSuffix("bob: hello") ? () : nil }
      #expect(screen.screen.unknown == [])
      try leave(screen)
    }

    @Test("a text is marked until it is acknowledged, and what will not arrive is marked otherwise")
    func marks() throws {
      let (screen, user) = try alice(80, 24)
      bob.process.signal(SIGSTOP)
      try screen.press("are you there?\r")
      try screen.waitFor("… you: are you there?")
      try screen.waitFor("… 1 not delivered yet")
      bob.process.signal(SIGCONT)
      #expect(try bob.nextText(from: user) == "are you there?")
      try screen.waitFor("the mark gone") { $0.contains { $0.hasSuffix("  you: are you there?") } ? () : nil }
      let elsewhere = try Fleet(bootstraps: 1, names: ["carol"])
      try screen.press("/msg \(try elsewhere.chats[0].user()) hello\r")
      try screen.waitFor("✗ you: hello", within: Patience.retrying)
      try screen.waitFor("error: not delivered to carol: hello")
      try elsewhere.quit()
      try leave(screen, expecting: 75)
    }

    @Test("conversations have numbers and counts of what is unread, and Tab knows who is there")
    func conversations() throws {
      let carol = try fleet.startChat("carol")
      try carol.waitUntilReady()
      let (screen, user) = try alice(100, 12)
      try carol.send("hi from carol", to: user)
      try screen.waitFor("3 carol (1)")
      #expect(screen.rows[2].hasPrefix(" 3 carol             1  │"))
      try screen.press("\u{1B}a")
      try screen.waitFor("carol>")
      try screen.waitFor("carol: hi from carol")
      try screen.press("/msg b\t")
      try screen.waitFor("carol> /msg \(try bob.user())")
      try screen.press("from the screen\r")
      #expect(try bob.nextText(from: user) == "from the screen")
      try screen.waitFor("bob>")
      try screen.press("\u{1B}1/pers\r")
      try screen.waitFor("you mean /peers?")
      try screen.press("/ring\r")
      try screen.waitFor("4 members; the ring is consistent")
      try screen.press("/clear\r")
      try screen.waitFor("an empty conversation") { $0[..<10].allSatisfy { !$0.contains("--") } ? () : nil }
      try leave(screen)
    }

    @Test(
      "the terminal is restored whatever ends the program",
      arguments: [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT])
    func restored(signal: Int32) throws {
      // Without the runtime's report of a crash, which takes its time.
      let (screen, _) = try alice(80, 24, environment: ["SWIFT_BACKTRACE": "enable=no"])
      #expect(screen.screen.modes.isSuperset(of: [1049, 2004, 25]) && !screen.screen.modes.contains(7))
      #expect(screen.process.terminalIsRaw == true)
      screen.process.signal(signal)
      let ending = try #require(screen.process.ending(within: Patience.quitting))
      #expect(ending == ([SIGTERM, SIGHUP, SIGINT].contains(signal) ? .exited(0) : .killed(signal)))
      #expect(screen.screen.modes == [7, 25])
      #expect(screen.process.terminalIsRaw == false)
      try fleet.quit()
    }

    @Test("a second signal ends it at once, and the terminal is restored all the same")
    func twice() throws {
      let (screen, _) = try alice(80, 24)
      // A link that does not answer keeps the node from leaving at once.
      bob.process.signal(SIGSTOP)
      fleet.bootstraps[0].process.signal(SIGSTOP)
      screen.process.signal(SIGINT)
      try screen.waitFor("leaving")
      screen.process.signal(SIGINT)
      #expect(screen.process.ending(within: .seconds(1) * Patience.factor) == .exited(130))
      #expect(screen.screen.modes == [7, 25] && screen.process.terminalIsRaw == false)
      bob.process.signal(SIGCONT)
      fleet.bootstraps[0].process.signal(SIGCONT)
      try fleet.quit()
    }

    @Test("a terminal that takes nothing any more does not keep the program from ending")
    func stuck() throws {
      let (seen, gate) = (SeenText(), DispatchSemaphore(value: 0))
      let process = try ChildProcess(
        try NodeBinary.path(), arguments(),
        environment: ProcessInfo.processInfo.environment.merging(["TERM": "xterm"]) { $1 },
        connection: .terminal(columns: 120, rows: 24)
      ) { bytes, _ in
        // From some moment on nobody reads.
        if seen.add(bytes) { gate.wait() }
      }
      defer { gate.signal() }
      let user = try #require(eventually(within: Patience.ready) { LineMode.user(named: "alice", in: seen.text) })
      seen.stop()
      for number in 0..<300 { try bob.send(String(repeating: "\(number) ", count: 500), to: user) }
      process.signal(SIGTERM)
      // Whoever does not read does not hear of its end either: the system knows.
      let hasEnded: Void? = eventually(within: Patience.quitting) {
        let state = try? String(contentsOfFile: "/proc/\(process.id)/stat", encoding: .utf8)
        return state?.contains(") Z ") == true ? () : nil
      }
      #expect(hasEnded != nil)
      gate.signal()
      #expect(process.ending(within: Patience.quitting) == .exited(0))
      try fleet.quit()
    }

    @Test("a terminal that is not known to be able to gets plain lines; NO_COLOR gets none")
    func plain() throws {
      for environment in [["TERM": "dumb"], ["TERM": ""], ["TERM": "unknown"]] {
        let screen = try ScreenProcess(arguments(), environment: environment)
        try screen.waitFor("-- you are alice#", within: Patience.ready)
        #expect(screen.screen.modes == [7, 25])
        try screen.press("/quit\n")
        #expect(try screen.exitCode() == 0)
      }
      let (screen, user) = try alice(80, 24, environment: ["NO_COLOR": "1"])
      try bob.send("colourless", to: user)
      try screen.waitFor("bob: colourless")
      #expect(screen.screen.cells.joined().allSatisfy { $0.color == nil })
      #expect(screen.screen.cells.joined().contains { $0.isReversed })
      try screen.press("typed and not sent\u{3}\u{3}")
      #expect(try screen.exitCode() == 0)
      try fleet.quit()
    }

    @Test(
      "nothing that is typed or pasted stalls the loop: not ESC, not Ctrl-V, not half a character, not a paste of 1 MB")
    func lag() throws {
      let (screen, user) = try alice(80, 24)
      let limit = 20.0 * Double(Patience.factor)
      let megabyte = String(repeating: "a line of a paste that is far too long to be sent\r", count: 20_000)
      let samples = [
        "\u{1B}", "\u{16}", "\u{1B}[", "\u{1B}[200~\(megabyte)\u{1B}[201~",
        "\u{1B}[200~" + String(repeating: "x", count: 32_000) + "\u{1B}[201~\u{3}",
      ]
      for (index, sample) in samples.enumerated() {
        // Two others may share the processor with us: of some attempts, one that nobody has disturbed is enough.
        var lags: [Double] = []
        while lags.count < 5, lags.last.map({ $0 >= limit }) ?? true {
          _ = try longestTurn(screen)
          try screen.process.write(Array(sample.utf8))
          if index == 0 { try screen.process.write([0xE6, 0x97]) }
          // Somebody else is heard meanwhile.
          let text = "meanwhile \(index) \(lags.count)"
          try bob.send(text, to: user)
          try screen.waitFor(text)
          try screen.press("\u{7}\u{15}")
          lags.append(try longestTurn(screen))
        }
        #expect(lags.contains { $0 < limit }, "sample \(index): \(lags) ms")
      }
      try screen.press("\u{15}still here\r")
      #expect(try bob.nextText(from: user) == "still here")
      try leave(screen)
    }

    /// In milliseconds, since this was last asked.
    private func longestTurn(_ screen: ScreenProcess) throws -> Double {
      try screen.press("\u{15}/clear\r")
      try screen.waitFor("a clear screen") { rows in rows.contains { $0.contains("longest turn") } ? nil : () }
      try screen.press("/status\r")
      return try screen.waitFor("the longest turn") { rows in
        rows.lazy.compactMap { $0.firstMatch(of: /longest turn ([0-9.]+) ms/).flatMap { Double($0.output.1) } }.first
      }
    }
  }
}

/// What has come from a process, until nobody wants to see any more.
private final class SeenText: @unchecked Sendable {
  private let lock = NSLock()
  private var bytes: [UInt8] = []
  private var isStopped = false

  var text: String { lock.withLock { String(decoding: bytes, as: UTF8.self) } }
  func stop() { lock.withLock { isStopped = true } }

  /// Keeps more of it; whether it is the first that nobody wants to see.
  func add(_ more: ArraySlice<UInt8>) -> Bool {
    lock.withLock {
      bytes += more
      defer { if !more.isEmpty { isStopped = false } }
      return isStopped && !more.isEmpty
    }
  }
}
