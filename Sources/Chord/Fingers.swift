// Chords across the circle: for each interval beyond the successor list one member that stands in it.
//
//        me · s0 … s15 ·      2^157         2^158                     2^159
//        └── the list ──┘ ──── finger ────── finger ──────────────── finger ────        (ToN 2003, section IV.D)
//
// The places are those of the distance's first digit, to some base: in base 2 one for each power of two, in base 8 seven to three doublings:
// 1, 2 … 7 times 2^157, then of 2^154. Classic Chord takes the first member at or after the beginning. With proximity any member of the
// interval will do, and the nearest of those that were looked at is taken (Survey.swift). Only the places that reach past the last successor are worth
// a finger: about log2(N / r) doublings. A wrong finger costs time, never correctness: the successor list alone decides who owns what.
//
// Who has a whole network of addresses could stand in all of them at once, so at most two are of the same one, where there is
// somebody else to take. The successor list knows no such choice: it must be exact.

/// Members at distances that double: ahead of one member, or behind it.
struct Fingers: Hashable, Sendable {
  /// By rising place.
  private(set) var entries: [Entry] = []
  /// How many bits of the distance a digit has: the base is 2 to the power of this.
  private let bits: Int

  struct Entry: Hashable, Sendable {
    var place: Int
    var peer: Peer
  }

  /// The base must be a power of two.
  init(base: Int = 2) {
    bits = base.trailingZeroBitCount
  }

  /// A place for each digit but 0.
  private var perLevel: Int { 1 << bits - 1 }
  private var levels: Int { (Identifier.bitCount + bits - 1) / bits }
  /// The longest place.
  var last: Int { levels * perLevel - 1 }

  /// Where the digit of that level begins; levels count from the highest bit, so that the last one may be cut short.
  private func shift(_ level: Int) -> Int { max(Identifier.bitCount - bits * (level + 1), 0) }

  /// The place for a member that far away; nil for none at all.
  func place(at distance: Identifier) -> Int? {
    guard let highest = distance.highestBit else { return nil }
    let level = (Identifier.bitCount - 1 - highest) / bits
    let digit = (shift(level)...highest).reversed().reduce(0) { $0 << 1 | (distance.hasBit($1) ? 1 : 0) }
    return (levels - 1 - level) * perLevel + digit - 1
  }

  /// How far away the interval of a place begins.
  func start(of place: Int) -> Identifier {
    let (digit, low) = (place % perLevel + 1, width(of: place))
    return (0..<bits).reduce(.zero) { start, bit in
      digit >> bit & 1 == 1 && low + bit < Identifier.bitCount ? start.advanced(by: .powerOfTwo(low + bit)) : start
    }
  }

  /// How long it is: 2 to the power of this.
  private func width(of place: Int) -> Int { shift(levels - 1 - place / perLevel) }

  /// A point in the interval of a place, so that over the rounds all its members are met; with so much of it behind the point, if it is as
  /// long as that, for others than the first one.
  func point(of place: Int, leaving rest: Identifier, using generator: inout Generator) -> Identifier {
    let drawn = Identifier.drawn(below: width(of: place), from: &generator)
    let width = Identifier.powerOfTwo(width(of: place))
    guard rest < width else { return start(of: place) }
    return start(of: place).advanced(by: min(drawn, rest.distance(to: width)))
  }

  subscript(place: Int) -> Peer? { entries.first { $0.place == place }?.peer }

  /// Puts a member at its place, or clears the place.
  mutating func set(_ place: Int, _ peer: Peer?) {
    entries.removeAll { $0.place == place }
    guard let peer else { return }
    let index = entries.firstIndex { $0.place > place } ?? entries.count
    entries.insert(Entry(place: place, peer: peer), at: index)
  }

  /// Those of `members` that stand in the interval of a place, in the same order.
  func inInterval(_ place: Int, of members: [Peer], from me: Identifier) -> [Peer] {
    members.filter { self.place(at: me.distance(to: $0.id)) == place }
  }

  /// The first of `members`, the owner of the finger's place and those after it, unless it is one too many of its network: then the first
  /// that is not and still stands in the finger's interval.
  func choose(_ place: Int, among members: [Peer], from me: Identifier) -> Peer? {
    inInterval(place, of: members, from: me).first { !isCrowded($0, besides: place) } ?? members.first
  }

  /// Whether there are so many fingers of this member's network that it would be one too many.
  func isCrowded(_ peer: Peer, besides place: Int) -> Bool {
    let host = peer.endpoint.host
    guard host.reach == .everywhere else { return false }
    let neighbours = entries.filter {
      $0.place != place && $0.peer.endpoint.host.reach == .everywhere
        && $0.peer.endpoint.host.prefix == host.prefix && $0.peer.id != peer.id
    }
    return Set(neighbours.map(\.peer.id)).count >= Self.perPrefix
  }

  /// Two friends behind one router are no company of liars.
  private static let perPrefix = 2

  /// Takes a member out; tells which places it had.
  @discardableResult
  mutating func remove(_ id: Identifier, at endpoint: Endpoint?) -> [Int] {
    let places = entries.filter { $0.peer.matches(id, at: endpoint) }.map(\.place)
    if !places.isEmpty { entries.removeAll { $0.peer.matches(id, at: endpoint) } }
    return places
  }

  /// The list of successors has come to reach further.
  mutating func removeAll(below lowest: Int) {
    if entries.first.map({ $0.place < lowest }) ?? false { entries.removeAll { $0.place < lowest } }
  }

  mutating func removeAll(where isMeant: (Peer) -> Bool) {
    entries.removeAll { isMeant($0.peer) }
  }

  func first(_ id: Identifier) -> Peer? { entries.first { $0.peer.id == id }?.peer }
}

/// Whose turn it is where every finger is looked up again and again: place after place, from the longest down.
struct FingerRound: Hashable, Sendable {
  /// Nil: a new round begins.
  private var next: Int?
  /// Whether it is the first round still.
  private(set) var isFirst = true

  /// The place to look up now, of those from the lowest to the highest; nil: there is none.
  mutating func turn(from lowest: Int?, to highest: Int) -> Int? {
    defer { if next == nil { isFirst = false } }
    guard let lowest else { return nil }
    let place = next.flatMap { $0 < lowest ? nil : $0 } ?? highest
    next = place > lowest ? place - 1 : nil
    return place
  }
}

extension Identifier {
  /// Whether that bit is set.
  fileprivate func hasBit(_ place: Int) -> Bool {
    if place < 32 { return low >> UInt32(place) & 1 == 1 }
    if place < 96 { return middle >> UInt64(place - 32) & 1 == 1 }
    return high >> UInt64(place - 96) & 1 == 1
  }

  /// An even choice of the numbers below that power of two.
  fileprivate static func drawn(below exponent: Int, from generator: inout Generator) -> Identifier {
    func kept(_ bits: Int, _ word: UInt64) -> UInt64 {
      bits <= 0 ? 0 : bits >= 64 ? word : word & (1 << UInt64(bits) - 1)
    }
    let (high, middle, low) = (generator.next(), generator.next(), generator.next())
    return Identifier(
      high: kept(exponent - 96, high), middle: kept(exponent - 32, middle),
      low: UInt32(truncatingIfNeeded: kept(min(exponent, 32), low)))
  }
}
