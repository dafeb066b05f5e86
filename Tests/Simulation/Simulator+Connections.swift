// Connections between hosts, as TCP, the kernels and NodeKit's `Link` make them.
//
//   dial: one round trip for the connection, one for the handshake   refused: one round trip   a silent host: the dial's time-out
//
//   dialling ──the dialler is through──> established ──goodbye──> draining ──both have ended──> gone      said as `ended`
//     └ the hello arrives at the other end ──┘  └── it broke, was ended, or takes too long ──────┘
//
// What is sent on a connection arrives in order; what is sent on two may overtake. What is under way while the network is cut is held
// up, never lost: that is TCP. A connection whose other end is gone answers with a reset, unless the host swallows everything. What a
// kernel finds out by itself: that nobody acknowledges what was sent, and that nobody answers its probes on a connection that is idle.
// What happens at one end changes that end alone; the other hears of it when something arrives.

import Chat
import Chord

extension Simulator {
  /// As NodeKit's `Link`: what is closed does not wait longer for its last bytes.
  private static let farewellPatience = Duration.seconds(1)

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

  /// Whether a dial would be answered now.
  func isReachable(_ to: Int, from: Int) -> Bool {
    hosts[to].isAlive && hosts[to].asleepUntil <= now && reaches(from, to) && reaches(to, from)
  }

  // MARK: Beginning

  mutating func dial(_ peer: Peer, _ number: LinkRules.Number, from host: Int) {
    // Nobody has ever been there.
    guard let to = numbers[peer.id] else {
      let patience = configuration.strangersAreSilent ? configuration.dialTimeout : delay(host, host) * 2
      return schedule(host, .closed(number), after: patience)
    }
    if isReachable(to, from: host), peer.endpoint == hosts[to].endpoint {
      schedule(host, .dialled(to, at: peer.endpoint, number), after: delay(host, to) * 4)
    } else {
      let isRefused = !hosts[to].isAlive && !hosts[to].isSilent && reaches(host, to) && reaches(to, host)
      let patience = isRefused ? delay(host, to) * 2 : configuration.dialTimeout
      schedule(host, .dialled(to, at: peer.endpoint, number), after: patience)
    }
  }

  mutating func dialled(_ host: Int, _ to: Int, at endpoint: Endpoint, _ number: LinkRules.Number) {
    guard isReachable(to, from: host), endpoint == hosts[to].endpoint else {
      return tellRules(host, .ended(number, isHeardOut: false))
    }
    establish(number, from: host, to: to)
  }

  /// The dialler's end stands.
  mutating func establish(_ number: LinkRules.Number, from host: Int, to other: Int) {
    linkCount += 1
    begin(number, at: host, to: other)
    put(.hello, on: number, from: host)
    tellRules(host, .established(number, with: hosts[other].me.id, isDialled: true))
  }

  mutating func begin(_ number: LinkRules.Number, at host: Int, to other: Int) {
    hosts[host].ends[number] = ConnectionEnd(number, to: other, at: now)
    startSweeping(host)
  }

  // MARK: Sending

  /// Sends something, unless goodbye has been said.
  mutating func put(_ item: Item, on number: LinkRules.Number, from host: Int) {
    guard let place = hosts[host].ends.place(of: number), !hosts[host].ends[place: place].isDraining else { return }
    put(item, place: place, from: host)
  }

  private mutating func put(_ item: Item, place: Int, from host: Int) {
    let end = hosts[host].ends[place: place]
    let at = max(now + delay(host, Int(end.other)), end.lastArrival + .nanoseconds(1))
    hosts[host].ends[place: place].lastArrival = at
    push(Int(end.other), .carried(item, on: end.number, from: host), at: at)
  }

  /// Asks for a sign of life; false if that cannot be.
  mutating func ping(_ number: LinkRules.Number, at host: Int, within limit: Duration) -> Bool {
    guard let end = hosts[host].ends[number], !end.isDraining else { return false }
    guard !end.isPinged else { return true }
    hosts[host].ends[number]?.isPinged = true
    put(.ping, on: number, from: host)
    wait(limit, on: number, at: host)
    return true
  }

  private mutating func wait(_ limit: Duration, on number: LinkRules.Number, at host: Int) {
    hosts[host].ends[number]?.patience = now + limit
    push(host, .patience(number), at: now + limit)
  }

