// A person, or a script, chats: what they type is understood (LineCommand.swift) and done here, and what happens is told in words.
// How it looks is the view's affair: lines (LineMode.swift) or a whole screen (Screen/ScreenMode.swift).
//
//     LineMode, ScreenMode ──LineCommand──► Chatting ──► node
//               ▲                              │
//               └──── say, complain, show ─────┘◄── events
//
// Nothing typed is lost without a word: what was not sent or not delivered is named in an error. The current peer changes only
// by the person's own command, so that no text goes to somebody it was not meant for; with one exception, for a person who has
// not talked to anybody yet: whoever opens the first session is who they talk to, and is announced as such.

import ArgumentParser
import NodeKit

/// What words are about.
enum Topic: Equatable {
  /// An answer to what has just been typed.
  case answer
  /// The node, and how it stands.
  case node
  case person(User)
}

/// Where words go.
protocol ChatView: AnyObject {
  /// An event or an answer.
  func say(_ sentence: String, about topic: Topic)
  func complain(_ sentence: String, about topic: Topic)
  /// Somebody's text has come.
  func show(_ text: String, from user: User)
  /// A text of ours is under way. What is called when its fate is known, before anything is said about it.
  func sending(_ text: String, to user: User) -> (_ isDelivered: Bool) -> Void
  /// A session has opened or ended.
  func session(with user: User, isOpen: Bool)
  /// Texts go to somebody else now, or to nobody.
  func turned(to user: User?)
  /// As much is under way as may be (true), or again less.
  func busy(_ isBusy: Bool)
  /// Forget what has been shown.
  func clear()
  /// What is to be known about it, for /help.
  var help: [String] { get }
}

/// What a chat does, in lines and on a screen alike.
final class Chatting {
  /// Texts and questions under way; beyond, no more lines are taken until some are done. A pipe may bring any number.
  static let outstandingLimit = 32
  /// At the end, how long undelivered texts are waited for: as long as a send keeps trying, and a little.
  static let endingLimit = Duration.milliseconds(30_500)

  /// Who types, and what the node was told: it decides what is worth a word.
  struct Circumstances {
    /// A person sees an error and types anew; a script learns it from the exit code.
    var isPerson: Bool
    /// Nobody has named bootstrap addresses.
    var usesCompiledInBootstraps: Bool
    /// Whom `--to` names.
    var addressee: User?
  }

  let circumstances: Circumstances
  unowned var view: (any ChatView)!
  unowned var host: Host!
  var current: User? {
    didSet {
      hasChosen = true
      if current != oldValue { view.turned(to: current) }
    }
  }
  private var hasChosen = false
  var lastHeard: User?
  var names = Names()
  private var outstanding = 0
  private(set) var undelivered = 0
  /// Whether nothing more is taken, and what is under way is waited for.
  private(set) var isEnding = false
  private var startedAlone = false
  private var wasAlone = true
  private var endingDeadline: Deadline?
  private var lookout: Deadline?

  init(_ circumstances: Circumstances) {
    self.circumstances = circumstances
  }

  // MARK: What happens

  func began(_ host: Host) {
    self.host = host
    say("looking for others", about: .node)
    if let user = circumstances.addressee { current = user }
    lookout = Deadline(on: host.loop) { [unowned self] in lookOut() }
    lookout?.set(host.loop.now + .seconds(1))
  }

  func happened(_ event: NodeEvent) {
    switch event {
    case .ready(let status):
      say(readiness(status), about: .node)
      showIdentity(about: .node)  // not before: until the record is stored nobody can find us by it
    case .startedNewRing(let listening):
      startedAlone = true
      say(newRing(listening), about: .node)
    case .joinedRing(let status): say(readiness(status), about: .node)
    case .bootstrapFailed(let address, let reason):
      // Named by the person, even a refusal is worth a word; of the addresses compiled in, only what is odd.
      let isNobody = BootstrapReports.isNobody(reason)
      guard !isNobody || (!circumstances.usesCompiledInBootstraps && reason == .unreachable) else { return }
      say(BootstrapReports.sentence(address, reason), about: .node)
    case .sessionOpened(let user):
      _ = names.shown(user)
      view.session(with: user, isOpen: true)
      say("session with \(Names.full(user)) opened", about: .person(user))
      if circumstances.isPerson, !hasChosen {
        current = user
        say("what you type now goes to \(names.shown(user))", about: .person(user))
      }
    case .sessionClosed(let user, let reason):
      view.session(with: user, isOpen: false)
      say("session with \(Names.full(user)) closed (\(Display.line(reason)))", about: .person(user))
    case .sessionRequested(let user): showRequest(of: user)
    case .sessionAwaited(let user):
      say("waiting for \(names.shown(user)), who has not accepted you yet", about: .person(user))
    case .message(let user, let text, _):
      lastHeard = user
      view.show(text, from: user)
    }
  }

