// Cutting a stream into frames, however the bytes happen to arrive.

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

  /// What a reader makes of these pieces.
  static func read(_ pieces: [[UInt8]]) throws(LinkFailure) -> [[UInt8]] {
    var reader = FrameReader()
    var frames: [[UInt8]] = []
    for piece in pieces {
      try reader.read(piece.span.bytes) { type, payload throws(LinkFailure) in
        frames.append([type] + payload.withUnsafeBytes { Array($0) })
        return true
      }
    }
    return frames
  }

  @Test("a frame is its length, its type and its payload")
  func layout() {
    #expect(Self.frame(0x40, [1, 2]) == [0, 3, 0x40, 1, 2])
    #expect(Self.frame(0x16, []) == [0, 1, 0x16])
  }

  @Test("frames come out whole, however the stream is cut")
  func cuts() throws {
    let frames: [[UInt8]] = [[1], [2, 3, 4], [5] + Array(repeating: 9, count: 300), [6, 0]]
    let stream = frames.flatMap { Self.frame($0[0], Array($0.dropFirst())) }
    #expect(try Self.read([stream]) == frames)
    #expect(try Self.read(stream.map { [$0] }) == frames)
    var generator = Generator(seed: 1)
    for _ in 0..<200 {
      var pieces: [[UInt8]] = []
      var rest = stream[...]
      while !rest.isEmpty {
        let count = Int.random(in: 1...40, using: &generator)
        pieces.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(try Self.read(pieces) == frames)
    }
  }

  @Test("a length of nothing or of too much is refused as soon as it is known")
  func lengths() {
    #expect(throws: LinkFailure.malformed) { try Self.read([[0, 0]]) }
    #expect(throws: LinkFailure.oversized) { try Self.read([[0xFF, 0xFF]]) }
    #expect(throws: LinkFailure.oversized) { try Self.read([[0xFF], [0xFF]]) }
    #expect(throws: Never.self) { try Self.read([Self.frame(1, Array(repeating: 0, count: Frame.maximumLength - 1))]) }
  }

  @Test("a reader that was told to stop passes nothing more on")
  func stops() throws {
    var reader = FrameReader()
    var count = 0
    try reader.read((Self.frame(1, []) + Self.frame(2, [])).span.bytes) { _, _ throws(LinkFailure) in
      count += 1
      return false
    }
    #expect(count == 1)
  }
}
