// Writes to a file that epoll will not watch, in order, in libuv's thread pool, at its current position.
//
// As with a stream: what is written gathers in `pending`, one write is under way from `inFlight`, then the two change places.
//
// Unsafe code. Ownership: request and buffers belong to this object; while a write is under way the request holds one retain
// of it, given back in the callback, which libuv always calls.

import CLibUV
import Glibc

final class FileWriter: Flushable {
  private let loop: EventLoop
  private let descriptor: Int32
  private let request: UnsafeMutablePointer<uv_fs_t>
  private var pending: WriteBuffer
  private var inFlight: WriteBuffer
  private var isOpen = true
  private(set) var isBusy = false
  /// Called after each write with its error, if it had one.
  var finished: ((UVError?) -> Void)?

  init(_ descriptor: Int32, on loop: EventLoop) {
    self.descriptor = descriptor
    self.loop = loop
    pending = WriteBuffer(of: loop)
    inFlight = WriteBuffer(of: loop)
    request = .allocate(capacity: 1)
    request.initialize(to: uv_fs_t())
  }

  deinit {
    request.deallocate()
  }

  var pendingBytes: Int { pending.count + inFlight.count }

  func write(_ bytes: RawSpan) {
    guard isOpen, !bytes.isEmpty else { return }
    pending.append(bytes)
    loop.flushSoon(self)
  }

  override func flush() {
    guard isOpen, !isBusy else { return }
    if inFlight.isEmpty {
      guard !pending.isEmpty else { return }
      swap(&pending, &inFlight)
    }
    isBusy = true
    var bytes = uv_buf_t(inFlight.waiting)
    let result = uv_fs_write(loop.uv, request, descriptor, &bytes, 1, -1, fileWriteDidFinish)
    guard result == 0 else { return loop.later { self.end(Int(result)) } }
    request.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  /// Writes nothing more; `finished` still comes for what is under way.
  func stop() {
    isOpen = false
    pending.empty()
    guard isBusy else { return }
    UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) { _ = uv_cancel($0) }
  }

  fileprivate func end(_ result: Int) {
    loop.wakes()
    isBusy = false
    guard result > 0 else {
      isOpen = false
      finished?(result < 0 ? UVError(code: Int32(truncatingIfNeeded: result)) : .noSpace)
      return
    }
    inFlight.consume(result)
    flush()
    finished?(nil)
  }
}

private func fileWriteDidFinish(_ request: UnsafeMutablePointer<uv_fs_t>?) {
  guard let request, let data = request.pointee.data else { return }
  let result = request.pointee.result
  uv_fs_req_cleanup(request)
  Unmanaged<FileWriter>.fromOpaque(data).takeRetainedValue().end(Int(result))
}
