// Output to a descriptor that somebody else has opened: standard output and error, whatever they are connected to.
//
// Order is kept and the loop is never blocked: a slow pipe or terminal fills `pendingBytes`, a file is written by the thread
// pool. The first error (EPIPE, ENOSPC) is reported once, and closes the stream.

import CLibUV

/// Writes to a terminal, a pipe, a socket or a file.
///
/// Ownership: keeps itself and its closures alive until closed. The descriptor passes to it, except 0, 1 and 2, which stay
/// open. Belongs to the loop's thread.
public final class OutputStream {
  private enum Writer { case stream(StreamWriter), file(FileWriter) }
  private struct Waiter {
    var position: UInt64
    var done: (UVError?) -> Void
  }

  private let loop: EventLoop
  private let descriptor: Descriptor
  private let handle: LoopHandle
  private let writer: Writer
  private var failed: ((UVError) -> Void)?
  private var written: UInt64 = 0  // bytes given to us so far
  private var waiters: [Waiter] = []
  private var isClosing = false
  private var closesWhenFlushed = false
  private var deadline: Deadline?

  /// Opens for writing. `failed` is called once, later, if writing fails; the stream is closing then.
  ///
  /// Throws `badDescriptor` or `notSupported` for what cannot be written this way, `canceled` once the loop stops; then the
  /// descriptor is still the caller's.
  public init(
    on loop: EventLoop, descriptor: Int32, _ failed: @escaping (UVError) -> Void
  ) throws(UVError) {
    var descriptor = try Descriptor(descriptor)
    let handle = try descriptor.makeHandle(on: loop)
    self.loop = loop
    self.descriptor = descriptor
    self.handle = handle
    self.failed = failed
    if descriptor.kind == .file {
      let file = FileWriter(descriptor.number, on: loop)
      writer = .file(file)
      file.finished = { [unowned self] in fileWritten($0) }
    } else {
      let stream = StreamWriter(handle)
      stream.maximumPending = .max
      writer = .stream(stream)
      stream.owner = self
      stream.ready()
    }
    handle.owner = self
  }

  /// Whether it is a terminal.
  public var isTerminal: Bool { descriptor.kind == .terminal }

  /// A terminal's size in columns and rows; nil for anything else.
  public var terminalSize: (columns: Int, rows: Int)? {
    var (width, height): (Int32, Int32) = (0, 0)
    guard isTerminal, handle.isOpen, uv_tty_get_winsize(handle.tty, &width, &height) == 0 else { return nil }
    return (Int(width), Int(height))
  }

  /// Bytes not yet taken by the system. Nothing bounds them but the caller.
  public var pendingBytes: Int {
    if isClosing { return 0 }
    switch writer {
    case .stream(let stream): return stream.pendingBytes
    case .file(let file): return file.pendingBytes
    }
  }

  /// Writes bytes after everything written before; after a close or an error they are dropped.
  public func write(_ bytes: RawSpan) {
    guard !isClosing, !closesWhenFlushed else { return }
    written += UInt64(bytes.byteCount)
    switch writer {
    case .stream(let stream): stream.write(bytes)
    case .file(let file): file.write(bytes)
    }
  }

  /// Writes bytes; see `write(_: RawSpan)`.
  public func write(_ bytes: [UInt8]) {
    write(bytes.span.bytes)
  }

  /// Writes a text in UTF-8; see `write(_: RawSpan)`.
  public func write(_ text: String) {
    write(Array(text.utf8))
  }

  /// Calls back once everything written so far has been taken by the system, or with the error that prevents it (`canceled`
  /// if the stream closes first). Never from inside this call.
  public func whenFlushed(_ done: @escaping (UVError?) -> Void) {
    if isClosing { return loop.later { done(.canceled) } }
    waiters.append(Waiter(position: written, done: done))
    if pendingBytes == 0 { loop.later { [self] in progressed() } }
  }

  /// Closes at once; what is still pending is lost. A second call does nothing.
  public func close() {
    close(.canceled)
  }

  /// Closes once everything is written, at the latest after the deadline.
  public func closeAfterFlush(deadline patience: Duration) {
    guard !isClosing else { return }
    closesWhenFlushed = true
    if deadline == nil { deadline = Deadline(on: loop) { [unowned self] in close() } }
    deadline?.set(loop.now + patience)
    if pendingBytes == 0 { loop.later { [self] in progressed() } }
  }

  private func close(_ error: UVError) {
    guard !isClosing else { return }
    isClosing = true
    failed = nil
    deadline?.cancel()
    let waiters = self.waiters
    self.waiters = []
    if !waiters.isEmpty {
      loop.later { for waiter in waiters { waiter.done(error) } }
    }
    switch writer {
    case .stream(let stream):
      stream.stop()
      handle.close()
    case .file(let file):
      file.stop()
      if !file.isBusy { handle.close() }
    }
  }

  private func fail(_ error: UVError) {
    guard !isClosing else { return }
    let failed = self.failed
    close(error)
    loop.later { failed?(error) }
  }

  private func fileWritten(_ error: UVError?) {
    if isClosing { return handle.close() }
    if let error { return fail(error) }
    progressed()
  }

  private func progressed() {
    guard !isClosing else { return }
    let flushed = written - UInt64(pendingBytes)
    while let waiter = waiters.first, waiter.position <= flushed {
      waiters.removeFirst()
      waiter.done(nil)
      if isClosing { return }
    }
    if closesWhenFlushed, pendingBytes == 0 { close() }
  }
}

extension OutputStream: StreamWriterOwner {
  func writerNeedsDraftFinished() {
    preconditionFailure("an output stream writes no drafts")
  }

  func writerProgressed() {
    progressed()
  }

  func writerFailed(_ error: UVError) {
    fail(error)
  }
}

extension OutputStream: LoopHandleOwner {
  func handleClosed() {
    descriptor.release()
  }

  func loopStops(drainingFor patience: Duration) {
    if patience > .zero { closeAfterFlush(deadline: patience) } else { close() }
  }
}
