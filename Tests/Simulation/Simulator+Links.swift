// Links between hosts, as TCP and the nodes' handshake make them.
//
//   dial: one round trip for the connection, one for the handshake   refused: one round trip   a silent host: the dial's time-out
//
// Each end of a link is known by the link's number. A message on a link whose other end is gone is answered with a reset, unless the
// host swallows everything. What is under way while the network is cut is held up, never lost: that is TCP. When two hosts dial each
// other at the same time, the first link that stands carries what waited on both sides. A host that comes again over a new link while
// the other side still has the old one is heard at once, and answered when the old link has not answered for a second.

import Chat
import Chord

extension Simulator {
  /// The delay of one message, and the faults on its way.
  mutating func delay(_ from: Int, _ to: Int) -> Duration {
    let delay = configuration.latency.delay(from: from, to: to, seed: configuration.seed, &generator)
    guard !slowness.isEmpty, let more = slowness[Pair(from, to)] else { return delay }
    return delay + more
  }

  func reaches(_ from: Int, _ to: Int) -> Bool {
    guard let isCut else { return true }
    return !isCut(hosts[from].me.id, hosts[to].me.id)
  }

  /// When a message arrives that is sent now, after all sent before it on the same link.
  private mutating func arrival(from: Int, to: Int) -> Instant {
    let last = hosts[from].links[to]?.lastArrival ?? now
    let at = max(now + delay(from, to), last + .nanoseconds(1))
    hosts[from].links[to]?.lastArrival = at
    return at
  }

  // MARK: Sending

  mutating func send(_ wire: Wire, from: Int, to peer: Peer) {
    messageCount += 1
    // Nobody has ever been there: the dial is refused.
    guard let to = numbers[peer.id] else {
      let patience = configuration.strangersAreSilent ? configuration.dialTimeout : delay(from, from) * 2
      return schedule(from, .event(.unreachable(peer)), after: patience)
    }
    if configuration.countsBytes { byteCount += wire.frameLength }
    if !lostRequests.isEmpty { countIfLost(wire, to: to) }
    if let contender = hosts[from].contenders[to] {
      guard contender.waiting.count < configuration.queueLimit else { return overflowCount += 1 }
      hosts[from].contenders[to]?.waiting.append(wire)
    } else if let link = hosts[from].links[to] {
      let at = arrival(from: from, to: to)
      push(to, .message(wire, from: from, link: link.number), at: at)
    } else if let place = hosts[from].waiting[to]?.firstIndex(where: { $0.endpoint == peer.endpoint }) {
      guard hosts[from].waiting[to]?[place].wires.count ?? 0 < configuration.queueLimit else {
        return overflowCount += 1
      }
      hosts[from].waiting[to]?[place].wires.append(wire)
    } else {
      hosts[from].waiting[to, default: []].append(OpenDial(endpoint: peer.endpoint, wires: [wire]))
      dial(to, at: peer.endpoint, from: from)
    }
  }

  mutating func arrived(_ scheduled: Scheduled, _ wire: Wire, from: Int, to: Int, _ link: UInt32) {
    guard reaches(from, to) else {
      heldUp.append((scheduled, from: from))
      gather(from, to, link)
      return unanswered(from, to, link)
    }
    guard swallowed.isEmpty || !swallowed.contains(link) else { return unanswered(from, to, link) }
    guard hosts[to].links[from]?.number == link || hosts[to].contenders[from]?.link == link else {
      return reset(from, by: to, link)
    }
    if let puppeteer, case .ring(let message) = wire,
      let lines = puppeteer(hosts[to].me.id, message)
    {
      for (line, pause) in lines { schedule(to, .line(line, to: from), after: pause) }
      return
    }
    if awake != nil { wakeIfWatched(to, by: wire) }
    switch wire {
    case .ring(let message): feed(to, .ring(.received(message, from: hosts[from].peer)))
    case .chat(let message): feed(to, .received(message, from: hosts[from].peer, key: hosts[from].key))
    }
  }

  /// What comes for a host that is not there, or not any more.
  mutating func missed(_ scheduled: Scheduled) {
    switch scheduled.happening {
    case .message(_, let from, let link), .accepted(let from, let link):
      if hosts[scheduled.host].isSilent {
        unanswered(from, scheduled.host, link)
      } else {
        reset(from, by: scheduled.host, link)
      }
    case .event, .tick, .dialled, .ended, .introduced, .silence, .wake, .superseded, .gaveUp, .line: break
    }
  }

