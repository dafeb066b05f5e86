// A part of a mutable span, to be worked on where it lies, and bytes appended as one piece.
//
// Unsafe code: the part is lent to the closure and nowhere else, and lies within the whole, or it traps: ranges come from our own
// arithmetic, never from a peer unchecked. What is appended is copied into room that is there, or it traps; nothing is kept.

extension MutableRawSpan {
  /// Lends the bytes of a range of this span.
  mutating func withPart<Result, E: Error>(
    _ range: Range<Int>, _ body: (inout MutableRawSpan) throws(E) -> Result
  ) throws(E) -> Result {
    try withUnsafeMutableBytes { whole throws(E) in
      let part = UnsafeMutableRawBufferPointer(rebasing: whole[range])
      var span = part.mutableBytes
      return try body(&span)
    }
  }
}

extension OutputRawSpan {
  /// Appends all of `bytes`, for which there must be room.
  mutating func append(contentsOf bytes: RawSpan) {
    withUnsafeMutableBytes { whole, count in
      let room = UnsafeMutableRawBufferPointer(rebasing: whole[count...])
      bytes.withUnsafeBytes { room.copyMemory(from: $0) }
      count += bytes.byteCount
    }
  }
}
