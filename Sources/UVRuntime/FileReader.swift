// Reads a file that epoll will not watch, piece by piece in libuv's thread pool, from its current position to its end.
//
// One read at a time, into a buffer of its own: another thread writes into it while the loop goes on. A read that the pool
// has begun cannot be taken back, so whoever closes waits for `isBusy` to end.
//
// Unsafe code. Ownership: request and buffer belong to this object; while a read is under way the request holds one retain
// of it, given back in the callback, which libuv always calls.

import CLibUV
import Glibc

final class FileReader {
  private static let pieceSize = 65536

  private let loop: EventLoop
  private let descriptor: Int32
  private let request: UnsafeMutablePointer<uv_fs_t>
  private let buffer: UnsafeMutableRawPointer
  private(set) var isBusy = false
  /// Called with each result: bytes read, 0 at the end, or a negative code.
  var finished: ((Int) -> Void)?

  init(_ descriptor: Int32, on loop: EventLoop) {
    self.descriptor = descriptor
    self.loop = loop
    request = .allocate(capacity: 1)
    request.initialize(to: uv_fs_t())
    buffer = .allocate(byteCount: Self.pieceSize, alignment: 16)
  }

  deinit {
    request.deallocate()
    buffer.deallocate()
  }

  /// What the last read brought; valid during `finished`.
  func withBytes(_ count: Int, _ body: (RawSpan) -> Void) {
    body(UnsafeRawBufferPointer(start: buffer, count: count).bytes)
  }

  /// Begins a read, unless one is under way. Its end comes later in any case.
  func read() {
    guard !isBusy else { return }
    isBusy = true
    var piece = uv_buf_t(base: buffer.assumingMemoryBound(to: CChar.self), len: Self.pieceSize)
    let result = uv_fs_read(loop.uv, request, descriptor, &piece, 1, -1, fileReadDidFinish)
    guard result == 0 else { return loop.later { self.end(Int(result)) } }
    request.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  /// Takes a read back that no thread has begun with yet; `finished` still comes.
  func cancel() {
    guard isBusy else { return }
    UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) { _ = uv_cancel($0) }
  }

  fileprivate func end(_ result: Int) {
    loop.wakes()
    isBusy = false
    finished?(result)
  }
}

private func fileReadDidFinish(_ request: UnsafeMutablePointer<uv_fs_t>?) {
  guard let request, let data = request.pointee.data else { return }
  let result = request.pointee.result
  uv_fs_req_cleanup(request)
  Unmanaged<FileReader>.fromOpaque(data).takeRetainedValue().end(Int(result))
}
