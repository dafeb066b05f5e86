// What happens to a node, for the one program that reads it. A text that waits here has been acknowledged, so none may be dropped: when
// many events wait the node takes no more texts, which their senders then send again, until the program has caught up.
//
//   the loop ──produced──► waiting: 0 … caughtUp … full … limit ──took──► the program, on any thread
//                                       └─ texts again ┘ └─ no more texts

import Synchronization

/// The events of a node, in order.
public struct NodeEvents: AsyncSequence, Sendable {
  private let stream: AsyncStream<NodeEvent>
  private let backlog: EventBacklog

  init(_ stream: AsyncStream<NodeEvent>, _ backlog: EventBacklog) {
    self.stream = stream
    self.backlog = backlog
  }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate var base: AsyncStream<NodeEvent>.Iterator
    fileprivate let backlog: EventBacklog

    public mutating func next(isolation actor: isolated (any Actor)?) async -> NodeEvent? {
      let event = await base.next(isolation: actor)
      if event != nil { backlog.took() }
      return event
    }

    public mutating func next() async -> NodeEvent? { await next(isolation: #isolation) }
  }

  public func makeAsyncIterator() -> Iterator {
    Iterator(base: stream.makeAsyncIterator(), backlog: backlog)
  }
}

/// How many events wait, counted from both sides.
final class EventBacklog: Sendable {
  /// So many, and the node takes no more texts; a message may still bring 256.
  static let full = 4_096
  /// So few, and it takes texts again.
  static let caughtUp = 1_024
  /// All that ever wait. Only of a program that reads nothing at all, those that come later are dropped: they are no texts.
  static let limit = 10_000

  private let waiting = Atomic(0)
  private let isHeld = Atomic(false)
  private let resume: @Sendable () -> Void

  /// `resume` is called on the reader's thread when it has caught up.
  init(resume: @escaping @Sendable () -> Void) { self.resume = resume }

  /// On the loop: another event waits. `hold` is called if that are too many.
  func produced(hold: () -> Void) {
    let count = waiting.add(1, ordering: .sequentiallyConsistent).newValue
    guard count >= Self.full, !isHeld.load(ordering: .sequentiallyConsistent) else { return }
    hold()
    isHeld.store(true, ordering: .sequentiallyConsistent)
    // It may have read all of them while it was not held.
    if waiting.load(ordering: .sequentiallyConsistent) <= Self.caughtUp { release() }
  }

  fileprivate func took() {
    let count = waiting.subtract(1, ordering: .sequentiallyConsistent).newValue
    if count <= Self.caughtUp { release() }
  }

  private func release() {
    if isHeld.exchange(false, ordering: .sequentiallyConsistent) { resume() }
  }
}
