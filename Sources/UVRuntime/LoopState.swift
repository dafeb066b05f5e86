// What changes in a loop with every message, every deadline and every turn.
//
// It lies behind one pointer and not in properties of EventLoop: each access to a property of a class that changes in place, or that
// others can see, is registered while the program runs, which for one echoed message took three times as long as all that libuv does.
//
// Unsafe code. Ownership: the memory belongs to the loop, which whoever has the pointer keeps. The rule that is not checked here: only the
// loop's thread (before `run` whoever sets the loop up) touches it, and no access lasts over a call to somebody else's code.

import CLibUV

struct LoopState: ~Copyable {
  var statistics = EventLoop.Statistics()
  var deadlines = Deadlines()
  /// Memory for what waits to be sent.
  var buffers = BufferPool()
  /// Who wants to send before the loop sleeps.
  var flushList = FlushList()
  /// Who reads into the loop's buffer, and how often in a row.
  var lending = Lending()
  /// Connections whose end has been read.
  var ends = Ends()
  /// Handlers that were replaced, perhaps in the middle of a call to them: they stay until the turn is over.
  var lettingGo: [Hearer] = []
  /// Whether a callback has come since the loop has slept, and when the first one did.
  var isAwake = false
  var wokenAt = LoopTime(nanoseconds: 0)
}

/// To whom the read buffer is lent. libuv reads a stream that always fills it 32 times before it looks at the next one; here it gets nothing
/// to read into after the second time, which ends its turn: what is left it brings in the next one.
struct Lending {
  /// 128 KiB: a system call more for so many bytes costs a hundredth of what they cost, and others wait a tenth of a millisecond.
  static let readsPerTurn = 2

  private var last: UnsafeMutablePointer<uv_handle_t>?
  private var inARow = 0

  /// Whether that handle may read once more.
  @inline(__always)
  mutating func mayLend(to handle: UnsafeMutablePointer<uv_handle_t>) -> Bool {
    guard last == handle else {
      (last, inARow) = (handle, 1)
      return true
    }
    inARow += 1
    return inARow <= Self.readsPerTurn
  }

  /// A new turn.
  mutating func turnBegins() { last = nil }
}

/// Ends that have been read and not been told. libuv reads those of all who go at once in one turn, and what an owner does for each takes
/// its time: so only some are told in a turn, and between them the loop hears the others.
struct Ends {
  /// What an owner does for one that goes may cost it some 0.02 ms, and as much again when it has closed.
  static let perTurn = 64

  private var waiting: [(connection: TCPConnection, error: UVError)] = []
  private var next = 0
  private var told = 0

  var isEmpty: Bool { next == waiting.count }

  /// Whether it may be told now; if not it waits.
  mutating func mayTell(_ connection: TCPConnection, _ error: UVError) -> Bool {
    if isEmpty, told < Self.perTurn {
      told += 1
      return true
    }
    waiting.append((connection, error))
    return false
  }

  /// A new turn.
  mutating func turnBegins() { told = 0 }

  /// The next one that may be told in this turn.
  mutating func take() -> (connection: TCPConnection, error: UVError)? {
    guard !isEmpty, told < Self.perTurn else { return nil }
    let end = waiting[next]
    (next, told) = (next + 1, told + 1)
    if isEmpty { forget() }
    return end
  }

  mutating func forget() {
    waiting = []
    next = 0
  }
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
