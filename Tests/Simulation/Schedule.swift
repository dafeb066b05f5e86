// What will happen and when: a heap of small entries in front of a shelf of payloads, so that sifting moves 24 bytes a step
// whatever an event carries. Events of the same moment happen in the order in which they were scheduled.

import Chord

/// A queue of events on a virtual clock.
struct Schedule<Payload: Sendable>: Sendable {
  private struct Entry {
    var at: Int64
    var order: UInt64
    var slot: Int

    @inline(__always) static func < (a: Entry, b: Entry) -> Bool {
      a.at != b.at ? a.at < b.at : a.order < b.order
    }
  }

  private var heap: [Entry] = []
  private var shelf: [Payload?] = []
  private var free: [Int] = []
  private var lastOrder: UInt64 = 0

  var count: Int { heap.count }
  var nextAt: Instant? { heap.first.map { Instant(nanoseconds: $0.at) } }

  mutating func push(_ payload: Payload, at instant: Instant) {
    let slot: Int
    if let reused = free.popLast() {
      slot = reused
      shelf[slot] = payload
    } else {
      slot = shelf.count
      shelf.append(payload)
    }
    lastOrder += 1
    heap.append(Entry(at: instant.nanoseconds, order: lastOrder, slot: slot))
    siftUp(heap.count - 1)
  }

  mutating func pop() -> (at: Instant, payload: Payload)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0)
    }
    let payload = shelf[first.slot].take()
    free.append(first.slot)
    return payload.map { (Instant(nanoseconds: first.at), $0) }
  }

  /// Takes out what the condition holds for; the rest keeps its order.
  mutating func removeAll(where isUnwanted: (Payload) -> Bool) {
    var kept = Schedule()
    while let (at, payload) = pop() {
      if !isUnwanted(payload) { kept.push(payload, at: at) }
    }
    kept.lastOrder = max(kept.lastOrder, lastOrder)
    self = kept
  }

  // Four children a node: half the levels of a binary heap, and the children share a cache line or two.

  private mutating func siftUp(_ start: Int) {
    var child = start
    let entry = heap[child]
    while child > 0 {
      let parent = (child - 1) / 4
      guard entry < heap[parent] else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = entry
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    let entry = heap[parent]
    while true {
      let first = 4 * parent + 1
      guard first < heap.count else { break }
      var least = first
      for child in first + 1..<min(first + 4, heap.count) where heap[child] < heap[least] { least = child }
      guard heap[least] < entry else { break }
      heap[parent] = heap[least]
      parent = least
    }
    heap[parent] = entry
  }
}
