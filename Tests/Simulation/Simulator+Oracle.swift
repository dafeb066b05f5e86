// What somebody sees who sees every host at once: who owns a key, and what is not as it should be.

import Chat
import Chord

extension Simulator {
  /// The member that owns a key: the first at or after it.
  public func owner(of key: Identifier) -> Identifier? {
    var low = 0
    var high = living.count
    while low < high {
      let middle = (low + high) / 2
      if living[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low < living.count ? living[low] : living.first
  }

  public func isAlive(_ id: Identifier) -> Bool { numbers[id].map { hosts[$0].isAlive } ?? false }

  /// A node under the address at which it can be dialled.
  public func address(of id: Identifier) -> Peer? { numbers[id].map { hosts[$0].peer } }

  /// What a message from one to the other and its answer take; nil if they are the same, or unknown.
  public func roundTrip(_ a: Identifier, _ b: Identifier) -> Duration? {
    guard let from = numbers[a], let to = numbers[b], from != to else { return nil }
    let latency = configuration.latency
    return latency.usual(from: from, to: to, seed: configuration.seed)
      + latency.usual(from: to, to: from, seed: configuration.seed)
  }

  /// What is out of order in the node that was the last to do something.
  public var brokenInvariantOfLast: String? {
    mutating get {
      if let brokenPromise { return brokenPromise }
      if let effectAfterEnd { return "after it had left: \(effectAfterEnd)" }
      guard let lastFed, let broken = hosts[lastFed].brokenInvariant else { return nil }
      return "\(hosts[lastFed].me.id): \(broken)"
    }
  }

  /// What is not ideal: nil when every pointer of every living node is exact.
  public var flaw: String? {
    let count = living.count
    for (place, id) in living.enumerated() {
      guard let number = numbers[id] else { continue }
      let ring = hosts[number].engine.ring.ring
      guard ring.isMember else { return "\(id) is in no ring" }
      let length = length(ofListAt: place)
      guard ring.successors.count == length else {
        return "\(id) has \(ring.successors.count) successors, not \(length)"
      }
      for step in 0..<length where ring.successors[step].id != living[(place + step + 1) % count] {
        return "\(id) has wrong successors"
      }
      let before = count > 1 ? living[(place + count - 1) % count] : nil
      if ring.predecessor?.id != before { return "\(id) has a wrong predecessor" }
    }
    return nil
  }

  /// How many successors the member at that place in the ring can know: as many as it keeps, but no more than its successor and one.
  private func length(ofListAt place: Int) -> Int {
    let count = living.count
    var length = count - 1
    for step in 0..<min(count, MessageLimit.successors) {
      guard let number = numbers[living[(place + step) % count]] else { continue }
      length = min(length, hosts[number].engine.ring.ring.capacity + step)
    }
    return length
  }

  /// The ends of connections that are not the link at both their ends. Where all is well, none stays among them for long.
  public var looseEnds: Set<LooseEnd> {
    var loose: Set<LooseEnd> = []
    for (place, host) in hosts.enumerated() where host.isAlive {
      for end in host.ends.all {
        let other = hosts[Int(end.other)]
        let links = [host.rules.link(to: other.me.id), other.rules.link(to: host.me.id)]
        if links != [end.number, end.number] || other.ends.place(of: end.number) == nil {
          loose.insert(LooseEnd(connection: end.number, host: place))
        }
      }
    }
    return loose
  }

  /// An end of a connection, at a host.
  public struct LooseEnd: Hashable, Sendable {
    public var connection: LinkRules.Number
    public var host: Int
  }

  /// Runs until no node has a flaw, at the latest until `limit` from now. Looks only when a pointer or the membership has changed.
  public mutating func runUntilExact(_ limit: Duration) -> Bool {
    let end = now + limit
    var seen = -1
    repeat {
      if seen != changeCount {
        seen = changeCount
        if flaw == nil { return true }
      }
    } while step(until: end)
    return flaw == nil
  }

  /// What the all-knowing observer of rings is shown: the members that live.
  public var members: [RingOracle.Member] {
    living.compactMap { id in
      guard let number = numbers[id] else { return nil }
      let ring = hosts[number].engine.ring.ring
      return ring.isMember
        ? RingOracle.Member(ring.me, predecessor: ring.predecessor, successors: ring.successors) : nil
    }
  }

  /// What a node's ring has told its user, in order.
  public func observed(_ id: Identifier) -> [ChordNode.Effect] {
    observations.compactMap { observation in
      guard observation.node == id else { return nil }
      switch observation.news {
      case .ring(let effect): return effect
      case .notInRing(let ticket): return .failed(ticket, .notInRing)
      case .chat: return nil
      }
    }
  }
}
