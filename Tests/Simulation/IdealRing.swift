// A ring that stands from the beginning, of as many members as memory holds. To grow one join by join takes a ring of ten thousand a
// quarter of an hour of its own time and every member's periodic work meanwhile; what is to be measured is mostly the ring that stands.
//
//   each machine, one after the other:   start ──> join ──> stabilize, notify ──> all fingers ──> at `end`
//                                          └────────┴── answered by whoever knows the whole ring ──┘
//
// Nothing is written into a machine: it goes through its own life, only that all it asks is answered out of the ideal ring, after the
// time a message takes, and not by the members asked. Who has spoken with whom is linked at the end, or, where that would be all who were
// looked at, whoever has a pointer to another; and every machine was begun at a moment of its own, so that they do not act in step. Those
// who were chosen as fingers hear it once all stand. What is absent: users and records.

import Chat
import Chord

extension Simulator {
  /// Machines are begun within the first two seconds.
  private static let begin = Duration.seconds(2)

  /// A machine joins, stabilizes and learns fourteen classic fingers within two seconds; begun within the first two, all have done so after
  /// six. To choose the nearest of several takes a second and a half at the most for each that is looked at.
  private var standsAt: Instant {
    let routing = configuration.node.routing
    let members = max(hosts.count / configuration.node.successors.lowerBound, 1)
    let doublings = Int.bitWidth - members.leadingZeroBitCount + 2
    let places = doublings * (routing.base - 1) / routing.base.trailingZeroBitCount
    let looks = routing.candidates > 1 ? places * (routing.candidates + 1) : 0
    return Instant(nanoseconds: 6_000_000_000) + .milliseconds(1100) * looks
  }

  /// A ring of so many members whose every pointer and finger is exact. The first three are the bootstraps.
  public static func idealRing(of count: Int, _ configuration: Configuration = Configuration()) -> Simulator {
    var ring = Simulator(configuration)
    for number in 0..<count { ring.start(number) }
    ring.bootstraps = ring.hosts.prefix(3).map(\.me)
    ring.schedule = Schedule()  // their beginnings: each is told alone
    let answers = IdealAnswers(ring: ring)
    let end = ring.standsAt
    for host in ring.hosts.indices { ring.live(host, answers, until: end) }
    ring.now = end
    for host in ring.hosts.indices { ring.seeOthers(host) }
    ring.tellChosen()
    return ring
  }

  /// One machine's life until the end of that time.
  private mutating func live(_ host: Int, _ answers: IdealAnswers, until end: Instant) {
    var events = Schedule<Engine.Event>()
    var spokenTo: Set<Int> = []
    var effects: [Engine.Effect] = []
    var deadline: Instant?
    let pause = Int64(generator.next() % UInt64(Self.begin.inNanoseconds))
    events.push(.ring(.start), at: Instant(nanoseconds: pause))
    while let next = Instant.earlier(events.nextAt, deadline), next <= end {
      now = next
      let event = events.nextAt == next ? events.pop()?.payload : nil
      (_, deadline) = hosts[host].handle(event ?? .tick, at: time, into: &effects)
      for effect in effects {
        guard let (answer, other) = answers.answer(effect, of: hosts[host].engine.ring.ring) else { continue }
        spokenTo.insert(other)
        events.push(answer, at: now + delay(host, other) + delay(other, host))
      }
      effects.removeAll(keepingCapacity: true)
    }
    while let (at, event) = events.pop() { push(host, .event(event), at: at) }
    if let deadline {
      hosts[host].tickAt = deadline
      push(host, .tick, at: deadline)
    }
    if configuration.node.routing.candidates > 1 {
      spokenTo = Set(hosts[host].engine.ring.knownPeers.compactMap { numbers[$0] })
    }
    now = end
    for other in spokenTo.sorted() where other != host { link(host, other) }
  }

  /// Two hosts have a link.
  private mutating func link(_ host: Int, _ other: Int) {
    guard hosts[host].rules.link(to: hosts[other].me.id) == nil else { return }
    let number = nextNumber()
    linkCount += 1
    for (one, another) in [(host, other), (other, host)] {
      begin(number, at: one, to: another)
      let event = LinkRules.Event.established(number, with: hosts[another].me.id, isDialled: one == host)
      hosts[one].rules.handle(event, at: now, into: &linkEffects)
    }
    linkEffects.removeAll(keepingCapacity: true)
  }

  /// A machine is told where the other ends of its links are seen.
  private mutating func seeOthers(_ host: Int) {
    var effects: [Engine.Effect] = []
    for end in hosts[host].ends.all {
      let other = hosts[Int(end.other)].me
      _ = hosts[host].handle(.ring(.seen(other.id, at: other.endpoint.host)), at: time, into: &effects)
    }
  }

