// The words between the conversations' machine and its host: what happened, what to do, and why something failed.

import Chord

extension Conversations {
  /// What a node asked the directory for has come to.
  public enum Lookup: Sendable, Equatable {
    /// The records under the key, none included, and how many nodes were passed on the way.
    case records([Record], hops: Int)
    /// No answer.
    case failed
  }

  /// Something that happened.
  public enum Event: Sendable, Equatable {
    /// The node is in the ring, or in it again, or its own addresses have changed. Best address first.
    case joined(endpoints: [Endpoint])
    /// Where is this user? Answered by `found` or `failed`.
    case find(User, Ticket)
    /// Open a session. Answered by `opened` or `failed`.
    case open(User, Ticket)
    /// Deliver a text, opening a session if there is none. Answered by `delivered` or `failed`.
    case send(User, String, Ticket)
    /// End a session. Answered by `closed` or `failed`.
    case close(User, Ticket)
    /// From now on this user may talk to ours; whoever has asked to is answered with a session. Undoes `ignore`.
    case accept(User)
    /// From now on nothing of this user is shown; a session is closed.
    case ignore(User)
    /// End all sessions and withdraw the record. Answered by `withdrawn`, within a second.
    case leave(Ticket)
    /// A message has come over a link whose other end has proved to own `key`.
    case received(ChatMessage, from: Peer, key: [UInt8])
    /// A link to this node stands.
    case linked(Identifier)
    /// The last link to this node has ended.
    case lost(Identifier)
    /// The node could not be dialled at the address of a `send` effect; what was to be sent there is gone.
    case unreachable(Peer)
    /// The answer to a `put` or an `extend` effect: in how many places the record is held; nil for none.
    case putAnswered(Ticket, copies: Int?)
    /// The answer to a `get` effect.
    case getAnswered(Ticket, Lookup)
    /// What an `inquire` effect has brought: some records, as often as there are any, and once that it is over, or has failed.
    case inquired(Ticket, Lookup, isOver: Bool)
    /// `nextDeadline` has come. Texts that may go are due at once: whoever has more events at hand tells those first, and what has come
    /// together then leaves together.
    case tick
  }

  /// Something to do, or to tell.
  public enum Effect: Sendable, Equatable {
    /// Store this record in the directory; answer with `putAnswered`.
    case put(Record, Ticket)
    /// Let the record that was put last live longer; answer with `putAnswered`.
    case extend(Renewal, Ticket)
    /// Get the records under this key; answer with `getAnswered`.
    case get(Identifier, Ticket)
    /// Get the records under this key from all who may hold them, trusting nobody on the way; answer with `inquired`.
    case inquire(Identifier, Ticket)
    /// No more of this inquiry.
    case enough(Ticket)
    /// Send this over the link to the peer. If there is none, dial `peer.endpoint` first.
    case send(ChatMessage, to: Peer)
    /// This node owes us an answer: if it is linked, find out whether the link still carries anything, and end it as lost if not.
    case doubt(Identifier)
    /// The record is stored, for the first time since the last `joined`.
    case published
    /// Everything is said and withdrawn: the node may stop.
    case withdrawn(Ticket)
    /// The user's node, under its first address, and how many nodes were passed on the way to the record.
    case found(Ticket, User, peer: Peer, hops: Int)
    /// The session stands.
    case opened(Ticket, User)
    /// The other side has shown the texts of these tickets. The ids count from 1 per session; `id` is that of the first, the others
    /// follow it.
    case delivered([Ticket], id: UInt64)
    /// The session has ended.
    case closed(Ticket)
    /// A request has come to nothing.
    case failed(Ticket, Failure)
    /// A session has opened, or has closed for `reason`.
    case session(User, open: Bool, reason: CloseReason?)
    /// A user wants to talk to ours, who is to be asked first; answer with `accept` or `ignore`. Said once as long as it waits.
    case requested(User)
    /// The other side's user has not accepted ours yet; who waits for the session goes on waiting for a while.
    case awaited(User)
    /// Texts to show, in order. The ids count from 1 per sender and session; `id` is that of the first, the others follow it. A text that
    /// the sender gave up leaves a gap.
    case messages(User, TextRun, id: UInt64)
  }

