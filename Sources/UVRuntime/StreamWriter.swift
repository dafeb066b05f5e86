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
// Back-pressure has two marks: above the high one the producer should stop (`isOverHigh`), and is told when the rest has
// fallen to the low one. The distance keeps the two from alternating with every packet.
//
// Unsafe code. Ownership: the memory of the write request belongs to this object, which its owner keeps until the handle's
// close callback; libuv has answered every request by then. `inFlight` is not touched while a request is under way.

import CLibUV
import Glibc

/// Something that wants to send before the loop sleeps.
protocol Flushable: AnyObject {
  var isOnFlushList: Bool { get set }
  func flush()
}

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

  var lowWatermark = 65536
  var highWatermark = 262_144
  /// A producer that ignores the marks ends here: 64 MiB for one peer is a bug or an attack.
  var maximumPending = 64 << 20

  private let handle: LoopHandle
  unowned var owner: (any StreamWriterOwner)?
  private let request: UnsafeMutablePointer<uv_write_t>
  private var pending = WriteBuffer()
  private var inFlight = WriteBuffer()
  private var isWriting = false  // a uv_write is under way
  private var isWritingInPlace = false
  /// The owner finishes the draft for what leaves now: what it adds meanwhile leaves with it, and is no reason to send once more.
  private var isFinishing = false
  private var isReady = false  // the stream is connected
  private var isOpen = true
  var isOnFlushList = false
  private(set) var isOverHigh = false
  /// How many bytes at the end of `pending` are a draft.
  private(set) var draftCount = 0

  /// The stream sets itself as `owner` when it is complete.
  init(_ handle: LoopHandle) {
    self.handle = handle
    request = .allocate(capacity: 1)
    request.initialize(to: uv_write_t())
  }

  deinit {
    request.deallocate()
  }

  /// Bytes not yet taken by the system: ours and libuv's.
  var pendingBytes: Int {
    pending.count + (isWriting ? uv_stream_get_write_queue_size(handle.stream) : 0)
  }

  var isDrained: Bool { pending.isEmpty && !isWriting && !isWritingInPlace }

  // MARK: Writing

  func write(_ bytes: RawSpan) {
    precondition(!isWritingInPlace, "write inside an in-place write to the same stream")
    precondition(draftCount == 0, "a draft must be finished before anything else is written")
    guard isOpen, !bytes.isEmpty else { return }
    pending.append(bytes)
    didAppend()
  }

  /// Lets the body write into the pending buffer itself. If the body throws nothing is written.
  func write<E: Error>(
    atMost count: Int, asDraft isDraft: Bool = false, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) {
    precondition(!isWritingInPlace, "write inside an in-place write to the same stream")
    precondition(isDraft || draftCount == 0, "a draft must be finished before anything else is written")
    guard isOpen else { return }
    let written = try fill(atMost: count, body)
    guard isOpen, written > 0 else { return }  // the body may have closed the stream
    pending.commit(written)
    if isDraft { draftCount += written }
    didAppend()
  }

  private func fill<E: Error>(
    atMost count: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) -> Int {
    let room = pending.room(for: count)
    var output = OutputRawSpan(buffer: room, initializedCount: 0)
    isWritingInPlace = true
    defer {
      isWritingInPlace = false
      if isReady { handle.loop.flushSoon(self) }  // the body may have asked for the end
    }
    try body(&output)
    return output.finalize(for: room)
  }

  /// Lets the body change the draft where it lies, with `room` more bytes at its end; then it is bytes like others.
  func finishDraft(adding room: Int, _ body: (inout MutableRawSpan) -> Void) {
    precondition(!isWritingInPlace, "a draft finished inside an in-place write to the same stream")
    guard isOpen, draftCount > 0 else { return }
    let added = pending.room(for: room)
    added.initializeMemory(as: UInt8.self, repeating: 0)
    pending.commit(room)
    let count = draftCount + room
    draftCount = 0
    isWritingInPlace = true
    defer { isWritingInPlace = false }
    let whole = pending.tail(count)
    var span = whole.mutableBytes
    body(&span)
  }

  private func didAppend() {
    if pending.count >= min(Self.flushThreshold, highWatermark), isReady, !isWriting, !isFinishing { send() }
    guard isOpen else { return }
    let waiting = pendingBytes
    if waiting > highWatermark { isOverHigh = true }
    if waiting > maximumPending {
      owner?.writerFailed(.noBufferSpace)
    } else if isReady {
      handle.loop.flushSoon(self)
    }
  }

  // MARK: Sending

  /// The stream is connected: what was written before may go.
  func ready() {
    isReady = true
    handle.loop.flushSoon(self)
  }

  /// The prepare phase: sends, and tells the owner.
  func flush() {
    guard isOpen, isReady else { return }
    if !isWriting { send() }
    tellProgress()
  }

  /// Nothing more is sent; what is under way comes back with ECANCELED when the handle closes.
  func stop() {
    isOpen = false
    draftCount = 0
    if !isWritingInPlace { pending.empty() }
  }

  /// Whether the producer may go on: true once, when the rest has fallen to the low mark after having been over the high one.
  func fellUnderLow() -> Bool {
    guard isOverHigh, pendingBytes <= lowWatermark else { return false }
    isOverHigh = false
    return true
  }

  private func send() {
    guard !pending.isEmpty else { return }
    if draftCount > 0 {
      isFinishing = true
      owner?.writerNeedsDraftFinished()
      isFinishing = false
    }
    guard isOpen else { return }
    precondition(draftCount == 0, "a draft must be finished before it leaves")
    var bytes = pending.waiting
    handle.loop.statistics.flushes += 1
    let written = uv_try_write(handle.stream, &bytes, 1)
    if written >= 0 {
      pending.consume(Int(written))
    } else if written != UV_EAGAIN.rawValue {
      return fail(UVError(code: written))
    }
    guard !pending.isEmpty else { return }
    swap(&pending, &inFlight)
    bytes = inFlight.waiting
    request.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    handle.loop.statistics.queuedWrites += 1
    isWriting = true
    let result = uv_write(request, handle.stream, &bytes, 1, writeDidFinish)
    guard result < 0 else { return }
    isWriting = false
    fail(UVError(code: result))
  }

  fileprivate func finished(_ status: Int32) {
    isWriting = false
    inFlight.empty()
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
