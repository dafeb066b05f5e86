// A chat in plain lines: what is typed is a text or a /command, and every event is one line of output (Display.swift). It works alike
// in a terminal and in a pipe, and is what screen readers want: words and no redrawing.
//
//     21:04 alice: hello            somebody's text, with the local time
//     -- session with alice#… opened
//     error: there is nobody to talk to yet: …

import ArgumentParser
import Glibc
import NodeKit

/// Serves a person, or a script, in plain lines.
final class LineMode: FrontEnd {
  /// After this long lines are taken even if the node is not ready; what they ask for then fails with a reason.
  static let readyLimit = Duration.seconds(10)
  /// A terminal in line mode cuts longer lines without a word (4096 bytes with the line's end: N_TTY_BUF_SIZE of Linux).
  static let terminalLineLimit = 4095

  let readsInput = true
  let usesLines = true
  var awaitsInput: Bool { !isTerminal && !chatting.isEnding }
  private let chatting: Chatting
  /// Whether standard input is a terminal.
  private let isTerminal: Bool
  /// Whether every line is a text, whatever it begins with: `--to` in a pipe.
  private let takesTextsOnly: Bool
  private unowned var host: Host!
  private var readyDeadline: Deadline?

  init(_ circumstances: Chatting.Circumstances) {
    chatting = Chatting(circumstances)
    isTerminal = circumstances.isPerson
    takesTextsOnly = circumstances.addressee != nil && !circumstances.isPerson
  }

  func began(_ host: Host) {
    self.host = host
    chatting.view = self
    chatting.began(host)
    host.hold(.notReady)
    readyDeadline = Deadline(on: host.loop) { [unowned self] in self.host.release(.notReady) }
    readyDeadline?.set(host.loop.now + Self.readyLimit)
  }

  func happened(_ event: NodeEvent) {
    chatting.happened(event)
    if case .ready = event { host.release(.notReady) }
  }

  func received(_ line: LineSplitter.Line) {
    switch line {
    case .tooLong:
      chatting.refuse(
        "A line of more than \(StandardLines.lineLimit) bytes was skipped. A text may have at most 32768 bytes.")
    case .bytes(let bytes) where isTerminal && bytes.count >= Self.terminalLineLimit:
      chatting.refuse(
        "The terminal cuts lines at \(Self.terminalLineLimit) bytes, so this one was not sent: send it in parts.")
    case .bytes(let bytes):
      guard let text = String(validating: bytes, as: UTF8.self) else {
        let shown = Display.beginning(String(decoding: bytes, as: UTF8.self))
        return chatting.refuse("The line is not UTF-8, so nothing was done or sent: \(shown)")
      }
      // Arrow keys and the like, which a terminal in line mode passes on as they are.
      if isTerminal, text.unicodeScalars.contains("\u{1B}") {
        return chatting.refuse(
          "The line has control characters (from an arrow key?), so it was not sent: \(Display.beginning(text))")
      }
      if takesTextsOnly {
        if !text.isEmpty { chatting.sendToCurrent(text) }
      } else {
        chatting.obey(LineCommand.parse(text))
      }
    }
  }

  func inputEnded() { chatting.end() }

  func left() { say(chatting.left(), about: .answer) }
}

extension LineMode: ChatView {
  func say(_ sentence: String, about topic: Topic) {
    host.write("-- \(sentence)")
  }

  func complain(_ sentence: String, about topic: Topic) {
    host.write("error: \(sentence)")
  }

  func show(_ text: String, from user: User) {
    let lines = Display.lines(text)
    host.write("\(LocalTime.now().clock) \(chatting.names.shown(user)): \(lines[0])")
    for line in lines.dropFirst() { host.write(Display.continuation + line) }
  }

  func sending(_ text: String, to user: User) -> (Bool) -> Void { { _ in } }
  func session(with user: User, isOpen: Bool) {}
  func turned(to user: User?) {}

  func busy(_ isBusy: Bool) {
    if isBusy { host.hold(.busy) } else { host.release(.busy) }
  }

  /// In a pipe there is nothing to clear, and an old terminal may not know how.
  func clear() {
    guard Display.isTerminal, TerminalKind.ofThisProcess.isCapable else {
      return complain("There is no screen to clear here.", about: .answer)
    }
    host.write("\u{1B}[H\u{1B}[2J\u{1B}[3J-- cleared")
  }

  var help: [String] { [] }
}
