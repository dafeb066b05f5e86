// The records one member holds, as owner or as one of the copies. It cannot read them; it checks that the writer could write
// there (Record.isAuthentic), that clocks agree, and keeps for every writer only the latest.
//
// Of the writers under one key at most one is the user: W follows from the user's key, and the key from the name. All others know the
// name too and only take up room, but the holder cannot tell which they are. It keeps four, in the order in which they came, and a
// fifth takes the place of the last of them:
//
//   first · second · third · last  <── the next one
//
// So whoever is there keeps its place, for as long as it renews its record, against any number of others; and whoever comes when all
// four are taken can always write. Neither the earliest end (squatters would ask for the longest life) nor the oldest number (they would
// write more often) nor chance (they would try again) would keep a user from being pushed out; and to refuse the fifth would keep out a
// user who comes back. What remains: a user who comes after three squatters has to hold the last place against a fourth, who can take it
// as often as the user comes back to it. That is between those who were told the name.

/// Records by ring key.
struct RecordStore: Sendable {
  /// What became of what was offered.
  enum Outcome: Hashable, Sendable {
    /// New, or newer than what was there.
    case stored
    /// This very one was there already.
    case known
    /// The same writer's later record was there already, or the same one with a longer life.
    case outdated(by: Record)
    /// An extension of what is not here.
    case unknown
    case refused
    case full
  }

  /// One writer's record.
  private struct Entry {
    var record: Record
    /// Who brought this writer's first one, which took the place.
    var source: RecordSource?
  }

  /// All records under one key, in the order in which their writers came.
  private struct Shelf {
    var entries: [Entry]
    var standing = Standing.copy
  }

  /// Who answers for the records of a key.
  enum Standing: Hashable, Sendable {
    /// Another member, which gave us a copy.
    case copy
    /// Another member; whether we are to hold a copy is not known yet.
    case unplaced
    /// We do.
    case owned
    /// Whoever did may be dead: we have to find out whether we do.
    case doubtful
  }

  private var shelves: [Identifier: Shelf] = [:]
  private(set) var count = 0
  private(set) var shares: RecordShares
  private let capacity: Int
  private let network: String
  private let check: SignatureCheck

  /// 16 MiB of envelopes at most: about a hundred users for each member would already be a very uneven ring.
  static let capacity = 16_384

  init(network: String, check: SignatureCheck = .ed25519, capacity: Int = Self.capacity) {
    self.network = network
    self.check = check
    self.capacity = capacity
    shares = RecordShares(capacity: capacity)
  }

  /// The keys for which this holds, given who answers for them; in ring order from zero.
  func keys(where isWanted: (Identifier, Standing) -> Bool) -> [Identifier] {
    shelves.compactMap { isWanted($0.key, $0.value.standing) ? $0.key : nil }.sorted()
  }

  func standing(of key: Identifier) -> Standing? { shelves[key]?.standing }

  mutating func set(_ standing: Standing, of key: Identifier) { shelves[key]?.standing = standing }

  /// Somebody who gave us copies may be dead.
  mutating func doubtCopies() {
    for key in Array(shelves.keys) where shelves[key]?.standing != .owned { shelves[key]?.standing = .doubtful }
  }

  /// All under a key that has not expired, tombstones included.
  func records(under key: Identifier, at utcMilliseconds: UInt64) -> [Record] {
    living(under: key, at: utcMilliseconds).map(\.record)
  }

  /// Whether anything of this record's writer is here, alive or not.
  func holds(writerOf record: Record) -> Bool {
    shelves[record.key]?.entries.contains { $0.record.writerKey == record.writerKey } ?? false
  }

  /// The record that this renewal is meant for, or what its writer has written since.
  func record(for renewal: Renewal, at utcMilliseconds: UInt64) -> Record? {
    living(under: renewal.key, at: utcMilliseconds).first { $0.record.writerKey == renewal.writerKey }?.record
  }

  /// Takes a record in, if it holds and is newer than what its writer has here. `source`: who brought it.
  mutating func offer(_ record: Record, from source: RecordSource?, at utcMilliseconds: UInt64) -> Outcome {
    let key = record.key
    var entries = living(under: key, at: utcMilliseconds)
    var place = entries.firstIndex { $0.record.writerKey == record.writerKey }
    if let own = place.map({ entries[$0].record }), !record.isNewer(than: own) {
      return own.isNewer(than: record) ? .outdated(by: own) : .known
    }
    guard record.isAlive(at: utcMilliseconds), record.isTimely(at: utcMilliseconds) else { return .refused }
    let isOwn = place != nil
    if place == nil, entries.count >= MessageLimit.recordsPerKey { place = entries.count - 1 }
    guard place != nil || count < capacity && shares.hasRoom(for: source) else { return .full }
    guard record.isAuthentic(network: network, by: check) else { return .refused }
    if let place, isOwn {
      entries[place].record = record
    } else if let place {
      entries[place] = Entry(record: record, source: source)
    } else {
      entries.append(Entry(record: record, source: source))
    }
    replaceShelf(key, by: entries)
    return .stored
  }

  /// Lets a record that is here live longer, if its writer says so.
  mutating func extend(_ renewal: Renewal, at utcMilliseconds: UInt64) -> Outcome {
    var entries = living(under: renewal.key, at: utcMilliseconds)
    guard let place = entries.firstIndex(where: { $0.record.writerKey == renewal.writerKey }),
      entries[place].record.number >= renewal.number
    else { return .unknown }
    let own = entries[place].record
    if own.number > renewal.number { return .outdated(by: own) }
    guard !own.isTombstone else { return .refused }
    var extended = own
    extended.extended = renewal.extended
    if !extended.isNewer(than: own) { return own.isNewer(than: extended) ? .outdated(by: own) : .known }
    guard extended.isTimely(at: utcMilliseconds), own.isAuthentic(renewal.extended, network: network, by: check)
    else { return .refused }
    entries[place].record = extended
    replaceShelf(renewal.key, by: entries)
    return .stored
  }

  /// Drops what has expired.
  mutating func expire(at utcMilliseconds: UInt64) {
    for (key, shelf) in shelves where !shelf.entries.allSatisfy({ $0.record.isAlive(at: utcMilliseconds) }) {
      replaceShelf(key, by: living(under: key, at: utcMilliseconds))
    }
  }

  private func living(under key: Identifier, at utcMilliseconds: UInt64) -> [Entry] {
    (shelves[key]?.entries ?? []).filter { $0.record.isAlive(at: utcMilliseconds) }
  }

  private mutating func replaceShelf(_ key: Identifier, by entries: [Entry]) {
    let before = shelves[key]?.entries ?? []
    count += entries.count - before.count
    for entry in before { shares.remove(entry.source) }
    for entry in entries { shares.add(entry.source) }
    shelves[key] = entries.isEmpty ? nil : Shelf(entries: entries, standing: shelves[key]?.standing ?? .copy)
  }
}
