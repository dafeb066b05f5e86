// The writing half of a stream (TCP, pipe, terminal): gathers what is written during a turn and sends it in one piece.
//
//     write, write, write ──► pending ──(prepare phase: uv_try_write)──► the system
//                                │
//                                └─ what it would not take ──► inFlight, one uv_write at a time
//
// While a uv_write is under way everything new waits in `pending`; when it is done, pending is next. The two buffers change
// places, so nothing is copied. From 64 KiB on a write does not wait for the end of the turn: by then one system call more
// costs little, and the peer can begin.
//
// The end of `pending` may be a draft: bytes that are not to leave as they are, because somebody seals, counts or packs them as one
// piece. Its owner finishes it where it lies, at the latest when it is asked to just before the bytes leave.
//
// Who writes one piece a turn, an answer to a question, need not wait for the end of the turn: nothing else will come to ride along. So
// a connection's writer notes whether the last turn in which it wrote had one piece or several, expects the next to be like it, and
// sends a single piece at once from where it lies: no copy, no list, the same system calls. When it was wrong, what comes after the first
// piece is gathered, and it has learnt.
//
// Back-pressure has two marks: above the high one the producer should stop (`isOverHigh`), and is told when the rest has
// fallen to the low one. The distance keeps the two from alternating with every packet.
//
// Unsafe code. Ownership: the write request and the buffers are memory of this object, which its owner keeps until the handle's close
// callback; libuv has answered every request by then. `inFlight` is not touched while a request is under way. They lie behind a pointer
// and not in properties, because each access to a property that changes in place is registered while the program runs; what the compiler
// would check there is seen to here: it is the loop's thread alone, and no access lasts over a call out, except `fill` and `finishDraft`,
// whose bodies cannot get at the buffer since `isWritingInPlace` is checked first. `owner` outlives the writer's use: it calls `stop` before
// it goes.

import CLibUV
import Glibc

/// What a writer tells its stream. Never called from inside `write`, but for `writerNeedsDraftFinished`.
protocol StreamWriterOwner: AnyObject {
  /// Bytes are about to leave: the draft must be finished before this returns, or the stream closed.
  func writerNeedsDraftFinished()
  /// Bytes have left: look at the marks, and whether all is gone.
  func writerProgressed()
  /// The stream cannot be written to; may be called from inside `write`, so the owner answers by closing, later.
  func writerFailed(_ error: UVError)
}

final class StreamWriter: Flushable {
  /// From so many pending bytes on a write goes out at once.
  static let flushThreshold = 65536

  private struct Memory: ~Copyable {
    var request = uv_write_t()
    var pending: WriteBuffer
    var inFlight: WriteBuffer
  }

  var lowWatermark = 65536
  var highWatermark = 262_144
  /// A producer that ignores the marks ends here: 64 MiB for one peer is a bug or an attack.
  var maximumPending = 64 << 20

  /// What keeps a piece from leaving at once: one look at one byte for every message.
  private struct Obstacles: OptionSet {
    var rawValue: UInt8
    /// The stream is not connected yet.
    static let connecting = Obstacles(rawValue: 1)
    /// A uv_write is under way.
    static let sending = Obstacles(rawValue: 2)
    /// Somebody writes into `pending` itself.
    static let inPlace = Obstacles(rawValue: 4)
    /// The end of `pending` is a draft.
    static let draft = Obstacles(rawValue: 8)
    /// More pieces are expected in this turn.
    static let gathering = Obstacles(rawValue: 16)
    /// Nothing more is taken.
    static let ended = Obstacles(rawValue: 32)
    /// Nothing is sent any more.
    static let stopped = Obstacles(rawValue: 64)
  }

  private let handle: LoopHandle
  unowned(unsafe) var owner: (any StreamWriterOwner)?
  private let stream: UnsafeMutablePointer<uv_stream_t>
  private let memory: UnsafeMutablePointer<Memory>
  private let loop: UnsafeMutablePointer<LoopState>
  private var obstacles: Obstacles = [.connecting, .gathering]
  /// The owner finishes the draft for what leaves now: what it adds meanwhile leaves with it, and is no reason to send once more.
  private var isFinishing = false
  private(set) var isOverHigh = false
  /// How many bytes at the end of `pending` are a draft.
  private(set) var draftCount = 0 {
    didSet { set(.draft, draftCount > 0) }
  }

