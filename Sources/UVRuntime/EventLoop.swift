// The event loop: one thread, everything in callbacks, nothing blocks.
//
// A turn of libuv, and what we hang into it:
//
//     timers    deadlines that are due
//     prepare   what the callbacks of the last turn have written goes out, one system call per connection;
//               then the timer is armed for the next deadline
//     poll      sleeps here; sockets, signals, finished files and names, and the waker: jobs from other threads
//     close     handles that are gone
//
// Flushing in *prepare* is what makes "write many small things" cheap: they leave together, and always before the loop
// sleeps (from a *check* handle it could sleep on them).
//
// The loop runs until `stop`: its waker keeps it alive, since another thread may post at any time. How it ends is told in
// EventLoopEnding.swift, how it serves as an executor of Swift's concurrency in EventLoopExecutor.swift.
//
// Unsafe code. Ownership: the uv_loop_t, the three handles of the loop itself and the read buffer are memory of this
// object, freed in `deinit`, when libuv has long closed them. Their `data` needs no retain, for `run` holds the loop.

import CLibUV
import Glibc

/// Something that does at once, when a turn of the loop ends, what it was asked for in pieces meanwhile.
package protocol TurnEnd: AnyObject {
  /// Called once for each `callAtEndOfTurn`.
  func turnEnds()
}

/// A libuv loop: drives connections, deadlines, names, signals, input and output on a single thread.
///
/// Everything except `post`, `stop`, `waitUntilClosed` and `isCurrent` belongs to the thread that runs the loop; before
/// `run`, to the thread that sets it up.
public final class EventLoop: @unchecked Sendable {
  /// Counts of what the loop has done, for tests and measurements.
  public struct Statistics: Sendable {
    /// Turns of the loop.
    public var turns: UInt64 = 0
    /// System calls tried to write to streams, one per connection with something to say and turn.
    public var flushes: UInt64 = 0
    /// Remainders that the system would not take at once.
    public var queuedWrites: UInt64 = 0
    /// Reads that brought bytes.
    public var reads: UInt64 = 0
    /// How long callbacks have kept the loop from its sockets.
    public var work = WorkTimes()
  }

  /// The version of libuv that is linked.
  public static var libraryVersion: String { String(cString: uv_version_string()) }

  enum Phase: Comparable { case made, running, stopping, closing, ended }

  /// One read takes at most this: a socket's usual receive buffer fits in a few, and the memory exists once per loop.
  static let readBufferSize = 65536

  let uv: UnsafeMutablePointer<uv_loop_t>
  private let waker: UnsafeMutablePointer<uv_async_t>
  private let prepare: UnsafeMutablePointer<uv_prepare_t>
  private let timer: UnsafeMutablePointer<uv_timer_t>
  let readBuffer: UnsafeMutableRawPointer
  let state: UnsafeMutablePointer<LoopState>
  let inbox: Inbox

  var phase = Phase.made
  var lookups: [ObjectIdentifier: Lookup] = [:]
  var holdingListeners: [TCPListener] = []
  // Unchecked: swapped, added to, or read for the length of an expression, and never held while a job or an end of turn runs.
  @exclusivity(unchecked) private var batch: [Inbox.Job] = []
  private var laterJobs: [() -> Void] = []
  private var laterBatch: [() -> Void] = []
  @exclusivity(unchecked) private var turnEnds: [any TurnEnd] = []
  @exclusivity(unchecked) private var turnEndBatch: [any TurnEnd] = []
  private var cachedNow: LoopTime?
  private var armedFor: UInt64?  // milliseconds of uv_now

  /// What the loop has done so far.
  public var statistics: Statistics { state.pointee.statistics }
  /// The number of this turn: `statistics.turns`.
  public var turn: UInt64 { state.pointee.statistics.turns }

  /// The longest that the loop was busy in one turn since this was asked the last time: its lag, seen by whoever waits.
  public func takeLongestTurn() -> Duration { state.pointee.statistics.work.takeLongest() }

  /// Handles made (connections, listeners, watchers, streams) that are not yet closed and freed.
  public private(set) var openHandles = 0

  /// TCP connections open or being opened, dialled and accepted together.
  public internal(set) var openConnections = 0

  /// Beyond this many connections listeners leave new ones in the backlog; dialling is refused from 15/16 of it on, so that
  /// a busy node goes on answering. At first the process's descriptor limit less a reserve for files, names and the rest.
  public var maximumConnections: Int

