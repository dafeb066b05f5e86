// Names that are written from right to left, on the screen of a real program: shown as they are, and completed as they are typed.

import Processes
import Testing

extension RealProcesses {
  @Suite("Right-to-left names on a screen") struct ScreenNamesTests {
    @Test("they stand in every sentence as they are written, and Tab puts nothing invisible into the line")
    func rightToLeft() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["אבי"])
      let other = try fleet.chats[0].user()
      let screen = try ScreenProcess(
        [
          "chat", "--username", "דנה", "--listen", "127.0.0.1:0", "--network", fleet.network, "--bootstrap",
          fleet.addresses[0],
        ], columns: 120, rows: 24)
      try screen.waitFor("“you are”", within: Patience.ready) { rows in
        ScreenTests.golden(rows).contains { $0.contains("-- you are דנה#K7QM2-XWB9P-TD4HG-Z3R8F: give this") }
          ? () : nil
      }
      try screen.press("/open \(other)\r")
      try screen.waitFor("“you are talking”") { rows in
        ScreenTests.golden(rows).contains { $0.hasSuffix("you are talking to אבי#K7QM2-XWB9P-TD4HG-Z3R8F") } ? () : nil
      }
      try screen.press("/msg \t")
      try screen.waitFor("> /msg \(other)")
      try screen.press("hi\r")
      try screen.waitFor("you: hi")
      try screen.press("א\t")
      try screen.waitFor("> אבי:")
      #expect(!screen.rows.contains { $0.contains("\\u{") }, "\(screen.rows)")
      try screen.press("\u{15}/quit\r")
      #expect(try screen.exitCode() == 0)
      try fleet.quit()
    }
  }
}
