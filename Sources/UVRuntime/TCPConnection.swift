// One TCP connection, dialled or accepted.
//
//     dialling ──connected──► open ──closeAfterFlush──► lingering ─┐
//         │                    │  (flushes, FIN, reads and drops)  │
//         └────────────────────┴──────────close, error─────────────┴──► closing ──► closed(error)
//
// The two directions of `open` end separately: theirs with their FIN (`ended`), ours with `shutdown`. When both have ended
// the connection closes itself.
//
// Every way to the end goes through libuv's close callback, and `closed` is called there and only there: exactly once, last,
// and never from inside another call. The first error is the one reported.
//
// Lingering instead of a plain close, because a close with unread bytes in the socket sends RST, and RST makes the peer's
// system throw away what it has not read yet: the very bytes that were to be flushed.

import CLibUV

/// A TCP connection, with Nagle's delay off.
///
/// Ownership: a connection keeps itself and its handler alive while it is open, and lets the handler go after `closed`.
/// Nobody needs to hold it. All of it belongs to the loop's thread; after `closed` every call is without effect.
public final class TCPConnection {
  private enum Phase: Comparable { case dialling, open, lingering, closing, closed }
  private enum Output { case open, ending, finSent, ended }  // ending: FIN when all is flushed

  /// The loop it lives on.
  public let loop: EventLoop
  /// Who hears about it. May be replaced in any callback, and set for an accepted connection within the accept callback.
  public var handler: (any TCPConnectionHandler)? {
    get { hearer?._withUnsafeGuaranteedRef { $0.handler } }
    set { setHandler(newValue) }
  }
  /// The address dialled, or the peer's; nil if the peer was gone before we could ask.
  public private(set) var remoteAddress: SocketAddress?

  let handle: LoopHandle
  private let writer: StreamWriter
  private var hearer: Unmanaged<Hearer>?
  private var phase: Phase
  private var output = Output.open
  private var endIsRead = false
  private var inputEnded = false
  private var wantsInput = true
  private var error: UVError?
  private var deadline: Deadline?
  private weak var listener: TCPListener?

  /// Dials. A failure, also one that shows at once, comes as `closed(error:)` later: `timedOut` after the timeout.
  /// Throws `tooManyOpenFiles` near the loop's limit of connections, `canceled` once the loop stops.
  public init(
    on loop: EventLoop, to address: SocketAddress, timeout: Duration, handler: any TCPConnectionHandler
  ) throws(UVError) {
    guard loop.openConnections < loop.maximumConnections - loop.maximumConnections / 16 else {
      throw .tooManyOpenFiles
    }
    self.loop = loop
    remoteAddress = address
    handle = try Self.makeHandle(on: loop)
    hearer = .passRetained(Hearer(handler))
    writer = StreamWriter(handle)
    phase = .dialling
    adopt()
    dial(address, timeout: timeout)
  }

  /// Accepts what waits at the listener.
  init(from server: LoopHandle, of listener: TCPListener) throws(UVError) {
    loop = server.loop
    handle = try Self.makeHandle(on: loop)
    let result = uv_accept(server.stream, handle.stream)
    guard result == 0 else {
      handle.close()
      throw UVError(code: result)
    }
    self.listener = listener
    remoteAddress = SocketAddress(of: handle.tcp, by: uv_tcp_getpeername)
    writer = StreamWriter(handle)
    phase = .open
    adopt()
    uv_tcp_nodelay(handle.tcp, 1)
  }

  deinit {
    hearer?.release()
  }

  private static func makeHandle(on loop: EventLoop) throws(UVError) -> LoopHandle {
    try LoopHandle(UV_TCP, on: loop) { uv_tcp_init(loop.uv, $0.assumingMemoryBound(to: uv_tcp_t.self)) }
  }

  private func adopt() {
    handle.owner = self
    writer.owner = self
    loop.openConnections += 1
  }

  /// The one before may be in a call just now: it stays until the turn is over.
  private func setHandler(_ handler: (any TCPConnectionHandler)?) {
    if let hearer { loop.letGo(hearer.takeRetainedValue()) }
    hearer = handler.map { .passRetained(Hearer($0)) }
  }

  // MARK: Facts

  /// Our own end's address; nil before the connection is open and after it has closed.
  public var localAddress: SocketAddress? {
    handle.isOpen ? SocketAddress(of: handle.tcp, by: uv_tcp_getsockname) : nil
  }

  /// Whether it is open in the sense that writing makes sense: not closing, and not ended by us.
  public var isOpen: Bool {
    switch phase {
    case .dialling, .open: output == .open
    case .lingering, .closing, .closed: false
    }
  }

  /// Bytes written that the system has not taken yet, ours and libuv's.
  public var pendingBytes: Int { phase < .closing ? writer.pendingBytes : 0 }

  /// Whether the producer should stop: from the moment more than the high watermark is pending until `writable`.
  public var isOverHighWatermark: Bool { writer.isOverHigh }

