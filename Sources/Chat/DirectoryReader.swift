// Choosing among several records under one name. Everyone who knows the name can put records there, and a user who restarted
// has an old one lying about, so the reader believes none of them: it takes the record that proves itself, of several the one
// with the highest number; that it has been extended makes it live longer, not newer than another writer's. What a writer has
// withdrawn does not count, even where an old copy of it turns up beside the tombstone, in whichever order they come; but a writer
// can withdraw only what it wrote itself.

import Chord

/// Takes in records and tells which entry counts. Each is worked out once: nearly all that a search costs its asker is signatures.
public struct DirectoryReader: Sendable {
  private struct Kept: Sendable {
    var record: Record
    /// Nil for the end of a record.
    var entry: DirectoryEntry?
  }

  let user: User
  let key: DirectoryKey
  private let network: String
  private let check: SignatureCheck
  /// Of each writer the latest that came.
  private var kept: [Kept] = []

  /// Only a user's own records prove themselves; but whoever knows the name can write ends of records, any number of them. A holder
  /// keeps no more than four writers: with so many of either kind liars have to be heard before all that tell the truth.
  static let limitEach = 4 * MessageLimit.recordsPerKey

  /// For somebody who looks for this user.
  public init(user: User, network: String) { self.init(user: user, network: network, check: .ed25519) }

  init(user: User, network: String, check: SignatureCheck) {
    (self.user, self.network, self.check) = (user, network, check)
    key = DirectoryKey(user: user, network: network)
  }

  /// How many are kept.
  var count: Int { kept.count }

  /// Keeps what is news at the UTC time `utc`, in milliseconds: records that prove themselves, and ends of records. Whether there was any.
  public mutating func take(_ news: [Record], utc: UInt64) -> Bool {
    var hasNews = false
    for record in news where record.nameKey == key.nameKey {
      let place = kept.firstIndex { $0.record.writerKey == record.writerKey }
      let hasRoom = kept.count { $0.record.isTombstone == record.isTombstone } < Self.limitEach
      guard place.map({ kept[$0].record.number < record.number }) ?? hasRoom else { continue }
      // For whatever reason a record does not prove itself: it is none, and another may be the right one.
      let entry = try? DirectoryEntry.open(record, user: user, key: key, network: network, check: check, utc: utc)
      guard entry != nil || record.isTombstone && record.isAuthentic(network: network, by: check) else { continue }
      let news = Kept(record: record, entry: entry)
      if let place { kept[place] = news } else { kept.append(news) }
      hasNews = true
    }
    return hasNews
  }

  /// The entry of the user, and the record it came in; nil when none has proved itself, or all are withdrawn.
  public var best: (entry: DirectoryEntry, record: Record)? {
    var best: (entry: DirectoryEntry, record: Record)?
    for one in kept {
      guard let entry = one.entry, best.map({ $0.record.number < one.record.number }) ?? true else { continue }
      best = (entry, one.record)
    }
    return best
  }
}
