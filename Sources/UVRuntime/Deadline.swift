// Moments at which something is due: many deadlines over the loop's one timer.
//
// A binary heap ordered by (moment, order of setting); each deadline knows its place in it, so setting anew and cancelling
// cost O(log n) and allocate nothing. The heap does not keep a deadline alive: one that is dropped is cancelled.
//
// Firing takes everything due out of the heap first and then calls, one by one. What a callback sets, even for a moment in
// the past, is due in a later turn: deadlines never keep the loop from its sockets. The timer itself is armed once per turn,
// by the prepare handle (a 0 ms timer started from its own callback would never let uv_run go in libuv 1.44).
//
// Unsafe code. Ownership: the heap holds `Unmanaged` references without a retain; `deinit` of a deadline takes it out.

/// Calls a closure on the loop once a moment has passed; can be set again and again.
///
/// Belongs to its loop's thread. Dropping the last reference cancels it. After the loop has ended setting does nothing.
public final class Deadline {
  fileprivate enum Place {
    case nowhere
    case waiting(Int)  // the index in the heap
    case due(Int)  // the index in what is being fired
  }

  private let loop: EventLoop
  private let fired: () -> Void
  fileprivate var place = Place.nowhere

  /// A deadline that is not set. `fired` is called on the loop, never before the moment asked for, and never from `set`.
  /// The deadline keeps the closure: capture its owner unowned or weak.
  public init(on loop: EventLoop, _ fired: @escaping () -> Void) {
    self.loop = loop
    self.fired = fired
  }

  deinit {
    if case .nowhere = place { return }
    loop.state.pointee.deadlines.remove(self)
  }

  /// Sets the deadline, or moves it. A moment that has passed is due in the next turn.
  public func set(_ at: LoopTime) {
    loop.requireCurrent()
    guard !loop.hasEnded else { return }
    loop.state.pointee.deadlines.set(self, at)
  }

  /// Takes it back; nothing if it is not set.
  public func cancel() {
    if case .nowhere = place { return }
    loop.requireCurrent()
    loop.state.pointee.deadlines.remove(self)
  }

  /// Whether it is still to fire.
  public var isSet: Bool {
    if case .nowhere = place { false } else { true }
  }

  func fire() { fired() }
}

/// The deadlines of one loop.
struct Deadlines {
  private struct Entry {
    var at: LoopTime
    var order: UInt64
    var deadline: Unmanaged<Deadline>

    func isBefore(_ other: Entry) -> Bool {
      at < other.at || (at == other.at && order < other.order)
    }

    func place(_ place: Deadline.Place) {
      deadline._withUnsafeGuaranteedRef { $0.place = place }
    }
  }

  private var heap: [Entry] = []
  private var due: [Unmanaged<Deadline>?] = []
  private var nextDue = 0
  private var lastOrder: UInt64 = 0

  /// The earliest moment anything waits for.
  var first: LoopTime? { heap.first?.at }

  /// How many are set.
  var count: Int { heap.count + due.count - nextDue }

  mutating func set(_ deadline: Deadline, _ at: LoopTime) {
    lastOrder += 1
    let entry = Entry(at: at, order: lastOrder, deadline: Unmanaged.passUnretained(deadline))
    if case .waiting(let index) = deadline.place {
      let isEarlier = entry.isBefore(heap[index])
      heap[index] = entry
      if isEarlier { siftUp(index) } else { siftDown(index) }
      return
    }
    if case .due(let index) = deadline.place { due[index] = nil }
    heap.append(entry)
    entry.place(.waiting(heap.count - 1))
    siftUp(heap.count - 1)
  }

  mutating func remove(_ deadline: Deadline) {
    switch deadline.place {
    case .nowhere: return
    case .due(let index): due[index] = nil
    case .waiting(let index): remove(at: index)
    }
    deadline.place = .nowhere
  }

  /// Moves everything due at that moment out of the heap; `next` then hands it out.
  mutating func takeDue(at now: LoopTime) {
    while let entry = heap.first, entry.at <= now {
      remove(at: 0)
      due.append(entry.deadline)
      entry.place(.due(due.count - 1))
    }
  }

  /// The next one to fire, no longer set; nil when all are done.
  mutating func next() -> Deadline? {
    while nextDue < due.count {
      let entry = due[nextDue]
      nextDue += 1
      guard let deadline = entry?.takeUnretainedValue() else { continue }
      deadline.place = .nowhere
      return deadline
    }
    due.removeAll(keepingCapacity: true)
    nextDue = 0
    return nil
  }

  /// Cancels everything.
  mutating func removeAll() {
    for entry in heap { entry.place(.nowhere) }
    for case .some(let entry) in due[nextDue...] { entry._withUnsafeGuaranteedRef { $0.place = .nowhere } }
    heap = []
    due = []
    nextDue = 0
  }

  private mutating func remove(at index: Int) {
    let last = heap.removeLast()
    guard index < heap.count else { return }
    let isEarlier = last.isBefore(heap[index])
    heap[index] = last
    if isEarlier { siftUp(index) } else { siftDown(index) }
  }

  private mutating func siftUp(_ start: Int) {
    let entry = heap[start]
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard entry.isBefore(heap[parent]) else { break }
      heap[index] = heap[parent]
      heap[index].place(.waiting(index))
      index = parent
    }
    heap[index] = entry
    entry.place(.waiting(index))
  }

  private mutating func siftDown(_ start: Int) {
    let entry = heap[start]
    var index = start
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
      guard heap[child].isBefore(entry) else { break }
      heap[index] = heap[child]
      heap[index].place(.waiting(index))
      index = child
    }
    heap[index] = entry
    entry.place(.waiting(index))
  }
}
