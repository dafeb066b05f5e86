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
    let ends = hosts[host].ends.all
    if silently {
      for end in ends { probe(Int(end.other), end.number) }
    } else {
      for end in ends { endOutput(end.number, at: host) }
    }
    bury(host)
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
    if !keepingLinks { for end in hosts[host].ends.all { swallow(end.number, between: host, Int(end.other)) } }
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
      for end in hosts[host].ends.all where !reaches(host, Int(end.other)) || !reaches(Int(end.other), host) {
        probe(host, end.number)
      }
    }
  }

  /// Ends the cut and all slowness. Connections deliver at once what they held up, before all that is under way: also if their senders
  /// have given up meanwhile, and have been told that it may not have arrived.
  public mutating func heal() {
    isCut = nil
    cutCount += 1
    slowness = [:]
    for scheduled in heldUp { schedule.push(scheduled, at: now) }
    heldUp = []
    gathered = [:]
  }

  /// Messages between two hosts take longer by so much, until `heal`.
  public mutating func slow(_ a: Identifier, _ b: Identifier, by delay: Duration) {
    guard let a = numbers[a], let b = numbers[b] else { return }
    slowness[Pair(a, b)] = delay
  }

  /// Breaks the link between two nodes, if there is one; tells whether there was.
  @discardableResult
  public mutating func breakLink(_ a: Identifier, _ b: Identifier, notice: Notice) -> Bool {
    guard let a = numbers[a], let b = numbers[b], let link = hosts[a].rules.link(to: hosts[b].me.id),
      hosts[b].rules.link(to: hosts[a].me.id) == link
    else { return false }
    switch notice {
    case .both:
      schedule(a, .broken(link), after: delay(a, b))
      schedule(b, .broken(link), after: delay(a, b))
    case .one:
      schedule(a, .broken(link), after: delay(a, b))
      swallowed.insert(link)
      probe(b, link)
    case .none: swallow(link, between: a, b)
    }
    return true
  }

  /// From now on a connection carries nothing, and nobody is told.
  private mutating func swallow(_ number: LinkRules.Number, between a: Int, _ b: Int) {
    swallowed.insert(number)
    probe(a, number)
    probe(b, number)
  }

  /// The nodes this one has links with, in order.
  public func linked(to id: Identifier) -> [Identifier] {
    guard let host = numbers[id] else { return [] }
    return hosts[host].rules.linked
  }
}
