// What a program may ask of a node, and how the answers find their way back: every request has a ticket, and `answers` knows who
// waits for it. Everything is asked of the machine at once, but for texts, which leave together when the turn ends.

import Chat
import Chord
import UVRuntime

extension LoopNode {
  /// Who waits for what.
  enum Answer {
    case find(since: LoopTime, (Result<Finding, NodeFailure>) -> Void)
    case lookup(since: LoopTime, (Result<LookupResult, NodeFailure>) -> Void)
    case open((Result<Void, NodeFailure>) -> Void)
    case send((Result<UInt64, NodeFailure>) -> Void)
    case close((Result<Void, NodeFailure>) -> Void)
    case view((Result<View, NodeFailure>) -> Void)
    case put((Result<Int, NodeFailure>) -> Void)
  }

  /// How the node stands now.
  public var status: NodeStatus {
    let ring = engine.ring.ring
    return NodeStatus(
      user: user, node: identity.nodeID, address: ring.me.endpoint, predecessor: ring.predecessor,
      successors: ring.successors, peers: links.count, isReady: isReady, linkFailures: links.failures)
  }

  /// The sessions that stand, in the order of their users' names.
  public var sessions: [SessionStatus] {
    (engine.conversations?.sessions ?? []).map { SessionStatus(user: $0.user, address: $0.endpoint) }
  }

  /// The users who have asked for a session and wait for `accept`, in the order in which they were last heard.
  public var requests: [User] { engine.conversations?.requests ?? [] }

  /// The bootstrap addresses that do not work at present, and why.
  public var bootstrapFailures: [(address: String, reason: LinkFailure)] { bootstrapper.failures }

  /// How often links have ended, by reason.
  public var linkFailures: [LinkFailure: Int] { links.failures }

  /// Where the ring keeps the record of a user.
  public func ringKey(of user: User) -> Identifier {
    DirectoryKey(user: user, network: configuration.network).ringKey
  }

  /// Where is this user now?
  public func find(_ user: User, _ done: @escaping (Result<Finding, NodeFailure>) -> Void) {
    ask(.find(since: loop.now, done)) { .chat(.find(user, $0)) }
  }

  /// Which member owns this key?
  public func lookup(_ key: Identifier, _ done: @escaping (Result<LookupResult, NodeFailure>) -> Void) {
    ask(.lookup(since: loop.now, done)) { .ring(.lookUp(key, $0 << 1)) }
  }

  /// Opens a session; done when it stands.
  public func open(_ user: User, _ done: @escaping (Result<Void, NodeFailure>) -> Void) {
    ask(.open(done)) { .chat(.open(user, $0)) }
  }

  /// Sends a text of 1 to 32,768 bytes of UTF-8, opening a session if there is none; done when the other side has acknowledged it.
  public func send(_ text: String, to user: User, _ done: @escaping (Result<UInt64, NodeFailure>) -> Void) {
    guard let ticket = note(.send(done)) else { return }
    stepSoon(.chat(.send(user, text, ticket)))
  }

  /// Ends the session with this user.
  public func close(_ user: User, _ done: @escaping (Result<Void, NodeFailure>) -> Void) {
    ask(.close(done)) { .chat(.close(user, $0)) }
  }

  /// From now on this user may talk to ours; who has asked to is answered with a session. Undoes `ignore`. (To write to somebody does
  /// the same.) Throws `oneself`, `noUser` or `stopped`.
  public func accept(_ user: User) throws(NodeFailure) {
    try decide(user, .accept(user))
  }

  /// From now on nothing from this user is shown, nor from their node under another name; a session is closed. They are answered
  /// like somebody whom nobody has accepted yet. Throws `oneself`, `noUser` or `stopped`.
  public func ignore(_ user: User) throws(NodeFailure) {
    try decide(user, .ignore(user))
  }

  private func decide(_ user: User, _ event: Conversations.Event) throws(NodeFailure) {
    guard departure == nil else { throw .stopped }
    guard let me = self.user else { throw .noUser }
    guard user != me else { throw .oneself }
    step(.chat(event))
  }

  /// What another member shows of its place in the ring.
  public func view(of peer: Peer, _ done: @escaping (Result<View, NodeFailure>) -> Void) {
    guard peer.id != identity.nodeID else {
      let ring = engine.ring.ring
      return done(
        .success(View(isMember: ring.isMember, predecessor: ring.predecessor, successors: ring.successors)))
    }
    ask(.view(done)) { .ring(.look(peer, $0 << 1)) }
  }