  /// The socket, if a single piece may leave at once. It is open as long as nothing stands against sending: `stop` comes before a close.
  private var socket: Int32 = -1
  private static let noSignal = Int32(MSG_NOSIGNAL)
  /// The turn in which a piece has left at once; nil once something else has been read.
  private var sentInTurn = UInt64.max
  /// Pieces of this turn, if they are gathered.
  private var gathered = 0

  /// The stream sets itself as `owner` when it is complete.
  init(_ handle: LoopHandle) {
    self.handle = handle
    stream = handle.stream
    loop = handle.loop.state
    memory = .allocate(capacity: 1)
    memory.initialize(to: Memory(pending: WriteBuffer(of: handle.loop), inFlight: WriteBuffer(of: handle.loop)))
  }

  deinit {
    memory.deinitialize(count: 1)
    memory.deallocate()
  }

  private func set(_ obstacle: Obstacles, _ isThere: Bool) {
    if isThere { obstacles.insert(obstacle) } else { obstacles.remove(obstacle) }
  }

  private var isReady: Bool { !obstacles.contains(.connecting) }
  private var isOpen: Bool { !obstacles.contains(.stopped) }
  private var isSending: Bool { obstacles.contains(.sending) }
  private var isWritingInPlace: Bool { obstacles.contains(.inPlace) }

  /// Bytes not yet taken by the system: ours and libuv's.
  var pendingBytes: Int {
    memory.pointee.pending.count + (isSending ? uv_stream_get_write_queue_size(stream) : 0)
  }

  var isDrained: Bool { memory.pointee.pending.isEmpty && !isSending && !isWritingInPlace }

  // MARK: Writing

