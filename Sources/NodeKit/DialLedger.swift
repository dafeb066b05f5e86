// Dials on somebody's word. Members tell each other addresses, and whoever lies about them could have a whole ring dial a victim. So
// a dial to an address that a peer has just named is written down as that peer's, and struck out when the right node answers there:
// nobody has more than a few vain ones a minute.

import Chord
import UVRuntime

/// Who has had us dial in vain, or still may have.
struct DialLedger {
  private let limit: Int
  private var dials: [Identifier: [LoopTime]] = [:]

  /// How long a vain dial is remembered.
  static let memory = Duration.seconds(60)
  /// Peers with a page of their own: more than have dials under way at once. If all pages are in use nobody's word is followed.
  private static let pages = 1_024

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether to dial on this peer's word. If so it is written down.
  mutating func dials(onWordOf advertiser: Identifier, at now: LoopTime) -> Bool {
    if dials[advertiser] == nil, dials.count >= Self.pages {
      dials = dials.filter { !Self.recent($0.value, at: now).isEmpty }
      guard dials.count < Self.pages else { return false }
    }
    let recent = Self.recent(dials[advertiser] ?? [], at: now)
    guard recent.count < limit else { return false }
    dials[advertiser] = recent + [now]
    return true
  }

  /// The right node has answered where this peer said.
  mutating func wasRight(_ advertiser: Identifier) {
    guard var page = dials[advertiser] else { return }
    page.removeLast()
    dials[advertiser] = page.isEmpty ? nil : page
  }

  private static func recent(_ page: [LoopTime], at now: LoopTime) -> [LoopTime] {
    page.filter { now - $0 < memory }
  }
}
