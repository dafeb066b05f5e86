// What the tests of real nodes share: an actor on a loop of its own, so that a test reads from top to bottom although everything
// happens in callbacks; nodes that note what they tell; and a peer without manners, who writes whatever bytes it likes.
//
// Nothing here sleeps: a test waits until something holds, looks every millisecond, and fails at the limit.

import Chat
import Chord
import RawPeers
import Testing
import UVRuntime

@testable import NodeKit

/// What was waited for did not come.
struct TimedOut: Error, CustomStringConvertible {
  var description: String
}

/// A loop with nodes and raw peers on it. All of a test runs on the loop's thread.
actor Rig {
  nonisolated let loop: EventLoop
  private(set) var members: [Member] = []
  private(set) var peers: [RawPeer] = []
  private var pause: Deadline?
  private var lastSeed: UInt64 = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  // MARK: Nodes

  /// Starts a node that is told of the others' addresses.
  func start(
    _ name: String?, knows others: [Member] = [], _ configure: (inout NodeConfiguration) throws -> Void = { _ in },
    onEvent: @escaping (Member, NodeEvent) -> Void = { _, _ in }
  ) throws -> Member {
    lastSeed += 1
    var configuration = NodeConfiguration()
    configuration.username = try name.map { try UserName($0) }
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = others.map(\.address)
    configuration.network = "test"
    configuration.seed = lastSeed
    try configure(&configuration)
    let member = Member(onEvent)
    member.node = try LoopNode(configuration, on: loop) { [weak member] event in member?.happened(event) }
    members.append(member)
    return member
  }

  /// Starts a node and waits until it is ready.
  func ready(
    _ name: String?, knows others: [Member] = [], _ configure: (inout NodeConfiguration) throws -> Void = { _ in }
  ) async throws -> Member {
    let member = try start(name, knows: others, configure)
    try await until("\(name ?? "the node") is ready") { member.isReady }
    return member
  }

  /// Waits until the pointers of these nodes are those of one ring.
  func formed(_ ring: [Member], limit: Duration = .seconds(10)) async throws {
    let ids = ring.map(\.id).sorted()
    try await until("one ring of \(ring.count)", limit: limit) {
      ring.allSatisfy { member in
        guard let place = ids.firstIndex(of: member.id) else { return false }
        let after = (1..<ids.count).map { ids[(place + $0) % ids.count] }
        let status = member.status
        return status.successors.map(\.id) == after && status.predecessor?.id == after.last
      }
    }
  }

  /// One says something, the other hears it, and the first hears that.
  func talk(_ from: Member, _ to: Member, _ text: String, limit: Duration = .seconds(10)) async throws {
    guard let sender = from.node.user, let receiver = to.node.user else { throw TimedOut(description: "no users") }
    let answer = try await answer("\(text) is acknowledged", limit: limit) { from.node.send(text, to: receiver, $0) }
    if case .failure(let failure) = answer { Issue.record("\(text): \(failure)") }
    if to.heard(from: sender).last != text { Issue.record("heard \(to.heard(from: sender).suffix(3)), not \(text)") }
  }

  func leave(_ leaving: [Member]) async throws {
    var left = 0
    for member in leaving { member.node.leave { left += 1 } }
    try await until("all have left", limit: .seconds(4)) { left == leaving.count }
  }

  // MARK: Raw peers

  /// Dials a node, as nobody in particular or as this identity.
  func dial(
    _ member: Member, as identity: Identity? = nil, network: String = "test", listens: Bool = false,
    at host: Endpoint.Host = .v4(0), sees: Endpoint? = nil
  ) throws -> RawPeer {
    let peer = try RawPeer(
      on: loop, to: member.status.address, identity, network: network, listens: listens, host: host, sees: sees)
    peers.append(peer)
    return peer
  }

  /// Dials a node with a handshake that proves this identity's static key, and says whatever it likes in the last message of it.
  func dial(_ member: Member, as identity: Identity, saying payload: [UInt8]) throws -> RawPeer {
    let peer = try RawPeer(on: loop, to: member.status.address, identity, network: "test", payload: payload)
    peers.append(peer)
    return peer
  }

  /// Dials a node and proves an identity to it.
  func linked(_ member: Member, as identity: Identity = .random(), listens: Bool = false) async throws -> RawPeer {
    let peer = try dial(member, as: identity, listens: listens)
    try await until("the raw peer has linked") {
      peer.isEstablished && member.node.links.isLinked(identity.nodeID)
    }
    return peer
  }

  // MARK: Waiting

  func until(_ what: String, limit: Duration = .seconds(10), _ condition: () -> Bool) async throws {
    let end = LoopTime.current + limit
    while !condition() {
      guard LoopTime.current < end else { throw TimedOut(description: "not within \(limit): \(what)") }
      await nextMoment()
    }
  }

  /// The one answer to a request.
  func answer<Value>(
    _ what: String, limit: Duration = .seconds(15),
    _ ask: (@escaping (Result<Value, NodeFailure>) -> Void) -> Void
  ) async throws -> Result<Value, NodeFailure> {
    let answers = Answers<Value>()
    ask { answers.all.append($0) }
    try await until(what, limit: limit) { !answers.all.isEmpty }
    if answers.all.count != 1 { Issue.record("\(what): answered \(answers.all.count) times") }
    return answers.all[0]
  }

  private func nextMoment() async {
    await withCheckedContinuation { continuation in
      let deadline = Deadline(on: loop) { continuation.resume() }
      deadline.set(loop.now + .milliseconds(1))
      pause = deadline
    }
  }

  // MARK: The end

  /// Everybody leaves; then nothing of theirs may be open any more.
  fileprivate func end() async {
    do {
      try await leave(members)
      for peer in peers { peer.connection.close() }
      try await until("nothing is open", limit: .seconds(5)) { loop.openHandles == 0 }
    } catch {
      Issue.record("\(error); open: \(loop.openHandleNames)")
    }
    members = []
    peers = []
    pause = nil
  }
}

/// Runs a test on a loop of its own and sees that the loop ends empty and closed.
func withRig(_ body: @Sendable (isolated Rig) async throws -> Void) async throws {
  let loop = try EventLoop.start(threadName: "nodes")
  let rig = Rig(loop)
  var problem: (any Error)?
  do { try await body(rig) } catch { problem = error }
  await rig.end()
  loop.stop()
  await loop.waitUntilClosed()
  if loop.openHandles != 0 || loop.openConnections != 0 { Issue.record("the loop has not ended empty") }
  if let problem { throw problem }
}

/// What came back from one request.
final class Answers<Value> {
  var all: [Result<Value, NodeFailure>] = []
}

/// A node, and what it has told.
final class Member {
  var node: LoopNode!
  private(set) var events: [NodeEvent] = []
  private let onEvent: (Member, NodeEvent) -> Void

  init(_ onEvent: @escaping (Member, NodeEvent) -> Void) {
    self.onEvent = onEvent
  }

  func happened(_ event: NodeEvent) {
    events.append(event)
    onEvent(self, event)
  }

  var status: NodeStatus { node.status }
  var id: Identifier { node.status.node }
  var isReady: Bool { node.isReady }
  var address: String { "\(node.status.address)" }
  func failures(_ failure: LinkFailure) -> Int { node.linkFailures[failure, default: 0] }
  var allFailures: Int { node.linkFailures.values.reduce(0, +) }

  /// The texts from a user, in the order in which they were shown.
  func heard(from user: User) -> [String] {
    events.compactMap { event in
      if case .message(user, let text, _) = event { text } else { nil }
    }
  }
}
