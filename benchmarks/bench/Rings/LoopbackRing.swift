// N real nodes over real sockets in one process, on one loop: a ring to ask questions of.
//
// The first node begins the ring, the others join it a few at a time: one core does all their handshakes. It stands when every node is
// ready (its record is stored) and knows exactly the successors and the predecessor that an oracle, who sees all identifiers, says it must.
// Nothing here is simulated: dials, handshakes, sealed messages, the system's sockets; but one core does the work of all N, and there is
// no distance between them.

import Chat
import Chord
import Foundation
import NodeKit
import Processes
import UVRuntime

/// Real nodes with a user each, all on one loop of one process. Belongs to that loop's thread.
final class LoopbackRing {
  /// A ring of 128 stands within seconds.
  static let patience = Duration.seconds(60)
  /// So many are not ready yet at any time.
  private static let joining = 16
  private static let pauseBetweenLooks = Duration.milliseconds(20)

  let loop: EventLoop
  private let count: Int
  private let successors: Int
  /// What all nodes have in common.
  let configuration: NodeConfiguration
  private var bootstraps: [String] = []
  private let stands: (Result<Duration, any Error>) -> Void
  private let began = LoopTime.current
  private var ready = 0
  private lazy var look = Deadline(on: loop) { [unowned self] in lookWhetherItStands() }
  private(set) var nodes: [LoopNode] = []

  /// Starts them; `stands` is called once, on the loop, with the time it took.
  init(
    on loop: EventLoop, nodes count: Int, successors: Int = 16,
    _ stands: @escaping (Result<Duration, any Error>) -> Void
  ) throws {
    self.loop = loop
    self.count = count
    self.successors = successors
    self.stands = stands
    var configuration = NodeConfiguration()
    configuration.username = try UserName("member")
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = []
    configuration.successors = successors
    configuration.network = "loopback-ring-\(UUID().uuidString.lowercased())"
    self.configuration = configuration
    try start()
    look.set(loop.now + Self.pauseBetweenLooks)
  }

  // MARK: Until it stands

  private func start() throws {
    var configuration = configuration
    configuration.bootstraps = bootstraps
    nodes.append(
      try LoopNode(configuration, on: loop) { [unowned self] in if case .ready(let status) = $0 { becameReady(status) }
      })
  }

  private func becameReady(_ status: NodeStatus) {
    ready += 1
    do {
      if ready == 1 { bootstraps = [status.address.description] }
      while nodes.count < count, nodes.count < ready + Self.joining { try start() }
    } catch {
      return stands(.failure(error))
    }
  }

  private func lookWhetherItStands() {
    let taken = LoopTime.current - began
    if ready == count, isExact { return stands(.success(taken)) }
    guard taken < Self.patience else {
      return stands(.failure(ProcessError("the ring of \(count) does not stand after \(Self.patience)")))
    }
    look.set(loop.now + Self.pauseBetweenLooks)
  }

  /// Whether every node knows its neighbours, and nobody else as such.
  private var isExact: Bool {
    let places = nodes.map(\.status).sorted { $0.node < $1.node }
    let listed = min(successors, count - 1)
    return places.indices.allSatisfy { place in
      let following = (0..<listed).map { places[(place + 1 + $0) % count].node }
      return places[place].successors.map(\.id) == following
        && (count == 1 || places[place].predecessor?.id == places[(place + count - 1) % count].node)
    }
  }
}