  /// Stores a record that somebody else has written: the user's own is put, and put again, by the node itself. Done when as many
  /// members as the answer says hold it. For measurements.
  package func put(_ record: Record, _ done: @escaping (Result<Int, NodeFailure>) -> Void) {
    ask(.put(done)) { .ring(.put(record, $0 << 1)) }
  }

  /// Everybody it remembers whom a lookup may use.
  package var knownPeers: Int { engine.ring.knownPeers.count }

  /// The nodes to which a link stands, in the order of their identifiers.
  public var peers: [Peer] { links.remotes.map(\.peer) }

  /// Nodes that this one was introduced to: where a walk round the ring may begin.
  public var contacts: [Peer] { engine.ring.introducedPeers }

  private func ask(_ answer: Answer, _ event: (Ticket) -> Engine.Event) {
    if let ticket = note(answer) { step(event(ticket)) }
  }

  /// Notes who asks; nil if they are answered already.
  private func note(_ answer: Answer) -> Ticket? {
    guard departure == nil, let ticket = answers.insert(answer) else {
      refuse(answer, departure == nil ? .busy : .stopped)
      return nil
    }
    return ticket
  }

  /// Whoever asks again when it is refused is refused when the turn ends, and in the next one: at once there would be no end to it.
  private func refuse(_ answer: Answer, _ failure: NodeFailure) {
    guard !isRefusing else {
      refused.append((answer, failure))
      return callAtEndOfTurn()
    }
    isRefusing = true
    self.answer(answer, failure)
    isRefusing = false
  }

  func refuseAgain() {
    guard !refused.isEmpty else { return }
    let again = refused
    refused = []
    for (answer, failure) in again { refuse(answer, failure) }
  }

  // MARK: Answers

  func answerFind(_ ticket: Ticket, _ user: User, _ peer: Peer, _ hops: Int) {
    guard case .find(let since, let done)? = answers.take(ticket) else { return }
    let duration = LoopTime.current - since
    lookupTimes.found(in: duration, over: hops)
    done(.success(Finding(user: user, peer: peer, hops: hops, duration: duration)))
  }

  func answerLookup(_ ticket: Ticket, _ owner: Peer, _ path: [Identifier]) {
    guard case .lookup(let since, let done)? = answers.take(ticket) else { return }
    let duration = LoopTime.current - since
    lookupTimes.found(in: duration, over: path.count)
    done(.success(LookupResult(owner: owner, path: path, duration: duration)))
  }

  func answerOpen(_ ticket: Ticket) {
    guard case .open(let done)? = answers.take(ticket) else { return }
    done(.success(()))
  }

  func answerSend(_ ticket: Ticket, _ id: UInt64) {
    guard case .send(let done)? = answers.take(ticket) else { return }
    done(.success(id))
  }

  func answerClose(_ ticket: Ticket) {
    guard case .close(let done)? = answers.take(ticket) else { return }
    done(.success(()))
  }

  func answerView(_ ticket: Ticket, _ view: View?) {
    guard case .view(let done)? = answers.take(ticket) else { return }
    done(view.map { .success($0) } ?? .failure(.unreachable))
  }

  func answerPut(_ ticket: Ticket, copies: Int) {
    guard case .put(let done)? = answers.take(ticket) else { return }
    done(.success(copies))
  }

  func answer(_ ticket: Ticket, _ failure: NodeFailure) {
    if let answer = answers.take(ticket) { self.answer(answer, failure) }
  }

  private func answer(_ answer: Answer, _ failure: NodeFailure) {
    switch answer {
    case .find(_, let done):
      lookupTimes.failed()
      done(.failure(failure))
    case .lookup(_, let done):
      lookupTimes.failed()
      done(.failure(failure))
    case .open(let done), .close(let done): done(.failure(failure))
    case .send(let done): done(.failure(failure))
    case .view(let done): done(.failure(failure))
    case .put(let done): done(.failure(failure))
    }
  }

  /// Nobody waits for ever: what is open when the node stops is answered.
  func answerAll(_ failure: NodeFailure) {
    for ticket in answers.open { answer(ticket, failure) }
  }
}

extension NodeFailure {
  init(_ refusal: Refusal) {
    switch refusal {
    case .notInRing: self = .notInRing
    case .unreachable, .tooManyHops: self = .timeout
    case .refused, .full, .unknown, .busy: self = .busy
    }
  }
}