  /// Makes a loop that does not run yet. Throws what libuv says: out of memory or of descriptors.
  public init() throws(UVError) {
    uv = .allocate(capacity: 1)
    uv.initialize(to: uv_loop_t())
    let result = uv_loop_init(uv)
    guard result == 0 else {
      uv.deallocate()
      throw UVError(code: result)
    }
    waker = .allocate(capacity: 1)
    waker.initialize(to: uv_async_t())
    prepare = .allocate(capacity: 1)
    prepare.initialize(to: uv_prepare_t())
    timer = .allocate(capacity: 1)
    timer.initialize(to: uv_timer_t())
    readBuffer = .allocate(byteCount: Self.readBufferSize, alignment: 16)
    state = .allocate(capacity: 1)
    state.initialize(to: LoopState())
    inbox = Inbox(waker: waker)
    maximumConnections = DescriptorLimit.current.connections
    uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    let asyncResult = uv_async_init(uv, waker, wakerDidWake)
    guard asyncResult == 0 else {
      uv_loop_close(uv)
      freeMemory()
      throw UVError(code: asyncResult)
    }
    uv_timer_init(uv, timer)
    uv_prepare_init(uv, prepare)
    uv_prepare_start(prepare, turnWillSleep)
    uv_unref(prepareHandle)
  }

  deinit {
    if phase == .made {
      // Never run, and nothing is open (a handle would have kept the loop alive): only the loop's own handles are to close.
      closeOwnHandles()
      uv_run(uv, UV_RUN_DEFAULT)
      uv_loop_close(uv)
    }
    freeMemory()
  }

  private func freeMemory() {
    waker.deallocate()
    prepare.deallocate()
    timer.deallocate()
    readBuffer.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
    uv.deallocate()
  }

  // MARK: Time

  /// The time of this turn: read at most once between two sleeps and again before deadlines fire, so it may lag by as long
  /// as the callbacks of a turn take.
  public var now: LoopTime {
    guard phase == .running || phase == .stopping else { return .current }
    if let cachedNow { return cachedNow }
    return refreshNow()
  }

  @discardableResult
  func refreshNow() -> LoopTime {
    let now = LoopTime.current
    cachedNow = now
    return now
  }

  /// A callback of libuv begins.
  @inline(__always)
  func wakes() {
    if !state.pointee.isAwake { noteAwakening() }
  }

  @inline(never)
  private func noteAwakening() {
    state.pointee.isAwake = true
    state.pointee.wokenAt = refreshNow()
  }

  /// Milliseconds since 1970 in UTC, by the machine's clock; any thread.
  public var wallClockMilliseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    guard time.tv_sec >= 0 else { return 0 }
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  // MARK: Jobs

  /// Runs a job on the loop, in the order of posting; any thread. False if the loop has ended: then the job never runs.
  @discardableResult
  public func post(_ job: @escaping @Sendable () -> Void) -> Bool {
    inbox.put(.closure(job))
  }

  /// Runs a job of the loop's own in the next poll phase: how an answer known at once is still given later.
  func later(_ job: @escaping () -> Void) {
    guard !hasEnded else { return }
    laterJobs.append(job)
    uv_async_send(waker)
  }

  var hasJobs: Bool { !laterJobs.isEmpty }

  fileprivate func runJobs() {
    wakes()
    swap(&laterJobs, &laterBatch)
    var index = 0
    while index < laterBatch.count {
      laterBatch[index]()
      index += 1
    }
    laterBatch.removeAll(keepingCapacity: true)

    inbox.take(into: &batch)
    runBatch()
    advanceStop()
  }

  /// Closes the door of the inbox and runs what is left in it.
  func runLastJobs() {
    inbox.close(into: &batch)
    runBatch()
  }

  private func runBatch() {
    var index = 0
    while index < batch.count {
      switch batch[index] {
      case .closure(let job): job()
      case .executor(let job): runExecutorJob(job)
      }
      index += 1
    }
    batch.removeAll(keepingCapacity: true)
  }

  // MARK: The end of a turn

  /// Calls `turnEnds` before the loop sleeps the next time, and before what was written until then leaves.
  package func callAtEndOfTurn(_ object: any TurnEnd) {
    guard !hasEnded else { return }
    turnEnds.append(object)
  }

  /// One pass, as with flushing.
  private func callTurnEnds() {
    swap(&turnEnds, &turnEndBatch)
    for index in turnEndBatch.indices { turnEndBatch[index].turnEnds() }
    turnEndBatch.removeAll(keepingCapacity: true)
  }

  // MARK: Flushing

  /// Flushes that stream before the loop sleeps the next time.
  func flushSoon(_ stream: Flushable) {
    state.pointee.flushList.append(stream)
  }

  private func tellEnds() {
    state.pointee.ends.turnBegins()
    while let end = state.pointee.ends.take() { end.connection.inputHasEnded(end.error) }
    if !state.pointee.ends.isEmpty { uv_async_send(waker) }
  }

  /// Keeps a handler until the turn is over.
  func letGo(_ hearer: Hearer) {
    if !hasEnded { state.pointee.lettingGo.append(hearer) }
  }

