// Memory for what waits to be sent, handed from connection to connection.
//
//     WriteBuffer ──take──► 4 KiB … 128 KiB ──give──► on a list by size ──► the next one who has something to send
//
// Between two messages a connection owns none of it: ten thousand idle ones cost nothing, and ten thousand busy ones ask the system for
// nothing. Sizes are powers of two; what is larger than the largest, and what is more than is worth keeping, goes back at once.
//
// Unsafe code. Ownership: a piece belongs to who took it until it is given back, with the size it was taken with. While it is on a list
// its first word points to the next one. The pool belongs to its loop's thread.

import Glibc

struct BufferPool: ~Copyable {
  /// A page: less is not worth a list.
  private static let smallest = 4096
  /// Twice what is gathered before it is sent.
  private static let largest = 131_072
  /// What is kept at most: enough for 256 connections that answer in the same turn, and little beside a process.
  private static let limit = 1 << 20

  private var free: [6 of UnsafeMutableRawPointer?] = [nil, nil, nil, nil, nil, nil]
  private var keptBytes = 0

  deinit {
    for index in free.indices {
      var rest = free[index]
      while let piece = rest {
        rest = piece.load(as: UnsafeMutableRawPointer?.self)
        Glibc.free(piece)
      }
    }
  }

  /// A piece of at least that many bytes, and how many it has.
  mutating func take(atLeast count: Int) -> (memory: UnsafeMutableRawPointer, capacity: Int) {
    var (capacity, index) = (Self.smallest, 0)
    while capacity < count { (capacity, index) = (capacity * 2, index + 1) }
    if index < free.count, let piece = free[index] {
      free[index] = piece.load(as: UnsafeMutableRawPointer?.self)
      keptBytes -= capacity
      return (piece, capacity)
    }
    guard let piece = malloc(capacity) else { preconditionFailure("out of memory") }
    return (piece, capacity)
  }

  /// Gives a piece back.
  mutating func give(_ memory: UnsafeMutableRawPointer, capacity: Int) {
    guard capacity <= Self.largest, keptBytes + capacity <= Self.limit else { return Glibc.free(memory) }
    let index = capacity.trailingZeroBitCount - Self.smallest.trailingZeroBitCount
    memory.storeBytes(of: free[index], as: UnsafeMutableRawPointer?.self)
    free[index] = memory
    keptBytes += capacity
  }
}
