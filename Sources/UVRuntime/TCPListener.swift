// A listening socket, and how it holds back.
//
// libuv has no "stop listening", but it has this: a connection callback that does not call `uv_accept` stops the listener
// until somebody does. So holding back is simply not accepting: the connection at hand waits in libuv, further ones in the
// backlog of the system. Reasons to hold: paused, too many connections (this listener's or the loop's), no descriptors, enough for
// one turn of the loop: libuv would take all that wait before it looks at any other socket.
//
// What it does when the system cannot accept stands in SpareDescriptor.swift.

import CLibUV

/// A listening TCP socket.
///
/// Ownership: keeps itself alive until closed. Belongs to the loop's thread.
public final class TCPListener {
  /// Taken in one turn of the loop: what an owner does for a newcomer, such as making a key, may cost it some 0.05 ms.
  static let acceptsPerTurn = 4

  /// The loop it lives on.
  public let loop: EventLoop
  /// The address it listens at, with the port that the system chose if 0 was asked for.
  public let address: SocketAddress
  /// At most this many connections of this listener are open at a time; more wait in the backlog.
  public var maximumConnections: Int {
    didSet { acceptHeld() }
  }
  /// Connections of this listener that are open.
  public internal(set) var openConnections = 0
  /// Called if the system makes listening impossible; the listener closes itself.
  public var failed: ((UVError) -> Void)?
  /// How often it has run out of descriptors.
  public var descriptorShortages: Int { spare.shortages }

  private let handle: LoopHandle
  private var accept: ((TCPConnection) -> Void)?
  private var isPaused = false
  private var isHolding = false  // libuv has a connection that we have not taken
  private let spare: SpareDescriptor
  private var taken = (turn: UInt64(0), count: 0)
  private var nextTurn: Deadline?

  /// Listens. `accept` gets each new connection, open and not yet reading: it sets the handler, or the connection closes.
  ///
  /// Throws what binding and listening say, for example `addressInUse` or `permissionDenied`; `canceled` once the loop stops.
  /// - Parameters:
  ///   - backlog: connections that the system keeps waiting for us; it has a limit of its own (4096).
  ///   - maxConnections: see `maximumConnections`.
  public init(
    on loop: EventLoop, address: SocketAddress, backlog: Int = 511, maxConnections: Int = .max,
    _ accept: @escaping (TCPConnection) -> Void
  ) throws(UVError) {
    let handle = try LoopHandle(UV_TCP, on: loop) {
      uv_tcp_init(loop.uv, $0.assumingMemoryBound(to: uv_tcp_t.self))
    }
    do throws(UVError) {
      try UVError.check(address.withSocketAddress { uv_tcp_bind(handle.tcp, $0, 0) })
      try UVError.check(uv_listen(handle.stream, Int32(clamping: backlog), listenerHasConnection))
      spare = try SpareDescriptor(on: loop)
    } catch {
      handle.close()
      throw error
    }
    self.loop = loop
    self.address = SocketAddress(of: handle.tcp, by: uv_tcp_getsockname) ?? address
    self.handle = handle
    self.accept = accept
    maximumConnections = maxConnections
    handle.owner = self
    spare.isBack = { [unowned self] in acceptHeld() }
  }

  /// Stops listening; connections already accepted live on. A second call does nothing.
  public func close() {
    guard handle.isOpen else { return }
    handle.close()
    nextTurn?.cancel()
    stopHolding()
    spare.close()
  }

  /// Leaves new connections in the backlog.
  public func pause() {
    isPaused = true
  }

  /// Accepts again.
  public func resume() {
    isPaused = false
    acceptHeld()
  }

  // MARK: Accepting

  private var mayAccept: Bool {
    !isPaused && spare.isThere && openConnections < maximumConnections && loop.openConnections < loop.maximumConnections
      && !hasEnoughForThisTurn
  }

  private var hasEnoughForThisTurn: Bool {
    taken.turn == loop.statistics.turns && taken.count >= Self.acceptsPerTurn
  }

  fileprivate func connectionWaits() {
    spare.connectionCame()
    guard mayAccept else { return hold() }
    take()
  }

  private func goOnInNextTurn() {
    if nextTurn == nil { nextTurn = Deadline(on: loop) { [unowned self] in acceptHeld() } }
    nextTurn?.set(loop.now)
  }

  /// Takes what is held, if now we may.
  func acceptHeld() {
    guard isHolding, handle.isOpen, loop.takesHandles else { return }
    if hasEnoughForThisTurn { return goOnInNextTurn() }
    guard mayAccept else { return }
    stopHolding()
    take()
  }

  private func take() {
    let turn = loop.statistics.turns
    taken = (turn, taken.turn == turn ? taken.count + 1 : 1)
    do throws(UVError) {
      let connection = try TCPConnection(from: handle, of: self)
      openConnections += 1
      spare.connectionTaken()
      accept?(connection)
      connection.accepted()
    } catch {
      // No memory for it, or the peer has gone again. libuv keeps the connection in the first case.
      if error == .outOfMemory { hold() }
    }
  }

  private func hold() {
    guard !isHolding else { return }
    isHolding = true
    loop.holdingListeners.append(self)
    if hasEnoughForThisTurn { goOnInNextTurn() }
  }

  private func stopHolding() {
    isHolding = false
    loop.holdingListeners.removeAll { $0 === self }
  }

  fileprivate func acceptFailed(_ error: UVError) {
    guard handle.isOpen, !spare.mayGoOn(after: error) else { return }
    close()
    failed?(error)
  }
}

extension TCPListener: LoopHandleOwner {
  func handleClosed() {
    accept = nil
    failed = nil
  }

  func loopStops(drainingFor patience: Duration) {
    close()
  }
}

private func listenerHasConnection(_ server: UnsafeMutablePointer<uv_stream_t>?, _ status: Int32) {
  guard let listener = LoopHandle.owner(server?.pointee.data, as: TCPListener.self) else { return }
  if status == 0 {
    listener.connectionWaits()
  } else {
    listener.acceptFailed(UVError(code: status))
  }
}
