// The records one member holds, as owner or as one of the copies. It cannot read them; it checks that the writer could write
// there (Record.isAuthentic), that clocks agree, and keeps for every writer only the highest number.

/// Records by ring key.
struct RecordStore: Sendable {
  /// What became of a record that was offered.
  enum Outcome: Hashable, Sendable {
    /// New, or newer than what was there.
    case stored
    /// This very one, or a newer one, was there already.
    case known
    case refused
    case full
  }

  /// All records under one key.
  private struct Shelf {
    var records: [Record]
    var standing = Standing.copy
  }

  /// Who answers for the records of a key.
  enum Standing: Hashable, Sendable {
    /// Another member, which gave us a copy.
    case copy
    /// We do.
    case owned
    /// Whoever did may be dead: we have to find out whether we do.
    case doubtful
  }

  private var shelves: [Identifier: Shelf] = [:]
  private(set) var count = 0
  private let network: String

  /// 16 MiB of envelopes at most: about a hundred users for each member would already be a very uneven ring.
  static let capacity = 16_384

  init(network: String) {
    self.network = network
  }

  /// The keys for which this holds, given who answers for them; in ring order from zero.
  func keys(where isWanted: (Identifier, Standing) -> Bool) -> [Identifier] {
    shelves.compactMap { isWanted($0.key, $0.value.standing) ? $0.key : nil }.sorted()
  }

  func standing(of key: Identifier) -> Standing? { shelves[key]?.standing }

  mutating func set(_ standing: Standing, of key: Identifier) { shelves[key]?.standing = standing }

  /// Somebody who gave us copies may be dead.
  mutating func doubtCopies() {
    for key in Array(shelves.keys) where shelves[key]?.standing == .copy { shelves[key]?.standing = .doubtful }
  }

  /// All under a key that has not expired, tombstones included.
  func records(under key: Identifier, at utcMilliseconds: UInt64) -> [Record] {
    (shelves[key]?.records ?? []).filter { $0.isAlive(at: utcMilliseconds) }
  }

  /// What the same writer wrote later than this, if that is here.
  func newer(than record: Record) -> Record? {
    shelves[record.key]?.records.first { $0.writerKey == record.writerKey && $0.number > record.number }
  }

  mutating func offer(_ record: Record, at utcMilliseconds: UInt64) -> Outcome {
    let key = record.key
    var shelf = records(under: key, at: utcMilliseconds)
    let place = shelf.firstIndex { $0.writerKey == record.writerKey }
    if let place, shelf[place].number >= record.number { return .known }
    guard record.isAlive(at: utcMilliseconds), record.isTimely(at: utcMilliseconds) else { return .refused }
    guard place != nil || shelf.count < MessageLimit.recordsPerKey else { return .refused }
    guard place != nil || count < Self.capacity else { return .full }
    guard record.isAuthentic(network: network) else { return .refused }
    if let place { shelf[place] = record } else { shelf.append(record) }
    replaceShelf(key, by: shelf)
    return .stored
  }

  /// Drops what has expired.
  mutating func expire(at utcMilliseconds: UInt64) {
    for (key, shelf) in shelves where !shelf.records.allSatisfy({ $0.isAlive(at: utcMilliseconds) }) {
      replaceShelf(key, by: records(under: key, at: utcMilliseconds))
    }
  }

  private mutating func replaceShelf(_ key: Identifier, by shelf: [Record]) {
    count += shelf.count - (shelves[key]?.records.count ?? 0)
    shelves[key] = shelf.isEmpty ? nil : Shelf(records: shelf, standing: shelves[key]?.standing ?? .copy)
  }
}
