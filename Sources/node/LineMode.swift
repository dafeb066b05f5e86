// A person, or a script, chats in plain lines: what is typed is a text for the current peer or a /command (LineCommand.swift),
// and every event is one line of output (Display.swift). It works alike in a terminal and in a pipe.
//
//     21:04 alice: hello            somebody's text, with the local time
//     -- session with alice#… opened
//     error: there is nobody to talk to yet: …
//
// Nothing typed is lost without a word: what was not sent or not delivered is named in an error. The current peer changes only
// by the person's own command, so that no text goes to somebody it was not meant for; with one exception, for a person who has
// not talked to anybody yet: whoever opens the first session is who they talk to, and is announced as such.

import ArgumentParser
import NodeKit

/// Serves a person in plain lines.
final class LineMode: FrontEnd {
  /// Texts and questions under way; beyond, no more lines are taken until some are done. A pipe may bring any number.
  static let outstandingLimit = 32
  /// At the end, how long undelivered texts are waited for: as long as a send keeps trying, and a little.
  static let endingLimit = Duration.milliseconds(30_500)
  /// After this long lines are taken even if the node is not ready; what they ask for then fails with a reason.
  static let readyLimit = Duration.seconds(10)
  /// A terminal in line mode cuts longer lines without a word (4096 bytes with the line's end: N_TTY_BUF_SIZE of Linux).
  static let terminalLineLimit = 4095

  let readsInput = true
  let isTerminal: Bool
  let usesCompiledInBootstraps: Bool
  unowned var host: Host!
  var current: User? {
    didSet { hasChosen = true }
  }
  private var hasChosen = false
  var lastHeard: User?
  var names = Names()
  private var outstanding = 0
  private var undelivered = 0
  private var isEnding = false
  private var startedAlone = false
  private var readyDeadline: Deadline?
  private var endingDeadline: Deadline?

  /// - Parameter isTerminal: whether standard input is one.
  init(isTerminal: Bool, usesCompiledInBootstraps: Bool) {
    self.isTerminal = isTerminal
    self.usesCompiledInBootstraps = usesCompiledInBootstraps
  }

  // MARK: What happens

  func began(_ host: Host) {
    self.host = host
    say("looking for others")
    host.hold(.notReady)
    readyDeadline = Deadline(on: host.loop) { [unowned self] in self.host.release(.notReady) }
    readyDeadline?.set(host.loop.now + Self.readyLimit)
  }

  func happened(_ event: NodeEvent) {
    switch event {
    case .ready(let status):
      say(readiness(status))
      showIdentity()  // not before: until the record is stored nobody can find us by it
      host.release(.notReady)
    case .startedNewRing(let listening):
      startedAlone = true
      say(newRing(listening))
    case .joinedRing(let status): say(readiness(status))
    case .bootstrapFailed(let address, let reason):
      // Named by the person, even a refusal is worth a word; of the addresses compiled in, only what is odd.
      let isNobody = BootstrapReports.isNobody(reason)
      guard !isNobody || (!usesCompiledInBootstraps && reason == .unreachable) else { return }
      say(BootstrapReports.sentence(address, reason))
    case .sessionOpened(let user):
      _ = names.shown(user)
      say("session with \(Names.full(user)) opened")
      if isTerminal, !hasChosen {
        current = user
        say("what you type now goes to \(names.shown(user))")
      }
    case .sessionClosed(let user, let reason):
      say("session with \(Names.full(user)) closed (\(Display.line(reason)))")
    case .sessionRequested(let user): showRequest(of: user)
    case .sessionAwaited(let user): say("waiting for \(names.shown(user)), who has not accepted you yet")
    case .message(let user, let text, _):
      show(text, from: user)
    }
  }

  func received(_ line: LineSplitter.Line) {
    switch line {
    case .tooLong:
      refuse("A line of more than \(StandardLines.lineLimit) bytes was skipped. A text may have at most 32768 bytes.")
    case .bytes(let bytes) where isTerminal && bytes.count >= Self.terminalLineLimit:
      refuse("The terminal cuts lines at \(Self.terminalLineLimit) bytes, so this one was not sent: send it in parts.")
    case .bytes(let bytes):
      guard let text = String(validating: bytes, as: UTF8.self) else {
        let shown = Display.beginning(String(decoding: bytes, as: UTF8.self))
        return refuse("The line is not UTF-8, so nothing was done or sent: \(shown)")
      }
      // Arrow keys and the like, which a terminal in line mode passes on as they are.
      if isTerminal, text.unicodeScalars.contains("\u{1B}") {
        return refuse(
          "The line has control characters (from an arrow key?), so it was not sent: \(Display.beginning(text))")
      }
      obey(LineCommand.parse(text))
    }
  }

  /// Waits for what is under way, then ends.
  func inputEnded() {
    guard !isEnding else { return }
    isEnding = true
    host.stopReading()
    if outstanding > 0 {
      say("waiting for \(outstanding == 1 ? "one request" : "\(outstanding) requests") to be done; Ctrl-C leaves now")
    }
    endingDeadline = Deadline(on: host.loop) { [unowned self] in
      undelivered += outstanding
      host.quit(.alone)
    }
    endingDeadline?.set(host.loop.now + Self.endingLimit)
    endIfDone()
  }

