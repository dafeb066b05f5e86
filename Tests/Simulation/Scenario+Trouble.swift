// What goes wrong in a story, one thing after the other, each drawn from the seed.

import Chat
import Chord

extension Scenario {
  /// Lets things go wrong for so long, while everybody writes.
  mutating func go(wrong duration: Duration) {
    let end = simulator.now + duration
    while report.failure == nil, simulator.now < end {
      pass(generator.jittered(pace))
      for _ in 0..<generator.below(3) { write() }
      isCovered ? somethingCovered() : something()
      if let overdue = correspondence.overdue(at: simulator.now, allowing: mostSlept) { fail(overdue) }
    }
  }

  // MARK: Within the proof

  /// Crashes that are told, leaves, joins: never so many in the time of a repair that a member could lose all it knows.
  private mutating func somethingCovered() {
    // The time in which whoever pointed at a departed member has learnt of those behind it.
    let repair = slowest * 24 + .milliseconds(600)
    let isRepaired = lastDeparture.map { simulator.now - $0 > repair } ?? true
    switch generator.below(4) {
    case 0: isRepaired ? crash(silently: false, youngest: false) : rejoin()
    case 1: isRepaired ? crash(silently: false, youngest: true) : rejoin()
    case 2: if isRepaired { leave() }
    default: rejoin()
    }
  }

  // MARK: Anything

  private mutating func something() {
    switch generator.below(16) {
    case 0, 1: crash(silently: false, youngest: generator.chance(3))
    case 2: crash(silently: true, youngest: false)
    case 3: leave()
    case 4, 5, 6: rejoin()
    case 7: sleep()
    case 8: cut()
    case 9: endCut()
    case 10: slow()
    case 11, 12: breakSomeLink()
    case 13: move()
    case 14: setClockWrong()
    default: crash(silently: false, youngest: false)
    }
  }

  /// Places whose nodes run.
  private var up: [Int] { people.indices.filter { people[$0].isUp } }
  /// One bootstrap node stays within the proof: a newcomer that finds none begins a ring of its own.
  private func mayGo(_ place: Int) -> Bool { !isCovered || place > 0 }
  private var fewest: Int { options.nodes / 2 }

  private mutating func crash(silently: Bool, youngest: Bool) {
    let up = up
    guard up.count > fewest else { return rejoin() }
    var victim = up[generator.below(up.count)]
    if youngest, let newcomer = newcomer, let after = successor(of: newcomer) { victim = after }
    guard mayGo(victim) else { return rejoin() }
    saw(silently ? .silentCrash : .crash)
    lastDeparture = simulator.now
    tail.add("\(simulator.now.inSeconds) s  \(people[victim].id.short) crashes")
    people[victim].isUp = false
    correspondence.ended(people[victim].writer)
    simulator.crash(people[victim].id, silently: silently)
  }

  /// The place that stands after this one.
  private func successor(of place: Int) -> Int? {
    let key = people[place].id.advanced(by: Identifier(1))
    return simulator.owner(of: key).flatMap { places[$0] }
  }

  private mutating func leave() {
    let up = up
    guard up.count > fewest else { return rejoin() }
    let place = up[generator.below(up.count)]
    guard people[place].isPublished, mayGo(place) else { return }
    saw(.leave)
    lastDeparture = simulator.now
    // Whoever stands alone, or in a part of the ring, has nobody, or not everybody, to take its record's end.
    let isAmongOthers =
      simulator.machine(people[place].id)?.ring.successors.first.map {
        $0.id == simulator.owner(of: people[place].id.advanced(by: Identifier(1)))
      } ?? false
    let isLinked = people[place].mayLackLinksUntil <= simulator.now
    people[place].hasWithdrawn = isCovered || !isCut && isAmongOthers && isLinked
    people[place].isUp = false
    simulator.tell(people[place].id, Engine.Event.leave)
    tail.add("\(simulator.now.inSeconds) s  \(people[place].id.short) leaves")
    pass(.seconds(3))
    correspondence.ended(people[place].writer)
  }

