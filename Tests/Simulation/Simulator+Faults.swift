// What can go wrong with hosts, links and the network between them.

import Chat
import Chord

extension Simulator {
  /// Which ends of a link hear that it is gone.
  public enum Notice: Sendable, CaseIterable {
    case both
    case one
    /// Nobody: what is sent on it is swallowed.
    case none
  }

  /// Ends a node's process. Unless it is silent, everyone it had a link with is told.
  public mutating func crash(_ id: Identifier, silently: Bool = false) {
    guard let host = numbers[id], hosts[host].isAlive else { return }
    hosts[host].isSilent = silently
    bury(host)
    guard !silently else {
      for other in hosts[host].links.keys.sorted() { idle(other, host) }
      return
    }
    for (other, link) in hosts[host].links.sorted(by: { $0.key < $1.key }) {
      tell(other, of: link, with: host, isDeparture: false)
    }
  }

  /// Stops a host for a while: its process, its kernel's answers to dials, everything. Answers for how long it sleeps in all, if it was
  /// asleep already.
  @discardableResult
  public mutating func sleep(_ id: Identifier, for duration: Duration) -> Duration {
    guard let host = numbers[id] else { return .zero }
    if hosts[host].asleepUntil < now { hosts[host].asleepSince = now }
    hosts[host].asleepUntil = max(hosts[host].asleepUntil, now + duration)
    return hosts[host].asleepUntil - hosts[host].asleepSince
  }

  /// Gives a host another address, as when a laptop changes networks: its links break without notice, unless the old address still
  /// carries them, and it tells its node.
  public mutating func move(_ id: Identifier, to endpoint: Endpoint, keepingLinks: Bool = false) {
    guard let host = numbers[id], hosts[host].isAlive else { return }
    hosts[host].endpoint = endpoint
    if !keepingLinks { for other in linked(to: id) { breakLink(id, other, notice: .none) } }
    tell(id, Engine.Event.relocated(endpoint))
  }

  /// Sets a host's wall clock wrong by so much.
  public mutating func setClock(of id: Identifier, wrongBy error: Duration) {
    guard let host = numbers[id] else { return }
    hosts[host].clockError = error.inNanoseconds / 1_000_000
  }

  /// Cuts the network until `heal`: what the first says does not reach the second, for those for which `isCut` holds.
  public mutating func cut(_ isCut: @escaping @Sendable (Identifier, Identifier) -> Bool) {
    self.isCut = isCut
    cutCount += 1
    for host in hosts.indices {
      for other in hosts[host].links.keys.sorted() where !reaches(host, other) || !reaches(other, host) {
        idle(host, other)
      }
    }
  }

  /// Ends the cut and all slowness. Links that nobody gave up deliver what they held up.
  public mutating func heal() {
    isCut = nil
    cutCount += 1
    slowness = [:]
    let late = heldUp
    heldUp = []
    gathered = [:]
    for (scheduled, from) in late {
      guard hosts[scheduled.host].life == scheduled.life else { continue }
      var last = hosts[from].links[scheduled.host]?.lastArrival ?? now
      last = max(now + delay(from, scheduled.host), last + .nanoseconds(1))
      hosts[from].links[scheduled.host]?.lastArrival = last
      schedule.push(scheduled, at: last)
    }
  }

  /// Messages between two hosts take longer by so much, until `heal`.
  public mutating func slow(_ a: Identifier, _ b: Identifier, by delay: Duration) {
    guard let a = numbers[a], let b = numbers[b] else { return }
    slowness[Pair(a, b)] = delay
  }

  /// Breaks the link between two nodes, if there is one; tells whether there was.
  @discardableResult
  public mutating func breakLink(_ a: Identifier, _ b: Identifier, notice: Notice) -> Bool {
    guard let a = numbers[a], let b = numbers[b], let link = hosts[a].links[b], hosts[b].links[a]?.number == link.number
    else { return false }
    switch notice {
    case .both:
      schedule(a, .ended(with: b, link: link.number, isDeparture: false), after: delay(a, b))
      schedule(b, .ended(with: a, link: link.number, isDeparture: false), after: delay(a, b))
    case .one:
      schedule(a, .ended(with: b, link: link.number, isDeparture: false), after: delay(a, b))
      swallowed.insert(link.number)
      idle(b, a)
    case .none:
      swallowed.insert(link.number)
      idle(a, b)
      idle(b, a)
    }
    return true
  }

  /// The nodes this one has links with, in the order of their numbers.
  public func linked(to id: Identifier) -> [Identifier] {
    guard let host = numbers[id] else { return [] }
    return hosts[host].links.keys.sorted().map { hosts[$0].me.id }
  }
}
