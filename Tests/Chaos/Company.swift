// All players behind the proxy, what can be done to them, and what is asked of them at every moment.
//
// One thread does everything here: it never waits for one node while another one should be looked at. What the nodes say is
// collected by their reader threads, with the time of its coming.

import Foundation
import Processes
import UVRuntime

/// The nodes of one run, their traffic, and the checks that hold at every moment.
final class Company {
  /// From `quit` to the end of the process, also when those who hold the record cannot be reached.
  static let quitLimit = Duration.seconds(15)

  let story: Story
  let proxy: Proxy
  let exchange: Exchange
  private(set) var players: [Player] = []
  /// Users whose life ended with `quit`, and has not begun again.
  private(set) var quitters: Set<String> = []
  /// Ended lives, until all they said has been read.
  private var ending: [(life: Life, place: Int)] = []
  private var lastLife = 0
  private let network = Fleet.freshNetwork()
  private let directory: String
  private let bootstraps: [String]

  init(nodes: Int, bootstraps count: Int, story: Story) throws {
    self.story = story
    exchange = Exchange(story)
    proxy = try Proxy()
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("chaos-\(UUID().uuidString)").path
    Undoing.later { [directory] in try? FileManager.default.removeItem(atPath: directory) }
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

  deinit { proxy.stop() }

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
    let key = sameKey ? "the same key" : "a new key"
    story.note("SIGKILL to \(player.life.description), back with \(key) in \(readable(time))")
    exchange.tally.met(.kills)
    player.life.expected = .killed(SIGKILL)
    player.life.process.signal(SIGKILL)
    proxy.close(player.door)
    leave(player, for: time, sameKey: sameKey)
  }

  func stop(_ player: Player, for time: Duration) {
    story.note("SIGSTOP to \(player.life.description) for \(readable(time))")
    exchange.tally.met(.stops)
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
    exchange.tally.met(.silentHosts)
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
    player.life.expected = .exited(0)
    _ = try player.life.process.ask("quit")
    player.condition = .quitting(since: .now)
  }

  /// Somebody lives here again.
  func restart(_ player: Player, sameKey: Bool) throws {
    exchange.tally.met(sameKey ? .sameKey : .newKey)
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

  // MARK: At every moment

  /// Takes in what the nodes have said, checks it, and does what is due.
  func attend() throws {
    for player in players {
      if !player.isDown { try exchange.listen(to: player.life) }
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
    case .living: try exchange.expectAnswers(of: life)
    case .stopped(_, let until): if until <= .now { wake(player) }
    case .silent(let until):
      try exchange.expectAnswers(of: life)
      if until <= .now { hear(player) }
    case .quitting(let since):
      if life.process.process.ending(within: .zero) != nil {
        story.note("\(life.description) has quit after \(readable(.now - since))")
        if let user = life.user { quitters.insert(user) }
        proxy.close(player.door)
        leave(player, for: .seconds(1), sameKey: false)
      } else if since + Self.quitLimit <= .now {
        throw Violation("\(life.description) has not quit \(readable(Self.quitLimit)) after it was asked to")
      }
    case .down(let until, let sameKey):
      let isGone = !ending.contains { $0.place == player.door.place }
      if until <= .now, isGone { try restart(player, sameKey: sameKey) }
    }
  }

  /// Ended lives: all they said is read, and judged once more.
  private func bury() throws {
    for (life, _) in ending where life.process.hasEnded {
      try exchange.listen(to: life)
      try exchange.judgeEnd(of: life)
    }
    ending.removeAll { $0.life.process.hasEnded }
  }

  // MARK: The end

  /// Everybody quits, with code 0 and an empty standard error.
  func end() throws {
    for player in players { try quit(player) }
    let done: Void? = try eventually(within: Self.quitLimit + .seconds(5)) {
      for player in players where !player.isDown {
        let hasEnded = player.life.process.hasEnded
        try exchange.listen(to: player.life)
        guard hasEnded else { continue }
        player.condition = .down(until: .now + .seconds(3600), sameKey: true)
        try exchange.judgeEnd(of: player.life)
      }
      return players.allSatisfy(\.isDown) ? () : nil
    }
    if done == nil {
      let late = players.filter { !$0.isDown }.map(\.life.description)
      throw Violation("\(late.count) nodes have not quit: \(late.prefix(5))")
    }
    try exchange.ledger.audit()
  }
}
