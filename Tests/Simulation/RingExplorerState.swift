// One moment of a small ring and its network, in few words, so that millions of them can be kept and compared.
//
//   words[0 ..< n]   a node:      machine 16 · life 2 · rounds left 4 · doing 2 · owed verdicts 5
//   words[n]         the budget:  joins 4 · crashes 4 · leaves 4 · restarts 4 · hints 4 · was large 1
//   words[n+1 ...]   messages on their way:  pair 8 · kind 4 · view 16, ordered by pair, first come first served within a pair
//
// A machine and a view stand here as the number that the explorer's tables gave them.

/// What the environment may still do.
public enum Allowance: UInt32, CaseIterable, Sendable {
  case join = 0
  case crash = 4
  case leave = 8
  case restart = 12
  case hint = 16
}

/// Whether a node runs.
enum Life: UInt32 {
  case absent, live, leaving, dead
}

/// What a node is busy with, so that an `again` gives back what it was charged for.
enum Doing: UInt32 {
  case nothing, joining, stabilizing, considering
}

struct Parcel: Equatable {
  enum Kind: UInt32 {
    case request, reply, notify, alive
  }

  var from: Int
  var to: Int
  var kind: Kind
  var view: UInt16 = 0

  var pair: UInt32 { UInt32(from) << 4 | UInt32(to) }

  var word: UInt32 { pair << 20 | kind.rawValue << 16 | UInt32(view) }

  init(from: Int, to: Int, _ kind: Kind, view: UInt16 = 0) {
    self.from = from
    self.to = to
    self.kind = kind
    self.view = view
  }

  init(word: UInt32) {
    from = Int(word >> 24)
    to = Int(word >> 20 & 15)
    kind = Kind(rawValue: word >> 16 & 15)!
    view = UInt16(truncatingIfNeeded: word)
  }
}

struct Moment: Equatable {
  /// Stands for "any number" where rounds are counted.
  static let unlimited = 15

  let count: Int
  var words: [UInt32]

  init(count: Int, machines: [UInt16]) {
    self.count = count
    words = machines.map { UInt32($0) } + [0]
  }

  init(count: Int, words: [UInt32]) {
    self.count = count
    self.words = words
  }

  /// 64 bits that tell moments apart; the mixing step is that of MurmurHash3.
  var fingerprint: UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    for word in words {
      hash = (hash ^ UInt64(word)) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
    }
    hash = (hash ^ UInt64(words.count)) &* 0xC4CE_B9FE_1A85_EC53
    hash ^= hash >> 29
    return hash == 0 ? 1 : hash
  }

  private func field(_ index: Int, _ shift: UInt32, _ width: UInt32) -> UInt32 {
    words[index] >> shift & (1 << width - 1)
  }

  private mutating func set(_ index: Int, _ shift: UInt32, _ width: UInt32, to value: UInt32) {
    let mask: UInt32 = (1 << width - 1) << shift
    words[index] = words[index] & ~mask | value << shift & mask
  }
}

// MARK: - Nodes and budgets

extension Moment {
  func machine(_ node: Int) -> UInt16 { UInt16(truncatingIfNeeded: words[node]) }
  mutating func setMachine(_ node: Int, to machine: UInt16) { set(node, 0, 16, to: UInt32(machine)) }

  func life(_ node: Int) -> Life { Life(rawValue: field(node, 16, 2))! }
  mutating func setLife(_ node: Int, to life: Life) { set(node, 16, 2, to: life.rawValue) }

  /// Whether a message to it finds somebody.
  func answers(_ node: Int) -> Bool { life(node) == .live || life(node) == .leaving }

  func rounds(_ node: Int) -> Int { Int(field(node, 18, 4)) }
  mutating func setRounds(_ node: Int, to rounds: Int) { set(node, 18, 4, to: UInt32(rounds)) }

  func doing(_ node: Int) -> Doing { Doing(rawValue: field(node, 22, 2))! }
  mutating func setDoing(_ node: Int, to doing: Doing) { set(node, 22, 2, to: doing.rawValue) }

  /// Whether `node` has yet to hear that a former life of `other` ended.
  func isOwed(_ node: Int, of other: Int) -> Bool { field(node, 24 + UInt32(other), 1) == 1 }
  mutating func setOwed(_ node: Int, of other: Int, to owed: Bool) {
    set(node, 24 + UInt32(other), 1, to: owed ? 1 : 0)
  }

  func left(_ allowance: Allowance) -> Int { Int(field(count, allowance.rawValue, 4)) }
  mutating func setLeft(_ allowance: Allowance, to left: Int) { set(count, allowance.rawValue, 4, to: UInt32(left)) }

  /// Whether the ring once had more than r principals: from then on the invariant is asked for, before only its consequences.
  var wasLarge: Bool {
    get { field(count, 20, 1) == 1 }
    set { set(count, 20, 1, to: newValue ? 1 : 0) }
  }
}

// MARK: - The network

extension Moment {
  var messages: ArraySlice<UInt32> { words[(count + 1)...] }

  /// Whether somebody may yet be told how things were before.
  var hasAnswersOnTheirWay: Bool { messages.contains { Parcel(word: $0).kind == .reply } }

  /// Queues it, unless the one before it on the same link says the same.
  mutating func send(_ message: Parcel) {
    let place = messages.firstIndex { $0 >> 20 > message.pair } ?? words.count
    if words[place - 1] == message.word && place - 1 > count { return }
    words.insert(message.word, at: place)
  }

  mutating func takeFirst(from: Int, to: Int) -> Parcel? {
    let pair = UInt32(from) << 4 | UInt32(to)
    guard let place = messages.firstIndex(where: { $0 >> 20 == pair }) else { return nil }
    return Parcel(word: words.remove(at: place))
  }

  func isQuiet(from: Int, to: Int) -> Bool {
    let pair = UInt32(from) << 4 | UInt32(to)
    return !messages.contains { $0 >> 20 == pair }
  }

  mutating func loseMessages(where lost: (Parcel) -> Bool) {
    words = Array(words[...count]) + messages.filter { !lost(Parcel(word: $0)) }
  }
}

// MARK: - Having seen it before

/// A set of 64-bit numbers other than zero: open addressing, eight bytes a place, at most two thirds full.
struct FingerprintSet {
  private var places = [UInt64](repeating: 0, count: 1 << 12)
  private var count = 0

  /// Whether `value` was not in it before.
  mutating func insert(_ value: UInt64) -> Bool {
    if count * 3 > places.count * 2 { grow() }
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: value) & mask
    while places[place] != 0 {
      if places[place] == value { return false }
      place = (place + 1) & mask
    }
    places[place] = value
    count += 1
    return true
  }

  private mutating func grow() {
    let old = places
    places = [UInt64](repeating: 0, count: old.count * 2)
    count = 0
    for value in old where value != 0 { _ = insert(value) }
  }
}
