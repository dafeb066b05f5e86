// What address do others reach us at? A node that listens on every address of its machine cannot know; the peers it links with
// tell it the address they see. One of them could lie, so a public host is believed once three from different networks agree;
// loopback and private hosts are believed at once, since nobody far away could use them against us. As long as nothing at all
// is known, a first public host is better than none: it is given up as soon as three agree on another.
//
// A peer's network is that of the address which its link comes from or was dialled at: what it says of itself is free. All who
// come from this machine or from networks of one's own are one network, for they can have any number of such addresses. And each network
// has one word, its last: however many hosts somebody makes up, they stand in the way of nobody else's.

import Chord

/// The host others see, as far as they agree.
struct ObservedAddress {
  /// The host believed so far.
  private(set) var host: Endpoint.Host?
  /// What each network said last, the oldest word first.
  private var words: [(network: UInt64?, seen: Endpoint.Host)] = []

  /// A public host needs this many voters of different networks.
  private static let quorum = 3
  /// Networks whose word is remembered: enough for three that agree to be heard among many that do not.
  private static let remembered = 64

  /// `voter`, the host at the other end of a link, sees us at `seen`. True when that changes what we believe.
  mutating func vote(_ seen: Endpoint.Host, by voter: Endpoint.Host) -> Bool {
    let believed = host?.reach ?? .nowhere
    guard seen.reach > .nowhere, seen != host, seen.reach >= believed else { return false }
    if seen.reach < .everywhere {
      guard seen.reach > believed else { return false }
      host = seen
      return true
    }
    note(seen, by: voter)
    let count = words.count { $0.seen == seen }
    guard count >= Self.quorum || host == nil else { return false }
    if count >= Self.quorum { words = [] }
    host = seen
    return true
  }

  private mutating func note(_ seen: Endpoint.Host, by voter: Endpoint.Host) {
    let network = voter.reach == .everywhere ? voter.prefix : nil
    words.removeAll { $0.network == network }
    if words.count == Self.remembered { words.removeFirst() }
    words.append((network, seen))
  }
}
