// A node for programs that use Swift concurrency: an actor that lives on the node's own event loop, so that its calls are plain
// calls there, with events as an asynchronous sequence.
//
//   let node = try await Node.start(configuration)
//   for await event in node.events { … }

import Chat
import Chord
import UVRuntime

/// A node with an asynchronous interface.
public actor Node {
  /// What happens by itself, from the start on, for one program to read. No text is lost on it: while some thousands of events wait the node
  /// acknowledges no more.
  public nonisolated let events: NodeEvents

  private nonisolated let loop: EventLoop
  private let ownsLoop: Bool
  private let sink: AsyncStream<NodeEvent>.Continuation
  private let backlog: Backlog
  private nonisolated let held = Held()
  private var node: LoopNode? { held.node }
  private var isReady = false
  private var waiting: [CheckedContinuation<Void, any Error>] = []

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Starts a node on a loop of its own, or on `loop`, and waits until it is ready.
  /// Throws `NodeError` when it cannot be started, `NodeFailure.stopped` when it is left before it was ready.
  public static func start(_ configuration: NodeConfiguration, on loop: EventLoop? = nil) async throws -> Node {
    let ownsLoop = loop == nil
    let loop = try loop ?? EventLoop.start(threadName: "chord-chat")
    let node = Node(on: loop, ownsLoop: ownsLoop)
    try await node.begin(configuration)
    return node
  }

  private init(on loop: EventLoop, ownsLoop: Bool) {
    self.loop = loop
    self.ownsLoop = ownsLoop
    let (stream, sink) = AsyncStream<NodeEvent>.makeStream(bufferingPolicy: .bufferingOldest(NodeEvents.limit))
    let held = held
    backlog = Backlog(full: NodeEvents.full, caughtUp: NodeEvents.caughtUp) {
      loop.post { held.node?.takesTexts = true }
    }
    (events, self.sink) = (NodeEvents(stream, backlog), sink)
  }

  private func begin(_ configuration: NodeConfiguration) async throws {
    held.node = try LoopNode(configuration, on: loop) { [weak self] event in
      self?.assumeIsolated { $0.happened(event) }
    }
    try await withCheckedThrowingContinuation { waiting.append($0) }
  }

  private func happened(_ event: NodeEvent) {
    if case .ready = event {
      isReady = true
      for continuation in waiting { continuation.resume() }
      waiting = []
    }
    if case .enqueued = sink.yield(event) { backlog.produced { node?.takesTexts = false } }
  }

  /// The session's user; nil for a node without one.
  public var user: User? { node?.user }

  /// How the node stands now; nil after it was left.
  public var status: NodeStatus? { node?.status }

  /// The sessions that stand.
  public var sessions: [SessionStatus] { node?.sessions ?? [] }

  /// Where is this user now?
  public func find(_ user: User) async throws(NodeFailure) -> Finding {
    try await request { $0.find(user, $1) }
  }

  /// Which member owns this key?
  public func lookup(_ key: Identifier) async throws(NodeFailure) -> LookupResult {
    try await request { $0.lookup(key, $1) }
  }

  /// Opens a session.
  public func open(_ user: User) async throws(NodeFailure) {
    try await request { $0.open(user, $1) }
  }

  /// Sends a text; returns its number once the other side has acknowledged it. Opens a session if there is none.
  @discardableResult
  public func send(_ text: String, to user: User) async throws(NodeFailure) -> UInt64 {
    try await request { $0.send(text, to: user, $1) }
  }

  /// Ends the session with this user.
  public func close(_ user: User) async throws(NodeFailure) {
    try await request { $0.close(user, $1) }
  }

  /// From now on this user may talk to ours; who has asked to is answered with a session. Undoes `ignore`.
  public func accept(_ user: User) throws(NodeFailure) {
    guard let node else { throw .stopped }
    try node.accept(user)
  }

  /// From now on nothing from this user is shown; a session is closed.
  public func ignore(_ user: User) throws(NodeFailure) {
    guard let node else { throw .stopped }
    try node.ignore(user)
  }

  /// Leaves: withdraws the record, tells peers, closes everything. Ends `events`; a loop of the node's own ends with the node.
  public func leave() async {
    guard let node else { return }
    await withCheckedContinuation { continuation in
      node.leave { continuation.resume() }
    }
    held.node = nil
    sink.finish()
    for continuation in waiting { continuation.resume(throwing: NodeFailure.stopped) }
    waiting = []
  }

  /// The loop lives as long as the node, so that calls after `leave` are answered. A node that was dropped without leaving
  /// leaves now; what belongs to the loop is let go on the loop.
  deinit {
    sink.finish()
    let (loop, ownsLoop, held) = (self.loop, self.ownsLoop, self.held)
    guard held.node != nil else {
      if ownsLoop { loop.stop() }
      return
    }
    // (Not an isolated deinit: on a loop that has ended it would never run, and leak.)
    loop.post {
      held.node?.leave {
        held.node = nil
        if ownsLoop { loop.stop() }
      }
    }
  }

  private func request<Value: Sendable>(
    _ ask: (LoopNode, @escaping (Result<Value, NodeFailure>) -> Void) -> Void
  ) async throws(NodeFailure) -> Value {
    guard let node else { throw .stopped }
    let result = await withCheckedContinuation { continuation in
      ask(node) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }
}

/// What belongs to the loop's thread. Only the actor, which lives there, and the job that ends it touch the node.
private final class Held: @unchecked Sendable {
  var node: LoopNode?
}
