// A chat on the whole screen. What is seen is a value (ChatScreen.swift); what the keys ask for is done by `Chatting`, as in plain lines;
// here the two meet, with the terminal.
//
//     Terminal ──keys──► ChatScreen.press ──action──► Chatting ──► node
//        ▲                                               │
//        └──── Painter ◄── ChatScreen.picture ◄── entries ◄┘
//
// Painting happens at most a hundred times a second, and never while the terminal has not taken the last picture.

import ArgumentParser
import Glibc
import NodeKit

/// Serves a person on a screen.
final class ScreenMode: FrontEnd {
  /// Between two pictures, in a flood of events.
  private static let pictureTime = Duration.milliseconds(10)

  let readsInput = false
  let usesLines = false
  private let chatting: Chatting
  private unowned var host: Host!
  private var screen = ChatScreen(columns: 80, rows: 24)
  private var painter: Painter
  private var terminal: Terminal?
  private var paintTime: Deadline?
  private var lookout: Deadline?
  private var lastPaint: LoopTime?

  init(_ circumstances: Chatting.Circumstances, hasColors: Bool) {
    chatting = Chatting(circumstances)
    painter = Painter(hasColors: hasColors)
  }

  // MARK: FrontEnd

  func began(_ host: Host) {
    self.host = host
    chatting.view = self
    paintTime = Deadline(on: host.loop) { [unowned self] in paint() }
    lookout = Deadline(on: host.loop) { [unowned self] in lookOut() }
    let handlers = Terminal.Handlers(
      keys: { [unowned self] keys in pressed(keys) },
      changed: { [unowned self] in changed() },
      gone: { [unowned self] in gone() })
    do throws(UVError) {
      terminal = try Terminal(on: host.loop, handlers)
    } catch {
      StandardError.say("the terminal cannot be used: \(error.text). Write plain lines instead with --plain.")
      return host.quit(.ioFailed)
    }
    changed()
    chatting.began(host)
    lookOut()
  }

  func happened(_ event: NodeEvent) {
    chatting.happened(event)
    if case .ready = event {
      say("/msg NAME#ID TEXT begins a conversation; /help or F1 shows what else there is", about: .node)
    }
    lookOut()
  }

  func received(_ line: LineSplitter.Line) {}
  func inputEnded() {}

  func left() {
    let words = chatting.left()
    terminal?.close()
    terminal = nil
    paintTime = nil
    lookout = nil
    if StandardOutput.takesMore { _ = StandardOutput.print("-- \(words)") }
  }

  /// The window was closed, or the connection to it broke: as if the person had hung up.
  private func gone() {
    host.quit(.success)
  }

  /// How the node stands, for the status line.
  private func lookOut() {
    lookout?.set(host.loop.now + .seconds(1))
    let status = host.node.status
    let peers = status.peers == 1 ? "1 peer" : "\(status.peers) peers"
    let standing =
      host.isEnding
      ? "leaving"
      : !status.isReady ? "looking for others" : status.successors.isEmpty ? "alone" : "in the ring, \(peers)"
    let identity = status.isReady ? status.user.map(Names.full) ?? "" : ""
    guard standing != screen.standing || identity != screen.identity else { return }
    screen.standing = standing
    screen.identity = identity
    paintSoon()
  }

  // MARK: Keys

  private func pressed(_ keys: [Key]) {
    for key in keys {
      if key == .named(.tab) { screen.people = people() }
      guard let action = screen.press(key) else { continue }
      perform(action)
      if terminal == nil { return }
    }
    paintSoon()
  }

  private func perform(_ action: ChatScreen.Action) {
    switch action {
    case .line(let line): chatting.obey(LineCommand.parse(line))
    case .text(let text): chatting.sendToCurrent(text)
    case .turned: chatting.current = screen.talks.shown.user
    case .help: chatting.obey(.help)
    case .redraw: changed()
    case .leave: if host.isEnding { host.endNow(128 + SIGINT) } else { host.quit(.success) }
    case .suspend: terminal?.suspend()
    case .abort:
      // As a terminal in line mode would.
      TerminalGuard.restore()
      raise(SIGQUIT)
    }
    lookOut()
  }

