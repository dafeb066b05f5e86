// Two users and a bootstrap node in one process, on one thread: from nothing to a session, echo round trips, texts a second one way.
//
// The counterpart of the programs in benchmarks/peers that do the same with other messengers, and told in the same names.

import Chat
import Chord
import Foundation
import NodeKit
import Processes
import UVRuntime

/// One run. Belongs to its loop's thread.
final class ChatPair: @unchecked Sendable {
  /// Before round trips count.
  private static let warmUps = 20
  /// As many as a session's window holds; what is beyond it waits in the node, and says nothing of the engine.
  private static let window = 4_096
  static let text = String(repeating: "x", count: 64)

  private let loop: EventLoop
  private let echoes: Int
  private let texts: Int
  private let network = "chat-pair-\(UUID().uuidString.lowercased())"
  private let began = LoopTime.current
  private var bootstrap: LoopNode?
  private var alice: LoopNode?
  private var bob: LoopNode?
  private var ready = 0
  private var connected = Duration.zero
  private var echo = Sample("echo", key: "echo")
  private var echoed = 0
  private var asked = LoopTime.current
  private var isEchoing = true
  private var sent = 0
  private var acknowledged = 0
  private var isPosted = false
  private var textsBegan = LoopTime.current
  private var outcome: Result<JSON, any Error>?

  private init(echoes: Int, texts: Int, on loop: EventLoop) {
    self.echoes = echoes
    self.texts = texts
    self.loop = loop
  }

  /// Starts the three, measures, and tells what came of it.
  static func run(echoes: Int, texts: Int, within limit: Duration) throws -> JSON {
    let loop = try EventLoop()
    let pair = ChatPair(echoes: echoes, texts: texts, on: loop)
    let deadline = Deadline(on: loop) { pair.end(.failure(ProcessError("not done within \(limit)"))) }
    deadline.set(loop.now + limit)
    pair.attempt { pair.bootstrap = try pair.node(nil, []) { pair.begins($0) } }
    loop.run()
    (pair.bootstrap, pair.alice, pair.bob) = (nil, nil, nil)
    guard let outcome = pair.outcome else { throw ProcessError("the pair ended without a result") }
    return try outcome.get()
  }

  private func node(
    _ name: String?, _ bootstraps: [String], _ onEvent: @escaping (NodeEvent) -> Void
  ) throws -> LoopNode {
    var configuration = NodeConfiguration()
    configuration.username = try name.map { try UserName($0) }
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = bootstraps
    configuration.network = network
    return try LoopNode(configuration, on: loop, onEvent)
  }

  // MARK: From nothing to a session

  private func begins(_ event: NodeEvent) {
    guard case .ready(let status) = event else { return }
    let address = status.address.description
    attempt {
      alice = try node("alice", [address]) { [self] in aliceHears($0) }
      bob = try node("bob", [address]) { [self] in bobHears($0) }
    }
  }

  private func userIsReady() {
    ready += 1
    guard ready == 2, let user = bob?.user else { return }
    alice?.open(user) { [self] result in
      guard case .success = result else { return end(.failure(ProcessError("no session: \(result)"))) }
      connected = LoopTime.current - began
      loop.post { self.sendEcho() }
    }
  }

  // MARK: What the two hear

  private func aliceHears(_ event: NodeEvent) {
    if case .ready = event { userIsReady() }
    guard case .message(_, let text, _) = event else { return }
    guard text == Self.text else { return end(.failure(ProcessError("another text has come back"))) }
    echoed += 1
    if echoed > Self.warmUps { echo.add(LoopTime.current - asked) }
    loop.post { self.sendEcho() }
  }

  private func bobHears(_ event: NodeEvent) {
    if case .ready = event { userIsReady() }
    guard case .message(let user, let text, _) = event, isEchoing else { return }
    bob?.send(text, to: user) { [self] in if case .failure(let failure) = $0 { end(.failure(failure)) } }
  }

  // MARK: Echoes, then texts

  private func sendEcho() {
    guard let user = bob?.user, outcome == nil else { return }
    guard echoed < echoes + Self.warmUps else { return beginTexts() }
    asked = .current
    alice?.send(Self.text, to: user) { [self] in if case .failure(let failure) = $0 { end(.failure(failure)) } }
  }

  private func beginTexts() {
    isEchoing = false
    textsBegan = .current
    sendTexts()
  }

  private func sendTexts() {
    guard let user = bob?.user else { return }
    while sent < texts, sent - acknowledged < Self.window, outcome == nil {
      sent += 1
      alice?.send(Self.text, to: user) { [self] in wasAcknowledged($0) }
    }
  }

  private func wasAcknowledged(_ result: Result<UInt64, NodeFailure>) {
    if case .failure(let failure) = result { return end(.failure(failure)) }
    acknowledged += 1
    if acknowledged == texts { return finish() }
    guard !isPosted else { return }
    isPosted = true
    loop.post { [self] in
      isPosted = false
      sendTexts()
    }
  }

  // MARK: The end

  private func finish() {
    let seconds = (LoopTime.current - textsBegan).seconds
    end(
      .success([
        "connected_ms": .number(connected.milliseconds),
        "echo_p50_ms": .number(echo.percentile(0.5)), "echo_p99_ms": .number(echo.percentile(0.99)),
        "texts_per_second": .integer(Int(Double(texts) / seconds)), "texts": .integer(texts),
        "bytes": .integer(Self.text.utf8.count),
      ]))
  }

  private func attempt(_ body: () throws -> Void) {
    do { try body() } catch { end(.failure(error)) }
  }

  private func end(_ outcome: Result<JSON, any Error>) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    loop.stop()
  }
}
