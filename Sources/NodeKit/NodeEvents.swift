// What happens to a node, for the one program that reads it. A text that waits here has been acknowledged, so none may be dropped: when
// many events wait the node takes no more texts, which their senders then send again, until the program has caught up.
//
//   the loop ──produced──► waiting: 0 … caughtUp … full … limit ──took──► the program, on any thread
//                                       texts again ┘  └ no more texts

import UVRuntime

/// The events of a node, in order.
public struct NodeEvents: AsyncSequence, Sendable {
  /// So many, and the node takes no more texts; a message may still bring 256.
  static let full = 4_096
  /// So few, and it takes texts again.
  static let caughtUp = 1_024
  /// All that ever wait. Only of a program that reads nothing at all, those that come later are dropped: they are no texts.
  static let limit = 10_000

  private let stream: AsyncStream<NodeEvent>
  private let backlog: Backlog

  init(_ stream: AsyncStream<NodeEvent>, _ backlog: Backlog) {
    self.stream = stream
    self.backlog = backlog
  }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate var base: AsyncStream<NodeEvent>.Iterator
    fileprivate let backlog: Backlog

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