  /// Why a request has come to nothing.
  public enum Failure: String, Error, Sendable, Hashable, CaseIterable {
    /// The directory has no record that proves to be the user's.
    case userNotFound = "user_not_found"
    /// The user's node could not be reached at any of its addresses, or takes no more sessions.
    case unreachable
    /// There is no session, or it was closed before the text was acknowledged.
    case noSession = "no_session"
    /// The text has more than 32,768 bytes.
    case messageTooLarge = "message_too_large"
    /// The node is not in a ring yet.
    case notInRing = "not_in_ring"
    /// Nobody answered in time.
    case timeout
    /// The other side's user was to be asked, and has not accepted ours in time.
    case notAccepted = "not_accepted"
    /// A text needs at least one byte.
    case emptyText = "empty_text"
    /// Too much is waiting already.
    case busy
    /// A session with oneself.
    case oneself
    /// This node has no user of its own.
    case noUser = "no_user"
    /// The node has left, or is leaving.
    case stopped
  }

  /// Why a session has ended.
  public enum CloseReason: String, Sendable, Hashable, CaseIterable {
    /// We closed it.
    case closedHere = "closed here"
    /// The other side closed it.
    case closedByPeer = "closed by the other side"
    /// The other side left the network.
    case left = "the other side left"
    /// The other side has started anew; a new session opens in its place.
    case restarted = "the other side started anew"
    /// The link was lost, and the other node could not be reached again.
    case unreachable = "the other side cannot be reached"
    /// The link was lost, and nobody answered in time.
    case timeout = "the other side does not answer"
    /// The link was lost, and the other side is no longer in the directory.
    case userNotFound = "the other side is no longer there"
    /// The link was lost, and then the other side's user had to be asked again and did not accept.
    case notAccepted = "the other side has not accepted it again"
    /// This node leaves the network.
    case stopped = "this node left"
  }

