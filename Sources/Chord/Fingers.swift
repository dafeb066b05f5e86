// Chords across the circle: for each power of two beyond the successor list, the first member at or after me + 2^i.
//
//        me · s0 … s15 ·      2^157         2^158                     2^159
//        └── the list ──┘ ──── finger ────── finger ──────────────── finger ────        (ToN 2003, section IV.D)
//
// Only the powers that reach past the last successor are worth a finger: about log2(N / r) of them. They are refreshed one at
// a time, round and round. A wrong finger costs time, never correctness: the successor list alone decides who owns what.

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

  mutating func remove(_ peer: Identifier) {
    entries.removeAll { $0.peer.id == peer }
  }

  func contains(_ peer: Identifier) -> Bool {
    entries.contains { $0.peer.id == peer }
  }
}
