// Bytes in, lines out. Bytes come in pieces of any size; a line ends at a line feed (a carriage return before it belongs to
// the line's end). A line longer than the limit is skipped to its end and reported, so that memory is bounded whatever comes.
//
//     append(bytes) ──► buffer  [ taken | searched, no end yet | new ]
//                                       start                searched
//
// Lines are taken one by one, so whoever cannot take more now leaves the rest here. Each byte is searched once.

/// Cuts a stream of bytes into lines.
struct LineSplitter {
  /// A line, or what stands for one.
  enum Line: Equatable {
    /// The bytes between two line ends.
    case bytes([UInt8])
    /// A line was longer than the limit and has been skipped.
    case tooLong
  }

  /// The longest line, in bytes without its end.
  let limit: Int

  private var buffer: [UInt8] = []
  private var start = 0
  private var searched = 0
  private var isSkipping = false

  init(limit: Int) {
    self.limit = limit
  }

  /// Bytes held that nobody has taken.
  var heldBytes: Int { buffer.count - start }

  /// More has come.
  mutating func append(_ bytes: some Sequence<UInt8>) {
    if start > 0, start >= buffer.count / 2 { compact() }
    buffer += bytes
  }

  /// The next whole line; nil if more must come first.
  mutating func next() -> Line? {
    while true {
      guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
        searched = buffer.count
        skipIfTooLong()
        return nil
      }
      let line = buffer[start..<end]
      start = end + 1
      searched = start
      if isSkipping {
        isSkipping = false
        return .tooLong
      }
      return line.count > limit ? .tooLong : .bytes(Self.withoutReturn(line))
    }
  }

  /// The stream has ended: what stands after the last line's end, if anything does. To be asked when `next` has nothing more.
  mutating func last() -> Line? {
    let rest = buffer[start...]
    let wasSkipping = isSkipping
    buffer = []
    start = 0
    searched = 0
    isSkipping = false
    if wasSkipping || rest.count > limit { return .tooLong }
    return rest.isEmpty ? nil : .bytes(Self.withoutReturn(rest))
  }

  private static func withoutReturn(_ line: ArraySlice<UInt8>) -> [UInt8] {
    Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
  }

  /// Called when no end is in sight: what is too long already need not be kept. One byte more may be a carriage return.
  private mutating func skipIfTooLong() {
    guard isSkipping || heldBytes > limit + 1 else { return }
    isSkipping = true
    buffer.removeAll(keepingCapacity: true)
    start = 0
    searched = 0
  }

  private mutating func compact() {
    buffer.removeSubrange(..<start)
    searched -= start
    start = 0
  }
}
