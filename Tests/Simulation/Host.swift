// One host of a simulation: a node's machines, the ring's and conversations' and that of its links, and its ends of connections.

import Chat
import Chord

/// A host and its node.
struct Host {
  let me: Peer
  /// Where it can be dialled now.
  var endpoint: Endpoint
  /// The node's public key; empty without a user.
  let key: [UInt8]
  var engine: Engine
  /// Which connection to whom is the link.
  var rules: LinkRules
  var ends = ConnectionEnds()
  var isAlive = true
  /// Its node has said that it is done.
  var hasLeft = false
  /// A host that swallows everything: nobody is told that it is gone.
  var isSilent = false
  /// It will be looked which links are idle.
  var isSweeping = false
  /// The how-manieth node on this host it is.
  var life = 0
  var tickAt: Instant?
  /// Until then it does nothing, but loses nothing either.
  var asleepUntil = Instant(nanoseconds: 0)
  var asleepSince = Instant(nanoseconds: 0)
  /// What came meanwhile, and when.
  var delayed: [(Simulator.Scheduled, Instant)] = []
  /// If promises are checked: the last that it has said to each host, and heard of it.
  var said: [Int: Turn] = [:]
  var heard: [Int: Turn] = [:]
  /// By how many milliseconds its wall clock is wrong.
  var clockError: Int64 = 0

  init(me: Peer, key: [UInt8], engine: Engine, queueLimit: Int) {
    self.me = me
    self.key = key
    self.engine = engine
    rules = LinkRules(me: me.id, queueLimit: queueLimit)
    endpoint = me.endpoint
  }

  /// As others see it.
  var peer: Peer { Peer(id: me.id, endpoint: endpoint) }

  /// Gives the machine an event; tells whether its pointers changed, and when it wants to be woken. In place: an engine is two
  /// thousand bytes and dozens of references, and to copy it costs more than most events.
  mutating func handle(
    _ event: Engine.Event, at time: Time, into effects: inout [Engine.Effect]
  ) -> (hasChanged: Bool, deadline: Instant?) {
    let before = engine.ring.ring
    engine.handle(event, at: time, into: &effects)
    return (!engine.ring.ring.pointsLike(before), engine.nextDeadline)
  }

  /// What is out of order in its node. Nothing is changed; `mutating` has the engine looked at in place, as above.
  var brokenInvariant: String? { mutating get { engine.brokenInvariant } }
}

/// Two hosts, in no order.
struct Pair: Hashable {
  let a: Int
  let b: Int
  init(_ x: Int, _ y: Int) { (a, b) = (min(x, y), max(x, y)) }
}

extension Ring {
  /// Whether an observer sees the same of both. What a member is about to ask, and whom it has shown itself, changes with every question.
  fileprivate func pointsLike(_ other: Ring) -> Bool {
    me == other.me && isMember == other.isMember && predecessor == other.predecessor && successors == other.successors
  }
}

extension Identifier {
  /// Enough of it to tell hosts apart.
  var short: Substring { description.prefix(6) }
}
