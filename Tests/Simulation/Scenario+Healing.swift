// After the faults: everything must come right within a stated time.

import Chat
import Chord

extension Scenario {
  /// From the last fault until every pointer of every node is exact. Members that fell silent during a cut are tried every few
  /// seconds; the last silent crash is found out within 15 s, and whoever was taken for dead comes back after it has noticed.
  static var patience: Duration { .seconds(60) }
  /// Of the observer's own questions; texts have others.
  private static var ticket: Ticket { 1 << 40 }

  mutating func heal() {
    simulator.heal()
    mayCheckInvariant = false
    // Rings that know nothing of each other meet at a bootstrap node.
    for place in 0..<3 where !people[place].isUp && !simulator.isAlive(people[place].id) { start(place) }
    let healed = simulator.now
    let end = healed + Self.patience + longestSleep
    var seen = -1
    while report.failure == nil, simulator.now < end {
      if seen != simulator.changeCount {
        seen = simulator.changeCount
        if simulator.flaw == nil { break }
      }
      pass(.milliseconds(50))
    }
    if let flaw = simulator.flaw { return fail("not one exact ring: \(flaw)") }
    report.healing = simulator.now - healed
    pass(.seconds(40))  // texts that were under way are answered; what a node could not publish is published
    if let overdue = correspondence.overdue(at: simulator.now, allowing: mostSlept) { fail(overdue) }
    if let flaw = simulator.flaw { return fail("no longer exact: \(flaw)") }
    lookEverybodyUp()
    if report.failure == nil { everybodyFindsEverybody() }
    if report.failure == nil { everybodyTalks() }
    if report.failure == nil { nothingIsLeftOver() }
  }

  private var up: [Int] { people.indices.filter { people[$0].isUp } }

  /// Every node asks for some keys: its neighbours' edges and random ones.
  private mutating func lookEverybodyUp() {
    for place in up {
      for _ in 0..<2 {
        let key = Identifier(hashing: (0..<8).map { _ in UInt8(truncatingIfNeeded: generator.next()) }, label: "key")
        let answer = ask(place, .ring(.lookUp(key, Self.ticket << 1))) { news in
          switch news {
          case .ring(.found(Self.ticket, let owner, _, _)): .some(owner.id)
          case .ring(.failed(Self.ticket, _)): .some(nil)
          default: nil
          }
        }
        if answer != simulator.owner(of: key) {
          return fail("\(people[place].id.short) looked up \(key) and got \(answer.map(\.description) ?? "nothing")")
        }
      }
    }
  }

  private mutating func everybodyFindsEverybody() {
    let up = up
    for place in people.indices where place % 2 == Int(options.seed % 2) || people[place].isUp {
      let asker = up[generator.below(up.count)]
      guard asker != place else { continue }
      let user = people[place].user
      let answer = ask(asker, .chat(.find(user, Self.ticket))) { news in
        switch news {
        case .chat(.found(Self.ticket, _, let peer, _)): .some(peer)
        case .chat(.failed(Self.ticket, _)): .some(nil)
        default: nil
        }
      }
      let name = "\(user.name) (\(people[place].id.short))"
      if people[place].isUp {
        guard people[place].isPublished else { return fail("\(name) has not been published") }
        guard let answer else { return fail("\(name) is not found by \(people[asker].id.short)") }
        if answer != simulator.address(of: people[place].id) { return fail("\(name) is found at a former address") }
      } else if people[place].hasWithdrawn, answer != nil {
        return fail("\(name) has left and is found")
      }
    }
  }

  /// Whoever is there gets what is written now, within a few seconds.
  private mutating func everybodyTalks() {
    let before = correspondence.delivered
    let up = up
    var written = 0
    for (index, place) in up.enumerated() where people.indices.contains(place) {
      let friend = up[(index + 1 + generator.below(up.count - 1)) % up.count]
      guard friend != place else { continue }
      written += 1
      simulator.tell(
        people[place].id,
        correspondence.write(from: people[place].writer, to: people[friend].user, at: simulator.now))
    }
    let end = simulator.now + .seconds(10)
    while report.failure == nil, simulator.now < end, correspondence.delivered < before + written {
      pass(.milliseconds(100))
    }
    if correspondence.delivered < before + written {
      fail("of \(written) texts \(correspondence.delivered - before) were delivered in a whole ring")
    }
  }

  /// What a quiet ring asks is a few periodic questions, and each is attended to when its time has come.
  private mutating func nothingIsLeftOver() {
    for place in up {
      guard let machine = simulator.machine(people[place].id) else { continue }
      if machine.openQuestions > 64 {
        return fail("\(people[place].id.short) has \(machine.openQuestions) questions open")
      }
      let forgotten = machine.forgottenQuestions(at: simulator.now)
      if forgotten > 0 { return fail("\(people[place].id.short) has forgotten \(forgotten) questions") }
    }
    let loose = simulator.looseEnds
    pass(.seconds(10))
    if let end = loose.intersection(simulator.looseEnds).min(by: { ($0.connection, $0.host) < ($1.connection, $1.host) }
    ) {
      fail("connection \(end.connection) of host \(end.host) is neither the link nor closed")
    }
  }

  /// Asks one node and waits for what `read` recognises as the answer.
  private mutating func ask<Answer>(
    _ place: Int, _ event: Engine.Event, _ read: (Simulator.News) -> Answer??
  ) -> Answer? {
    simulator.tell(people[place].id, event)
    let end = simulator.now + .seconds(12)
    while report.failure == nil, simulator.step(until: end) {
      for told in simulator.news where told.node == people[place].id {
        if let answer = read(told.news) {
          look()
          return answer
        }
      }
      look()
    }
    return nil
  }
}
