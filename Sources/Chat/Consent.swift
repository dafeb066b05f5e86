// Who may talk to our user. Nobody is asked by default; whoever is to be asked first says so in the configuration.
//
//   an `open` comes from
//     one who is ignored ──────────────────────▶ `waiting`: what a stranger hears whom nobody has answered yet, and no more
//     one with a session, or accepted ─────────▶ `opened`
//     anybody else ── nobody is to be asked ───▶ `opened`
//                  └─ our user is to be asked ─▶ `waiting`, and our user is told once. Accepting opens the session from here
//
// To write to somebody is to accept them. What was said last counts. An ignored user costs one look into a table and one
// short answer for each `open`: nothing is kept and nothing told. It is known by its name and id, and from its first `open` on also by
// its node, which is a hash of its key: the same key under another name is ignored as well.
//
// When too many wait, it is the newest who is refused. If the oldest had to go, a flood of strangers would push out the friend whom our
// user is just reading of; so it can only keep others out for a while, whom our user can still accept by name.
//
// All this lasts as long as the session, like everything that is known of users.

import Chord

/// What our user has said of others, and who waits for it to be said.
struct Consent {
  /// A user who wants to talk, and where the last `open` came from.
  struct Request {
    var user: User
    var peer: Peer
    var heard: Instant
  }

  /// In the order in which they were last heard.
  private(set) var requests: [Request] = []
  private(set) var accepted = UserList()
  private(set) var ignored = UserList()
  /// The node of each ignored user that has been met, and the other way round.
  private var nodes: [User: Identifier] = [:]
  private var ignoredNodes: [Identifier: User] = [:]

  func hasAccepted(_ user: User) -> Bool { accepted.contains(user) }

  func request(of user: User) -> Request? { requests.first { $0.user == user } }

  /// Whether this user, proved by the key of this node, is ignored.
  mutating func ignores(_ user: User, at node: Identifier) -> Bool {
    if ignored.isEmpty || accepted.contains(user) { return false }
    if ignoredNodes[node] != nil { return true }
    guard ignored.contains(user) else { return false }
    learn(node, of: user)
    return true
  }

  mutating func accept(_ user: User, limit: Int) {
    forget(user)
    accepted.insert(user)
    if accepted.count > limit { _ = accepted.removeOldest() }
  }

  /// `node` is the user's, if it is known.
  mutating func ignore(_ user: User, at node: Identifier?, limit: Int) {
    let node = node ?? request(of: user)?.peer.id
    forget(user)
    ignored.insert(user)
    if let node { learn(node, of: user) }
    if ignored.count > limit, let oldest = ignored.removeOldest() { forgetNode(of: oldest) }
  }

  /// Notes who wants to talk. Whether that is news; nil if too many wait.
  mutating func request(_ request: Request, limits: Conversations.Limits) -> Bool? {
    let known = requests.firstIndex { $0.user == request.user }
    if let known {
      requests.remove(at: known)
    } else if requests.count >= limits.requests {
      guard let oldest = requests.first, oldest.heard + limits.requestLife <= request.heard else { return nil }
      requests.removeFirst()
    }
    requests.append(request)
    return known == nil
  }

  private mutating func forget(_ user: User) {
    requests.removeAll { $0.user == user }
    accepted.remove(user)
    ignored.remove(user)
    forgetNode(of: user)
  }

  private mutating func learn(_ node: Identifier, of user: User) {
    nodes[user] = node
    ignoredNodes[node] = user
  }

  private mutating func forgetNode(of user: User) {
    guard let node = nodes.removeValue(forKey: user), ignoredNodes[node] == user else { return }
    ignoredNodes[node] = nil
  }

  /// What is out of order or beyond its bound; nil when all is well.
  func brokenInvariant(limits: Conversations.Limits) -> String? {
    if requests.count > limits.requests { return "\(requests.count) requests" }
    if accepted.count > limits.acceptedUsers { return "\(accepted.count) accepted users" }
    if ignored.count > limits.ignoredUsers { return "\(ignored.count) ignored users" }
    if nodes.count > ignored.count || ignoredNodes.count > nodes.count { return "ignored nodes of nobody" }
    return nil
  }
}

/// Users, each once, in the order of their coming.
struct UserList {
  private var members: Set<User> = []
  private var order: [User] = []

  var count: Int { order.count }
  var isEmpty: Bool { order.isEmpty }
  func contains(_ user: User) -> Bool { members.contains(user) }

  mutating func insert(_ user: User) {
    if members.insert(user).inserted { order.append(user) }
  }

  mutating func remove(_ user: User) {
    if members.remove(user) != nil { order.removeAll { $0 == user } }
  }

  mutating func removeOldest() -> User? {
    guard let oldest = order.first else { return nil }
    remove(oldest)
    return oldest
  }
}

extension Conversations {
  /// The users who wait for our user's consent, in the order in which they were last heard.
  public var requests: [User] { consent.requests.map(\.user) }

  mutating func accept(_ user: User, at now: Instant, into effects: inout [Effect]) {
    guard departure == nil, let me = self.user, user != me else { return }
    let request = consent.request(of: user)
    consent.accept(user, limit: limits.acceptedUsers)
    guard let request, hasRoomForIncoming, table.slot(of: user) == nil else { return }
    // Opened from here: whoever asked may have given up meanwhile, and then learns that the answer has come.
    let slot = table.insert(user, isIncoming: true, epoch: newEpoch(), at: now)
    table[slot].node = request.peer.id
    table[slot].endpoints = [request.peer.endpoint]
    table[slot].openers = [Session.Opener(ticket: nil, since: now)]
    knock(slot, attempt: 0, at: now, into: &effects)
    settle(slot)
  }

  mutating func ignore(_ user: User, at now: Instant, into effects: inout [Effect]) {
    guard departure == nil, let me = self.user, user != me else { return }
    let slot = table.slot(of: user)
    consent.ignore(user, at: slot.flatMap { table[$0].node }, limit: limits.ignoredUsers)
    if let slot { hangUp(slot, at: now, into: &effects) }
  }

  /// A user with whom there is no session, and who has not been accepted, wants to talk.
  mutating func ask(_ opening: ChatMessage.Opening, from peer: Peer, at now: Instant, into effects: inout [Effect]) {
    let request = Consent.Request(user: opening.from, peer: peer, heard: now)
    guard let isNews = consent.request(request, limits: limits) else {
      return effects.append(.send(.refused(session: opening.session, .full), to: peer))
    }
    effects.append(.send(.waiting(session: opening.session), to: peer))
    if isNews { effects.append(.requested(opening.from)) }
  }

  /// The other side's user has not accepted ours yet. For somebody who must be asked more time is allowed than for a machine.
  mutating func receivedWaiting(_ number: UInt32, from peer: Peer, at now: Instant, into effects: inout [Effect]) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id else { return }
    switch table[slot].phase {
    case .searching, .pausing: return  // an answer to an `open` that we gave up
    case .standing where !table[slot].isComparing: return
    case .standing: relapse(slot, at: now)  // it has forgotten the session, and that it had accepted us
    case .knocking, .waiting: break
    }
    if peer.endpoint.isDialable { table[slot].endpoints = [peer.endpoint] }
    table[slot].lastFailure = .notAccepted
    table[slot].phase = .waiting(until: now + limits.askAgain)
    if !table[slot].isAwaited {
      table[slot].isAwaited = true
      effects.append(.awaited(table[slot].user))
    }
    settle(slot)
  }
}