  /// Their ends may let others go.
  private func letGo() {
    while !state.pointee.lettingGo.isEmpty {
      let gone = state.pointee.lettingGo
      state.pointee.lettingGo = []
      withExtendedLifetime(gone) {}
    }
  }

  /// After the end: what still waits would keep its loop, which keeps the list.
  func forgetWork() {
    turnEnds = []
    while state.pointee.flushList.removeFirst() != nil {}
    letGo()
    state.pointee.ends.forget()
    laterJobs = []
    holdingListeners = []
  }

  /// The prepare phase. One pass over each list: what is put on it meanwhile (a `writable` that writes) is for the next turn,
  /// and the waker sees to it that the loop does not sleep until then.
  fileprivate func prepareToSleep() {
    state.pointee.statistics.turns += 1
    state.pointee.lending.turnBegins()
    if !turnEnds.isEmpty { callTurnEnds() }
    tellEnds()
    if !state.pointee.flushList.isEmpty {
      var batch = state.pointee.flushList.takeAll()
      while let stream = batch.removeFirst() { stream.flush() }
      if !state.pointee.flushList.isEmpty { uv_async_send(waker) }
    }
    if !turnEnds.isEmpty { uv_async_send(waker) }
    letGo()
    if state.pointee.isAwake {
      state.pointee.statistics.work.turnEnds(at: .current, awakeSince: state.pointee.wokenAt)
      state.pointee.isAwake = false
    }
    armTimer()
    cachedNow = nil
  }

  // MARK: Deadlines

  /// Arms the timer for the earliest deadline, rounded up to libuv's milliseconds: `uv_now` is the same clock rounded down,
  /// so when libuv thinks the time has come, it has.
  private func armTimer() {
    guard let first = state.pointee.deadlines.first else {
      if armedFor != nil {
        armedFor = nil
        uv_timer_stop(timer)
      }
      return
    }
    let due = first.nanoseconds / 1_000_000 + (first.nanoseconds % 1_000_000 == 0 ? 0 : 1)
    guard armedFor != due else { return }
    armedFor = due
    uv_update_time(uv)
    let now = uv_now(uv)
    uv_timer_start(timer, timerDidFire, due > now ? due - now : 0, 0)
  }

  fileprivate func fireDeadlines() {
    armedFor = nil
    wakes()
    state.pointee.deadlines.takeDue(at: refreshNow())
    while let deadline = state.pointee.deadlines.next() { deadline.fire() }
  }

  // MARK: Handles

  /// Whether new handles may be made: not once the loop stops.
  var takesHandles: Bool { phase < .stopping }
  var hasEnded: Bool { phase >= .closing }

  func handleMade() { openHandles += 1 }

  func handleFreed() {
    openHandles -= 1
    advanceStop()
  }

  /// There is room for a connection again.
  func acceptHeld() {
    guard !holdingListeners.isEmpty else { return }
    for listener in holdingListeners { listener.acceptHeld() }
  }

  // MARK: The loop's own handles

  private var prepareHandle: UnsafeMutablePointer<uv_handle_t> {
    UnsafeMutableRawPointer(prepare).assumingMemoryBound(to: uv_handle_t.self)
  }

  /// After the door of the inbox has closed: then nobody else can touch the waker.
  func closeOwnHandles() {
    uv_close(UnsafeMutableRawPointer(timer).assumingMemoryBound(to: uv_handle_t.self), nil)
    uv_close(prepareHandle, nil)
    uv_close(UnsafeMutableRawPointer(waker).assumingMemoryBound(to: uv_handle_t.self), nil)
  }

  /// Lends the read buffer to a handle; nil if that one has had enough in this turn.
  static func lendBuffer(to handle: UnsafeMutablePointer<uv_handle_t>) -> UnsafeMutableRawPointer? {
    guard let data = handle.pointee.loop?.pointee.data else { return nil }
    return Unmanaged<EventLoop>.fromOpaque(data)._withUnsafeGuaranteedRef { loop in
      loop.state.pointee.lending.mayLend(to: handle) ? loop.readBuffer : nil
    }
  }

  /// The EventLoop behind a uv_loop_t.
  fileprivate static func behind(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop? {
    guard let data = loop?.pointee.data else { return nil }
    return Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
  }
}

// MARK: - Callbacks

private func wakerDidWake(_ waker: UnsafeMutablePointer<uv_async_t>?) {
  EventLoop.behind(waker?.pointee.loop)?.runJobs()
}

private func turnWillSleep(_ prepare: UnsafeMutablePointer<uv_prepare_t>?) {
  EventLoop.behind(prepare?.pointee.loop)?.prepareToSleep()
}

private func timerDidFire(_ timer: UnsafeMutablePointer<uv_timer_t>?) {
  EventLoop.behind(timer?.pointee.loop)?.fireDeadlines()
}
