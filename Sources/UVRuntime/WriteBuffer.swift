// Bytes on their way out: one contiguous piece of memory that is appended to at the end and consumed at the front.
//
//     base       start               end        capacity
//      │ consumed │ waiting to be sent │ free room │
//
// It grows by doubling, moves its bytes to the front only when it would otherwise have to grow, and gives the memory back to the loop's
// pool once it is empty, so ten thousand idle connections cost nothing.
//
// Unsafe code. Ownership: the buffer alone owns its memory, and its owner keeps the loop whose pool it uses. Addresses it lends
// (`waiting`, `room`, `tail`) are valid until the next append; a buffer given to libuv is not touched until libuv has answered.

import CLibUV
import Glibc

struct WriteBuffer: ~Copyable {
  private let loop: UnsafeMutablePointer<LoopState>
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var start = 0
  private var end = 0

  init(of loop: EventLoop) {
    self.loop = loop.state
  }

  /// The pool may be gone by then, so the memory goes past it.
  deinit {
    free(base)
  }

  /// Bytes waiting.
  var count: Int { end - start }
  var isEmpty: Bool { start == end }

  /// The bytes waiting.
  var waiting: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0 + start) }, count: count)
  }

  mutating func append(_ bytes: RawSpan) {
    guard !bytes.isEmpty else { return }
    let room = room(for: bytes.byteCount)
    bytes.withUnsafeBytes { room.copyMemory(from: $0) }
    end += bytes.byteCount
  }

  /// Free room at the end, to be written into and then `commit`ted.
  mutating func room(for count: Int) -> UnsafeMutableRawBufferPointer {
    if capacity - end < count { makeRoom(for: count) }
    return UnsafeMutableRawBufferPointer(start: base.map { $0 + end }, count: count)
  }

  /// So many bytes have been written into the room.
  mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= capacity - end)
    end += count
    if start == end { empty() }
  }

  /// The last bytes, to be changed where they lie.
  mutating func tail(_ count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(count >= 0 && count <= self.count)
    return UnsafeMutableRawBufferPointer(start: base.map { $0 + (end - count) }, count: count)
  }

  /// So many bytes have been sent.
  mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    start += count
    if start == end { empty() }
  }

  /// Drops everything.
  mutating func empty() {
    start = 0
    end = 0
    guard let base else { return }
    loop.pointee.buffers.give(base, capacity: capacity)
    self.base = nil
    capacity = 0
  }

  private mutating func makeRoom(for count: Int) {
    if start > 0, let base {
      memmove(base, base + start, self.count)
      end -= start
      start = 0
    }
    guard capacity - end < count else { return }
    let larger = loop.pointee.buffers.take(atLeast: max(capacity * 2, end + count))
    if let base {
      memcpy(larger.memory, base, end)
      loop.pointee.buffers.give(base, capacity: capacity)
    }
    (base, capacity) = larger
  }
}

extension uv_buf_t {
  /// Bytes as libuv takes them to send; it does not change them.
  init(_ bytes: UnsafeRawBufferPointer) {
    let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
    self.init(base: start?.assumingMemoryBound(to: CChar.self), len: bytes.count)
  }
}
