// What becomes of a moment when faults stop: all messages arrive, all ends are heard of, and then rounds follow in each of which
// every member stabilizes once and pings its predecessor, one after the other. That is one fair schedule among many; that
// it reaches the ideal state from every moment explored says that no moment is a trap, whatever `again` may do.
//
// Where rings are to become one, each round also tells every member who else is named as the owner of its own identifier when that
// is looked up through each of the others.

import Chord

struct FairRounds {
  /// More than this many rounds count as never.
  static let limit = 24

  /// Rounds still to go from moments already tried.
  private var known: [UInt64: Int] = [:]

  /// How many rounds it takes until the state is ideal, or nil if it never is, or does not stay so.
  mutating func toIdeal<Machine>(from moment: Moment, in world: inout World<Machine>, merging: Bool) -> Int? {
    var moment = moment
    for allowance in Allowance.allCases { moment.setLeft(allowance, to: 0) }
    moment.wasLarge = false
    for node in 0..<moment.count where moment.life(node) == .leaving { world.apply(.gone(UInt8(node)), to: &moment) }
    for node in 0..<moment.count { moment.setRounds(node, to: Moment.unlimited) }
    Self.calm(&moment, in: &world)
    var way: [UInt64] = []
    var rest: Int?
    while rest == nil && way.count < Self.limit {
      let fingerprint = moment.fingerprint
      rest = known[fingerprint]
      if rest == nil, world.oracle(of: moment).isIdeal(capacity: world.capacity) {
        var later = moment
        Self.round(&later, in: &world, merging: merging)
        guard world.oracle(of: later).isIdeal(capacity: world.capacity) else { return nil }
        rest = 0
        known[fingerprint] = 0
      }
      if rest == nil {
        way.append(fingerprint)
        Self.round(&moment, in: &world, merging: merging)
      }
    }
    guard let rest else { return nil }
    for (index, fingerprint) in way.enumerated() { known[fingerprint] = way.count - index + rest }
    return way.count + rest
  }

  /// Delivers all there is, until nothing more is on its way.
  static func calm<Machine>(_ moment: inout Moment, in world: inout World<Machine>) {
    repeat {
      while let word = moment.messages.first {
        let message = Parcel(word: word)
        world.apply(.deliver(from: UInt8(message.from), to: UInt8(message.to)), to: &moment)
      }
    } while hearOne(&moment, in: &world)
  }

  private static func hearOne<Machine>(_ moment: inout Moment, in world: inout World<Machine>) -> Bool {
    for node in 0..<moment.count where moment.answers(node) {
      for other in 0..<moment.count where other != node {
        let isOwed = moment.isOwed(node, of: other)
        if isOwed || moment.life(other) == .dead && world.matters(.failed(other), to: node, in: moment) {
          world.apply(.hear(UInt8(node), endOf: UInt8(other)), to: &moment)
          return true
        }
      }
    }
    return false
  }

  /// One round of everybody, in the order of their numbers.
  static func round<Machine>(_ moment: inout Moment, in world: inout World<Machine>, merging: Bool) {
    for node in 0..<moment.count where moment.life(node) == .live {
      world.happen(.stabilize, to: node, in: &moment)
      calm(&moment, in: &world)
      guard merging else { continue }
      for hint in hints(for: node, in: moment, world) {
        world.happen(.consider(hint), to: node, in: &moment)
        calm(&moment, in: &world)
      }
    }
  }

  /// The owners of a member's own identifier that look-ups through each other member name, other than itself.
  private static func hints<Machine>(for node: Int, in moment: Moment, _ world: World<Machine>) -> [Int] {
    let oracle = world.oracle(of: moment)
    let places = oracle.members.map { world.node($0.peer.id) }
    let owners = places.indices.compactMap { oracle.owner(of: world.peers[node].id, lookedUpFrom: $0) }.map {
      places[$0]
    }
    return (0..<moment.count).filter { $0 != node && owners.contains($0) }
  }
}
