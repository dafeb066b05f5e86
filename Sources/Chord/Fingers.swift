// Chords across the circle: for each power of two beyond the successor list, the first member at or after me + 2^i.
//
//        me · s0 … s15 ·      2^157         2^158                     2^159
//        └── the list ──┘ ──── finger ────── finger ──────────────── finger ────        (ToN 2003, section IV.D)
//
// Only the powers that reach past the last successor are worth a finger: about log2(N / r) of them. They are refreshed one at
// a time, round and round. A wrong finger costs time, never correctness: the successor list alone decides who owns what.
//
// Who has a whole network of addresses could stand in all of them at once, so at most two are of the same one, where there is
// somebody else to take. The successor list knows no such choice: it must be exact.

/// The fingers of one member.
struct Fingers: Hashable, Sendable {
  /// By rising exponent.
  private(set) var entries: [Entry] = []
  /// The exponent to be refreshed next.
  private var next = Identifier.bitCount - 1

  struct Entry: Hashable, Sendable {
    var exponent: Int
    var peer: Peer
  }

  /// The exponent to refresh now, given the distance to the last successor; nil when the list goes round the whole ring.
  mutating func turn(listReach: Identifier?) -> Int? {
    guard let listReach, let lowest = listReach.highestBit else { return nil }
    entries.removeAll { $0.exponent < lowest }
    if next < lowest { next = Identifier.bitCount - 1 }
    defer { next = next > lowest ? next - 1 : Identifier.bitCount - 1 }
    return next
  }

  /// Whether the next turn begins a new round.
  var isAtStart: Bool { next == Identifier.bitCount - 1 }

  /// Puts a member at its place, or clears the place.
  mutating func set(_ exponent: Int, _ peer: Peer?) {
    entries.removeAll { $0.exponent == exponent }
    guard let peer else { return }
    let place = entries.firstIndex { $0.exponent > exponent } ?? entries.count
    entries.insert(Entry(exponent: exponent, peer: peer), at: place)
  }

  /// The first of `members`, the owner of the finger's place and those after it, unless it is one too many of its network: then the first
  /// that is not and still stands in the finger's interval, [place, twice as far).
  func choose(_ exponent: Int, among members: [Peer], from me: Identifier) -> Peer? {
    let start = me.advanced(by: .powerOfTwo(exponent))
    let end = exponent + 1 < Identifier.bitCount ? me.advanced(by: .powerOfTwo(exponent + 1)) : me
    let inInterval = members.filter { $0.id == start || between(start, $0.id, end) }
    return inInterval.first { !isCrowded($0, besides: exponent) } ?? members.first
  }

  /// Whether there are so many fingers of this member's network that it would be one too many.
  private func isCrowded(_ peer: Peer, besides exponent: Int) -> Bool {
    let host = peer.endpoint.host
    guard host.reach == .everywhere else { return false }
    let neighbours = entries.filter {
      $0.exponent != exponent && $0.peer.endpoint.host.reach == .everywhere
        && $0.peer.endpoint.host.prefix == host.prefix && $0.peer.id != peer.id
    }
    return Set(neighbours.map(\.peer.id)).count >= Self.perPrefix
  }

  /// Two friends behind one router are no company of liars.
  private static let perPrefix = 2

  mutating func remove(_ id: Identifier, at endpoint: Endpoint?) {
    entries.removeAll { $0.peer.matches(id, at: endpoint) }
  }

  func contains(_ peer: Identifier) -> Bool {
    entries.contains { $0.peer.id == peer }
  }
}