  /// Says it when all others are gone; that they are back the node says itself.
  private func lookOut() {
    lookout?.set(host.loop.now + .seconds(1))
    let isAlone = host.node.status.successors.isEmpty
    if isAlone, !wasAlone, !isEnding {
      say("no other node can be reached: this node stands alone, and goes on trying to reconnect", about: .node)
    }
    wasAlone = isAlone
  }

  /// Waits for what is under way, then ends.
  func end() {
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

  /// The node has left the ring: what is to be said last.
  func left() -> String {
    if undelivered > 0 { host.degrade() }
    let lost = undelivered == 1 ? "one line was not delivered" : "\(undelivered) lines were not delivered"
    return undelivered == 0 ? "left the ring" : "left the ring; \(lost)"
  }

  private func endIfDone() {
    if isEnding, outstanding == 0 { host.quit(undelivered == 0 ? .success : .alone) }
  }

  // MARK: Commands

  func obey(_ command: LineCommand) {
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
    case .ring: showRing()
    case .peers: showPeers()
    case .clear: view.clear()
    case .help: showHelp()
    case .quit: end()
    }
  }

  func sendToCurrent(_ text: String) {
    if let current { return send(text, to: current) }
    let hint =
      lastHeard.map { "To answer, write /open \(Names.full($0)) first." }
      ?? "Write /open NAME#ID first, with what your friend's node shows."
    refuse("There is nobody to talk to yet. \(hint) This was not sent: \(Display.beginning(text, atMost: 4096))")
  }

  func send(_ text: String, to user: User) {
    // Not for the node to find out: its queue may be full, and this will not get better by waiting.
    guard text.utf8.count <= 32_768 else {
      return refuse(
        "A text may have at most 32768 bytes and this has \(text.utf8.count), so it was not sent: "
          + "\(Display.beginning(text)) Send it in parts.")
    }
    let settled = view.sending(text, to: user)
    begin()
    host.node.send(text, to: user) { [weak self] result in
      guard let self else { return }
      switch result {
      case .success: settled(true)
      case .failure(let failure):
        settled(false)
        undelivered += 1
        let who = names.shown(user)
        let sentence =
          failure == .timeout
          ? "not acknowledged by \(who), so it may or may not have arrived: \(Display.beginning(text))"
          : "not delivered to \(who): \(Display.beginning(text)) (\(failure))"
        view.complain(sentence, about: .person(user))
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
      case .success: say("you are talking to \(Names.full(user))", about: .person(user))
      case .failure(let failure):
        view.complain("No session with \(Names.full(user)): \(failure).", about: .person(user))
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
      case .success(let finding): say(Chatting.sentence(finding))
      case .failure(let failure): complain("\(Names.full(user)) was not found: \(failure).")
      }
      finish()
    }
  }

  /// Something is asked of the node.
  func begin() {
    outstanding += 1
    if outstanding >= Self.outstandingLimit { view.busy(true) }
  }

  /// It is answered.
  func finish() {
    outstanding -= 1
    if outstanding < Self.outstandingLimit { view.busy(false) }
    endIfDone()
  }

  // MARK: Words

  func say(_ sentence: String, about topic: Topic = .answer) { view.say(sentence, about: topic) }

  func complain(_ sentence: String) { view.complain(sentence, about: .answer) }

  /// An error that means that something typed has not gone out.
  func refuse(_ sentence: String) {
    if !circumstances.isPerson { undelivered += 1 }
    complain(sentence)
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
