// What changes in a loop with every message, every deadline and every turn.
//
// It lies behind one pointer and not in properties of EventLoop: each access to a property of a class that changes in place, or that
// others can see, is registered while the program runs, which for one echoed message took three times as long as all that libuv does.
//
// Unsafe code. Ownership: the memory belongs to the loop, which whoever has the pointer keeps. The rule that is not checked here: only the
// loop's thread (before `run` whoever sets the loop up) touches it, and no access lasts over a call to somebody else's code.

struct LoopState: ~Copyable {
  var statistics = EventLoop.Statistics()
  var deadlines = Deadlines()
  /// Memory for what waits to be sent.
  var buffers = BufferPool()
  /// Who wants to send before the loop sleeps.
  var flushList = FlushList()
  /// Handlers that were replaced, perhaps in the middle of a call to them: they stay until the turn is over.
  var lettingGo: [Hearer] = []
  /// Whether a callback has come since the loop has slept, and when the first one did.
  var isAwake = false
  var wokenAt = LoopTime(nanoseconds: 0)
}

/// Something that wants to send before the loop sleeps. Whoever is on the loop's list is kept by it.
class Flushable {
  fileprivate(set) final var isOnFlushList = false
  fileprivate final var next: Unmanaged<Flushable>?

  func flush() {}
}

/// Who wants to send before the loop sleeps, in order: linked through themselves, so that the list needs no memory.
///
/// Unsafe code. Ownership: being on the list is one retain.
struct FlushList {
  private var first: Unmanaged<Flushable>?
  private var last: Unmanaged<Flushable>?

  var isEmpty: Bool { first == nil }

  mutating func append(_ stream: Flushable) {
    guard !stream.isOnFlushList else { return }
    stream.isOnFlushList = true
    let entry = Unmanaged.passRetained(stream)
    if let last { last._withUnsafeGuaranteedRef { $0.next = entry } } else { first = entry }
    last = entry
  }

  mutating func removeFirst() -> Flushable? {
    guard let stream = first?.takeRetainedValue() else { return nil }
    first = stream.next
    if first == nil { last = nil }
    stream.next = nil
    stream.isOnFlushList = false
    return stream
  }

  /// All of it, in another list; this one is empty then.
  mutating func takeAll() -> FlushList {
    let all = self
    self = FlushList()
    return all
  }
}
