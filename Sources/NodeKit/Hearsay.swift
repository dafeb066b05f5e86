// Addresses in our own pointers that somebody has told us, and where nobody has answered yet. A successor list comes whole from the
// first of it, and a finger from whoever was asked; a member that lies there could have us dial whomever it likes, again and again,
// since what is in our list we dial on our own account.
//
//   a view names x at a ──> x at a becomes a pointer: a word of its sender ──┬─ x has answered at a: ours
//                                                                            ├─ it could not be dialled: vain, on that word
//                                                                            └─ no pointer any more: forgotten

import Chord
import UVRuntime

/// On whose word pointers are that nobody has confirmed.
struct Hearsay {
  /// Each minute, on one member's word. An honest one whose ring loses half of its members at once names as many dead ones as half of a list.
  static let vainDials = MessageLimit.successors

  private var words: [Peer: Identifier] = [:]
  private var dialled: Set<Peer> = []
  private var ledger = DialLedger(limit: vainDials)

  /// How many pointers are on somebody's word.
  var count: Int { words.count }

  /// Whether this pointer is on somebody's word.
  func mentions(_ peer: Peer) -> Bool { words[peer] != nil }

  /// These were named by `teller`, and no pointers before.
  mutating func take(_ peers: [Peer], from teller: Identifier) {
    for peer in peers { words[peer] = teller }
  }

  /// Drops what is no pointer any more.
  mutating func keep(where isPointer: (Peer) -> Bool) {
    words = words.filter { isPointer($0.key) || dialled.contains($0.key) }
  }

  /// Whether to dial this peer, to whom no link stands. One dial counts once, however much is to be said there.
  mutating func allows(_ peer: Peer, at now: LoopTime) -> Bool {
    guard let teller = words[peer], !dialled.contains(peer) else { return true }
    guard ledger.dials(onWordOf: teller, at: now) else { return false }
    dialled.insert(peer)
    return true
  }

  /// The peer has answered where it was said to be.
  mutating func confirmed(_ peer: Peer) {
    guard let teller = words.removeValue(forKey: peer) else { return }
    if dialled.remove(peer) != nil { ledger.wasRight(teller) }
  }

  /// Nobody was there.
  mutating func failed(_ peer: Peer) { dialled.remove(peer) }
}
