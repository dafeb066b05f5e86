// What address do others reach us at? A node that listens on every address of its machine cannot know; the peers it links with
// tell it the address they see. One of them could lie, so a public host is believed once three from different networks agree;
// loopback and private hosts are believed at once, since nobody far away could use them against us. As long as nothing at all
// is known, a first public host is better than none: it is given up as soon as three agree on another.

import Chord

/// The host others see, as far as they agree.
struct ObservedAddress {
  /// The host believed so far.
  private(set) var host: Endpoint.Host?
  private var votes: [Endpoint.Host: Set<UInt64>] = [:]

  /// A public host needs this many voters of different networks.
  private static let quorum = 3
  /// Hosts under discussion; with more of them somebody is making them up.
  private static let candidates = 16

  /// `voter` sees us at `seen`. True when that changes what we believe.
  mutating func vote(_ seen: Endpoint.Host, by voter: Endpoint.Host) -> Bool {
    let believed = host?.reach ?? .nowhere
    guard seen.reach > .nowhere, seen != host, seen.reach >= believed else { return false }
    if seen.reach < .everywhere {
      guard seen.reach > believed else { return false }
      host = seen
      return true
    }
    guard votes[seen] != nil || votes.count < Self.candidates else { return false }
    votes[seen, default: []].insert(voter.prefix)
    guard let count = votes[seen]?.count, count >= Self.quorum || host == nil && count >= 1 else { return false }
    if count >= Self.quorum { votes = [:] }
    host = seen
    return true
  }
}
