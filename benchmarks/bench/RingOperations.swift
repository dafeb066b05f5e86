// What other tables call get and put, on a loopback ring of ours: to find users, and to publish a record.
//
// A get is `find`: a node looks for a user it has never asked for; ended when the record has come, proved itself and names the right
// node. A put is a newcomer's first record: begun when the newcomer is in the ring (it answers for its own identifier), ended
// when it is told that the record is stored. So a put here is one of a node whose links are seconds old. Newcomers leave again,
// one after the other, so that the ring keeps its size.

import Chat
import Chord
import Foundation
import NodeKit
import Processes
import UVRuntime

/// One after the other: gets, then puts. Belongs to its loop's thread.
final class RingOperations: @unchecked Sendable {
  /// Each newcomer joins and leaves besides, which costs some hundred times what is measured.
  static let mostPuts = 50

  private let loop: EventLoop
  private let count: Int
  private let operations: Int
  private var ring: LoopbackRing?
  private var pairs: [(asker: Int, user: Int)] = []
  private var gets = Sample("get", key: "get")
  private var puts = Sample("put", key: "put")
  private var joins = Sample("start to ready", key: "join")
  private var hops = 0
  private var failed = 0
  private var outcome: Result<JSON, any Error>?
  private var started = Duration.zero
  private var newcomer: LoopNode?
  private var newcomerBegan = LoopTime.current
  private var putBegan: LoopTime?

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
    run.newcomer = nil
    guard let outcome = run.outcome else { throw ProcessError("the ring ended without a result") }
    return try outcome.get()
  }

  private func stands(_ result: Result<Duration, any Error>) {
    switch result {
    case .failure(let error): end(.failure(error))
    case .success(let duration):
      started = duration
      // No pair twice: what a node has been told once it may remember.
      for asker in 0..<count { for user in 0..<count where user != asker { pairs.append((asker, user)) } }
      pairs.shuffle()
      pairs = Array(pairs.prefix(operations))
      get()
    }
  }

  // MARK: Gets

  private func get() {
    guard let ring, outcome == nil else { return }
    guard let (asker, target) = pairs.popLast() else { return put() }
    guard let user = ring.nodes[target].user else { return end(.failure(ProcessError("a node without a user"))) }
    ring.nodes[asker].find(user) { [self] result in
      switch result {
      case .success(let finding) where finding.peer.id == ring.nodes[target].status.node:
        gets.add(finding.duration)
        hops += finding.hops
      case .success, .failure: failed += 1
      }
      // In a turn of its own: what is answered at once would go deeper and deeper otherwise.
      loop.post { self.get() }
    }
  }

  // MARK: Puts

  private func put() {
    guard let ring, outcome == nil else { return }
    guard puts.values.count < min(operations, Self.mostPuts) else { return finish() }
    newcomerBegan = .current
    putBegan = nil
    do {
      newcomer = try ring.newcomer { [self] in if case .ready = $0 { wasStored() } }
      watchForMembership()
    } catch {
      end(.failure(error))
    }
  }

  /// What is asked before there is a ring waits for it: the answer comes when the newcomer's own record is put.
  private func watchForMembership() {
    guard let newcomer else { return }
    newcomer.lookup(newcomer.status.node) { [self] result in
      if case .success = result { putBegan = .current }
    }
  }

  private func wasStored() {
    let now = LoopTime.current
    puts.add(now - (putBegan ?? now))
    joins.add(now - newcomerBegan)
    newcomer?.leave { [self] in
      loop.post {
        self.newcomer = nil
        self.put()
      }
    }
  }

  // MARK: The end

  private func finish() {
    end(
      .success([
        "nodes": .integer(count), "operations": .integer(gets.values.count), "failed": .integer(failed),
        "start_s": .number(started.seconds),
        "put_p50_ms": .number(puts.percentile(0.5)), "put_p99_ms": .number(puts.percentile(0.99)),
        "get_p50_ms": .number(gets.percentile(0.5)), "get_p99_ms": .number(gets.percentile(0.99)),
        "hops_mean": .number(Double(hops) / Double(max(gets.values.count, 1))),
        "join_and_put_p50_ms": .number(joins.percentile(0.5)),
      ]))
  }

  private func end(_ outcome: Result<JSON, any Error>) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    loop.stop()
  }
}
