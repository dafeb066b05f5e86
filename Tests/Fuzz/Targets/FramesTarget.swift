// The reader of messages, given a stream in pieces, must find what a reader of the whole stream finds; and each message is cut into
// frames, which must be all of it or a fault. Of the input the first bytes are the sizes of the pieces; after FF FF in the stream comes
// the length of a run, so that a short input reaches the longest message. Some readers stop after each message, and go on; and some of those
// are given the next piece before they may.

@testable import NodeKit

enum FramesTarget {
  private struct Outcome: Equatable {
    var messages: [[UInt8]] = []
    var failure: LinkFailure?
  }

  /// As on a link: the first two messages are the handshake's, and shorter.
  private static func limit(after messages: Int) -> Int {
    messages < 2 ? SecureChannel.longestHandshakeMessage : MessageReader.maximumLength
  }

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let sizes = (0..<4).map { _ in Int(input.byte()) }
    let traits = input.byte()
    let stop = Int(traits & 7) + 1
    let rests = traits & 128 != 0
    let hurries = traits & 64 != 0
    var stream: [UInt8] = []
    while !input.isEmpty, stream.count < 40_000 {
      let byte = input.byte()
      // Twice, so that most inputs stay short and quick.
      let isRun = byte == 0xFF && stream.last == 0xFF
      stream.append(byte)
      if isRun { stream += [UInt8](repeating: 0, count: Int(input.uint16()) % 40_000) }
    }
    let whole = expected(stream, stop)
    let cut = try pieces(stream, sizes, stop, rests, hurries)
    try hold(whole == cut, "in pieces \(cut.messages.count) \(cut.failure as Any), at once \(whole.messages.count)")
    for message in whole.messages { try checkFrames(of: message) }
  }

  private static func expected(_ stream: [UInt8], _ stop: Int) -> Outcome {
    var outcome = Outcome()
    var offset = 0
    while offset + 2 <= stream.count, outcome.messages.count < stop {
      let length = Int(stream[offset]) << 8 | Int(stream[offset + 1])
      if length > limit(after: outcome.messages.count) { outcome.failure = .oversized }
      if length == 0 { outcome.failure = .malformed }
      guard outcome.failure == nil, offset + 2 + length <= stream.count else { break }
      outcome.messages.append(Array(stream[(offset + 2)..<(offset + 2 + length)]))
      offset += 2 + length
    }
    return outcome
  }

  private static func pieces(
    _ stream: [UInt8], _ sizes: [Int], _ stop: Int, _ rests: Bool, _ hurries: Bool
  ) throws(Fault) -> Outcome {
    var outcome = Outcome()
    var reader = MessageReader()
    func take(_ message: inout MutableRawSpan) -> Bool {
      outcome.messages.append(message.withUnsafeBytes { Array($0) })
      return outcome.messages.count < stop && !rests
    }
    var offset = 0
    var turn = 0
    while offset < stream.count, outcome.messages.count < stop, outcome.failure == nil {
      // Small pieces at first, or long streams would take long: later ones are a page or so.
      let size = min(1 + sizes[turn % sizes.count] + (turn < 64 ? 0 : 4096), stream.count - offset)
      do throws(LinkFailure) {
        var piece = Array(stream[offset..<(offset + size)])
        var elements = piece.mutableSpan
        var span = elements.mutableBytes
        let isLast = offset + size == stream.count
        var before = outcome.messages.count
        try reader.read(&span, limit: { limit(after: outcome.messages.count) }) { message throws(LinkFailure) in
          take(&message)
        }
        if hurries, isLast { before = -1 }
        while rests, isLast || !hurries, outcome.messages.count > before, outcome.messages.count < stop {
          before = outcome.messages.count
          try reader.goOn(limit: { limit(after: outcome.messages.count) }) { message throws(LinkFailure) in
            take(&message)
          }
        }
      } catch {
        outcome.failure = error
      }
      if outcome.messages.count < stop, !(rests && hurries) {
        try hold(reader.pendingBytes <= MessageReader.maximumLength + 2, "more kept than a message has")
      }
      offset += size
      turn += 1
    }
    return outcome
  }

  /// Frames that are taken, put together again, are the message.
  private static func checkFrames(of message: [UInt8]) throws(Fault) {
    var again: [UInt8] = []
    do throws(LinkFailure) {
      try Frame.forEach(in: message.span.bytes) { type, payload throws(LinkFailure) in
        again += Frame.encoded { writer in
          writer.write(type)
          writer.write(payload.withUnsafeBytes { Array($0) })
        }
        return true
      }
    } catch {
      return try hold(again.count < message.count && again == message.prefix(again.count).map { $0 }, "a fault nowhere")
    }
    try hold(again == message, "bytes between the frames")
  }
}