  private mutating func answerPing(_ number: LinkRules.Number, at host: Int, isAlive: Bool) {
    guard var end = hosts[host].ends[number], end.isPinged else { return }
    let (isAsked, isDoubted) = (end.isAsked, end.isDoubted)
    (end.isPinged, end.isAsked, end.isDoubted) = (false, false, false)
    if !end.isDraining { end.patience = ConnectionEnd.never }
    hosts[host].ends[number] = end
    if isAsked { tellRules(host, .answered(number, isAlive: isAlive)) }
    if isDoubted, !isAlive, !end.isDraining { foundSilent(number, to: Int(end.other), at: host) }
  }

  // MARK: Arriving

  /// Whether the network, which is cut, lets it through; otherwise it is held up.
  mutating func passes(_ scheduled: Scheduled) -> Bool {
    guard case .carried(let item, let number, let from) = scheduled.happening else { return true }
    let arrives = reaches(from, scheduled.host)
    if !arrives {
      heldUp.append(scheduled)
      if case .frame = item { gather(from, scheduled.host, number) }
    }
    // Nor is it acknowledged when only the way back is cut.
    if !arrives || !reaches(scheduled.host, from) { unanswered(from, number) }
    return arrives
  }

  mutating func arrived(_ item: Item, on number: LinkRules.Number, from: Int, to host: Int) {
    guard swallowed.isEmpty || !swallowed.contains(number) else { return unanswered(from, number) }
    if case .hello = item {
      begin(number, at: host, to: from)
      return tellRules(host, .established(number, with: hosts[from].me.id, isDialled: false))
    }
    guard let end = hosts[host].ends.heard(on: number, at: now) else {
      return missed(item, on: number, from: from, at: host)
    }
    switch item {
    case .hello: break  // seen to above
    case .frame(let frame, let loss):
      guard end.farewell == nil, !end.isLingering else { return }
      let frame = unnumbered(frame, loss, by: host, from: from)
      do throws(Malformed) { try heard(frame, by: host, from: from) } catch { close(number, at: host, .fault) }
    case .goodbye(let goodbye): if end.farewell == nil, !end.isLingering { saidGoodbye(goodbye, on: number, at: host) }
    case .ping: put(.pong, on: number, from: host)
    case .pong: answerPing(number, at: host, isAlive: true)
    case .end:
      if hosts[from].ends[number] != nil { endOutput(number, at: host) }
      gone(number, at: host, isHeardOut: end.farewell?.isHeardOut == true)
    }
  }

  /// What comes for a host that is not there, or not any more.
  mutating func missed(_ scheduled: Scheduled) {
    guard case .carried(let item, let number, let from) = scheduled.happening else { return }
    if hosts[scheduled.host].isSilent {
      unanswered(from, number)
    } else {
      missed(item, on: number, from: from, at: scheduled.host)
    }
  }

  /// Nobody has this end of the connection: the kernel says so, unless the other one has ended as well.
  private mutating func missed(_ item: Item, on number: LinkRules.Number, from: Int, at host: Int) {
    guard hosts[from].ends[number] != nil else { return }
    guard reaches(host, from) else { return unanswered(from, number) }
    // Who leaves in order stays until the others have ended their sides: what they hear first is what it has said.
    let patience = hosts[host].hasLeft ? Self.farewellPatience : .zero
    schedule(from, .broken(number), after: delay(host, from) + patience)
  }

  /// A message waits for its receiver. When too many do, the sender gives up the link and all that is on it.
  mutating func gather(_ from: Int, _ to: Int, _ number: LinkRules.Number) {
    gathered[number, default: 0] += 1
    guard gathered[number, default: 0] > configuration.queueLimit, swallowed.insert(number).inserted else { return }
    overflows += 1
    schedule(from, .silence(number, cut: cutCount), after: .zero)
    probe(to, number)
  }

  // MARK: Ending

  /// Says goodbye, and hears the other side out if that is the way of this goodbye.
  mutating func close(_ number: LinkRules.Number, at host: Int, _ goodbye: Goodbye) {
    guard let end = hosts[host].ends[number], !end.isDraining else { return }
    put(.goodbye(goodbye), on: number, from: host)
    if goodbye == .replaced { replacedCount += 1 }
    drain(number, at: host, goodbye)
  }

