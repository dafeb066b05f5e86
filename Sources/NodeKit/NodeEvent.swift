// What a node tells the program it lives in, and the answers it gives.

import Chat
import Chord

/// Something that happened by itself.
public enum NodeEvent: Sendable, Equatable {
  /// The node is in a ring (its successor has acknowledged it, or it stands alone) and its record, if any, is stored.
  case ready(NodeStatus)
  /// No bootstrap answered: the node has started a ring of its own. `listening` is the bootstrap address it took over, if it did.
  case startedNewRing(listening: Endpoint?)
  /// The node, which stood alone, has joined others.
  case joinedRing(NodeStatus)
  /// A bootstrap address could not be used; said once for each address and reason until it works again.
  case bootstrapFailed(address: String, reason: LinkFailure)
  /// A session with this user has opened.
  case sessionOpened(User)
  /// A session with this user has ended.
  case sessionClosed(User, reason: String)
  /// This user wants to talk, and the configuration says to ask first; answer with `accept` or `ignore`, or not at all.
  case sessionRequested(User)
  /// This user has not accepted ours yet. Whoever waits for the session goes on waiting for up to 30 s from when they asked.
  case sessionAwaited(User)
  /// A text has arrived; `id` counts from 1 per sender and session.
  case message(from: User, text: String, id: UInt64)
}

extension NodeEvent {
  /// What happened, without whom it concerns.
  var kind: String {
    switch self {
    case .ready: "ready"
    case .startedNewRing: "started a new ring"
    case .joinedRing: "joined others"
    case .bootstrapFailed(_, let reason): "a bootstrap address cannot be used: \(reason.rawValue)"
    case .sessionOpened: "a session has opened"
    case .sessionClosed: "a session has closed"
    case .sessionRequested: "somebody asks for a session"
    case .sessionAwaited: "a session waits for the other side's consent"
    case .message: "a text has arrived"
    }
  }
}

/// How a node stands.
public struct NodeStatus: Sendable, Equatable {
  /// The session's user; nil for a node without one.
  public var user: User?
  /// The node's place on the ring.
  public var node: Identifier
  /// Where others reach it.
  public var address: Endpoint
  /// Nil while unknown, or alone.
  public var predecessor: Peer?
  /// In ring order; empty when alone.
  public var successors: [Peer]
  /// How many nodes it holds a link to.
  public var peers: Int
  /// Whether it has been `ready`.
  public var isReady: Bool
  /// How often links ended otherwise than in good order, by reason.
  public var linkFailures: [LinkFailure: Int]
}

/// Where a user was found.
public struct Finding: Sendable, Equatable {
  public var user: User
  /// The user's node.
  public var peer: Peer
  /// Nodes passed on the way to the record, the one that answered included; 0 when the asker held it.
  public var hops: Int
  public var duration: Duration
}

/// Who owns a key, and by which way that was learnt.
public struct LookupResult: Sendable, Equatable {
  public var owner: Peer
  /// From the first hop to the owner; empty when the asker owns the key.
  public var path: [Identifier]
  public var duration: Duration
  /// The length of the path.
  public var hops: Int { path.count }
}

/// One standing session.
public struct SessionStatus: Sendable, Equatable {
  public var user: User
  /// Where the user's node listens.
  public var address: Endpoint
}

/// Why a request came to nothing; its `rawValue` is a word for programs, its `description` a sentence for people.
public typealias NodeFailure = Conversations.Failure

/// Why a node could not be started.
public enum NodeError: Error, Sendable, Equatable {
  /// `--listen`, `--advertise` or a bootstrap is not HOST:PORT, or cannot be resolved.
  case badAddress(String, why: String)
  /// The address to listen on cannot be had: taken, not of this machine, or not permitted.
  case cannotListen(String, why: String)
  /// The loop, the generator or the operating system refused something basic.
  case system(String)
}

/// Why a link ended or never stood: one counted reason each.
public enum LinkFailure: String, Error, Sendable, Hashable, CaseIterable {
  case refused = "connection refused"
  case silent = "did not answer in time"
  case closedEarly = "closed the connection before saying who it is"
  case unreachable = "cannot be reached"
  case notResolved = "the name cannot be resolved"
  case foreignProtocol = "does not speak this protocol"
  case network = "belongs to another network, or speaks another version of this protocol"
  case wrongIdentity = "is another node than the one expected"
  case unproved = "could not prove its identity"
  case ourselves = "is this node itself"
  case twin = "is another node with the same key"
  case forged = "sent a message that was changed on its way"
  case dribbling = "sent a message too slowly"
  case malformed = "sent a malformed message"
  case oversized = "sent a message that is too long"
  case unexpected = "sent a message that has no place here"
  case slow = "did not take what was sent to it"
  case lost = "the connection was lost"
  case full = "has no room for another link"
  case replaced = "a newer link took its place"
}