  private mutating func reset(_ host: Int, by other: Int, _ link: UInt32) {
    guard hosts[host].links[other]?.number == link, reaches(other, host) else { return }
    var at = now + delay(other, host)
    if let last = hosts[other].links[host], last.number == link { at = max(at, last.lastArrival + .nanoseconds(1)) }
    push(host, .ended(with: other, link: link, isDeparture: false), at: at)
  }

  /// A message waits for its receiver. When too many do, the sender gives up the link and all that is on it.
  mutating func gather(_ from: Int, _ to: Int, _ link: UInt32) {
    gathered[link, default: 0] += 1
    guard gathered[link, default: 0] > configuration.queueLimit, swallowed.insert(link).inserted else { return }
    overflowCount += 1
    schedule(from, .silence(with: to, link: link, cut: cutCount), after: .zero)
    idle(to, from)
  }

  // MARK: Silence

  /// What a host has sent is not acknowledged.
  private mutating func unanswered(_ host: Int, _ other: Int, _ link: UInt32) {
    guard hosts[host].isAlive, hosts[host].links[other]?.number == link else { return }
    schedule(host, .silence(with: other, link: link, cut: cutCount), after: configuration.unanswered)
  }

  /// A node asks its links whether another one is still there.
  mutating func doubt(_ host: Int, _ id: Identifier) {
    guard let other = numbers[id], let link = hosts[host].links[other] else { return }
    schedule(host, .silence(with: other, link: link.number, cut: cutCount), after: .seconds(3))
  }

  /// An end of a link that nobody uses will be probed.
  mutating func idle(_ host: Int, _ other: Int) {
    guard hosts[host].isAlive, let link = hosts[host].links[other] else { return }
    schedule(host, .silence(with: other, link: link.number, cut: cutCount), after: configuration.idleSilence)
  }

  mutating func silence(_ host: Int, _ other: Int, _ link: UInt32, _ cut: Int) {
    guard hosts[host].links[other]?.number == link else { return }
    let isParted = cut == cutCount && !(reaches(host, other) && reaches(other, host))
    guard isParted || swallowed.contains(link) || hosts[other].isSilent && !hosts[other].isAlive else { return }
    hosts[host].links[other] = nil
    feed(host, .lost(hosts[other].me.id))
    settleContender(host, other)
    doubtAll(host)
  }

  /// Where one link has fallen silent others may have, for the same reason.
  private mutating func doubtAll(_ host: Int) {
    for other in hosts[host].links.keys.sorted() { doubt(host, hosts[other].me.id) }
  }

  // MARK: Dialling

  /// Whether a dial would be answered now.
  func isReachable(_ to: Int, from: Int) -> Bool {
    hosts[to].isAlive && hosts[to].asleepUntil <= now && reaches(from, to) && reaches(to, from)
  }

  private mutating func dial(_ to: Int, at endpoint: Endpoint, from: Int) {
    if isReachable(to, from: from), endpoint == hosts[to].endpoint {
      schedule(from, .dialled(to, at: endpoint), after: delay(from, to) * 4)
    } else {
      let isRefused = !hosts[to].isAlive && !hosts[to].isSilent && reaches(from, to) && reaches(to, from)
      schedule(from, .dialled(to, at: endpoint), after: isRefused ? delay(from, to) * 2 : configuration.dialTimeout)
    }
  }

  mutating func dialled(_ from: Int, _ to: Int, at endpoint: Endpoint) {
    guard let place = hosts[from].waiting[to]?.firstIndex(where: { $0.endpoint == endpoint }) else {
      return  // the other side was quicker
    }
    guard isReachable(to, from: from), endpoint == hosts[to].endpoint else {
      hosts[from].waiting[to]?.remove(at: place)
      return feed(from, .unreachable(Peer(id: hosts[to].me.id, endpoint: endpoint)))
    }
    connect(from, to)
    for wire in hosts[from].takeWaiting(for: to) { send(wire, from: from, to: hosts[to].peer) }
    feed(from, .linked(hosts[to].me.id))
  }

  private mutating func connect(_ from: Int, _ to: Int) {
    lastLink += 1
    hosts[from].links[to] = LinkEnd(number: lastLink, lastArrival: now)
    let at = arrival(from: from, to: to)
    push(to, .accepted(from: from, link: lastLink), at: at)
  }

  mutating func accepted(_ scheduled: Scheduled, from: Int, _ host: Int, _ link: UInt32) {
    guard reaches(from, host) else { return heldUp.append((scheduled, from: from)) }
    guard hosts[from].links[host]?.number == link else { return }
    if hosts[host].links[from] != nil {
      hosts[host].contenders[from] = Contender(link: link, waiting: hosts[host].contenders[from]?.waiting ?? [])
      return schedule(host, .superseded(from, link: link), after: .seconds(1))
    }
    stand(host, from, link)
  }

