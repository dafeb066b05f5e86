// What two nodes say to each other, as it lies in the plaintext of one message of their channel: whole frames, one after another.
//
//   length u16 (of type and payload) · type u8 · payload
//
//   types   01 hello · 03 goodbye · 04 ping · 05 pong · 06 rekey     the link's own (Hello.swift, Link.swift)
//           10 … 3F  the ring's (Chord/MessageCodec.swift)           40 … 5F  the chat's (Chat/ChatMessage.swift)
//
// A frame of a type in a known range that the receiver does not know ends the link: versions are told apart by the handshake.

import Chord

/// One frame.
package enum Frame {
  /// The longest text (32,768 bytes) with what goes round it, and four records with a full path, fit well within.
  static let maximumLength = 36_864
  static let headerLength = 3

  /// The bytes of a frame whose type and payload `body` writes.
  package static func encoded(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    write(into: &writer, body)
    return writer.bytes
  }

  /// The same into an empty writer, whose memory may have served others.
  static func write(into writer: inout ByteWriter, _ body: (inout ByteWriter) -> Void) {
    writer.write(UInt16(0))
    body(&writer)
    let length = writer.bytes.count - 2
    precondition(length >= 1 && length <= maximumLength, "we never make a frame that a peer would refuse")
    writer.bytes[0] = UInt8(length >> 8)
    writer.bytes[1] = UInt8(length & 255)
  }

  /// Calls `body` with the type and the payload of each frame of a plaintext, until it returns false. Answers how many bytes that were.
  /// A frame that is not all there is the peer's fault: frames do not go on in the next message.
  @discardableResult
  package static func forEach(
    in plaintext: RawSpan, _ body: (UInt8, RawSpan) throws(LinkFailure) -> Bool
  ) throws(LinkFailure) -> Int {
    var offset = 0
    while offset < plaintext.byteCount {
      let rest = plaintext.extracting(offset..<plaintext.byteCount)
      guard rest.byteCount >= headerLength else { throw .malformed }
      let length =
        Int(rest.unsafeLoad(fromByteOffset: 0, as: UInt8.self)) << 8
        | Int(rest.unsafeLoad(fromByteOffset: 1, as: UInt8.self))
      guard length <= maximumLength else { throw .oversized }
      guard length >= 1, rest.byteCount >= length + 2 else { throw .malformed }
      let type = rest.unsafeLoad(fromByteOffset: 2, as: UInt8.self)
      offset += length + 2
      guard try body(type, rest.extracting(headerLength..<(length + 2))) else { break }
    }
    return offset
  }
}
