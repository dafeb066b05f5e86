// Bytes that nobody may find once they have served: keys, and what keys are made of.
//
//     Secret ──owns alone──► memory of the heap ──deinit──► zeros ──► back to the heap
//
// They never lie in an array, which Swift copies and moves as it likes: they are written once where they are to stay, borrowed, and
// overwritten before the memory goes back. A value that cannot be copied cannot be forgotten either.
//
// Absent on purpose: `sodium_malloc`, which takes at least three pages and as many system calls for 32 bytes; ten thousand links would
// feel it, and what it guards against, a bug that reads foreign memory, is kept away by the language everywhere but in a few
// files.
//
// Unsafe code. The pointers that are lent are valid inside the closure they are handed to, and nowhere else.

import CSodium

/// Bytes that are overwritten with zeros when they end.
public struct Secret: ~Copyable {
  /// How many bytes they are.
  public let byteCount: Int
  private let memory: UnsafeMutableRawPointer

  /// Zeros, to be written over by `fill`: a generator's output, say, which so lies nowhere else.
  public init(byteCount: Int, _ fill: (inout MutableRawSpan) -> Void) {
    let memory = Self.zeros(byteCount)
    var bytes = MutableRawSpan(_unsafeStart: memory, byteCount: byteCount)
    fill(&bytes)
    self.byteCount = byteCount
    self.memory = memory
  }

  /// A copy. Wiping the original is its owner's affair.
  public init(copying bytes: RawSpan) {
    let memory = Self.zeros(bytes.byteCount)
    bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: memory, count: $0.count).copyMemory(from: $0) }
    self.byteCount = bytes.byteCount
    self.memory = memory
  }

  /// Zeros.
  init(byteCount: Int) {
    self.byteCount = byteCount
    memory = Self.zeros(byteCount)
  }

  deinit {
    // Unlike an assignment this is never optimised away.
    sodium_memzero(memory, byteCount)
    memory.deallocate()
  }

  private static func zeros(_ byteCount: Int) -> UnsafeMutableRawPointer {
    // Aligned for everything that is kept in it; the widest is the state of a hash.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return memory
  }

  /// Lends them to be read.
  func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    body(UnsafePointer(memory.assumingMemoryBound(to: UInt8.self)))
  }

  /// Lends them to be written.
  mutating func withMutableBytes<Result>(_ body: (UnsafeMutablePointer<UInt8>) -> Result) -> Result {
    body(memory.assumingMemoryBound(to: UInt8.self))
  }
}
