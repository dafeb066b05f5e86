// How often two real nodes ask for memory for a text: from `send` to the word that it was shown, everything that either of them does,
// links, cipher and loop included. The texts themselves are there before; of what is counted one is the reader's string.

import CAllocations
import NodeKit
import UVRuntime

/// Two nodes on one loop, one of which writes to the other.
final class TextAllocations {
  /// As many texts as are given in one turn: a batch as a bot that reads lines from a pipe has them.
  static let batch = 1_000
  private static let rounds = 50
  /// Until buffers are as large as they get.
  private static let warmUps = 10

  private let loop: EventLoop
  private let text = String(repeating: "x", count: 32)
  private var alice: LoopNode?
  private var bob: LoopNode?
  private var reader: User?
  private var ready = 0
  private var round = 0
  private var shown = 0
  private var acknowledged = 0
  private var before: UInt64 = 0
  private var result = Double.infinity

  private init() throws {
    loop = try EventLoop()
  }

  /// Allocations a text, of both nodes together.
  static func measure() throws -> Double {
    let texts = try TextAllocations()
    texts.bob = try texts.node("bob", []) { texts.bobHears($0) }
    texts.loop.run()
    return texts.result
  }

  private func node(
    _ name: String, _ bootstraps: [String], _ onEvent: @escaping (NodeEvent) -> Void
  ) throws -> LoopNode {
    var configuration = NodeConfiguration()
    configuration.username = try UserName(name)
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = bootstraps
    configuration.network = "counts"
    return try LoopNode(configuration, on: loop, onEvent)
  }

  private func bobHears(_ event: NodeEvent) {
    switch event {
    case .message: shown += 1
    case .ready(let status):
      reader = status.user
      alice = try? node("alice", [status.address.description]) { [self] in if case .ready = $0 { open() } }
    default: break
    }
  }

  private func open() {
    guard let reader else { return end() }
    alice?.open(reader) { [self] in if case .success = $0 { write() } else { end() } }
  }

  private func write() {
    guard let alice, let reader else { return end() }
    if round == Self.warmUps { before = allocations_made() }
    if round == Self.warmUps + Self.rounds {
      result = Double(allocations_made() - before) / Double(Self.batch * Self.rounds)
      return end()
    }
    round += 1
    for _ in 0..<Self.batch { alice.send(text, to: reader) { [self] in answered($0) } }
  }

  private func answered(_ answer: Result<UInt64, NodeFailure>) {
    guard case .success = answer else { return end() }
    acknowledged += 1
    if acknowledged == round * Self.batch, shown == acknowledged { write() }
  }

  private func end() {
    loop.stop()
  }
}
