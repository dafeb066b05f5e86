// What others may take of a node: connections, turns of its loop, memory, and dials in its name. Each number has its reason.

/// The limits of a node's links. The defaults suit a computer at home as well as a bootstrap node.
public struct LinkLimits: Sendable, Hashable {
  /// So many times a second, and so many at once.
  public struct Rate: Sendable, Hashable {
    public var perSecond: Double
    public var burst: Double

    public init(perSecond: Double, burst: Double) {
      precondition(perSecond > 0 && burst >= 1, "a rate of nothing would stop everything")
      self.perSecond = perSecond
      self.burst = burst
    }
  }

  // MARK: Connections

  /// All connections that others have opened: with 4 KiB each still a small process. The system's limit of descriptors may be lower;
  /// then further ones wait in its backlog.
  public var arrivals = 16_384
  /// Of these, those that have not said who they are: in the 5 s they have, a hundred honest ones a second. Each has a handshake's
  /// state and at most `SecureChannel.longestHandshakeMessage` of bytes that wait (`MessageReader.mayKeep`), 2.5 MB together.
  public var strangers = 512
  /// Connections from one public /24 of IPv4 or /48 of IPv6: a provider that hides a town behind a few addresses, but not a fleet.
  public var arrivalsPerPrefix = 128
  /// New connections a second from all public addresses: a handshake costs about 0.3 ms, so that a flood takes a sixth of the time.
  public var newArrivals = Rate(perSecond: 500, burst: 1_000)
  /// New connections a second from one public prefix: a few people who start at the same moment.
  public var newArrivalsPerPrefix = Rate(perSecond: 4, burst: 32)
  /// Whether loopback and private addresses are held to the limits per prefix and per second too: there, a hundred nodes on one
  /// machine are somebody's test.
  public var includesPrivateAddresses = false

  // MARK: What a peer may say. Whoever says more is read more slowly; nothing is lost by it.

  /// Lookups and what rides on them: more than one honest member hands on in a ring of thousands, and at 50 µs each a twentieth of
  /// the time.
  public var requests = Rate(perSecond: 1_000, burst: 2_000)
  /// Maintenance of the ring: a neighbour asks at most every 10 ms, and only in the commotion of many joins.
  public var maintenance = Rate(perSecond: 200, burst: 1_000)
  /// Copies of records: a member that leaves hands over all it has; each costs two verifications, 0.12 ms.
  public var copies = Rate(perSecond: 1_000, burst: 2_000)
  /// Openings and ends of sessions: a node has one user, who talks with one of ours.
  public var sessions = Rate(perSecond: 20, burst: 100)
  /// Texts, acknowledgements and answers, by what they cost in units of two microseconds (a run of 256 short texts is 23, one of 32 KiB 23):
  /// all that a core can take, in portions short enough for the others not to notice.
  public var texts = Rate(perSecond: 500_000, burst: 50_000)

  // MARK: What waits for a peer

  /// From so many waiting bytes on a peer's questions are not answered, since it does not take the answers; its texts' senders have
  /// a window of their own.
  public var softQueue = 256 << 10
  /// With more than this waiting the link is given up: 250 of the longest texts.
  public var hardQueue = 8 << 20
  /// With more than this waiting for all peers together the longest queue is given up.
  public var allQueues = 64 << 20

  /// Dials a minute that come to nothing, to addresses that one and the same node has named: four mistakes. Whoever names a victim's
  /// address could otherwise have the whole ring dial it.
  public var vainDialsPerAdvertiser = 4

  /// After how many bytes a link's key is renewed; tests make it few.
  package var bytesPerKey = SecureChannel.bytesPerKey

  /// The defaults.
  public init() {}
}
