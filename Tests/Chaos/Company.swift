// All players behind the proxy, what can be done to them, and what is asked of them at every moment.
//
// One thread does everything here: it never waits for one node while another one should be looked at. What the nodes say is
// collected by their reader threads, with the time of its coming.

import Foundation
import Processes
import UVRuntime

/// The nodes of one run, their traffic, and the checks that hold at every moment.
final class Company {
  /// The contract: `send` keeps trying for 30 s. The rest is for a machine with more processes than processors.
  static let sendLimit = Duration.seconds(30 + 5)
  /// From `quit` to the end of the process, also when those who hold the record cannot be reached.
  static let quitLimit = Duration.seconds(15)

  let story: Story
  let proxy: Proxy
  var tally = Tally()
  var ledger = Ledger()
  private(set) var players: [Player] = []
  /// Users whose life ended with `quit`, and has not begun again.
  private(set) var quitters: Set<String> = []
  private var users: [Int: String] = [:]
  /// Ended lives, until all they said has been read.
  private var ending: [(life: Life, place: Int)] = []
  private var lastLife = 0
  private let network = Fleet.freshNetwork()
  private let directory: String
  private let bootstraps: [String]

  init(nodes: Int, bootstraps count: Int, story: Story) throws {
    self.story = story
    proxy = try Proxy()
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("chaos-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    let doors = try Doors.make(nodes)
    bootstraps = doors.prefix(count).map(\.outside.description)
    for door in doors {
      let username = door.place < count ? nil : "user \(door.place)"
      let keyFile = "\(directory)/key-\(door.place)"
      try proxy.open(door)
      let life = try newLife(door, username, keyFile, user: nil)
      players.append(Player(door: door, username: username, keyFile: keyFile, life: life))
    }
  }

  deinit {
    proxy.stop()
    try? FileManager.default.removeItem(atPath: directory)
  }

  private func newLife(_ door: Door, _ username: String?, _ keyFile: String, user: String?) throws -> Life {
    lastLife += 1
    let process = try NodeProcess(
      Player.options(
        door: door, username: username, keyFile: keyFile, bootstraps: bootstraps, network: network))
    return Life(number: lastLife, name: username ?? "bootstrap \(door.place)", user: user, process: process)
  }

  // MARK: Who is there

  /// Those who live, undisturbed, and are ready.
  var awake: [Player] { players.filter { $0.isLiving && $0.life.isReady() } }
  /// Those of them who have a user.
  var chatters: [Player] { awake.filter { $0.username != nil } }
  /// How many are disturbed at the moment.
  var disturbed: Int { players.count { !$0.isLiving } }

  // MARK: What is done to them

  func kill(_ player: Player, for time: Duration, sameKey: Bool) {
    story.note("SIGKILL to \(player.life.description), back with \(sameKey ? "the same" : "a new") key in \(readable(time))")
    tally.met(.kills)
    player.life.expected = .killed(SIGKILL)
    player.life.process.signal(SIGKILL)
    proxy.close(player.door)
    leave(player, for: time, sameKey: sameKey)
  }

  func stop(_ player: Player, for time: Duration) {
    story.note("SIGSTOP to \(player.life.description) for \(readable(time))")
    tally.met(.stops)
    player.life.process.signal(SIGSTOP)
    player.condition = .stopped(since: .now, until: .now + time)
  }

  func wake(_ player: Player) {
    guard case .stopped(let since, _) = player.condition else { return }
    story.note("SIGCONT to \(player.life.description)")
    player.life.process.signal(SIGCONT)
    player.condition = .living
    // Whoever sleeps cannot tell that a text has failed.
    for index in player.life.pending.indices { player.life.pending[index].deadline += .now - since }
  }

  func silence(_ player: Player, for time: Duration) {
    story.note("all packets of \(player.life.description) are swallowed for \(readable(time))")
    tally.met(.silentHosts)
    proxy.silence(host: player.door.place, process: player.life.process.process.id)
    player.condition = .silent(until: .now + time)
  }

  func hear(_ player: Player) {
    story.note("\(player.life.description) is heard again")
    proxy.hear(host: player.door.place, process: player.life.process.process.id)
    player.condition = .living
  }

  func quit(_ player: Player) throws {
    story.note("\(player.life.description) is asked to quit")
    tally.met(.quits)
    player.life.expected = .exited(0)
    _ = try player.life.process.ask("quit")
    player.condition = .quitting(until: .now + Self.quitLimit)
  }

  /// Somebody lives here again.
  func restart(_ player: Player, sameKey: Bool) throws {
    tally.met(sameKey ? .sameKey : .newKey)
    if !sameKey { try? FileManager.default.removeItem(atPath: player.keyFile) }
    try proxy.open(player.door)
    player.life = try newLife(player.door, player.username, player.keyFile, user: sameKey ? player.life.user : nil)
    player.condition = .living
    story.note("\(player.life.description) begins with \(sameKey ? "the same" : "a new") key")
  }

  private func leave(_ player: Player, for time: Duration, sameKey: Bool) {
    ending.append((player.life, player.door.place))
    player.condition = .down(until: .now + time, sameKey: sameKey)
  }

  /// Everybody is let alone: sleepers wake, the dead begin anew.
  func release() throws {
    proxy.calm()
    for player in players {
      switch player.condition {
      case .living, .quitting: break
      case .stopped: wake(player)
      case .silent: hear(player)
      case .down(_, let sameKey): player.condition = .down(until: .now, sameKey: sameKey)
      }
    }
  }

  // MARK: Traffic

  func send(from player: Player, to user: String, padding: Int) throws {
    let life = player.life
    let (number, text) = ledger.write(from: life.number, to: user, padding: padding)
    let ticket = try life.process.ask("send", ["user": .string(user), "text": .string(text)])
    life.pending.append((number, ticket, .now + Self.sendLimit))
  }

  // MARK: At every moment

  /// Takes in what the nodes have said, checks it, and does what is due.
  func attend() throws {
    for player in players {
      if !player.isDown { try listen(to: player.life) }
      try attend(to: player)
    }
    try bury()
  }

  private func attend(to player: Player) throws {
    let life = player.life
    if life.expected == nil, let ending = life.process.process.ending(within: .zero) {
      throw Violation("\(life.description) ended by itself: \(ending), saying: \(life.process.process.standardError)")
    }
    switch player.condition {
    case .living: try expectAnswers(of: life)
    case .stopped(_, let until): if until <= .now { wake(player) }
    case .silent(let until):
      try expectAnswers(of: life)
      if until <= .now { hear(player) }
    case .quitting(let until):
      if life.process.process.ending(within: .zero) != nil {
        if let user = life.user { quitters.insert(user) }
        proxy.close(player.door)
        leave(player, for: .seconds(1), sameKey: false)
      } else if until <= .now {
        throw Violation("\(life.description) has not quit \(readable(Self.quitLimit)) after it was asked to")
      }
    case .down(let until, let sameKey):
      let isGone = !ending.contains { $0.place == player.door.place }
      if until <= .now, isGone { try restart(player, sameKey: sameKey) }
    }
  }

  private func listen(to life: Life) throws {
    if life.isReady() || life.user != nil { users[life.number] = life.user }
    for message in life.process.takeNotifications("message") {
      try ledger.shown(message.value, to: life.number, of: life.user ?? "") { users[$0] }
    }
    for news in life.process.takeNotifications("session") where news.value["state"]?.string == "open" {
      guard let other = news.value["user"]?.string else { continue }
      if !life.sessions.insert(other).inserted { tally.met(.reopened) }
    }
    try settleTexts(of: life)
  }

  private func settleTexts(of life: Life) throws {
    var rest: [(number: Int, ticket: NodeProcess.Ticket, deadline: ContinuousClock.Instant)] = []
    for sending in life.pending {
      do {
        guard let answer = try life.process.answerSoFar(to: sending.ticket) else {
          rest.append(sending)
          continue
        }
        ledger.delivered(sending.number, from: life.number, id: answer.value["id"]?.integer ?? 0)
        tally.met(.delivered)
      } catch is RPCError {
        ledger.failed(sending.number, from: life.number)
        tally.met(.failed)
      } catch is ProcessError {
        ledger.void(sending.number, from: life.number)
      }
    }
    life.pending = rest
  }

  /// A text whose time is over must have been reported by now.
  private func expectAnswers(of life: Life) throws {
    guard let late = life.pending.first(where: { $0.deadline < .now }) else { return }
    throw Violation(
      "text \(life.number)/\(late.number) of \(life.description) is neither delivered nor failed "
        + "\(readable(.now - late.ticket.asked)) after it was sent")
  }

  /// Ended lives: all they said is read, and judged once more.
  private func bury() throws {
    for (life, _) in ending where life.process.hasEnded {
      try listen(to: life)
      try judgeEnd(of: life)
    }
    ending.removeAll { $0.life.process.hasEnded }
  }

  private func judgeEnd(of life: Life) throws {
    let how = try life.process.ending()
    if how != life.expected { throw Violation("\(life.description) ended with \(how)") }
    let errors = life.process.process.standardError
    if !errors.isEmpty { throw Violation("\(life.description) wrote to standard error: \(errors)") }
    if let breach = life.process.breaches.first { throw Violation("\(life.description) broke the contract: \(breach)") }
  }

  // MARK: The end

  /// Everybody quits, with code 0 and an empty standard error.
  func end() throws {
    for player in players { try quit(player) }
    let done: Void? = try eventually(within: Self.quitLimit + .seconds(5)) {
      for player in players where !player.isDown {
        let hasEnded = player.life.process.hasEnded
        try listen(to: player.life)
        guard hasEnded else { continue }
        player.condition = .down(until: .now + .seconds(3600), sameKey: true)
        try judgeEnd(of: player.life)
      }
      return players.allSatisfy(\.isDown) ? () : nil
    }
    if done == nil {
      let late = players.filter { !$0.isDown }.map(\.life.description)
      throw Violation("\(late.count) nodes have not quit: \(late.prefix(5))")
    }
    try ledger.audit()
  }
}
