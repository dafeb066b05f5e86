// How the messages of a channel lie in the byte stream of a connection:
//
//   length u16 (of what follows) · handshake message, or ciphertext and tag
//
// A message that has come whole is opened where it lies, in the loop's read buffer; only one that came in pieces is put together, and
// those that the receiver does not want yet are kept.

/// Cuts a byte stream into messages.
package struct MessageReader {
  /// The longest that a length can announce, and what the Noise protocol allows.
  package static let maximumLength = 65_535
  private static let headerLength = 2

  /// The beginning of a message, or what was kept.
  private var partial: [UInt8] = []

  /// Bytes that have come and were not passed on.
  var pendingBytes: Int { partial.count }

  package init() {}

  /// Calls `message` with each message that is whole. Stops when it returns false, and keeps the rest for `goOn`, or for the next `read`,
  /// which begins with it. `limit`: how long a message may be at that point of the stream.
  package mutating func read(
    _ bytes: inout MutableRawSpan, limit: () -> Int, message: (inout MutableRawSpan) throws(LinkFailure) -> Bool
  ) throws(LinkFailure) {
    var offset = 0
    if !partial.isEmpty {
      if let length = Self.length(partial.span.bytes), partial.count > length + Self.headerLength {
        keep(bytes.bytes)  // behind messages that were kept
        return try goOn(limit: limit, message: message)
      }
      offset = try complete(from: bytes.bytes, limit())
      guard let length = Self.length(partial.span.bytes), partial.count == length + Self.headerLength else { return }
      guard try passOn(message) else { return keep(bytes.bytes, from: offset) }
    }
    while offset < bytes.byteCount {
      guard let length = Self.length(bytes.bytes.extracting(offset..<bytes.byteCount)) else { break }
      try Self.check(length, limit())
      let start = offset + Self.headerLength
      guard bytes.byteCount - start >= length else { break }
      offset = start + length
      guard try bytes.withPart(start..<offset, message) else { break }
    }
    keep(bytes.bytes, from: offset)
  }

  /// Goes on with what was kept.
  package mutating func goOn(
    limit: () -> Int, message: (inout MutableRawSpan) throws(LinkFailure) -> Bool
  ) throws(LinkFailure) {
    var kept = partial
    partial = []
    var elements = kept.mutableSpan
    var bytes = elements.mutableBytes
    try read(&bytes, limit: limit, message: message)
  }

  /// Whether so many bytes more may be kept of somebody who has not said who it is. Who sends more than the longest message of a handshake
  /// is in its last one already, with frames behind it, or no node: what it sends is looked at when it comes.
  func mayKeep(_ count: Int) -> Bool {
    partial.count + count <= SecureChannel.longestHandshakeMessage + Self.headerLength
  }

  /// Keeps all of it for `goOn`.
  mutating func keep(_ bytes: RawSpan) { keep(bytes, from: 0) }

  private mutating func keep(_ bytes: RawSpan, from offset: Int) {
    bytes.extracting(offset..<bytes.byteCount).withUnsafeBytes { partial.append(contentsOf: $0) }
    if partial.isEmpty { partial = [] }
  }

  /// Passes on the message that was put together. Its memory serves the next one, if that comes in pieces too: in a stream of long ones each
  /// does. A link on which nothing is under way keeps none.
  private mutating func passOn(
    _ message: (inout MutableRawSpan) throws(LinkFailure) -> Bool
  ) throws(LinkFailure) -> Bool {
    var whole: [UInt8] = []
    swap(&whole, &partial)
    var span = whole.mutableSpan
    var raw = span.mutableBytes
    let goesOn = try raw.withPart(Self.headerLength..<raw.byteCount, message)
    whole.removeAll(keepingCapacity: true)
    swap(&whole, &partial)
    return goesOn
  }

  /// Takes as much of `bytes` as the message begun, which is not longer than it says, still needs; answers how much that was.
  private mutating func complete(from bytes: RawSpan, _ limit: Int) throws(LinkFailure) -> Int {
    var used = 0
    while used < bytes.byteCount {
      let wanted: Int
      if let length = Self.length(partial.span.bytes) {
        try Self.check(length, limit)
        wanted = length + Self.headerLength - partial.count
      } else {
        wanted = Self.headerLength - partial.count
      }
      if wanted == 0 { break }
      let take = min(wanted, bytes.byteCount - used)
      bytes.extracting(used..<(used + take)).withUnsafeBytes { partial.append(contentsOf: $0) }
      used += take
    }
    if let length = Self.length(partial.span.bytes) { try Self.check(length, limit) }
    return used
  }

  private static func length(_ bytes: RawSpan) -> Int? {
    guard bytes.byteCount >= headerLength else { return nil }
    return Int(bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)) << 8
      | Int(bytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self))
  }

  private static func check(_ length: Int, _ limit: Int) throws(LinkFailure) {
    if length > limit { throw .oversized }
    if length < 1 { throw .malformed }
  }
}
