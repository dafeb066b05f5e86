// What a descriptor is, and what libuv wants done with each kind.
//
//     terminal  uv_tty    opened anew through its name, so our O_NONBLOCK is not everybody's
//     pipe      uv_pipe   also Unix sockets
//     tcp       uv_tcp
//     file      uv_fs_*   regular files, /dev/null and the like: epoll refuses them, and uv_pipe_open would abort later
//
// Ownership of the descriptor: it passes to the stream, which closes it in the end; but 0, 1 and 2 stay open, as they are
// the process's. O_NONBLOCK belongs to the open file and so to everyone who shares it (the shell!): for 0, 1 and 2 it is put
// back. If making the stream throws, the descriptor is still the caller's.

import CLibUV
import Glibc

struct Descriptor {
  enum Kind { case terminal, pipe, tcp, file }

  let number: Int32
  let kind: Kind
  private let flags: Int32
  private var isReopened = false

  /// Throws `badDescriptor` if it is not open, `notSupported` for what is none of the kinds above (UDP, directories…).
  init(_ number: Int32) throws(UVError) {
    flags = fcntl(number, F_GETFL)
    guard flags >= 0 else { throw UVError(errno: errno) }
    switch uv_guess_handle(number) {
    case UV_TTY: kind = .terminal
    case UV_NAMED_PIPE: kind = .pipe
    case UV_TCP: kind = .tcp
    case UV_FILE: kind = .file
    default: throw .notSupported
    }
    self.number = number
  }

  /// Makes the handle that goes with the kind and gives it the descriptor. A file has no handle of its own in libuv; an idle
  /// one that never runs stands for it, so that a file stream is counted, found and closed like everything else.
  mutating func makeHandle(on loop: EventLoop) throws(UVError) -> LoopHandle {
    let handle: LoopHandle
    let result: Int32
    switch kind {
    case .terminal:
      handle = try LoopHandle(UV_TTY, on: loop) {
        uv_tty_init(loop.uv, $0.assumingMemoryBound(to: uv_tty_t.self), number, 0)
      }
      var opened = number
      result = min(uv_fileno(handle.handle, &opened), 0)
      isReopened = opened != number
    case .file:
      return try LoopHandle(UV_IDLE, on: loop) {
        uv_idle_init(loop.uv, $0.assumingMemoryBound(to: uv_idle_t.self))
      }
    case .pipe:
      handle = try LoopHandle(UV_NAMED_PIPE, on: loop) {
        uv_pipe_init(loop.uv, $0.assumingMemoryBound(to: uv_pipe_t.self), 0)
      }
      result = uv_pipe_open(handle.pipe, number)
    case .tcp:
      handle = try LoopHandle(UV_TCP, on: loop) {
        uv_tcp_init(loop.uv, $0.assumingMemoryBound(to: uv_tcp_t.self))
      }
      result = uv_tcp_open(handle.tcp, number)
    }
    guard result == 0 else {
      handle.close()
      throw UVError(code: result)
    }
    return handle
  }

  /// The handle has closed: closes what libuv has not, puts back what we have changed. libuv closes the descriptor it has
  /// worked with (unless it is 0, 1 or 2), which is not ours if it has opened the terminal anew.
  func release() {
    if number > STDERR_FILENO {
      if kind == .file || isReopened { Glibc.close(number) }
    } else if kind != .file, !isReopened {
      _ = fcntl(number, F_SETFL, flags)
    }
  }
}
