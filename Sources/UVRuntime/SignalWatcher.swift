// A signal of the process, as an event of the loop.
//
// Installing a handler is the program's decision (a library must not): only `node` makes these.

import CLibUV

/// Calls a closure on the loop whenever the process gets a signal.
///
/// Ownership: keeps itself and its closure alive until closed. Several arrivals before the loop looks may be one call.
public final class SignalWatcher {
  private let handle: LoopHandle
  private var fired: (() -> Void)?

  /// Watches. Throws `invalidArgument` for what is no signal or cannot be caught, `canceled` once the loop stops.
  public init(on loop: EventLoop, signal: Int32, _ fired: @escaping () -> Void) throws(UVError) {
    let handle = try LoopHandle(UV_SIGNAL, on: loop) {
      uv_signal_init(loop.uv, $0.assumingMemoryBound(to: uv_signal_t.self))
    }
    let result = uv_signal_start(handle.signal, signalDidArrive, signal)
    guard result == 0 else {
      handle.close()
      throw UVError(code: result)
    }
    self.handle = handle
    self.fired = fired
    handle.owner = self
  }

  /// Stops watching; the signal does again what it did before. A second call does nothing.
  public func close() {
    handle.close()
  }

  fileprivate func arrived() {
    if handle.isOpen { fired?() }
  }
}

extension SignalWatcher: LoopHandleOwner {
  func handleClosed() {
    fired = nil
  }

  func loopStops(drainingFor patience: Duration) {
    close()
  }
}

private func signalDidArrive(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ signal: Int32) {
  LoopHandle.owner(handle?.pointee.data, as: SignalWatcher.self)?.arrived()
}
