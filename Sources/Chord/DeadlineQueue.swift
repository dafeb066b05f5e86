// The deadlines of many small things, soonest first: a binary heap. Nothing is ever taken out of its middle; whoever is told
// that a deadline has come looks whether the thing still waits for it.

/// A heap of deadlines with a key each; among equals the lower key comes first, so that a run repeats exactly.
public struct DeadlineQueue<Key: Comparable & Sendable>: Sendable {
  private var heap: [(at: Instant, key: Key)] = []

  /// An empty heap.
  public init() {}

  /// The soonest deadline.
  public var first: Instant? { heap.first?.at }
  public var count: Int { heap.count }

  public mutating func insert(_ key: Key, at deadline: Instant) {
    heap.append((deadline, key))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard comesFirst(child, parent) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The next key whose deadline has come, and that deadline.
  public mutating func popDue(at now: Instant) -> (at: Instant, key: Key)? {
    guard let top = heap.first, top.at <= now else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && comesFirst(child, least) {
        least = child
      }
      if least == parent { break }
      heap.swapAt(parent, least)
      parent = least
    }
    return top
  }

  private func comesFirst(_ a: Int, _ b: Int) -> Bool {
    (heap[a].at, heap[a].key) < (heap[b].at, heap[b].key)
  }
}
