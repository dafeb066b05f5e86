// One run, from the first start to the last exit:
//
//     forty nodes start ──► figures (one killed, one stopped, one silenced, in peace) ──► storm ──► healing ──► all quit
//
// What is promised when, and measured here:

import Foundation
import Processes

/// The limits a run holds the nodes to.
enum Promise {
  /// From SIGKILL of one process to a ring in which every pointer is exact again.
  static let repair = Duration.seconds(1) * Patience.factor
  /// From the moment a host falls silent to a ring without it.
  static let silence = Duration.seconds(15) * Patience.factor
  /// From the end of all faults to one exact ring of all who live.
  static let ring = Duration.seconds(60) * Patience.factor
  /// From there to every lookup and every search being right, and every text arriving.
  static let answers = Duration.seconds(60) * Patience.factor
}

/// A run of chaos.
struct ChaosRun {
  let nodes: Int
  let time: Duration
  let hasFigures: Bool
  let seed: UInt64
  let story: Story

  func run() throws -> Tally {
    let company = try Company(nodes: nodes, bootstraps: max(2, nodes / 10), story: story)
    story.tell("\(nodes) nodes start")
    try rest(company)
    if hasFigures { try figures(company) }
    story.tell("faults for \(readable(time))")
    var storm = Storm(company, dice: Dice(seed: seed))
    try storm.rage(for: time)
    try heal(company)
    try converse(company)
    story.tell("all quit")
    try company.end()
    let account = company.proxy.account
    story.tell(
      "\(account.crossings) connections through the proxy, \(account.cuts) cut, \(account.silenced) silenced "
        + "(\(account.swallowedBytes) bytes swallowed), \(account.delayed) delayed")
    story.tell("\(company.exchange.ledger.count) texts written, \(company.exchange.ledger.shownAll) shown")
    return company.exchange.tally
  }

  /// Waits until everybody lives and is ready, and the ring is exact.
  private func rest(_ company: Company) throws {
    let began = ContinuousClock.now
    try awaitAll(company, since: began)
    let took = try RingWatch(company.players.map(\.life), story).settle(since: began, within: Promise.ring, "at rest")
    story.tell("one exact ring of \(company.players.count) after \(readable(took))")
  }

  private func awaitAll(_ company: Company, since began: ContinuousClock.Instant) throws {
    let all: Void? = try eventually(within: Promise.ring - (.now - began)) {
      try company.attend()
      return company.awake.count == company.players.count ? () : nil
    }
    if all == nil {
      let late = company.players.filter { !$0.isLiving || !$0.life.isReady() }.map(\.life.description)
      throw Violation("\(readable(Promise.ring)) later these are not ready: \(late.joined(separator: ", "))")
    }
  }

  // MARK: Figures

  private func figures(_ company: Company) throws {
    var dice = Dice(seed: seed ^ 0xF19)
    for _ in 0..<3 {
      let victim = company.chatters.randomElement(using: &dice) ?? company.players[0]
      let began = ContinuousClock.now
      company.kill(victim, for: .zero, sameKey: false)
      let took = try others(company, victim).settle(since: began, within: Promise.repair, "one process was killed")
      story.tell("SIGKILL of one of \(nodes): all pointers exact after \(readable(took))")
      try rest(company)
    }
    for isStopped in [true, false] {
      let victim = company.chatters.randomElement(using: &dice) ?? company.players[0]
      let began = ContinuousClock.now
      if isStopped { company.stop(victim, for: .seconds(60)) } else { company.silence(victim, for: .seconds(60)) }
      let what = isStopped ? "a process was stopped" : "a host fell silent"
      let took = try others(company, victim).settle(since: began, within: Promise.silence, what)
      story.tell("\(what): out of the ring of \(nodes) after \(readable(took))")
      if isStopped { company.wake(victim) } else { company.hear(victim) }
      try rest(company)
    }
  }

  private func others(_ company: Company, _ victim: Player) throws -> RingWatch {
    try RingWatch(company.players.filter { $0 !== victim }.map(\.life), story)
  }

  // MARK: Healing

  private func heal(_ company: Company) throws {
    story.tell("the faults are over: healing")
    let began = ContinuousClock.now
    try company.release()
    try awaitAll(company, since: began)
    story.tell("all \(company.players.count) live and are ready after \(readable(.now - began))")
    let watch = try RingWatch(company.players.map(\.life), story)
    let ring = try watch.settle(since: began, within: Promise.ring, "healing")
    story.tell("one exact ring after \(readable(ring))")

    let settled = ContinuousClock.now
    let keys = watch.oracle.nodes.flatMap { [$0, Fleet.stepped($0, by: 1)] }
    let lookups = try watch.agree(on: keys, since: settled, within: Promise.answers)
    story.tell("every lookup from everywhere is right after another \(readable(lookups))")
    let finds = try watch.find(since: settled, within: Promise.answers)
    story.tell("every living user is found from everywhere after \(readable(finds))")
    let gone = company.quitters.subtracting(watch.lives.compactMap(\.user)).sorted()
    let ghosts = try watch.ghosts(among: gone)
    guard ghosts.isEmpty else {
      throw Violation("\(ghosts.count) times a user who quit was found: \(ghosts.prefix(3).joined(separator: "; "))")
    }
    story.tell("none of \(gone.count) users who quit is found")
  }

  /// In peace every text arrives; and every text of the storm has been told about by then.
  private func converse(_ company: Company) throws {
    let began = ContinuousClock.now
    let chatters = company.chatters
    let failedBefore = company.exchange.failed
    let isQuiet: Void? = try eventually(within: Exchange.sendLimit + .seconds(5)) {
      try company.attend()
      return chatters.allSatisfy { $0.life.pending.isEmpty } ? () : nil
    }
    guard isQuiet != nil else { throw Violation("texts of the storm are still not told about") }
    let failed = company.exchange.failed - failedBefore
    story.tell("all texts of the storm are told about after \(readable(.now - began)), \(failed) more as failed")

    let (deliveredBefore, failedNow) = (company.exchange.delivered, company.exchange.failed)
    for (index, player) in chatters.enumerated() {
      for step in [1, 7, 19] {
        let other = chatters[(index + step) % chatters.count]
        guard other !== player, let user = other.life.user else { continue }
        try company.exchange.send(from: player.life, to: user)
      }
    }
    let asked = ContinuousClock.now
    let areSent: Void? = try eventually(within: Exchange.sendLimit + .seconds(5)) {
      try company.attend()
      return chatters.allSatisfy { $0.life.pending.isEmpty } ? () : nil
    }
    let lost = company.exchange.failed - failedNow
    guard areSent != nil, lost == 0 else { throw Violation("in peace \(lost) texts between living users failed") }
    let delivered = company.exchange.delivered - deliveredBefore
    story.tell("in peace all of \(delivered) texts were delivered, the last after \(readable(.now - asked))")
  }
}