  /// The numbers that bound the machine, each with its reason.
  public struct Limits: Sendable {
    /// A text is tried for this long, and a lost session: a laptop that changes networks is back by then.
    public var persistence: Duration = .seconds(30)
    /// How often, at the most, a session that stands gives texts up: of each time the other side is told, and all in flight goes again.
    /// A text may so wait a little longer than the above.
    public var givingUpPause: Duration = .milliseconds(500)
    /// An `open` is tried for this long: longer than people wait for an answer.
    public var openPatience: Duration = .seconds(10)
    /// An `open` is tried for this long when the other side's user must be asked: as long as a text, for people look up from
    /// what they do within that time or not at all.
    public var consentPatience: Duration = .seconds(30)
    /// Whoever waits for consent says so again after this, should the other side have forgotten; one short message each way.
    public var askAgain: Duration = .seconds(10)
    /// A `find` whose lookups fail is tried for this long, for the same reason.
    public var findPatience: Duration = .seconds(10)
    /// The quick lookup is given this long before others are asked: ten slow round trips.
    public var quickPatience: Duration = .seconds(2)
    /// An unanswered inquiry is given up after this, should the ring never say that it has given it up.
    public var getPatience: Duration = .seconds(10)
    /// An address that says nothing is given up for the next one after this: a TCP handshake retried twice fits in.
    public var knockPatience: Duration = .seconds(4)
    /// The first and the longest pause between attempts. The longest is short, for somebody waits for the text.
    public var firstPause: Duration = .milliseconds(100)
    public var longestPause: Duration = .seconds(2)
    /// Texts in flight that are not acknowledged for this long are compared with what the other side has: slower than any
    /// working link, quick enough for a person.
    public var stallPatience: Duration = .seconds(3)
    /// Unacknowledged texts in flight per session: at 100 ms of round trip still 40,000 a second, and no more than a few milliseconds of
    /// the other side's time.
    public var windowTexts = 4_096
    /// Unacknowledged bytes in flight per session: the product of 20 Mbit/s and 100 ms. One text always fits.
    public var windowBytes = 262_144
    /// Texts waiting per session, those in flight included: a bot that pipes a file line by line.
    public var waitingTexts = 65_536
    /// Bytes waiting per session: 128 of the longest texts.
    public var waitingBytes = 4_194_304
    /// Sessions that others opened: a busy bot; a few MB, as each costs its two names and a few numbers.
    public var incomingSessions = 1_024
    /// All sessions; the rest is kept for those that our own user opens.
    public var sessions = 2_048
    /// Users who wait for our user's consent: more than a person can answer in a minute; some 20 KB.
    public var requests = 64
    /// How long a request keeps its place without being heard again when the places are all taken. So many requests in this time
    /// is also the most that a flood can bring to the screen.
    public var requestLife: Duration = .seconds(60)
    /// Users whom ours has accepted, by word or by writing to them: more than anybody knows; 1 MB at most. The oldest goes, and
    /// has to ask again.
    public var acceptedUsers = 4_096
    /// Users whom ours ignores: more than anybody types, and a bot's list for a day; 1 MB at most. The oldest goes.
    public var ignoredUsers = 4_096
    /// Searches under way at once; each is a lookup on the ring.
    public var findings = 1_024
    /// Requests that wait for one search, or for one session to open.
    public var waitersEach = 1_024
    /// Streams closed within the last `persistence` that are remembered, so that a late copy cannot open them again.
    public var closedStreams = 1_024
    /// How often the record is extended (jittered by half): six times in its life.
    public var renewal: Duration = .seconds(300)
    /// A record that was last renewed longer ago should have been renewed since: one and a half times the above, and what a slow put takes.
    /// Who shows an older one may hide a newer. (A writer whose clock is wrong only makes its readers ask more often.)
    public var oldestUnrenewed: Duration { renewal * 3 / 2 + .seconds(30) }
    /// How soon after it was written the record is extended first (jittered by half); then after twice that, and so on up to the
    /// renewal.
    public var firstRenewal: Duration = .seconds(10)
    /// An unanswered put is repeated after this.
    public var putPatience: Duration = .seconds(5)
    /// The first and the longest pause between puts that fail.
    public var firstPutPause: Duration = .milliseconds(250)
    public var longestPutPause: Duration = .seconds(10)
    /// The record's end is given so long before the ring is left: somebody waits for the program to end. Others go on with it then.
    public var leavePatience: Duration = .seconds(1)

    /// The numbers above.
    public init() {}
  }

  /// Everything the machine is told before it starts.
  public struct Configuration: Sendable {
    /// The network's name; records and ids of other networks mean nothing here.
    public var network: String
    /// The session's key pair and salt.
    public var identity: Identity
    /// The session's user name; nil for a node without a user, which can find others but not talk.
    public var name: UserName?
    /// Whether our user is asked before somebody unknown may talk to them.
    public var asksBeforeAccepting = false
    public var limits = Limits()
    /// How records are checked; a simulation remembers what it has worked out.
    package var check = SignatureCheck.ed25519

    public init(network: String, identity: Identity, name: UserName?) {
      self.network = network
      self.identity = identity
      self.name = name
    }
  }
}

extension Conversations.Failure: CustomStringConvertible {
  /// What happened and what to do, in a sentence.
  public var description: String {
    switch self {
    case .userNotFound:
      "nobody with this name and id is there now: check the id, or ask your friend to start their node"
    case .unreachable: "the user is known but their node cannot be reached: try again later"
    case .noSession: "there is no session with this user: open one, or just send"
    case .messageTooLarge: "a text may have at most \(ChatMessage.maximumTextBytes) bytes: send it in parts"
    case .notInRing: "this node is not in a ring yet: try again in a moment"
    case .timeout: "no answer came in time: try again"
    case .notAccepted: "this user has not accepted to talk with you yet: try again later"
    case .emptyText: "a text must not be empty: write something"
    case .busy: "too much is waiting already: try again when some of it is done"
    case .oneself: "this user is you: open a session with somebody else"
    case .noUser: "this node has no user of its own: start one with a name"
    case .stopped: "this node has left the network: start it again"
    }
  }
}
