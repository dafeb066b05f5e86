// By whom the records of a store came, so that nobody can fill it alone and leave no room for others.
//
// A storer cannot tell a user's record from one made up to take its place: both are signed by keys that it has never heard of. What it
// knows is the link over which a record came, and where that link's other end is. A record counts against both, from when it takes a
// new place until it is gone, whoever brings the writer's next ones; and what comes in the place of another is never refused for want of
// room.
//
// Whoever hands on the puts of many others, or gives copies of what it owns, is no worse for it: a member holds the records of its own
// range and of the seven before it, rarely more than thirty times what falls to one member. With sessions of five minutes, whose
// records and tombstones stay for half an hour, that is two hundred records; and all might come through one link, the predecessor's.
// The share of a link is twenty times that. What is deliberately absent: taking from the one that has most. Whoever sends through an
// honest neighbour what nobody reads would then push out what honest users sent the same way.

/// Who has brought a record.
struct RecordSource: Hashable, Sendable {
  /// The other end of the link.
  var peer: Identifier
  /// The network that it is in; nil for loopback and private ones: there many nodes of one owner are the rule, and nobody far away
  /// can pretend to be there.
  var prefix: UInt64?

  /// The other end of a link, seen at this host.
  init(peer: Identifier, host: Endpoint.Host) {
    self.peer = peer
    prefix = host.reach == .everywhere ? host.prefix : nil
  }
}

/// How many records each has brought. What this node wrote or asked for itself has no source and counts against nobody.
struct RecordShares: Sendable {
  private var ofPeers: [Identifier: Int] = [:]
  private var ofPrefixes: [UInt64: Int] = [:]
  private let peerLimit: Int
  private let prefixLimit: Int

  /// For a store of this many records: a quarter of them for each link, half of them for each prefix. So it takes four identities and two
  /// networks at the least to fill it, and two users of one provider do not have to share what one may have.
  init(capacity: Int) {
    peerLimit = capacity / 4
    prefixLimit = capacity / 2
  }

  /// Whether one more from there is not too many.
  func hasRoom(for source: RecordSource?) -> Bool {
    guard let source else { return true }
    return ofPeers[source.peer, default: 0] < peerLimit
      && (source.prefix.map { ofPrefixes[$0, default: 0] < prefixLimit } ?? true)
  }

  mutating func add(_ source: RecordSource?) { count(source, by: 1) }

  mutating func remove(_ source: RecordSource?) { count(source, by: -1) }

  private mutating func count(_ source: RecordSource?, by change: Int) {
    guard let source else { return }
    let ofPeer = ofPeers[source.peer, default: 0] + change
    ofPeers[source.peer] = ofPeer == 0 ? nil : ofPeer
    guard let prefix = source.prefix else { return }
    let ofPrefix = ofPrefixes[prefix, default: 0] + change
    ofPrefixes[prefix] = ofPrefix == 0 ? nil : ofPrefix
  }

  /// Whether nobody is counted any more.
  var isEmpty: Bool { ofPeers.isEmpty && ofPrefixes.isEmpty }
}
