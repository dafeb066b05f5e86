// A ring as it is when all its members have found their places: every pointer exact and every finger set.

import Chord

extension Simulator {
  /// A ring whose first three members are the bootstraps, exact and with full fingers; nil if that was not reached within an hour of
  /// its time. Without users, unless `start` starts some.
  public static func ring(
    of count: Int, _ configuration: Configuration, start: (inout Simulator, Int) -> Void = { $0.start($1) }
  ) -> Simulator? {
    var ring = Simulator(configuration)
    ring.fill(with: count, pause: .milliseconds(100), start: start)
    guard ring.runUntilExact(.seconds(3600)) else { return nil }
    let end = ring.now + .seconds(3600)
    while !ring.hasExactFingers {
      guard ring.now < end else { return nil }
      ring.run(.seconds(5))
    }
    return ring.runUntilExact(.seconds(60)) ? ring : nil
  }

  /// Starts the first three, which are the bootstraps, and then the others one after the other.
  public mutating func fill(
    with count: Int, pause: Duration, start: (inout Simulator, Int) -> Void = { $0.start($1) }
  ) {
    for number in 0..<min(3, count) { start(&self, number) }
    bootstraps = living.compactMap { machine($0)?.me }
    run(.seconds(5))
    for number in bootstraps.count..<max(count, bootstraps.count) {
      start(&self, number)
      run(pause)
    }
  }

  /// Whether every living node has all its fingers: where fingers are not chosen by proximity, each the first member at or after its place.
  public var hasExactFingers: Bool { living.allSatisfy(hasExactFingers) }

  private func hasExactFingers(_ id: Identifier) -> Bool {
    guard let machine = machine(id), let last = machine.ring.successors.last,
      !machine.ring.isRound, let lowest = id.distance(to: last.id).highestBit
    else { return true }
    if configuration.node.routing.candidates > 1 { return machine.hasAllFingers { living.contains(between: $0, $1) } }
    let owners = (lowest..<Identifier.bitCount).compactMap { owner(of: id.advanced(by: .powerOfTwo($0))) }
    // Where the lowest power falls into the successor list, the finger is of no use and need not be there.
    let wanted = Set(owners).subtracting(machine.ring.successors.map(\.id)).subtracting([id])
    return wanted.isSubset(of: machine.fingerPeers.map(\.id))
  }
}

extension [Identifier] {
  /// Whether any of these, which are in order, is met from `start` on before `end`, going clockwise.
  fileprivate func contains(between start: Identifier, _ end: Identifier) -> Bool {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < start { low = middle + 1 } else { high = middle }
    }
    guard let next = low < count ? self[low] : first else { return false }
    return start.distance(to: next) < start.distance(to: end)
  }
}