  private mutating func drain(_ number: LinkRules.Number, at host: Int, _ goodbye: Goodbye) {
    hosts[host].ends[number]?.isDraining = true
    answerPing(number, at: host, isAlive: false)
    guard let end = hosts[host].ends[number] else { return }
    hosts[host].ends[number]?.isLingering = !goodbye.isHeardOut
    if !goodbye.isHeardOut || end.farewell != nil { endOutput(number, at: host) }
    wait(Self.farewellPatience, on: number, at: host)
  }

  private mutating func saidGoodbye(_ goodbye: Goodbye, on number: LinkRules.Number, at host: Int) {
    hosts[host].ends[number]?.farewell = goodbye
    tellRules(host, .saidGoodbye(number, goodbye))
    guard let end = hosts[host].ends[number] else { return }
    if end.isDraining {
      endOutput(number, at: host)
    } else if goodbye.isHeardOut {
      close(number, at: host, goodbye)
    } else {
      drain(number, at: host, goodbye)
    }
  }

  /// Nothing more goes, and the other side hears so.
  mutating func endOutput(_ number: LinkRules.Number, at host: Int) {
    guard let place = hosts[host].ends.place(of: number), !hosts[host].ends[place: place].hasEnded else { return }
    hosts[host].ends[place: place].hasEnded = true
    put(.end, place: place, from: host)
  }

  /// Ends a connection at once; that it has ended is heard later.
  mutating func end(_ number: LinkRules.Number, at host: Int) {
    endOutput(number, at: host)
    hosts[host].ends[number] = nil
    schedule(host, .closed(number), after: .zero)
  }

  /// The answer to a ping, or the other side's end, takes too long.
  mutating func lostPatience(_ number: LinkRules.Number, at host: Int, set: Instant) {
    guard let end = hosts[host].ends[number], end.patience == set else { return }
    guard end.isDraining else { return answerPing(number, at: host, isAlive: false) }
    if !end.isLingering { reset(end, at: host) }
    gone(number, at: host, isHeardOut: false)
  }

  private mutating func reset(_ end: ConnectionEnd, at host: Int) {
    let other = Int(end.other)
    guard reaches(host, other) else { return probe(other, end.number) }
    push(other, .broken(end.number), at: max(now + delay(host, other), end.lastArrival + .nanoseconds(1)))
  }

  /// This end is no more.
  mutating func gone(_ number: LinkRules.Number, at host: Int, isHeardOut: Bool) {
    guard hosts[host].ends[number] != nil else { return }
    answerPing(number, at: host, isAlive: false)
    hosts[host].ends[number] = nil
    tellRules(host, .ended(number, isHeardOut: isHeardOut))
  }

  /// A node's process is no more. What it had sent is still under way.
  mutating func bury(_ host: Int) {
    hosts[host].isAlive = false
    hosts[host].ends = ConnectionEnds()
    if let place = living.firstIndex(of: hosts[host].me.id) { living.remove(at: place) }
    changeCount += 1
  }

  // MARK: Silence

  /// What a host has sent is not acknowledged.
  private mutating func unanswered(_ host: Int, _ number: LinkRules.Number) {
    guard hosts[host].isAlive, hosts[host].ends[number] != nil else { return }
    schedule(host, .silence(number, cut: cutCount), after: configuration.unanswered)
  }

  /// An end of a connection that nobody uses will be probed.
  mutating func probe(_ host: Int, _ number: LinkRules.Number) {
    guard hosts[host].isAlive else { return }
    schedule(host, .silence(number, cut: cutCount), after: configuration.idleSilence)
  }

  mutating func silence(_ number: LinkRules.Number, at host: Int, cut: Int) {
    guard let end = hosts[host].ends[number] else { return }
    let other = Int(end.other)
    let isParted = cut == cutCount && !(reaches(host, other) && reaches(other, host))
    let isAlone = hosts[other].ends[number] == nil
    guard isParted || isAlone || swallowed.contains(number) else { return }
    if !isAlone { probe(other, number) }
    gone(number, at: host, isHeardOut: false)
  }

  mutating func push(_ host: Int, _ happening: Happening, at instant: Instant) {
    schedule.push(Scheduled(host: host, life: hosts[host].life, happening: happening), at: instant)
  }
}
