// Texts that stand one after the other in a stream, together in one piece of memory, as they lie in a message:
//
//   length u16 (1 … 32,768) · UTF-8     1 to 256 times
//
// What is done once for a run (a frame, a turn of the machines, an acknowledgement) is done for many texts, and none of them is an
// object of its own before the receiver's program gets it. A run that came from a peer has been checked; past the codec nobody looks at
// lengths.

import Chord

/// One or more texts in a row.
public struct TextRun: Hashable, Sendable {
  /// So many texts at most are handed on as one piece: a tenth of a millisecond of everybody's time, of which what is done once a run is
  /// a hundredth.
  public static let maximumCount = 256
  /// So many bytes at most go into one run: the longest text.
  static let maximumBytes = lengthBytes + ChatMessage.maximumTextBytes
  static let lengthBytes = 2

  /// The texts and their lengths.
  let bytes: [UInt8]
  /// How many texts there are; not 0.
  public let count: Int

  /// A part of a queue that was written by `append`.
  init(_ bytes: ArraySlice<UInt8>, count: Int) {
    self.bytes = Array(bytes)
    self.count = count
  }

  /// Texts that fit into one message.
  init(_ texts: [String]) {
    var bytes: [UInt8] = []
    for text in texts { Self.append(text, to: &bytes) }
    self.init(bytes[...], count: texts.count)
  }

  /// Appends a text of 1 to 32,768 bytes as a run has it.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    let length = text.utf8.count
    precondition((1...ChatMessage.maximumTextBytes).contains(length), "a text that may be sent")
    bytes.append(UInt8(length >> 8))
    bytes.append(UInt8(length & 255))
    bytes.append(contentsOf: text.utf8)
  }

  /// The length of the text that begins there.
  static func length(in bytes: [UInt8], at offset: Int) -> Int {
    Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
  }

  /// Checks what a peer sent: whole texts of lengths that are allowed, and valid UTF-8. Only the bytes themselves are copied.
  init(checking bytes: [UInt8]) throws(Malformed) {
    var offset = 0
    var count = 0
    while offset < bytes.count {
      guard count < Self.maximumCount else { throw .invalid(.count) }
      guard bytes.count - offset >= Self.lengthBytes else { throw .truncated }
      let length = Self.length(in: bytes, at: offset)
      guard (1...ChatMessage.maximumTextBytes).contains(length) else { throw .invalid(.length) }
      let start = offset + Self.lengthBytes
      guard bytes.count - start >= length else { throw .truncated }
      offset = start + length
      guard Self.isText(bytes.span.extracting(start..<offset)) else { throw .invalid(.text) }
      count += 1
    }
    guard count > 0 else { throw .truncated }
    self.bytes = bytes
    self.count = count
  }

  private static func isText(_ bytes: Span<UInt8>) -> Bool {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes)
      return true
    } catch {
      return false
    }
  }

  /// Those after the first `skipped`, of which there must be fewer than all.
  func dropping(_ skipped: Int) -> TextRun {
    if skipped == 0 { return self }
    precondition(skipped < count, "a run is never empty")
    var offset = 0
    for _ in 0..<skipped { offset += Self.lengthBytes + Self.length(in: bytes, at: offset) }
    return TextRun(bytes[offset...], count: count - skipped)
  }
}

extension TextRun: Sequence {
  /// The texts, made as they are asked for.
  public struct Iterator: IteratorProtocol {
    fileprivate let bytes: [UInt8]
    private var offset = 0

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    public mutating func next() -> String? {
      guard offset < bytes.count else { return nil }
      let start = offset + TextRun.lengthBytes
      offset = start + TextRun.length(in: bytes, at: offset)
      return String(decoding: bytes[start..<offset], as: UTF8.self)
    }
  }

  public func makeIterator() -> Iterator { Iterator(bytes: bytes) }
  public var underestimatedCount: Int { count }
}
