// One libuv handle: its memory, its life and who it belongs to.
//
//     made ──► open ──close()──► closing ──(libuv's close callback, a turn later)──► freed
//
// Unsafe code. The rules of ownership, for the whole module:
//
// 1. A handle lives in memory of its own, never in a Swift property (whose address is valid only during an access).
// 2. `data` points to the LoopHandle. That is one retain, taken when the handle is made and given back in the close
//    callback and nowhere else. So a LoopHandle, and through it its owner, lives exactly as long as libuv may call back.
// 3. `owner` is the connection, listener, watcher… behind the handle. It is set when the owner is complete and let go after
//    `handleClosed`, which ends the cycle of the two.
// 4. A second `close` does nothing. Requests under way come back with ECANCELED before the close callback, so they need no
//    retain: the memory of a request belongs to the owner or is freed in the request's own callback.
// 5. A handle keeps its EventLoop alive, so a loop cannot go away under it.

import CLibUV
import Glibc

/// Who stands behind a handle.
protocol LoopHandleOwner: AnyObject {
  /// The handle is gone: the last that happens to it.
  func handleClosed()
  /// The loop stops: close, if there is time after having said what is left to say.
  func loopStops(drainingFor patience: Duration)
}

final class LoopHandle {
  let loop: EventLoop
  let memory: UnsafeMutableRawPointer
  var owner: (any LoopHandleOwner)? {
    didSet { ownerAddress = owner.map { Unmanaged.passUnretained($0 as AnyObject).toOpaque() } }
  }
  /// The owner, for callbacks that come with every message: a reference that nobody counts.
  private var ownerAddress: UnsafeMutableRawPointer?
  private(set) var isOpen = true

  /// Makes a handle of that type; `setUp` is libuv's `uv_…_init` for it.
  /// Throws what `setUp` answers, and `canceled` once the loop stops.
  init(
    _ type: uv_handle_type, on loop: EventLoop, _ setUp: (UnsafeMutableRawPointer) -> Int32
  ) throws(UVError) {
    loop.requireCurrent()
    guard loop.takesHandles else { throw .canceled }
    let size = uv_handle_size(type)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    let result = setUp(memory)
    guard result == 0 else {
      memory.deallocate()
      throw UVError(code: result)
    }
    self.loop = loop
    self.memory = memory
    handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    loop.handleMade()
  }

  /// Closes the handle; the owner hears `handleClosed` in a later phase of the loop.
  func close() {
    guard isOpen else { return }
    loop.requireCurrent()
    isOpen = false
    uv_close(handle, handleDidClose)
  }

  /// Closes a TCP handle with a RST instead of a FIN. While a FIN is being sent libuv refuses that: then a plain close.
  func closeWithReset() {
    guard isOpen else { return }
    loop.requireCurrent()
    isOpen = false
    if uv_tcp_close_reset(tcp, handleDidClose) != 0 { uv_close(handle, handleDidClose) }
  }

  fileprivate func didClose() {
    loop.wakes()
    memory.deallocate()
    let owner = self.owner
    self.owner = nil
    owner?.handleClosed()
    loop.handleFreed()
  }

  // The memory under the names that libuv's functions want.
  var handle: UnsafeMutablePointer<uv_handle_t> { memory.assumingMemoryBound(to: uv_handle_t.self) }
  var stream: UnsafeMutablePointer<uv_stream_t> { memory.assumingMemoryBound(to: uv_stream_t.self) }
  var tcp: UnsafeMutablePointer<uv_tcp_t> { memory.assumingMemoryBound(to: uv_tcp_t.self) }
  var pipe: UnsafeMutablePointer<uv_pipe_t> { memory.assumingMemoryBound(to: uv_pipe_t.self) }
  var tty: UnsafeMutablePointer<uv_tty_t> { memory.assumingMemoryBound(to: uv_tty_t.self) }
  var signal: UnsafeMutablePointer<uv_signal_t> { memory.assumingMemoryBound(to: uv_signal_t.self) }

  /// The descriptor of a connected socket; -1 if there is none.
  var socket: Int32 {
    var descriptor: Int32 = -1
    return uv_fileno(handle, &descriptor) == 0 ? descriptor : -1
  }

  /// The LoopHandle behind a handle's `data`.
  static func behind(_ data: UnsafeMutableRawPointer?) -> LoopHandle? {
    guard let data else { return nil }
    return Unmanaged<LoopHandle>.fromOpaque(data).takeUnretainedValue()
  }

  /// The owner behind a handle's `data`, uncounted: it is not let go before the close callback (rules 2 and 3), which libuv calls from
  /// no other callback. The callback says of which class it is, as below.
  @inline(__always)
  static func uncountedOwner<Owner: AnyObject>(
    _ data: UnsafeMutableRawPointer?, as type: Owner.Type
  ) -> Unmanaged<Owner>? {
    guard let data, let owner = Unmanaged<LoopHandle>.fromOpaque(data)._withUnsafeGuaranteedRef({ $0.ownerAddress })
    else { return nil }
    return Unmanaged<Owner>.fromOpaque(owner)
  }

  /// The owner behind a handle's `data`. The callback says of which class: it was installed by that class.
  static func owner<Owner: AnyObject>(_ data: UnsafeMutableRawPointer?, as type: Owner.Type) -> Owner? {
    guard let handle = behind(data), let owner = handle.owner else { return nil }
    handle.loop.wakes()
    return unsafeDowncast(owner, to: type)
  }
}

/// libuv has finished with the handle: gives back the one retain.
private func handleDidClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
  guard let data = handle?.pointee.data else { return }
  Unmanaged<LoopHandle>.fromOpaque(data).takeRetainedValue().didClose()
}

/// The alloc callback of every stream: the loop's one read buffer, which is free again when the read callback returns. A stream that gets
/// none is told of `noBufferSpace`, which means nothing: it reads again in the next turn.
func lendReadBuffer(
  _ handle: UnsafeMutablePointer<uv_handle_t>?, _ suggested: Int, _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
  guard let handle, let buffer, let memory = EventLoop.lendBuffer(to: handle) else { return }
  buffer.pointee = uv_buf_t(base: memory.assumingMemoryBound(to: CChar.self), len: EventLoop.readBufferSize)
}