  /// Sets the marks, in bytes: 64 KiB and 256 KiB at first; 0 ≤ low < high. The connection breaks with `noBufferSpace`
  /// when more than `maximum` is pending (64 MiB at first).
  public func setWatermarks(low: Int, high: Int, maximum: Int? = nil) {
    precondition(low >= 0 && low < high && maximum ?? high >= high)
    writer.lowWatermark = low
    writer.highWatermark = high
    if let maximum { writer.maximumPending = maximum }
  }

  // MARK: Writing

  /// Sends bytes, at the latest before the loop sleeps. Before the connection is open they wait; after `shutdown` or a close
  /// they are dropped.
  public func write(_ bytes: RawSpan) {
    writer.write(bytes)
  }

  /// Sends bytes; see `write(_: RawSpan)`.
  public func write(_ bytes: [UInt8]) {
    write(bytes.span.bytes)
  }

  /// Lets the body write up to `count` bytes straight into the pending buffer, and sends what it wrote. If the body throws,
  /// nothing is sent. The body must not write to this connection in another way. It is not called if writing makes no sense.
  public func write<E: Error>(
    atMost count: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) {
    if isOpen { try writer.write(atMost: count, body) }
  }

  /// The same, for bytes that are not to leave as they are: they are finished as one piece, by `finishDraft`, at the latest when
  /// the handler is told that the `draftLeaves`. Until then nothing can be written but more of the draft.
  public func draft<E: Error>(
    atMost count: Int, _ body: (inout OutputRawSpan) throws(E) -> Void
  ) throws(E) {
    if isOpen { try writer.write(atMost: count, asDraft: true, body) }
  }

  /// The length of the draft, in bytes.
  public var draftCount: Int { writer.draftCount }

  /// Lets the body change the draft where it lies, with so many more bytes (zero at first) at its end. It is not called if there is
  /// no draft.
  public func finishDraft(adding room: Int, _ body: (inout MutableRawSpan) -> Void) {
    if phase < .closing { writer.finishDraft(adding: room, body) }
  }

  // MARK: Reading

  /// Stops reading: soon the peer cannot send either. `ended` and a broken connection are not noticed meanwhile.
  public func pauseReading() {
    wantsInput = false
    if phase == .open { uv_read_stop(handle.stream) }
  }

  /// Reads again.
  public func resumeReading() {
    wantsInput = true
    startReading()
  }

  // MARK: Ending

  /// Ends our direction: FIN after everything pending. The peer may still send; the connection closes when it ends too.
  public func shutdown() {
    guard isOpen else { return }
    output = .ending
    writer.end()
    if phase == .open { endOutputIfDrained() }
  }

  /// Closes at once; what is still pending is lost. A second call does nothing.
  public func close() {
    close(nil)
  }

  /// Closes at once with RST: the peer sees `connectionReset`.
  public func reset() {
    guard phase < .closing else { return }
    beginClosing(nil)
    handle.closeWithReset()
  }

  /// Closes in good order: flushes, sends FIN, drops what still comes until the peer has ended too, then closes; at the
  /// latest after the deadline, with the error `timedOut` if even our own bytes had not left by then. The handler hears only
  /// `closed`. A dial under way is simply given up.
  public func closeAfterFlush(deadline patience: Duration) {
    switch phase {
    case .dialling:
      close(nil)
    case .open:
      phase = .lingering
      if output == .open { output = .ending }
      writer.end()
      wantsInput = true
      setDeadline(patience)
      startReading()
      endOutputIfDrained()
    case .lingering:
      setDeadline(patience)
    case .closing, .closed:
      break
    }
  }

  private func close(_ error: UVError?) {
    guard phase < .closing else { return }
    beginClosing(error)
    handle.close()
  }

  private func beginClosing(_ error: UVError?) {
    phase = .closing
    self.error = error
    deadline?.cancel()
    writer.stop()
  }

  // MARK: What happens

  private func dial(_ address: SocketAddress, timeout: Duration) {
    uv_tcp_nodelay(handle.tcp, 1)
    let request = ConnectRequest.allocate(capacity: 1)
    let result = address.withSocketAddress { uv_tcp_connect(request, handle.tcp, $0, connectDidFinish) }
    guard result == 0 else {
      request.deallocate()
      return close(UVError(code: result))
    }
    setDeadline(timeout)
  }

  fileprivate func dialled(_ status: Int32) {
    guard phase == .dialling else { return }
    guard status == 0 else { return close(UVError(code: status)) }
    deadline?.cancel()
    phase = .open
    writer.ready(sendingAtOnceTo: handle.socket)
    handler?.connected(self)
    startReading()
    endOutputIfDrained()
  }

