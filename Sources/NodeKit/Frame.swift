// How messages lie in the byte stream of a link.
//
//   length u16 (of type and payload) · type u8 · payload
//
//   types   01 hello · 02 proof · 03 goodbye · 04 ping · 05 pong     the link's own (Handshake.swift, Link.swift)
//           10 … 3F  the ring's (Chord/MessageCodec.swift)           40 … 5F  the chat's (Chat/ChatMessage.swift)
//
// A frame of a type in a known range that the receiver does not know ends the link: versions are told apart by the hello.

import Chord

/// One message in the stream.
enum Frame {
  /// The longest text (32,768 bytes) with what goes round it, and four records with a full path, fit well within.
  static let maximumLength = 36_864
  static let headerLength = 3

  /// The bytes of a frame whose type and payload `body` writes.
  static func encoded(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt16(0))
    body(&writer)
    let length = writer.bytes.count - 2
    precondition(length >= 1 && length <= maximumLength, "we never make a frame that a peer would refuse")
    writer.bytes[0] = UInt8(length >> 8)
    writer.bytes[1] = UInt8(length & 255)
    return writer.bytes
  }
}

/// Cuts a byte stream into frames. Whole frames are passed on where they lie; only a frame that came in pieces is put together.
struct FrameReader {
  private var partial: [UInt8] = []

  /// Bytes of a frame that is not yet whole.
  var pendingBytes: Int { partial.count }

  /// Calls `frame` with the type and the payload of each frame that is whole. Stops, and keeps nothing, when `frame` returns false.
  /// `limit`: how long a frame may be at that point of the stream.
  mutating func read(
    _ bytes: RawSpan, limit: () -> Int = { Frame.maximumLength },
    frame: (UInt8, RawSpan) throws(LinkFailure) -> Bool
  ) throws(LinkFailure) {
    var offset = 0
    if !partial.isEmpty {
      offset = try complete(from: bytes, limit())
      guard let length = Self.length(partial.span.bytes), partial.count == length + 2 else { return }
      let whole = partial
      partial.removeAll(keepingCapacity: true)
      guard try Self.pass(whole.span.bytes, frame) else { return }
    }
    while offset < bytes.byteCount {
      let rest = bytes.extracting(offset..<bytes.byteCount)
      guard let length = Self.length(rest) else { break }
      try Self.check(length, limit())
      guard rest.byteCount >= length + 2 else { break }
      guard try Self.pass(rest.extracting(0..<(length + 2)), frame) else { return }
      offset += length + 2
    }
    bytes.extracting(offset..<bytes.byteCount).withUnsafeBytes { partial.append(contentsOf: $0) }
  }

  /// Takes as much of `bytes` as the frame begun still needs; answers how much that was.
  private mutating func complete(from bytes: RawSpan, _ limit: Int) throws(LinkFailure) -> Int {
    var used = 0
    while used < bytes.byteCount {
      let wanted: Int
      if let length = Self.length(partial.span.bytes) {
        try Self.check(length, limit)
        wanted = length + 2 - partial.count
      } else {
        wanted = 2 - partial.count
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
    guard bytes.byteCount >= 2 else { return nil }
    return Int(bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)) << 8
      | Int(bytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self))
  }

  private static func check(_ length: Int, _ limit: Int) throws(LinkFailure) {
    if length > limit { throw .oversized }
    if length < 1 { throw .malformed }
  }

  private static func pass(
    _ whole: RawSpan, _ frame: (UInt8, RawSpan) throws(LinkFailure) -> Bool
  ) throws(LinkFailure) -> Bool {
    try frame(whole.unsafeLoad(fromByteOffset: 2, as: UInt8.self), whole.extracting(3..<whole.byteCount))
  }
}
