// The owners that answered the last lookups of ours, each with the range of keys that it owned then: who looks up the same keys again goes
// straight to them. No lookup waits for a dial because of it: one whom we have asked for the third time is pinged, and asked directly
// once there is a link. What it remembers is hearsay and serves to route alone: an owner that is none any more hands the request on.
//
//   lookup ──▶ owner and the member before it ──▶ remembered ── third time ──▶ ping, a link ──▶ the next hop (Routing.swift)

/// Few owners, for a few minutes.
struct KnownOwners: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    var owner: Peer
    /// Its range begins behind this one.
    var predecessor: Identifier
    /// How often it has been the answer.
    var uses: Int
    var until: Instant
  }

  /// The one used last at the end.
  private(set) var entries: [Entry] = []

  /// They count as peers known, of which there are to be few.
  static let limit = 8
  /// As long as a link may be idle.
  static let life = Duration.seconds(300)
  /// So often asked in that time, somebody is worth a link.
  static let isWorthLink = 3

  /// However little room there is for them: two, or nobody would ever be asked for a second time.
  static let least = 2

  /// How many are worth a link.
  func linked(at now: Instant) -> Int { entries.count { $0.uses >= Self.isWorthLink && $0.until > now } }

  /// Takes in who owns what, as far as there is room; returns how often that one has been the answer.
  mutating func learn(_ owner: Peer, after predecessor: Identifier, room: Int, at now: Instant) -> Int {
    let uses = 1 + (entries.first { $0.owner == owner && $0.until > now }?.uses ?? 0)
    entries.removeAll { $0.owner.id == owner.id || $0.until <= now }
    // Whoever was asked only once makes room, or a passer-by would push out those who are asked all the time.
    let room = min(max(room, Self.least), Self.limit)
    while entries.count >= room, let rarest = entries.indices.min(by: { entries[$0].uses < entries[$1].uses }) {
      entries.remove(at: rarest)
    }
    entries.append(Entry(owner: owner, predecessor: predecessor, uses: uses, until: now + Self.life))
    return uses
  }

  /// Who owned that key.
  func owner(of key: Identifier, at now: Instant) -> Peer? {
    entries.last { $0.until > now && inRange($0.predecessor, key, $0.owner.id) }?.owner
  }

  mutating func forget(_ id: Identifier, at endpoint: Endpoint?) {
    entries.removeAll { $0.owner.matches(id, at: endpoint) }
  }
}

extension ChordNode {
  /// A lookup of our own was answered.
  mutating func met(_ owner: Peer, _ view: View) {
    guard configuration.routing.isBothWays, ring.isMember, owner.id != me.id, !isNeighbour(owner.id),
      let predecessor = view.predecessor
    else { return }
    let uses = knownOwners.learn(owner, after: predecessor.id, room: roomForOwners, at: now.monotonic)
    guard uses >= KnownOwners.isWorthLink else { return }
    if roundTrips[owner.id]?.isMeasured != true {
      measure(owner, .owner)
    } else if roundTrips[owner.id]?.isWarm != true {
      probeLife(of: owner)
    }
  }

  /// Whoever stands in our lists is found without being remembered.
  private func isNeighbour(_ id: Identifier) -> Bool {
    ring.successors.contains { $0.id == id } || behind.contains { $0.id == id }
  }

  /// The owner of the key as we remember it, if there is a link to it.
  func knownOwner(of key: Identifier) -> Peer? {
    knownOwners.owner(of: key, at: now.monotonic).flatMap { roundTrips[$0.id]?.isWarm == true ? $0 : nil }
  }
}