  /// Whoever may be named: with whom there is a conversation, and who waits for an answer. As they are typed, with nothing invisible.
  private func people() -> [Completion.Person] {
    let users = screen.talks.all.compactMap(\.user) + host.node.sessions.map(\.user) + host.node.requests
    var seen: Set<User> = []
    return users.filter { seen.insert($0).inserted }.map {
      Completion.Person(
        name: Display.withoutIsolates(chatting.names.shown($0)), full: Display.withoutIsolates(Names.full($0)))
    }
  }

  // MARK: Painting

  private func changed() {
    guard let terminal else { return }
    (screen.columns, screen.rows) = terminal.size
    painter.forget()
    paintSoon()
  }

  private func paintSoon() {
    guard let paintTime, !paintTime.isSet else { return }
    let now = host.loop.now
    paintTime.set(lastPaint.map { max(now, $0 + Self.pictureTime) } ?? now)
  }

  private func paint() {
    guard let terminal else { return }
    guard !terminal.isBusy else { return terminal.whenWritten { [weak self] in self?.paintSoon() } }
    lastPaint = host.loop.now
    let bytes = painter.paint(screen.picture())
    if !bytes.isEmpty { terminal.write(bytes) }
  }
}

// MARK: - What is said

extension ScreenMode: ChatView {
  func say(_ sentence: String, about topic: Topic) { add(.notice, sentence, topic) }

  func complain(_ sentence: String, about topic: Topic) { add(.error, sentence, topic) }

  private func add(_ kind: Entry.Kind, _ sentence: String, _ topic: Topic) {
    let index =
      switch topic {
      case .answer: screen.talks.current
      case .node: 0
      case .person(let user): talk(with: user)
      }
    let entry = Entry(kind: kind, text: sentence, time: .now())
    // Where the person looks, too.
    if topic == .node, screen.talks.current != 0 { append(entry, to: screen.talks.current) }
    append(entry, to: index)
  }

  func show(_ text: String, from user: User) {
    append(Entry(kind: .text(from: chatting.names.shown(user)), text: text, time: .now()), to: talk(with: user))
  }

  func sending(_ text: String, to user: User) -> (Bool) -> Void {
    let index = talk(with: user)
    let number = append(Entry(kind: .own(.waiting), text: text, time: .now()), to: index)
    screen.talks[index].waiting += 1
    return { [weak self] isDelivered in
      // The list may have changed meanwhile.
      guard let self, let index = screen.talks.index(of: user) else { return }
      screen.talks[index].waiting = max(0, screen.talks[index].waiting - 1)
      screen.talks[index].scrollback.settle(number, isDelivered ? .arrived : .failed)
      paintSoon()
    }
  }

  func session(with user: User, isOpen: Bool) {
    screen.talks[talk(with: user)].isOpen = isOpen
  }

  func turned(to user: User?) {
    screen.talks.show(user.map { talk(with: $0) } ?? 0)
    paintSoon()
  }

  func busy(_ isBusy: Bool) {}

  func clear() {
    screen.talks.shown.scrollback.clear()
    screen.scrollToEnd()
  }

  var help: [String] {
    [
      "keys: Tab completes, Up and Down bring back what was typed, PgUp and PgDn scroll (Ctrl-Home, Ctrl-End)",
      "  Alt-1 to Alt-9 show a conversation, Alt-a the next with something new, F1 this",
      "  Alt-Enter begins a new line in a text; Ctrl-A E B F D K U W Y T and Alt-B F D edit as in a shell",
      "  Ctrl-L paints the screen anew, Ctrl-C empties the line and, when it is empty, leaves",
    ]
  }

  @discardableResult
  private func append(_ entry: Entry, to index: Int) -> Int {
    defer { paintSoon() }
    return screen.talks.append(entry, to: index)
  }

  private func talk(with user: User) -> Int {
    if let index = screen.talks.index(of: user) { return index }
    let index = screen.talks.index(with: user)
    // A second one of the same name changes how the first one is called.
    for place in screen.talks.all.indices {
      if let user = screen.talks[place].user { screen.talks[place].title = chatting.names.shown(user) }
    }
    return index
  }
}
