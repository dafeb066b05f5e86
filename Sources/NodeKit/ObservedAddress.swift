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
    let rank = Self.rank(seen)
    guard rank > 0, seen != host, rank >= (host.map(Self.rank) ?? 0) else { return false }
    if rank < 3 {
      guard rank > (host.map(Self.rank) ?? 0) else { return false }
      host = seen
      return true
    }
    guard votes[seen] != nil || votes.count < Self.candidates else { return false }
    votes[seen, default: []].insert(Self.network(of: voter))
    guard let count = votes[seen]?.count, count >= Self.quorum || host == nil && count >= 1 else { return false }
    if count >= Self.quorum { votes = [:] }
    host = seen
    return true
  }

  /// 0 unusable, 1 loopback, 2 private or link-local, 3 public.
  static func rank(_ host: Endpoint.Host) -> Int {
    let endpoint = Endpoint(host: host, port: 1)
    if endpoint.isUnspecified { return 0 }
    if endpoint.isLoopback { return 1 }
    switch host {
    case .v4(let bits):
      let isPrivate = bits >> 24 == 10 || bits >> 20 == 0xAC1 || bits >> 16 == 0xC0A8 || bits >> 16 == 0xA9FE
      return isPrivate ? 2 : 3
    case .v6(let high, _): return high >> 57 == 0x7E || high >> 54 == 0x3FA ? 2 : 3
    }
  }

  /// A /24 of IPv4 or a /48 of IPv6: who sits in one is counted once.
  static func network(of host: Endpoint.Host) -> UInt64 {
    switch host {
    case .v4(let bits): UInt64(bits >> 8)
    case .v6(let high, _): high >> 16 | 1 << 63
    }
  }
}
