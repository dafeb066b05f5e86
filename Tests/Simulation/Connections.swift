// What a host's kernel and its node know of the connections that end at it. A connection is between two hosts and has one number at
// both ends; each end belongs to its host alone, and knows nothing of what the other one has come to. The ends are kept in the order of
// their numbers, without a hash table: a host has some dozens of them, and there may be a hundred thousand hosts.

import Chord

/// One end of a connection on which both nodes have proved who they are.
struct ConnectionEnd {
  let number: LinkRules.Number
  /// The host at the other end.
  let other: Int32
  /// What the other side said when it said goodbye.
  var farewell: Goodbye?
  /// Goodbye was said, by either side: nothing more is sent.
  var isDraining = false
  /// We have ended our direction and only wait for the other side to end its own: what comes is dropped, and we do not wait for long.
  var isLingering = false
  /// Nothing more goes, and the other side hears so.
  var hasEnded = false
  /// A ping is under way.
  var isPinged = false
  /// The rules wait for its answer.
  var isAsked = false
  /// The node waits for its answer, and nothing at all has come since.
  var isDoubted = false
  /// When the last thing that was sent on it arrives: the next one must not overtake it.
  var lastArrival: Instant
  var lastHeard: Instant
  /// When the answer to the ping, or the other side's end, has taken too long.
  var patience = Self.never

  static let never = Instant(nanoseconds: .max)

  init(_ number: LinkRules.Number, to other: Int, at now: Instant) {
    self.number = number
    self.other = Int32(other)
    lastArrival = now
    lastHeard = now
  }

  /// When anything was last said on it, either way.
  var lastUsed: Instant { max(lastHeard, lastArrival) }
}

/// The ends of connections at one host, by their numbers.
struct ConnectionEnds {
  private(set) var all: [ConnectionEnd] = []

  /// Replaces, adds and removes as a dictionary does.
  subscript(number: LinkRules.Number) -> ConnectionEnd? {
    get { place(of: number).map { all[$0] } }
    set {
      let place = lowerBound(number)
      let isThere = place < all.count && all[place].number == number
      switch (newValue, isThere) {
      case (let end?, true): all[place] = end
      case (let end?, false): all.insert(end, at: place)
      case (nil, true): all.remove(at: place)
      case (nil, false): break
      }
    }
  }

  /// Whatever is at this place may be changed there, but for its number.
  subscript(place place: Int) -> ConnectionEnd {
    get { all[place] }
    _modify { yield &all[place] }
  }

  /// Something has come on a connection; answers what was known of this end of it.
  mutating func heard(on number: LinkRules.Number, at now: Instant) -> ConnectionEnd? {
    guard let place = place(of: number) else { return nil }
    all[place].lastHeard = now
    all[place].isDoubted = false
    return all[place]
  }

  func place(of number: LinkRules.Number) -> Int? {
    let place = lowerBound(number)
    return place < all.count && all[place].number == number ? place : nil
  }

  private func lowerBound(_ number: LinkRules.Number) -> Int {
    var (low, high) = (0, all.count)
    while low < high {
      let middle = (low + high) / 2
      if all[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
