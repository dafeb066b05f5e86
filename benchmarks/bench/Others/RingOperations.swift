// What other tables call put and get, on a loopback ring of ours: to publish a user's record, and to find the user.
//
// One after the other: a node writes and stores the record of a user who has been nobody before (sealed, signed twice), which ends when
// its holders have it; then another node finds that user, which ends when the record has come, proved itself, and names the right node.
// The nodes' own users are stored besides, and their records renewed, as on any ring. What is measured meets a ring in use, as with
// OpenDHT: each node puts a record first, and both rings are half a minute old. (In one that has changed within two seconds a read asks more
// holders, lest it should tell of a record that has ended; in one of a few seconds many a link has still to be dialled.)

import Foundation
import NodeKit
import Processes

/// One run. Belongs to its loop's thread.
final class RingOperations: @unchecked Sendable {
  /// As old as OpenDHT's.
  private static let age = Duration.seconds(30)

  private let loop: EventLoop
  private let count: Int
  private let operations: Int
  private var ring: LoopbackRing?
  private var started = Duration.zero
  private let began = LoopTime.current
  private lazy var beginning = Deadline(on: loop) { [unowned self] in put() }
  private var gets = Sample("get", key: "get")
  private var puts = Sample("put", key: "put")
  private var done = 0
  private var hops = 0
  private var copies = 0
  private var failed = 0
  private var outcome: Result<JSON, any Error>?

  private init(nodes: Int, operations: Int, on loop: EventLoop) {
    count = nodes
    self.operations = operations
    self.loop = loop
  }

  /// Makes the ring, measures, and tells what came of it.
  static func run(nodes: Int, operations: Int, within limit: Duration) throws -> JSON {
    try DescriptorLimit.raise()
    let loop = try EventLoop()
    let run = RingOperations(nodes: nodes, operations: operations, on: loop)
    let deadline = Deadline(on: loop) { run.end(.failure(ProcessError("not done within \(limit)"))) }
    deadline.set(loop.now + limit)
    run.ring = try LoopbackRing(on: loop, nodes: nodes) { run.stands($0) }
    loop.run()
    run.ring = nil
    guard let outcome = run.outcome else { throw ProcessError("the ring ended without a result") }
    return try outcome.get()
  }

  // MARK: What happens

  private func stands(_ result: Result<Duration, any Error>) {
    switch result {
    case .failure(let error): end(.failure(error))
    case .success(let duration):
      started = duration
      // In a turn of its own, as each of the following: what is answered at once would go deeper and deeper otherwise.
      loop.post { self.warmUp(0) }
    }
  }

  /// A put by each node, which is not counted.
  private func warmUp(_ writer: Int) {
    guard writer < count else { return beginning.set(began + Self.age) }
    store(by: writer) { [self] _, _ in loop.post { self.warmUp(writer + 1) } }
  }

  private func put() {
    guard outcome == nil else { return }
    guard done < operations else { return finish() }
    done += 1
    let writer = Int.random(in: 0..<count)
    let reader = (writer + Int.random(in: 1..<count)) % count
    let began = LoopTime.current
    store(by: writer) { [self] user, result in
      switch result {
      case .success(let holders):
        puts.add(LoopTime.current - began)
        copies += holders
        loop.post { self.get(user, by: reader) }
      case .failure:
        failed += 1
        loop.post { self.put() }
      }
    }
  }

  /// Writes and stores the record of a user who has been nobody before.
  private func store(by writer: Int, _ done: @escaping (Newcomer, Result<Int, NodeFailure>) -> Void) {
    guard let ring else { return }
    do {
      let identity = Identity.random()
      let user = User(name: try UserName("user"), identity: identity)
      var pen = DirectoryWriter(user: user, identity: identity, network: ring.configuration.network)
      let address = ring.nodes[writer].status.address
      guard let record = pen.record(endpoints: [address], at: loop.wallClockMilliseconds) else {
        throw ProcessError("no record for \(address)")
      }
      ring.nodes[writer].put(record) { done(Newcomer(user: user, id: identity.nodeID), $0) }
    } catch {
      end(.failure(error))
    }
  }

  private struct Newcomer {
    var user: User
    var id: Identifier
  }

  private func get(_ newcomer: Newcomer, by reader: Int) {
    ring?.nodes[reader].find(newcomer.user) { [self] result in
      switch result {
      case .success(let finding) where finding.peer.id == newcomer.id:
        gets.add(finding.duration)
        hops += finding.hops
      case .success, .failure: failed += 1
      }
      loop.post { self.put() }
    }
  }

  // MARK: The end

  private func finish() {
    end(
      .success([
        "nodes": .integer(count), "operations": .integer(operations), "failed": .integer(failed),
        "start_s": .number(started.seconds),
        "put_p50_ms": .number(puts.percentile(0.5)), "put_p99_ms": .number(puts.percentile(0.99)),
        "get_p50_ms": .number(gets.percentile(0.5)), "get_p99_ms": .number(gets.percentile(0.99)),
        "hops_mean": .number(Double(hops) / Double(max(gets.values.count, 1))),
        "copies_mean": .number(Double(copies) / Double(max(puts.values.count, 1))),
      ]))
  }

  private func end(_ outcome: Result<JSON, any Error>) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    loop.stop()
  }
}