  /// What is on the flush list has something to say first.
  @inline(__always)
  func write(_ bytes: RawSpan) {
    guard obstacles.isEmpty, !isOnFlushList, !bytes.isEmpty, sentInTurn != loop.pointee.statistics.turns else {
      return gather(bytes)
    }
    sentInTurn = loop.pointee.statistics.turns
    loop.pointee.statistics.flushes &+= 1
    // What uv_try_write does once it has seen that nothing waits, which is known here.
    let sent = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Self.noSignal) }
    if sent < bytes.byteCount { notAllSent(bytes, sent) }
  }

  @inline(never)
  private func gather(_ bytes: RawSpan) {
    precondition(!isWritingInPlace, "write inside an in-place write to the same stream")
    guard isOpen, !obstacles.contains(.ended), !bytes.isEmpty else { return }
    precondition(draftCount == 0, "a draft must be finished before anything else is written")
    memory.pointee.pending.append(bytes)
    notePiece()
    didAppend()
  }

  private func notePiece() {
    let isSecond = sentInTurn == loop.pointee.statistics.turns && gathered == 0
    gathered += isSecond ? 2 : 1
    obstacles.insert(.gathering)
  }

  /// What the system has not taken at once is left to libuv, and so is an error: it will meet it again.
  @inline(never)
  private func notAllSent(_ bytes: RawSpan, _ sent: Int) {
    memory.pointee.pending.append(bytes.extracting(max(sent, 0)...))
    queue()
    if isOpen { didAppend() }
  }

  /// Something was read, and what is written now is the answer: no second piece of what was written before.
  @inline(__always)
  func beginsAnswer() {
    sentInTurn = .max
  }

  /// Lets the body write into the pending buffer itself. If the body throws nothing is written.
  func write<E: Error>(
    atMost count: Int, asDraft isDraft: Bool = false, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) {
    precondition(!isWritingInPlace, "write inside an in-place write to the same stream")
    precondition(isDraft || draftCount == 0, "a draft must be finished before anything else is written")
    guard isOpen else { return }
    let written = try fill(atMost: count, body)
    guard isOpen else { return memory.pointee.pending.empty() }  // the body may have closed the stream
    memory.pointee.pending.commit(written)
    guard written > 0 else { return }
    notePiece()
    if isDraft { draftCount += written }
    didAppend()
  }

  private func fill<E: Error>(
    atMost count: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) -> Int {
    let room = memory.pointee.pending.room(for: count)
    var output = OutputRawSpan(buffer: room, initializedCount: 0)
    obstacles.insert(.inPlace)
    defer {
      obstacles.remove(.inPlace)
      if isReady { loop.pointee.flushList.append(self) }  // the body may have asked for the end
    }
    do throws(E) {
      try body(&output)
    } catch {
      memory.pointee.pending.commit(0)
      throw error
    }
    return output.finalize(for: room)
  }

  /// Lets the body change the draft where it lies, with `room` more bytes at its end; then it is bytes like others.
  func finishDraft(adding room: Int, _ body: (inout MutableRawSpan) -> Void) {
    precondition(!isWritingInPlace, "a draft finished inside an in-place write to the same stream")
    guard isOpen, draftCount > 0 else { return }
    let added = memory.pointee.pending.room(for: room)
    added.initializeMemory(as: UInt8.self, repeating: 0)
    memory.pointee.pending.commit(room)
    let count = draftCount + room
    draftCount = 0
    obstacles.insert(.inPlace)
    defer { obstacles.remove(.inPlace) }
    let whole = memory.pointee.pending.tail(count)
    var span = whole.mutableBytes
    body(&span)
  }

  private func didAppend() {
    if memory.pointee.pending.count >= min(Self.flushThreshold, highWatermark), isReady, !isSending, !isFinishing {
      send()
    }
    guard isOpen else { return }
    let waiting = pendingBytes
    if waiting > highWatermark { isOverHigh = true }
    if waiting > maximumPending {
      owner?.writerFailed(.noBufferSpace)
    } else if isReady {
      loop.pointee.flushList.append(self)
    }
  }

  // MARK: Sending

  /// The stream is connected: what was written before may go. With a socket, single pieces may leave at once.
  func ready(sendingAtOnceTo socket: Int32 = -1) {
    self.socket = socket
    obstacles.remove(.connecting)
    loop.pointee.flushList.append(self)
  }

  /// The prepare phase: sends, and tells the owner.
  override func flush() {
    guard isOpen, isReady else { return }
    set(.gathering, socket < 0 || gathered > 1)
    gathered = 0
    if !isSending { send() }
    tellProgress()
  }

  /// Nothing more is taken by `write`; what was written still leaves.
  func end() {
    obstacles.insert(.ended)
  }

  /// Nothing more is sent; what is under way comes back with ECANCELED when the handle closes.
  func stop() {
    obstacles.insert(.stopped)
    draftCount = 0
    if !isWritingInPlace { memory.pointee.pending.empty() }
  }

  /// Whether the producer may go on: true once, when the rest has fallen to the low mark after having been over the high one.
  func fellUnderLow() -> Bool {
    guard isOverHigh, pendingBytes <= lowWatermark else { return false }
    isOverHigh = false
    return true
  }

  private func send() {
    guard !memory.pointee.pending.isEmpty else { return }
    if draftCount > 0 {
      isFinishing = true
      owner?.writerNeedsDraftFinished()
      isFinishing = false
    }
    guard isOpen else { return }
    precondition(draftCount == 0, "a draft must be finished before it leaves")
    let written = tryWrite(memory.pointee.pending.waiting)
    guard isOpen else { return }
    memory.pointee.pending.consume(written)
    if !memory.pointee.pending.isEmpty { queue() }
  }

  /// How many bytes the system has taken; the stream may have failed.
  @inline(__always)
  private func tryWrite(_ bytes: UnsafeRawBufferPointer) -> Int {
    var bytes = uv_buf_t(bytes)
    loop.pointee.statistics.flushes &+= 1
    let written = uv_try_write(stream, &bytes, 1)
    return written >= 0 ? Int(written) : refused(written)
  }

  @inline(never)
  private func refused(_ code: Int32) -> Int {
    if code != UV_EAGAIN.rawValue { fail(UVError(code: code)) }
    return 0
  }

  /// libuv sends what is pending as soon as it can.
  private func queue() {
    swap(&memory.pointee.pending, &memory.pointee.inFlight)
    var bytes = uv_buf_t(memory.pointee.inFlight.waiting)
    memory.pointee.request.data = Unmanaged.passUnretained(self).toOpaque()
    loop.pointee.statistics.queuedWrites &+= 1
    obstacles.insert(.sending)
    let result = uv_write(&memory.pointee.request, stream, &bytes, 1, writeDidFinish)
    guard result < 0 else { return }
    obstacles.remove(.sending)
    fail(UVError(code: result))
  }

  fileprivate func finished(_ status: Int32) {
    handle.loop.wakes()
    obstacles.remove(.sending)
    memory.pointee.inFlight.empty()
    guard isOpen else { return }
    if status < 0 { return fail(UVError(code: status)) }
    send()
    tellProgress()
  }

  private func tellProgress() {
    guard isOpen else { return }
    owner?.writerProgressed()
  }

  private func fail(_ error: UVError) {
    stop()
    owner?.writerFailed(error)
  }
}

private func writeDidFinish(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
  guard let data = request?.pointee.data else { return }
  Unmanaged<StreamWriter>.fromOpaque(data).takeUnretainedValue().finished(status)
}
