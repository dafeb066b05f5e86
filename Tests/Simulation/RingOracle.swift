// What an all-knowing observer says of a ring: does the inductive invariant hold, do its consequences, is it ideal? It sees the
// pointers of every live member at once, which no member does. The explorer and the simulator ask it after every event.
//
//   extended list of m   [m] + m.successors. A live member strictly between two neighbours of it is *skipped* by m.
//                        One that stands alone is its own successor, and so skips all others.
//   principal            a live member that nobody skips.
//   next(m)              m's first live successor; when it has none, its predecessor, to which it turns then; or m itself.
//   cycles               the loops of `next`. Right is one, and it passes the origin once: a loop that passes it twice is disordered.
//   ideal                one cycle of everybody, `predecessor` its inverse, every list as long and as exact as it can be.
//
// Skipped members are counted with a difference array over the sorted ring, so the whole costs O(members × r × log members).
//
// Source: Pamela Zave, "Reasoning about identifier spaces: How to make Chord correct", IEEE TSE 2017, arXiv 1610.01140.

import Chord

/// The observer of one moment.
public struct RingOracle: Sendable {
  /// What one live member believes.
  public struct Member: Hashable, Sendable {
    public var peer: Peer
    public var predecessor: Peer?
    public var successors: [Peer]

    public init(_ peer: Peer, predecessor: Peer?, successors: [Peer]) {
      self.peer = peer
      self.predecessor = predecessor
      self.successors = successors
    }
  }

  /// The live members, by identifier.
  public let members: [Member]
  /// Indices into `members`: whom each follows.
  public let next: [Int]
  /// The members of each cycle, as indices into `members`, from the lowest on.
  public let cycles: [[Int]]
  /// Which cycle each member reaches.
  public let cycleReached: [Int]
  /// Members that know successors, but none that lives, although others do.
  public let stranded: [Identifier]
  /// Members that nobody skips.
  public let principals: [Identifier]

  /// Observes `members`: all that live and are in a ring, and no others. Their identifiers must differ.
  public init(_ members: [Member]) {
    let members = members.sorted { $0.peer.id < $1.peer.id }
    let ids = members.map(\.peer.id)
    self.members = members
    var next: [Int] = []
    var stranded: [Identifier] = []
    for (index, member) in members.enumerated() {
      let live = member.successors.lazy.compactMap { Self.index(of: $0.id, in: ids) }.first
      if live == nil && !member.successors.isEmpty && members.count > 1 { stranded.append(member.peer.id) }
      let turnedTo = member.predecessor.flatMap { Self.index(of: $0.id, in: ids) }
      next.append(live ?? turnedTo ?? index)
    }
    self.next = next
    self.stranded = stranded
    (cycles, cycleReached) = Self.cycles(of: next)
    principals = Self.principals(of: members, ids)
  }

  /// Whether a cycle passes the origin more than once, and so visits its members out of order.
  public func isDisordered(_ cycle: [Int]) -> Bool {
    cycle.count { next[$0] <= $0 } > 1
  }

  /// What the invariant implies and must hold at all times: one ordered cycle, which every member reaches. Nil, or what is wrong.
  public var brokenConsequence: String? {
    if let cycle = cycles.first(where: isDisordered) { return "a disordered cycle of \(cycle.count)" }
    if cycles.count > 1 { return "\(cycles.count) cycles" }
    return nil
  }

  /// The inductive invariant of a ring that has had r + 1 principals. Nil, or what is wrong.
  public func brokenInvariant(capacity: Int) -> String? {
    if let lost = stranded.first { return "\(lost) has no live successor" }
    if principals.count <= capacity { return "only \(principals.count) principals" }
    return brokenConsequence
  }

  /// Whom a look-up of `id` names that begins at the member `start` and follows first live successors; nil if it finds no end.
  public func owner(of id: Identifier, lookedUpFrom start: Int) -> Int? {
    var place = start
    for _ in members {
      if inRange(members[place].peer.id, id, members[next[place]].peer.id) { return next[place] }
      place = next[place]
    }
    return nil
  }

  /// Whether this ring has grown to what the proof begins with: r + 1 principals, one cycle, and no list shorter than r.
  public func isLarge(capacity: Int) -> Bool {
    cycles.count == 1 && principals.count > capacity && members.allSatisfy { $0.successors.count >= capacity }
  }

  /// Whether every pointer is what it would be if all knew all.
  public func isIdeal(capacity: Int) -> Bool {
    let count = members.count
    for (index, member) in members.enumerated() {
      let length = min(capacity, count - 1)
      guard member.successors.count == length else { return false }
      for step in 0..<length where member.successors[step].id != members[(index + step + 1) % count].peer.id {
        return false
      }
      let before = members[(index + count - 1) % count].peer.id
      if count > 1 ? member.predecessor?.id != before : member.predecessor != nil { return false }
    }
    return true
  }
}

extension RingOracle {
  /// The loops of a map from a finite set to itself, and for each of the set the loop it leads to.
  private static func cycles(of next: [Int]) -> (cycles: [[Int]], reached: [Int]) {
    var cycles: [[Int]] = []
    var reached = [Int](repeating: -1, count: next.count)
    for start in next.indices where reached[start] < 0 {
      var path: [Int] = []
      var place = start
      while reached[place] == -1 {
        reached[place] = -2
        path.append(place)
        place = next[place]
      }
      if reached[place] == -2 {
        let cycle = path[path.firstIndex(of: place)!...]
        let lowest = cycle.indices.min { cycle[$0] < cycle[$1] }!
        reached[place] = cycles.count
        cycles.append(Array(cycle[lowest...] + cycle[..<lowest]))
      }
      for member in path { reached[member] = reached[place] }
    }
    return (cycles, reached)
  }

  private static func principals(of members: [Member], _ ids: [Identifier]) -> [Identifier] {
    var difference = [Int](repeating: 0, count: ids.count + 1)
    func skip(_ range: Range<Int>) {
      difference[range.lowerBound] += 1
      difference[range.upperBound] -= 1
    }
    for (place, member) in members.enumerated() {
      var last = member.peer.id
      var first = place + 1
      for successor in member.successors.isEmpty ? [member.peer] : member.successors {
        // Nearly always it is the next one that lives: then nobody is skipped, and nothing need be searched for.
        let next = first < ids.count ? first : 0
        if ids[next] == successor.id, first < ids.count || next < place {
          last = successor.id
          first = next + 1
          continue
        }
        let end = firstIndex(notBefore: successor.id, in: ids)
        if last < successor.id {
          skip(first..<end)
        } else {
          skip(first..<ids.count)
          skip(0..<end)
        }
        last = successor.id
        first = firstIndex(after: last, in: ids)
      }
    }
    var skips = 0
    return ids.indices.compactMap { index in
      skips += difference[index]
      return skips == 0 ? ids[index] : nil
    }
  }

  private static func index(of id: Identifier, in ids: [Identifier]) -> Int? {
    let index = firstIndex(notBefore: id, in: ids)
    return index < ids.count && ids[index] == id ? index : nil
  }

  private static func firstIndex(after id: Identifier, in ids: [Identifier]) -> Int {
    partition(ids) { id < $0 }
  }

  private static func firstIndex(notBefore id: Identifier, in ids: [Identifier]) -> Int {
    partition(ids) { !($0 < id) }
  }

  /// The first index from which on `holds` is true of the sorted `ids`.
  private static func partition(_ ids: [Identifier], where holds: (Identifier) -> Bool) -> Int {
    var low = 0
    var high = ids.count
    while low < high {
      let middle = (low + high) / 2
      if holds(ids[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
