// The frame reader, given a stream in pieces, must find what a reader of the whole stream finds. Of the input the first bytes
// are the sizes of the pieces; after FF FF in the stream comes the length of a run, so that a short input reaches the longest frame.

@testable import NodeKit

enum FramesTarget {
  private struct Outcome: Equatable {
    var frames: [[UInt8]] = []
    var failure: LinkFailure?
  }

  /// As on a link: the first two frames are the handshake's, and shorter.
  private static func limit(after frames: Int) -> Int { frames < 2 ? Handshake.maximumFrame : Frame.maximumLength }

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let sizes = (0..<4).map { _ in Int(input.byte()) }
    let stop = input.choice(8) + 1
    var stream: [UInt8] = []
    while !input.isEmpty, stream.count < 40_000 {
      let byte = input.byte()
      // Twice, so that most inputs stay short and quick.
      let isRun = byte == 0xFF && stream.last == 0xFF
      stream.append(byte)
      if isRun { stream += [UInt8](repeating: 0, count: Int(input.uint16()) % 40_000) }
    }
    let whole = expected(stream, stop)
    let cut = try pieces(stream, sizes, stop)
    try hold(whole == cut, "in pieces \(cut.frames.count) \(cut.failure as Any), at once \(whole.frames.count)")
  }

  private static func expected(_ stream: [UInt8], _ stop: Int) -> Outcome {
    var outcome = Outcome()
    var offset = 0
    while offset + 2 <= stream.count, outcome.frames.count < stop {
      let length = Int(stream[offset]) << 8 | Int(stream[offset + 1])
      if length > limit(after: outcome.frames.count) { outcome.failure = .oversized }
      if length == 0 { outcome.failure = .malformed }
      guard outcome.failure == nil, offset + 2 + length <= stream.count else { break }
      outcome.frames.append(Array(stream[(offset + 2)..<(offset + 2 + length)]))
      offset += 2 + length
    }
    return outcome
  }

  private static func pieces(_ stream: [UInt8], _ sizes: [Int], _ stop: Int) throws(Fault) -> Outcome {
    var outcome = Outcome()
    var reader = FrameReader()
    var offset = 0
    var turn = 0
    while offset < stream.count, outcome.frames.count < stop, outcome.failure == nil {
      // Small pieces at first, or long streams would take long: later ones are a page or so.
      let size = min(1 + sizes[turn % sizes.count] + (turn < 64 ? 0 : 4096), stream.count - offset)
      do throws(LinkFailure) {
        try reader.read(
          stream.span.bytes.extracting(offset..<(offset + size)), limit: { limit(after: outcome.frames.count) }
        ) { type, payload throws(LinkFailure) in
          outcome.frames.append([type] + payload.withUnsafeBytes { Array($0) })
          return outcome.frames.count < stop
        }
      } catch {
        outcome.failure = error
      }
      try hold(reader.pendingBytes <= Frame.maximumLength + 2, "more kept than a frame has")
      offset += size
      turn += 1
    }
    return outcome
  }
}
