// Cutting a stream into messages, however the bytes happen to arrive, and a message into frames.

import Chord
import Testing

@testable import NodeKit

@Suite("Frames")
struct FrameTests {
  static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    Frame.encoded { writer in
      writer.write(type)
      writer.write(payload)
    }
  }

  private static func frames(in plaintext: [UInt8], atMost limit: Int = .max) throws(LinkFailure) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    try Frame.forEach(in: plaintext.span.bytes) { type, payload throws(LinkFailure) in
      frames.append([type] + payload.withUnsafeBytes { Array($0) })
      return frames.count < limit
    }
    return frames
  }

  @Test("a frame is its length, its type and its payload")
  func layout() {
    #expect(Self.frame(0x40, [1, 2]) == [0, 3, 0x40, 1, 2])
    #expect(Self.frame(0x16, []) == [0, 1, 0x16])
  }

  @Test("all frames of a plaintext come out, until one is enough")
  func sequence() throws {
    let plaintext = Self.frame(1, []) + Self.frame(2, [9, 9]) + Self.frame(3, [8])
    #expect(try Self.frames(in: plaintext) == [[1], [2, 9, 9], [3, 8]])
    #expect(try Self.frames(in: plaintext, atMost: 2) == [[1], [2, 9, 9]])
    #expect(try Self.frames(in: []) == [])
  }

  @Test("a frame of nothing, of too much, or that is not all there is refused")
  func refusals() {
    #expect(throws: LinkFailure.malformed) { try Self.frames(in: [0, 0, 1]) }
    #expect(throws: LinkFailure.malformed) { try Self.frames(in: [0]) }
    #expect(throws: LinkFailure.oversized) { try Self.frames(in: [0x90, 0x01, 0x43]) }
    let whole = Self.frame(1, [7]) + Self.frame(2, [1, 2, 3])
    for count in (Self.frame(1, [7]).count + 1)..<whole.count {
      #expect(throws: LinkFailure.malformed) { try Self.frames(in: Array(whole.prefix(count))) }
    }
    #expect(throws: Never.self) {
      try Self.frames(in: Self.frame(1, Array(repeating: 0, count: Frame.maximumLength - 1)))
    }
  }
}

@Suite("Messages in a stream")
struct MessageReaderTests {
  /// A message with its length.
  private static func message(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
  }

  /// What a reader makes of these pieces.
  private static func read(
    _ pieces: [[UInt8]], limit: Int = MessageReader.maximumLength
  ) throws(LinkFailure) -> [[UInt8]] {
    var reader = MessageReader()
    var messages: [[UInt8]] = []
    for piece in pieces {
      var piece = piece
      var elements = piece.mutableSpan
      var span = elements.mutableBytes
      try reader.read(&span, limit: { limit }) { message throws(LinkFailure) in
        messages.append(message.withUnsafeBytes { Array($0) })
        return true
      }
    }
    return messages
  }

  @Test("messages come out whole, however the stream is cut")
  func cuts() throws {
    let messages: [[UInt8]] = [[1], [2, 3, 4], [5] + Array(repeating: 9, count: 300), [6, 0]]
    let stream = messages.flatMap(Self.message)
    #expect(try Self.read([stream]) == messages)
    #expect(try Self.read(stream.map { [$0] }) == messages)
    var generator = Generator(seed: 1)
    for _ in 0..<200 {
      var pieces: [[UInt8]] = []
      var rest = stream[...]
      while !rest.isEmpty {
        let count = Int.random(in: 1...40, using: &generator)
        pieces.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(try Self.read(pieces) == messages)
    }
  }

  @Test("a length of nothing or of too much is refused as soon as it is known")
  func lengths() {
    #expect(throws: LinkFailure.malformed) { try Self.read([[0, 0]]) }
    #expect(throws: LinkFailure.oversized) { try Self.read([[0, 33]], limit: 32) }
    #expect(throws: LinkFailure.oversized) { try Self.read([[0], [33]], limit: 32) }
    #expect(throws: Never.self) { try Self.read([Self.message(Array(repeating: 0, count: 65_535))]) }
  }

  @Test("a reader that was told to stop keeps the rest, in order, until it may go on")
  func stops() throws {
    let messages: [[UInt8]] = (1...9).map { Array(repeating: $0, count: Int($0)) }
    let stream = messages.flatMap(Self.message)
    for cut in 0...stream.count {
      var reader = MessageReader()
      var heard: [[UInt8]] = []
      func take(_ message: inout MutableRawSpan) -> Bool {
        heard.append(message.withUnsafeBytes { Array($0) })
        return false
      }
      for piece in [stream[..<cut], stream[cut...]] {
        var bytes = Array(piece)
        var elements = bytes.mutableSpan
        var span = elements.mutableBytes
        var before = heard.count
        try reader.read(&span, limit: { 100 }) { message throws(LinkFailure) in take(&message) }
        #expect(heard.count <= before + 1)
        while heard.count > before {
          before = heard.count
          try reader.goOn(limit: { 100 }) { message throws(LinkFailure) in take(&message) }
        }
      }
      #expect(heard == messages && reader.pendingBytes == 0)
    }
  }

  @Test("a reader that is given more before it may go on keeps the order all the same")
  func readsOn() throws {
    let messages: [[UInt8]] = (1...9).map { Array(repeating: $0, count: Int($0)) }
    let stream = messages.flatMap(Self.message)
    for cut in 0...stream.count {
      var reader = MessageReader()
      var heard: [[UInt8]] = []
      // Nothing, many times, and then no more: one message for each piece.
      for piece in [stream[..<cut], stream[cut...]] + Array(repeating: stream[..<0], count: messages.count) {
        var bytes = Array(piece)
        var elements = bytes.mutableSpan
        var span = elements.mutableBytes
        let before = heard.count
        try reader.read(&span, limit: { 100 }) { message throws(LinkFailure) in
          heard.append(message.withUnsafeBytes { Array($0) })
          return false
        }
        #expect(heard.count <= before + 1)
      }
      #expect(heard == messages && reader.pendingBytes == 0)
    }
  }
}