  private mutating func stand(_ host: Int, _ from: Int, _ link: UInt32) {
    hosts[host].links[from] = LinkEnd(number: link, lastArrival: hosts[host].links[from]?.lastArrival ?? now)
    for wire in hosts[host].takeWaiting(for: from) { send(wire, from: host, to: hosts[from].peer) }
    feed(host, .linked(hosts[from].me.id))
  }

  /// The old link is dead, and what was under way on it is lost.
  mutating func superseded(_ host: Int, _ other: Int, _ link: UInt32) {
    guard hosts[host].contenders[other]?.link == link else { return }
    if hosts[host].links.removeValue(forKey: other) != nil { feed(host, .lost(hosts[other].me.id)) }
    settleContender(host, other)
  }

  /// The new link is the one, unless it has gone meanwhile as well.
  private mutating func settleContender(_ host: Int, _ other: Int) {
    guard let contender = hosts[host].contenders.removeValue(forKey: other) else { return }
    if hosts[other].links[host]?.number == contender.link { stand(host, other, contender.link) }
    for wire in contender.waiting { send(wire, from: host, to: hosts[other].peer) }
  }

  // MARK: Seeking

  /// As the bootstrap addresses are dialled: who answers is introduced.
  mutating func seek(_ host: Int, all: Bool) {
    let others = bootstraps.compactMap { numbers[$0.id] }.filter { $0 != host }
    var found = others.filter { isReachable($0, from: host) }
    if !all, !found.isEmpty { found = [found[Int(generator.next() % UInt64(found.count))]] }
    let introductions = found.map { (other: $0, delay: delay(host, $0) * 4) }
    for (other, delay) in introductions { schedule(host, .introduced(other), after: delay) }
    guard all || found.isEmpty else { return }
    let rest = others.filter { !isReachable($0, from: host) }
    let isTold = rest.allSatisfy { !hosts[$0].isAlive && !hosts[$0].isSilent && reaches(host, $0) }
    let patience = isTold ? delay(host, host) * 2 : configuration.dialTimeout
    let end = max(patience, introductions.map(\.delay).max() ?? .zero) + .nanoseconds(1)
    schedule(host, .event(.ring(found.isEmpty ? .nobodyFound : .everybodyFound)), after: end)
  }

  mutating func introduced(_ host: Int, _ other: Int) {
    guard isReachable(other, from: host) else { return }
    if hosts[host].links[other] == nil {
      connect(host, other)
      for wire in hosts[host].takeWaiting(for: other) { send(wire, from: host, to: hosts[other].peer) }
      feed(host, .linked(hosts[other].me.id))
    }
    feed(host, .ring(.introduced(hosts[other].peer)))
  }

  // MARK: Ends

  /// A node gives up another one.
  mutating func disconnect(_ host: Int, _ id: Identifier) {
    guard let other = numbers[id], let link = hosts[host].links.removeValue(forKey: other) else { return }
    tell(other, of: link, with: host, isDeparture: false)
    schedule(host, .gaveUp(other), after: .zero)
    doubtAll(host)
  }

  /// A node says goodbye on all its links and is gone.
  mutating func depart(_ host: Int) {
    for (other, link) in hosts[host].links.sorted(by: { $0.key < $1.key }) {
      tell(other, of: link, with: host, isDeparture: true)
    }
    bury(host)
  }

  /// The end of a link arrives after all that was sent on it.
  mutating func tell(_ other: Int, of link: LinkEnd, with host: Int, isDeparture: Bool) {
    guard reaches(host, other), !swallowed.contains(link.number) else { return }
    let at = max(now + delay(host, other), link.lastArrival + .nanoseconds(1))
    push(other, .ended(with: host, link: link.number, isDeparture: isDeparture), at: at)
  }

  mutating func ended(_ host: Int, _ other: Int, _ link: UInt32, isDeparture: Bool) {
    if hosts[host].contenders[other]?.link == link { return settleContender(host, other) }
    guard hosts[host].links[other]?.number == link else { return }
    hosts[host].links[other] = nil
    let id = hosts[other].me.id
    feed(host, isDeparture ? .departed(id) : .lost(id))
    settleContender(host, other)
  }

  /// A node's process is no more. What it had sent is still under way.
  mutating func bury(_ host: Int) {
    hosts[host].isAlive = false
    hosts[host].waiting = [:]
    if let place = living.firstIndex(of: hosts[host].me.id) { living.remove(at: place) }
    changeCount += 1
  }

  mutating func push(_ host: Int, _ happening: Happening, at instant: Instant) {
    schedule.push(Scheduled(host: host, life: hosts[host].life, happening: happening), at: instant)
  }
}
