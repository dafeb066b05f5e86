// One row of lookups on a loopback ring: real nodes over real sockets in one process, asked at a rate that does not wait for answers. A
// lookup's time counts from the moment it was meant for: should the process be busy then, that is part of it.

import Chord
import NodeKit
import Processes
import Simulation
import UVRuntime

/// One run. Belongs to its loop's thread.
final class LoopbackLookups: @unchecked Sendable {
  struct Options {
    var nodes: Int
    var successors: Int
    var lookups: Int
    /// A second, over all nodes.
    var rate: Double
    var seed: UInt64
  }

  /// All fingers have been looked up once by then.
  private static let life = Duration.seconds(5)

  private let loop: EventLoop
  private let options: Options
  private var generator: Generator
  private var ring: LoopbackRing?
  private var figures: LookupFigures
  private var tally = LookupTally()
  private var members: [Identifier] = []
  private var began = LoopTime.current
  private var asked = 0
  private var processorBefore = 0.0
  private lazy var next = Deadline(on: loop) { [unowned self] in askThoseDue() }
  private var outcome: Result<LookupFigures, any Error>?

  private init(_ options: Options, on loop: EventLoop) {
    self.options = options
    self.loop = loop
    generator = Generator(seed: options.seed)
    figures = LookupFigures(
      settings: [
        ("nodes", .integer(options.nodes)), ("successors", .integer(options.successors)), ("mode", .string("loopback")),
        ("seed", .integer(Int(truncatingIfNeeded: options.seed))), ("rate", .number(options.rate)),
      ], nodes: options.nodes, failing: 0)
  }

  /// Makes the ring, asks, and tells what came of it.
  static func run(_ options: Options) throws -> LookupFigures {
    try DescriptorLimit.raise()
    let loop = try EventLoop()
    let run = LoopbackLookups(options, on: loop)
    run.ring = try LoopbackRing(on: loop, nodes: options.nodes, successors: options.successors) { run.stands($0) }
    loop.run()
    run.ring = nil
    guard let outcome = run.outcome else { throw ProcessError("the ring ended without a result") }
    return try outcome.get()
  }

  private func stands(_ result: Result<Duration, any Error>) {
    guard let ring else { return }
    if case .failure(let error) = result { return end(.failure(error)) }
    members = ring.nodes.map(\.status.node).sorted()
    next.set(loop.now + Self.life)
    began = loop.now + Self.life
    processorBefore = ProcessorTime.own
  }

  private func askThoseDue() {
    while asked < options.lookups, due(asked) <= LoopTime.current { ask() }
    if asked < options.lookups { next.set(due(asked)) }
  }

  private func due(_ number: Int) -> LoopTime { began + .seconds(Double(number) / options.rate) }

  private func ask() {
    guard let ring else { return }
    let meant = due(asked)
    let key = Identifier(hashing: Array("key \(asked) of \(options.seed)".utf8), label: "loopback")
    let node = ring.nodes[Int(generator.next() % UInt64(ring.nodes.count))]
    asked += 1
    node.lookup(key) { [self] result in
      let time = LoopTime.current - meant
      switch result {
      case .success(let found):
        let isRight = found.owner.id == owner(of: key)
        tally.add(LookupTally.Lookup(isRight ? .right : .wrong, hops: found.path.count, timeouts: 0, time: time))
      case .failure: tally.add(LookupTally.Lookup(.failed, hops: nil, timeouts: 0, time: time))
      }
      if tally.count == options.lookups { finish() }
    }
  }

  private func owner(of key: Identifier) -> Identifier? { members.first { $0 >= key } ?? members.first }

  private func finish() {
    figures.tallies = [tally]
    figures.knownPeers = ring?.nodes.map(\.knownPeers) ?? []
    figures.processorSeconds = ProcessorTime.own - processorBefore
    end(.success(figures))
  }

  private func end(_ outcome: Result<LookupFigures, any Error>) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    loop.stop()
  }
}
