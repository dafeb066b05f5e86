// A listening socket, and how it holds back.
//
// libuv has no "stop listening", but it has this: a connection callback that does not call `uv_accept` stops the listener
// until somebody does. So holding back is simply not accepting: the connection at hand waits in libuv, further ones in the
// backlog of the system. Reasons to hold: paused, too many connections (this listener's or the loop's), no descriptors, enough for
// one turn of the loop: libuv would take all that wait before it looks at any other socket.
//
// Out of descriptors, libuv usually accepts and closes the backlog itself with a spare descriptor. Without that spare it
// calls back EMFILE for ever inside one poll. We keep a spare of our own for that: given up, it lets libuv accept once more,
// we do not take the connection, and libuv stops. A deadline later we try to get the spare back, and only then go on.
// If even that does not help (another thread took the descriptor, or the kernel is out of memory) we slow libuv's circle
// down, and after a while close the listener rather than hang.

import CLibUV
import Glibc

/// A listening TCP socket.
///
/// Ownership: keeps itself alive until closed. Belongs to the loop's thread.
public final class TCPListener {
  /// How long to wait after having run out of descriptors.
  private static let firstBackOff = Duration.milliseconds(100)
  private static let longestBackOff = Duration.seconds(2)
  /// Taken in one turn of the loop: what an owner does for a newcomer, such as making a key, may cost it some 0.05 ms.
  static let acceptsPerTurn = 4
  /// Errors without a pause between, a millisecond each, after which the listener gives up.
  private static let patience = 200

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
  public private(set) var descriptorShortages = 0

  private let handle: LoopHandle
  private var accept: ((TCPConnection) -> Void)?
  private var isPaused = false
  private var isHolding = false  // libuv has a connection that we have not taken
  private var spare: Int32
  private var backOff = TCPListener.firstBackOff
  private var errorsInARow = 0
  private var deadline: Deadline?
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
      spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard spare >= 0 else { throw UVError(errno: errno) }
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
  }

  /// Stops listening; connections already accepted live on. A second call does nothing.
  public func close() {
    guard handle.isOpen else { return }
    handle.close()
    deadline?.cancel()
    nextTurn?.cancel()
    stopHolding()
    giveUpSpare()
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
    !isPaused && spare >= 0 && openConnections < maximumConnections && loop.openConnections < loop.maximumConnections
      && !hasEnoughForThisTurn
  }

  private var hasEnoughForThisTurn: Bool {
    taken.turn == loop.statistics.turns && taken.count >= Self.acceptsPerTurn
  }

  fileprivate func connectionWaits() {
    errorsInARow = 0
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
      backOff = Self.firstBackOff
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

  // MARK: Out of descriptors

  fileprivate func acceptFailed(_ error: UVError) {
    guard handle.isOpen else { return }
    errorsInARow += 1
    switch error {
    case .tooManyOpenFiles, .fileTableOverflow:
      if spare >= 0 {
        descriptorShortages += 1
        giveUpSpare()
        waitForSpare()
      } else {
        slowDown(error)
      }
    case .connectionAborted:
      break  // the peer has gone again
    default:
      slowDown(error)
    }
  }

  /// libuv will call again at once.
  private func slowDown(_ error: UVError) {
    usleep(1000)
    guard errorsInARow >= Self.patience else { return }
    close()
    failed?(error)
  }

  private func giveUpSpare() {
    guard spare >= 0 else { return }
    Glibc.close(spare)
    spare = -1
  }

  private func waitForSpare() {
    if deadline == nil { deadline = Deadline(on: loop) { [unowned self] in tryForSpare() } }
    deadline?.set(loop.now + backOff)
    backOff = min(backOff * 2, Self.longestBackOff)
  }

  private func tryForSpare() {
    guard handle.isOpen else { return }
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard spare >= 0 else { return waitForSpare() }
    acceptHeld()
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