  /// So many tell at once whom they have chosen: what is under way takes more memory than the members.
  private static let telling = 10_000

  /// Those who were chosen as fingers by members that lived before or after them.
  private mutating func tellChosen() {
    guard configuration.node.routing.isBothWays else { return }
    for host in hosts.indices {
      if host > 0, host % Self.telling == 0 { run(.seconds(1)) }
      for peer in hosts[host].engine.ring.fingerPeers {
        guard let other = numbers[peer.id] else { continue }
        push(other, .event(.ring(.received(.chosen(0), from: hosts[host].me))), at: now + delay(host, other))
      }
    }
  }
}

/// What the members of an ideal ring answer.
private struct IdealAnswers {
  /// In ring order.
  private let members: [Peer]
  private let places: [Identifier: Int]
  private let numbers: [Identifier: Int]
  private let bootstraps: [Peer]
  private let capacity: Int

  init(ring: Simulator) {
    members = ring.living.compactMap { ring.address(of: $0) }
    places = Dictionary(uniqueKeysWithValues: ring.living.enumerated().map { ($1, $0) })
    numbers = ring.numbers
    bootstraps = ring.bootstraps
    capacity = ring.configuration.node.successors.upperBound
  }

  /// What this node hears when it asks, and the host of whoever says so; nil when there is nothing to answer.
  func answer(_ effect: Engine.Effect, of asker: Ring) -> (Engine.Event, from: Int)? {
    let me = asker.me
    switch effect {
    case .send(let message, let peer):
      guard let answer = answer(message, from: asker, by: peer), let number = numbers[peer.id] else { return nil }
      return (.ring(.received(answer, from: peer)), number)
    case .ring(.seek):
      guard let other = bootstraps.first(where: { $0.id != me.id }), let number = numbers[other.id] else {
        return numbers[me.id].map { (.ring(.nobodyFound), $0) }
      }
      return (.ring(.introduced(other)), number)
    case .ring, .sendChat, .chat, .notInRing, .left: return nil
    }
  }

  private func answer(_ message: Message, from asker: Ring, by peer: Peer) -> Message? {
    switch message {
    // Whoever comes is shown a ring in which it is not yet.
    case .query(let ticket), .queryAgain(let ticket, _):
      return .view(ticket, view(of: peer, without: asker.isMember ? nil : asker.me))
    case .notify(let ticket): return .notified(ticket, isPredecessor: true)
    case .ping(let ticket), .chosen(let ticket): return .pong(ticket, isMember: true)
    case .request(let request):
      return answer(request, from: asker.me).map { .reply(Reply(ticket: request.ticket, path: [peer.id], answer: $0)) }
    case .askBefore: return .before(before(peer).filter { $0.id != asker.me.id })
    case .view, .notified, .pong, .changed, .hint, .leaving, .accepted, .reply, .replicate, .replicated, .extend,
      .before, .unchanged:
      return nil
    }
  }

  /// Those who stand before a member, nearest first.
  private func before(_ peer: Peer) -> [Peer] {
    let place = place(of: peer)
    return (1...max(1, min(capacity, members.count - 1))).map { members[(place + members.count - $0) % members.count] }
  }

  private func answer(_ request: Request, from me: Peer) -> Reply.Answer? {
    switch request.question {
    case .join: return .joinPoint(member(before: place(of: me)))
    case .findSuccessor:
      let owner = members[firstPlace(at: request.key)]
      return .owner(owner, view(of: owner))
    case .get, .put, .extend, .nearest: return nil
    }
  }

  private func place(of peer: Peer) -> Int { places[peer.id] ?? 0 }

  private func member(before place: Int) -> Peer { members[(place + members.count - 1) % members.count] }

  private func view(of peer: Peer, without newcomer: Peer? = nil) -> View {
    let place = place(of: peer)
    let others = (1...max(1, members.count - 1)).lazy.map { members[(place + $0) % members.count] }
    let successors = others.filter { $0 != newcomer && $0 != peer }.prefix(capacity)
    let predecessor = others.reversed().first { $0 != newcomer && $0 != peer }
    return View(isMember: true, predecessor: predecessor, successors: Array(successors))
  }

  /// Of the first member at or after a key.
  private func firstPlace(at key: Identifier) -> Int {
    var (low, high) = (0, members.count)
    while low < high {
      let middle = (low + high) / 2
      if members[middle].id < key { low = middle + 1 } else { high = middle }
    }
    return low % members.count
  }
}
