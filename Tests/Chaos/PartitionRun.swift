// One ring in two networks; the cable is cut, and each half must become a ring of its own and go on talking; the cable is joined,
// and there must be one ring again.
//
//     one ring ──cut──► two rings, each exact; texts inside arrive, texts across fail in time ──join──► one ring, texts across

import Foundation
import Processes

/// A run with a partition.
final class PartitionRun {
  /// From the cut to two exact rings: several neighbours of everyone have fallen silent at once, and each is given up by itself.
  private static let splitting = Duration.seconds(30) * Patience.factor
  /// From the joining to one exact ring.
  private static let merging = Duration.seconds(60) * Patience.factor
  private static let bootstrapsEach = 2

  private let nodes: Int
  private let story: Story
  private let exchange: Exchange
  private var halves: [[Life]] = [[], []]
  private var lives: [Life] { halves[0] + halves[1] }

  init(nodes: Int, story: Story) {
    self.nodes = nodes
    self.story = story
    exchange = Exchange(story)
  }

  func run() throws {
    let cable = try Halves()
    try start(cable)
    var began = ContinuousClock.now
    let first = try watch(lives).settle(since: began, within: Promise.ring, "at the start")
    story.tell("one exact ring of \(nodes) in two networks after \(readable(first))")
    try talk(across: true, "before")

    try cable.cut()
    began = .now
    story.tell("the cable is cut, and nobody is told")
    // Into the void: each of these must be told about, in time.
    let before = exchange.failed
    for (one, other) in pairs(across: true) { try exchange.send(from: one, to: other) }
    let split = try halves.map { try watch($0).settle(since: began, within: Self.splitting, "a half by itself") }
    story.tell("two exact rings after \(split.map(readable).joined(separator: " and "))")
    for half in halves {
      let ring = try watch(half)
      _ = try ring.agree(on: ring.oracle.nodes, since: .now, within: Self.splitting)
    }
    try talk(across: false, "inside the halves")
    try quiet()
    let failed = exchange.failed - before
    guard failed == pairs(across: true).count else { throw Violation("\(failed) texts failed that could not arrive") }
    story.tell("all of \(failed) texts across were reported as failed; \(readable(.now - began)) since the cut")

    try cable.join()
    began = .now
    story.tell("the cable is joined")
    let whole = try watch(lives)
    let merged = try whole.settle(since: began, within: Self.merging, "joined again")
    story.tell("one exact ring of \(nodes) after \(readable(merged))")
    let agreed = try whole.agree(on: whole.oracle.nodes, since: began, within: Self.merging)
    let found = try whole.find(since: began, within: Self.merging)
    story.tell("every lookup right after \(readable(agreed)), everybody found from everywhere after \(readable(found))")
    try talk(across: true, "joined again")
    try end()
  }

  // MARK: Steps

  private func start(_ cable: Halves) throws {
    let network = Fleet.freshNetwork()
    let ports = (0..<Self.bootstrapsEach).map { 7401 + $0 }
    let bootstraps = Halves.hosts.flatMap { host in ports.map { "\(host):\($0)" } }
    story.tell("\(nodes) nodes start in two networks, \(Self.bootstrapsEach) bootstrap nodes in each")
    for number in 0..<nodes {
      let (half, place) = (number % 2, number / 2)
      let isBootstrap = place < Self.bootstrapsEach
      let name = isBootstrap ? "bootstrap \(number)" : "user \(number)"
      var options = NodeProcess.Options(
        username: isBootstrap ? nil : name,
        listen: "\(Halves.hosts[half]):\(isBootstrap ? ports[place] : 0)", bootstraps: bootstraps, network: network)
      options.launcher = cable.launcher(half)
      halves[half].append(Life(number: number + 1, name: name, user: nil, process: try NodeProcess(options)))
    }
    for life in lives { try life.process.waitUntilReady() }
  }

  private func watch(_ lives: [Life]) throws -> RingWatch { try RingWatch(lives, story) }

  /// Everybody with a user, and the user that each writes to.
  private func pairs(across: Bool) -> [(Life, String)] {
    let users = halves.map { $0.filter { $0.user != nil } }
    return [0, 1].flatMap { half in
      users[half].enumerated().compactMap { place, life in
        let others = users[across ? 1 - half : half]
        return others[(place + 1) % others.count].user.map { (life, $0) }
      }
    }
  }

  /// Everybody writes to one other, and every text must arrive.
  private func talk(across: Bool, _ when: String) throws {
    let (delivered, failed, began) = (exchange.delivered, exchange.failed, ContinuousClock.now)
    let pairs = pairs(across: across)
    for (life, user) in pairs { try exchange.send(from: life, to: user) }
    let arrived: Void? = try eventually(within: Exchange.sendLimit) {
      try attend()
      return exchange.delivered - delivered >= pairs.count ? () : nil
    }
    guard arrived != nil else {
      throw Violation(
        "\(when): of \(pairs.count) texts \(exchange.delivered - delivered) were delivered, "
          + "\(exchange.failed - failed) failed")
    }
    story.tell("\(when): all of \(pairs.count) texts were delivered, the last after \(readable(.now - began))")
  }

  /// Waits until every text has been told about.
  private func quiet() throws {
    let isQuiet: Void? = try eventually(within: Exchange.sendLimit + .seconds(5)) {
      try attend()
      return lives.allSatisfy(\.pending.isEmpty) ? () : nil
    }
    if isQuiet == nil { throw Violation("some texts are not told about") }
  }

  private func attend() throws {
    for life in lives {
      if let ending = life.process.process.ending(within: .zero) {
        throw Violation("\(life.description) ended by itself: \(ending): \(life.process.process.standardError)")
      }
      try exchange.listen(to: life)
      try exchange.expectAnswers(of: life)
    }
  }

  private func end() throws {
    story.tell("all quit")
    for life in lives {
      life.expected = .exited(0)
      _ = try life.process.ask("quit")
    }
    for life in lives {
      guard life.process.process.ending(within: Company.quitLimit) != nil else {
        throw Violation("\(life.description) has not quit")
      }
      let isRead: Void? = eventually(within: Patience.answer) { life.process.hasEnded ? () : nil }
      guard isRead != nil else { throw Violation("\(life.description) has not closed its output") }
      try exchange.listen(to: life)
      try exchange.judgeEnd(of: life)
    }
    try exchange.ledger.audit()
  }
}