  /// Somebody who is down comes back, as the same node or as a new one.
  private mutating func rejoin() {
    let down = people.indices.filter { !people[$0].isUp && !gone.contains($0) && !isStillLeaving($0) }
    guard !down.isEmpty else { return }
    let place = down[generator.below(down.count)]
    if place >= 3, generator.chance(2) {
      replace(place)
      saw(.join)
    } else {
      start(place)
      newcomer = place
      saw(.restart)
    }
    tail.add("\(simulator.now.inSeconds) s  \(people[place].id.short) starts, or another in its place")
  }

  private func isStillLeaving(_ place: Int) -> Bool { simulator.isAlive(people[place].id) }

  /// Another user with a new key starts on a host; the one who was there is not forgotten by those who look.
  private mutating func replace(_ place: Int) {
    add(people[place].number)
    people[people.count - 1].friends = people[place].friends
    // Who is replaced stays down for good: it is a user who left, or whose record may still be found.
    gone.insert(place)
    newcomer = people.count - 1
    start(people.count - 1)
  }

  private mutating func sleep() {
    let up = up
    let duration = Duration.milliseconds([300, 2000, 9000, 25_000][generator.below(4)])
    saw(.sleep)
    // Whoever is asleep already and is put to sleep again sleeps for longer than either.
    let place = up[generator.below(up.count)]
    let id = people[place].id
    let inAll = simulator.sleep(id, for: duration)
    lacksLinks(place, after: inAll)
    longestSleep = max(longestSleep, inAll)
    // And a text may wait through several sleeps of its writer's.
    slept[id, default: .zero] += duration
    mostSlept = max(mostSlept, slept[id] ?? .zero)
  }

  private mutating func cut() {
    guard !isCut else { return }
    isCut = true
    // All who know of a record's end may die in one part, while an old copy lives on in another.
    for place in people.indices { people[place].hasWithdrawn = false }
    let salt = UInt8(truncatingIfNeeded: generator.next())
    // Which side a host is on: a byte of its identifier that is not in ring order.
    @Sendable func side(_ id: Identifier, _ parts: Int) -> Int { Int((id.bytes[19] ^ salt) % 10) * parts / 10 }
    @Sendable func isFew(_ id: Identifier) -> Bool { (id.bytes[19] ^ salt) % 10 == 0 }
    switch generator.below(4) {
    case 0:
      saw(.cut)
      simulator.cut { side($0, 2) != side($1, 2) }
    case 1:
      saw(.cut)
      simulator.cut { isFew($0) != isFew($1) }
    case 2:
      saw(.threeWayCut)
      simulator.cut { side($0, 3) != side($1, 3) }
    default:
      saw(.oneWayCut)
      simulator.cut { side($0, 2) == 0 && side($1, 2) == 1 }
    }
  }

  private mutating func endCut() {
    guard isCut else { return }
    isCut = false
    saw(.heal)
    simulator.heal()
  }

  private mutating func slow() {
    let up = up
    guard let a = up.randomElement(using: &generator), let b = up.randomElement(using: &generator), a != b else {
      return
    }
    saw(.slowLine)
    simulator.slow(people[a].id, people[b].id, by: .milliseconds([100, 500, 2000][generator.below(3)]))
  }

  private mutating func breakSomeLink() {
    let up = up
    let id = people[up[generator.below(up.count)]].id
    let others = simulator.linked(to: id)
    guard !others.isEmpty else { return }
    let notice = Simulator.Notice.allCases[generator.below(3)]
    if simulator.breakLink(id, others[generator.below(others.count)], notice: notice) {
      saw(notice == .both ? .brokenLink : .deadLink)
    }
  }

  private mutating func move() {
    let movable = up.filter { $0 >= 3 }
    guard let place = movable.randomElement(using: &generator) else { return }
    moves += 1
    saw(.move)
    lacksLinks(place, after: .zero)
    simulator.move(people[place].id, to: Simulator.endpoint(1000 + moves))
  }

  private mutating func lacksLinks(_ place: Int, after time: Duration) {
    people[place].mayLackLinksUntil = max(people[place].mayLackLinksUntil, simulator.now + time + .seconds(10))
  }

  private mutating func setClockWrong() {
    let up = up
    saw(.wrongClock)
    let seconds = generator.below(241) - 120
    simulator.setClock(of: people[up[generator.below(up.count)]].id, wrongBy: .seconds(seconds))
  }
}
