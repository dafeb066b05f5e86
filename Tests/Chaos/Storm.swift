// The faults and the traffic, as the dice fall.
//
// The seed decides what happens to whom and when; what the processes make of it is theirs, and the system's scheduler's. A run
// with the same seed is the same weather, not the same voyage.

import Foundation
import Processes

/// Chaos for a while.
struct Storm {
  /// A member keeps 16 successors: with a quarter of forty disturbed at a time, no list can lose all of its members.
  private static let disturbedShare = 4
  /// Between two looks at the company, in milliseconds.
  private static let tick: Int32 = 10

  let company: Company
  var dice: Dice
  /// Pairs that talk again and again, so that sessions live long enough to be hurt.
  private var pairs: [(Int, Int)] = []

  init(_ company: Company, dice: Dice) {
    self.company = company
    self.dice = dice
    let places = company.players.filter { $0.username != nil }.map(\.door.place)
    for _ in 0..<2 * places.count {
      let (a, b) = (places.randomElement(using: &self.dice) ?? 0, places.randomElement(using: &self.dice) ?? 0)
      if a != b { pairs.append((a, b)) }
    }
  }

  mutating func rage(for time: Duration) throws {
    let end = ContinuousClock.now + time
    var nextFault = ContinuousClock.now
    var nextText = ContinuousClock.now
    while ContinuousClock.now < end {
      if nextFault <= .now {
        try fault()
        nextFault += dice.milliseconds(50...600)
      }
      if nextText <= .now {
        try texts()
        nextText += dice.milliseconds(5...100)
      }
      try company.attend()
      poll(nil, 0, Self.tick)
    }
  }

  // MARK: Faults

  private mutating func fault() throws {
    let mayDisturb = company.disturbed * Self.disturbedShare < company.players.count
    switch Int.random(in: 0..<100, using: &dice) {
    case ..<14: if mayDisturb, let victim = victim() { kill(victim) }
    case ..<26: if mayDisturb, let victim = victim() { company.stop(victim, for: length()) }
    case ..<34: if mayDisturb, let victim = victim() { company.silence(victim, for: length()) }
    case ..<40: if mayDisturb, let leaver = company.chatters.randomElement(using: &dice) { try quit(leaver) }
    case ..<58: cut(.reset, .resets)
    case ..<72: cut(.finish, .finishes)
    case ..<84: if company.proxy.silence(dice.next()) { met(.silences, "a connection falls silent") }
    default:
      let delay = dice.milliseconds(5...1500)
      if company.proxy.delay(dice.next(), by: delay) { met(.delays, "a connection is delayed by \(readable(delay))") }
    }
  }

  private mutating func kill(_ victim: Player) {
    company.kill(victim, for: dice.milliseconds(0...4000), sameKey: dice.chance(600))
  }

  private func quit(_ leaver: Player) throws {
    company.exchange.tally.met(.quits)
    try company.quit(leaver)
  }

  private mutating func cut(_ how: Cut, _ sight: Sight) {
    if company.proxy.cut(how, dice.next()) { met(sight, "a connection is cut: \(how)") }
  }

  private func met(_ sight: Sight, _ event: String) {
    company.exchange.tally.met(sight)
    company.story.note(event)
  }

  /// Mostly short, sometimes beyond all patience.
  private mutating func length() -> Duration {
    dice.chance(700) ? dice.milliseconds(50...3000) : dice.milliseconds(3000...20_000)
  }

  /// Anybody; but one bootstrap node is always left alone, or newcomers could not know that there is a ring.
  private mutating func victim() -> Player? {
    let bootstraps = company.players.filter { $0.username == nil && $0.isLiving }
    let candidates = company.players.filter { $0.isLiving && ($0.username != nil || bootstraps.count > 1) }
    return candidates.randomElement(using: &dice)
  }

  // MARK: Traffic

  private mutating func texts() throws {
    let (from, to): (Player, Player)
    if dice.chance(900), let pair = pairs.randomElement(using: &dice) {
      (from, to) = (company.players[pair.0], company.players[pair.1])
    } else {
      let chatters = company.chatters
      guard let one = chatters.randomElement(using: &dice), let other = chatters.randomElement(using: &dice) else {
        return
      }
      (from, to) = (one, other)
    }
    guard from.isLiving, from.life.isReady(), from !== to, let user = to.life.user else { return }
    // Some at once, so that there is an order to be kept; now and then one that does not fit into a packet.
    for _ in 0..<(dice.chance(300) ? Int.random(in: 2...12, using: &dice) : 1) {
      let padding = dice.chance(20) ? Int.random(in: 1000...10_000, using: &dice) : 0
      try company.exchange.send(from: from.life, to: user, padding: padding)
    }
  }
}
