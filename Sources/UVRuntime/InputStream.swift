// Input from a descriptor that somebody else has opened: standard input, whatever it is connected to.
//
// Descriptor.swift tells the kinds apart. Streams are read like connections, with the loop's buffer; files are read by the
// thread pool. To the user they look alike: bytes, then one end.

import CLibUV

/// Reads a terminal, a pipe, a socket or a file to its end.
///
/// Ownership: keeps itself and its closures alive until it has ended or is closed. The descriptor passes to it, except 0, 1
/// and 2, which stay open. Belongs to the loop's thread.
public final class InputStream {
  private let loop: EventLoop
  private let descriptor: Descriptor
  private let handle: LoopHandle
  private let reader: FileReader?
  private var received: ((RawSpan) -> Void)?
  private var ended: ((UVError?) -> Void)?
  private var isPaused = false
  private var isClosing = false

  /// Begins to read.
  ///
  /// Throws `badDescriptor` or `notSupported` for what cannot be read this way, `canceled` once the loop stops; then the
  /// descriptor is still the caller's.
  /// - Parameters:
  ///   - received: gets the bytes, valid only during the call.
  ///   - ended: called once, last, at the end (nil) or for an error; not after `close` or when the loop stops.
  public init(
    on loop: EventLoop, descriptor: Int32, _ received: @escaping (RawSpan) -> Void,
    _ ended: @escaping (UVError?) -> Void
  ) throws(UVError) {
    var descriptor = try Descriptor(descriptor)
    let handle = try descriptor.makeHandle(on: loop)
    self.loop = loop
    self.descriptor = descriptor
    self.handle = handle
    self.received = received
    self.ended = ended
    reader = descriptor.kind == .file ? FileReader(descriptor.number, on: loop) : nil
    handle.owner = self
    reader?.finished = { [unowned self] in fileRead($0) }
    startReading()
  }

  /// Whether it is a terminal.
  public var isTerminal: Bool { descriptor.kind == .terminal }

  /// Reads no more until `resume`; at most one piece that is already being read still comes then.
  public func pause() {
    isPaused = true
    if reader == nil, handle.isOpen { uv_read_stop(handle.stream) }
  }

  /// Reads again.
  public func resume() {
    guard isPaused else { return }
    isPaused = false
    startReading()
  }

  /// Stops reading; nothing is called any more. A second call does nothing. A read of a file that has begun in the thread
  /// pool is waited for before the descriptor is closed.
  public func close() {
    guard !isClosing else { return }
    isClosing = true
    received = nil
    ended = nil
    reader?.cancel()
    closeHandleIfIdle()
  }

  /// Switches a terminal between lines (false) and single keys without echo (true); closing puts lines back.
  /// Throws `notSupported` for anything but a terminal.
  public func setRaw(_ isRaw: Bool) throws(UVError) {
    guard isTerminal, handle.isOpen else { throw .notSupported }
    try UVError.check(uv_tty_set_mode(handle.tty, isRaw ? UV_TTY_MODE_RAW : UV_TTY_MODE_NORMAL))
  }

  /// Puts the terminal back as it was before `setRaw`; any thread, also from a signal handler: for a program that ends
  /// without closing its streams.
  public static func resetTerminal() {
    uv_tty_reset_mode()
  }

  private func startReading() {
    guard !isClosing, !isPaused else { return }
    if let reader { return reader.read() }
    let result = uv_read_start(handle.stream, lendReadBuffer, inputDidRead)
    if result < 0, result != UV_EALREADY.rawValue { loop.later { [self] in end(UVError(code: result)) } }
  }

  fileprivate func read(_ bytes: RawSpan) {
    loop.wakes()
    received?(bytes)
  }

  private func fileRead(_ count: Int) {
    if isClosing { return closeHandleIfIdle() }
    guard count > 0 else { return end(count == 0 ? nil : UVError(code: Int32(truncatingIfNeeded: count))) }
    reader?.withBytes(count) { received?($0) }
    startReading()
  }

  fileprivate func end(_ error: UVError?) {
    guard !isClosing else { return }
    let ended = self.ended
    close()
    ended?(error)
  }

  private func closeHandleIfIdle() {
    guard handle.isOpen, reader?.isBusy != true else { return }
    if isTerminal { uv_tty_set_mode(handle.tty, UV_TTY_MODE_NORMAL) }
    handle.close()
  }
}

extension InputStream: LoopHandleOwner {
  func handleClosed() {
    descriptor.release()
  }

  func loopStops(drainingFor patience: Duration) {
    close()
  }
}

private func inputDidRead(
  _ stream: UnsafeMutablePointer<uv_stream_t>?, _ count: Int, _ buffer: UnsafePointer<uv_buf_t>?
) {
  guard count != 0, count != UV_ENOBUFS.rawValue,
    let input = LoopHandle.owner(stream?.pointee.data, as: InputStream.self)
  else { return }
  if count > 0 {
    input.read(UnsafeRawBufferPointer(start: buffer?.pointee.base, count: count).bytes)
  } else {
    let error = UVError(code: Int32(truncatingIfNeeded: count))
    input.end(error == .endOfFile ? nil : error)
  }
}