  /// The accept callback has returned: begins to read and to send, or closes if nobody wants the connection. It may be closing already,
  /// with something left to say.
  func accepted() {
    guard phase == .open || phase == .lingering else { return }
    guard handler != nil || phase == .lingering else { return close(nil) }
    writer.ready(sendingAtOnceTo: handle.socket)
    startReading()
  }

  private func startReading() {
    guard phase == .open || phase == .lingering, wantsInput, !endIsRead else { return }
    let result = uv_read_start(handle.stream, lendReadBuffer, streamDidRead)
    if result < 0, result != UV_EALREADY.rawValue { close(UVError(code: result)) }
  }

  @inline(never)
  fileprivate func read(_ start: UnsafeMutableRawPointer, _ count: Int) {
    loop.wakes()
    loop.state.pointee.statistics.reads &+= 1
    guard phase == .open, let hearer else { return }
    writer.beginsAnswer()
    var bytes = MutableRawSpan(_unsafeStart: start, byteCount: count)
    hearer._withUnsafeGuaranteedRef { $0.handler.received(&bytes, on: self) }
  }

  fileprivate func readFailed(_ error: UVError) {
    loop.wakes()
    endIsRead = true
    if loop.state.pointee.ends.mayTell(self, error) { inputHasEnded(error) }
  }

  /// The end that was read, in this turn or a later one.
  func inputHasEnded(_ error: UVError) {
    guard phase < .closing else { return }
    guard error == .endOfFile else { return close(error) }
    inputEnded = true
    if output == .ended { return close(nil) }
    if phase == .open { handler?.ended(self) }
  }

  private func endOutputIfDrained() {
    guard phase == .open || phase == .lingering, output == .ending, writer.isDrained else { return }
    output = .finSent
    let request = ShutdownRequest.allocate(capacity: 1)
    let result = uv_shutdown(request, handle.stream, shutdownDidFinish)
    guard result == 0 else {
      request.deallocate()
      return close(UVError(code: result))
    }
  }

  fileprivate func outputEnded(_ status: Int32) {
    guard phase < .closing else { return }
    guard status == 0 else { return close(UVError(code: status)) }
    output = .ended
    if inputEnded { close(nil) }
  }

  private func setDeadline(_ patience: Duration) {
    if deadline == nil { deadline = Deadline(on: loop) { [unowned self] in deadlinePassed() } }
    deadline?.set(loop.now + patience)
  }

  private func deadlinePassed() {
    switch phase {
    case .dialling: close(.timedOut)
    case .lingering: close(writer.isDrained ? nil : .timedOut)
    case .open, .closing, .closed: break
    }
  }
}

extension TCPConnection: StreamWriterOwner {
  func writerNeedsDraftFinished() { handler?.draftLeaves(self) }

  func writerProgressed() {
    if writer.fellUnderLow(), phase == .open { handler?.writable(self) }
    endOutputIfDrained()
  }

  func writerFailed(_ error: UVError) { close(error) }
}

extension TCPConnection: LoopHandleOwner {
  func handleClosed() {
    phase = .closed
    loop.openConnections -= 1
    listener?.openConnections -= 1
    let handler = self.handler
    setHandler(nil)
    handler?.closed(self, error: error)
    loop.acceptHeld()
  }

  func loopStops(drainingFor patience: Duration) {
    if phase == .dialling {
      close(.canceled)
    } else if patience > .zero {
      closeAfterFlush(deadline: patience)
    } else {
      close(nil)
    }
  }
}

// MARK: - Callbacks

/// The memory of these requests is freed in their callbacks, which libuv always calls, before the handle's close callback.
private typealias ConnectRequest = UnsafeMutablePointer<uv_connect_t>
private typealias ShutdownRequest = UnsafeMutablePointer<uv_shutdown_t>

private func connectDidFinish(_ request: UnsafeMutablePointer<uv_connect_t>?, _ status: Int32) {
  guard let request else { return }
  let data = request.pointee.handle.pointee.data
  request.deallocate()
  LoopHandle.owner(data, as: TCPConnection.self)?.dialled(status)
}

private func shutdownDidFinish(_ request: UnsafeMutablePointer<uv_shutdown_t>?, _ status: Int32) {
  guard let request else { return }
  let data = request.pointee.handle.pointee.data
  request.deallocate()
  LoopHandle.owner(data, as: TCPConnection.self)?.outputEnded(status)
}

private func streamDidRead(
  _ stream: UnsafeMutablePointer<uv_stream_t>?, _ count: Int, _ buffer: UnsafePointer<uv_buf_t>?
) {
  guard let connection = LoopHandle.uncountedOwner(stream?.pointee.data, as: TCPConnection.self) else { return }
  if count > 0, let start = buffer?.pointee.base {
    connection._withUnsafeGuaranteedRef { $0.read(start, count) }
  } else if count < 0, count != UV_ENOBUFS.rawValue {
    connection._withUnsafeGuaranteedRef { $0.readFailed(UVError(code: Int32(truncatingIfNeeded: count))) }
  }
}
