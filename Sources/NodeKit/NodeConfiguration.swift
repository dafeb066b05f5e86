// All that a node is told before it starts, with defaults that suit a person on one machine.

import Chat
import Chord
import Logging

/// How a node is to run.
public struct NodeConfiguration: Sendable {
  /// What part the node takes in the ring.
  public enum Role: Sendable, Hashable {
    /// A member: it listens, routes, and stores records.
    case member
    /// Asks through a member without joining: `node lookup` and `node ring`.
    case observer
  }

  /// What part the node takes in the ring.
  public var role = Role.member
  /// The user of this session; nil for a node without one (a bootstrap node).
  public var username: UserName?
  /// Whether somebody unknown has to wait for `accept`. Otherwise whoever knows the user's name and id can talk to them.
  public var asksBeforeAccepting = false
  /// Where to listen, `HOST:PORT` with a numeric host or `localhost`; port 0 lets the system choose. `[::]` hears IPv4 too; on a
  /// machine without IPv6 it becomes 0.0.0.0.
  public var listen = "[::]:0"
  /// The address to tell others, `HOST:PORT`; nil: worked out from `listen` and from what others see.
  public var advertise: String?
  /// Where other nodes may be found, each `HOST:PORT`. All are tried at once; any one suffices.
  public var bootstraps = Bootstraps.compiledIn
  /// When no bootstrap answers, also listen on the first of them, so that the next newcomer finds this node there.
  public var standsInForBootstrap = false
  /// The ring's name: nodes of different networks never link.
  public var network = "chord-chat"
  /// Key and salt from a key file; nil makes new ones for this session.
  public var identity: Identity?
  /// Seeds jitter and choices among equals, never keys; nil draws a seed.
  public var seed: UInt64?
  /// r: how many successors a member keeps, 1 to 32; nil: 16, and more in a ring of thousands.
  public var successors: Int?
  /// What others may take of this node.
  public var limits = LinkLimits()
  /// For operators and developers; says nothing unless given a level. Never told a user, an address or a text.
  public var logger = Logger(label: "chord-chat", factory: { _ in SwiftLogNoOpLogHandler() })

  /// The defaults.
  public init() {}
}

/// The bootstrap addresses compiled into every node. This is the one place to change them.
public enum Bootstraps {
  /// Loopback by default: whoever runs a public network puts its addresses here. None of the nodes behind them is special.
  public static let compiledIn = ["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"]
}
