// Choosing among several records under one name. Everyone who knows the name can put records there, and a user who restarted
// has an old one lying about, so the reader believes none of them: it takes the record that proves itself, of several the one
// with the highest number; that it has been extended makes it live longer, not newer than another writer's. What a writer has withdrawn does not count, even where an old copy of it turns up beside the
// tombstone; but a writer can withdraw only what it wrote itself.

import Chord

/// Finds the entry that counts.
public enum DirectoryReader {
  /// The entry of `user` among `records` at the UTC time `utc` in milliseconds, or nil when none proves itself.
  public static func best(of records: [Record], user: User, network: String, utc: UInt64) -> DirectoryEntry? {
    best(of: records, user: user, key: DirectoryKey(user: user, network: network), network: network, utc: utc)?.entry
  }

  static func best(
    of records: [Record], user: User, key: DirectoryKey, network: String, check: SignatureCheck = .ed25519, utc: UInt64
  ) -> (entry: DirectoryEntry, record: Record)? {
    for record in records.sorted(by: { $0.number > $1.number }) where !record.isTombstone {
      // A record that does not prove itself is none: whoever can write there may have put it beside the right one.
      let entry = try? DirectoryEntry.open(record, user: user, key: key, network: network, check: check, utc: utc)
      guard let entry else { continue }
      let isWithdrawn = records.contains { other in
        other.isTombstone && other.writerKey == record.writerKey && other.nameKey == record.nameKey
          && other.number > record.number && other.isAuthentic(network: network, by: check)
      }
      if !isWithdrawn { return (entry, record) }
    }
    return nil
  }
}