  func left() {
    let lost = undelivered == 1 ? "one line was not delivered" : "\(undelivered) lines were not delivered"
    say(undelivered == 0 ? "left the ring" : "left the ring; \(lost)")
    if undelivered > 0 { host.degrade() }
  }

  private func endIfDone() {
    if isEnding, outstanding == 0 { host.quit(undelivered == 0 ? .success : .alone) }
  }

  // MARK: Commands

  private func obey(_ command: LineCommand) {
    switch command {
    case .nothing: break
    case .mistake(let sentence): refuse(sentence)
    case .say(let text): sendToCurrent(text)
    case .message(let user, let text):
      current = user
      send(text, to: user)
    case .open(let user): open(user)
    case .close(let user): close(user)
    case .accept(let whom): accept(whom)
    case .ignore(let whom): ignore(whom)
    case .find(let user): find(user)
    case .sessions: showSessions()
    case .id: showIdentity()
    case .status: showStatus()
    case .help: showHelp()
    case .quit: inputEnded()
    }
  }

  private func sendToCurrent(_ text: String) {
    if let current { return send(text, to: current) }
    let hint =
      lastHeard.map { "To answer, write /open \(Names.full($0)) first." }
      ?? "Write /open NAME#ID first, with what your friend's node shows."
    refuse("There is nobody to talk to yet, so this was not sent: \(Display.beginning(text, atMost: 4096)). \(hint)")
  }

  private func send(_ text: String, to user: User) {
    // Not for the node to find out: its queue may be full, and this will not get better by waiting.
    guard text.utf8.count <= 32_768 else {
      return refuse(
        "A text may have at most 32768 bytes and this has \(text.utf8.count), so it was not sent: "
          + "\(Display.beginning(text)) Send it in parts.")
    }
    begin()
    host.node.send(text, to: user) { [weak self] result in
      guard let self else { return }
      if case .failure(.timeout) = result {
        undelivered += 1
        complain(
          "not acknowledged by \(names.shown(user)), so it may or may not have arrived: \(Display.beginning(text))")
      } else if case .failure(let failure) = result {
        undelivered += 1
        complain("not delivered to \(names.shown(user)): \(Display.beginning(text)) (\(failure))")
      }
      finish()
    }
  }

  private func open(_ user: User) {
    current = user
    begin()
    host.node.open(user) { [weak self] result in
      guard let self else { return }
      switch result {
      case .success: say("you are talking to \(Names.full(user))")
      case .failure(let failure): complain("No session with \(Names.full(user)): \(failure).")
      }
      finish()
    }
  }

  private func close(_ named: User?) {
    guard let user = named ?? current else {
      return complain(
        "There is no current peer: write /close NAME#ID, and /sessions to see with whom there is a session.")
    }
    if current == user { current = nil }
    begin()
    host.node.close(user) { [weak self] result in
      guard let self else { return }
      if case .failure(let failure) = result { complain("\(Names.full(user)) was not closed: \(failure).") }
      finish()
    }
  }

  private func find(_ user: User) {
    begin()
    host.node.find(user) { [weak self] result in
      guard let self else { return }
      switch result {
      case .success(let finding): say(LineMode.sentence(finding))
      case .failure(let failure): complain("\(Names.full(user)) was not found: \(failure).")
      }
      finish()
    }
  }

  private func begin() {
    outstanding += 1
    if outstanding >= Self.outstandingLimit { host.hold(.busy) }
  }

  private func finish() {
    outstanding -= 1
    if outstanding < Self.outstandingLimit { host.release(.busy) }
    endIfDone()
  }

  // MARK: Words

  /// An event, on a line of its own.
  func say(_ sentence: String) {
    host.write("-- \(sentence)")
  }

  func complain(_ sentence: String) {
    host.write("error: \(sentence)")
  }

  /// An error that means that something typed has not gone out.
  private func refuse(_ sentence: String) {
    if !isTerminal { undelivered += 1 }  // a person sees it and types anew; a script learns it from the exit code
    complain(sentence)
  }

  private func show(_ text: String, from user: User) {
    lastHeard = user
    let lines = Display.lines(text)
    host.write("\(LocalTime.hoursAndMinutes()) \(names.shown(user)): \(lines[0])")
    for line in lines.dropFirst() { host.write(Display.continuation + line) }
  }

  private func readiness(_ status: NodeStatus) -> String {
    let listens = "this node listens on \(status.address)"
    if !status.successors.isEmpty {
      let peers = status.peers == 1 ? "one other node" : "\(status.peers) other nodes"
      return "joined the ring, linked to \(peers); \(listens)"
    }
    return startedAlone ? "ready; \(listens)" : "this node stands alone and \(listens.dropFirst("this node ".count))"
  }

  private func newRing(_ listening: Endpoint?) -> String {
    let sentence = "no bootstrap node answered, so this node starts a new ring"
    guard let listening else { return sentence + "; it goes on trying to reach the others" }
    return sentence + " and listens on the bootstrap address \(listening): who starts now will find it"
  }
}
