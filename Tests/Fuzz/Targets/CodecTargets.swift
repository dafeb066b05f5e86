// The codecs. Each of our formats has one way to write a value, so what decodes must encode to the very same bytes.

@testable import Chat
@testable import Chord

enum CodecTargets {
  static func message(_ bytes: [UInt8]) throws(Fault) {
    guard let type = bytes.first, let message = try? Message(type: type, payload: bytes.span.bytes.extracting(1...))
    else { return }
    var writer = ByteWriter()
    message.encode(into: &writer)
    try hold(writer.bytes == bytes, "\(message) has two forms")
    try hold(Message.types.contains(type), "a message of the ring has a type of others")
    // What comes with a message is shown and compared before anything else is done with it.
    if case .hint(let peer) = message {
      try hold(peer.endpoint.isDialable, "a peer that cannot be dialled")
      try hold(Identifier(peer.id.description) == peer.id, "an identifier changes when it is written down")
      try hold(peer.endpoint.description.utf8.count <= 47, "an address longer than any")
    }
    if case .replicate(_, let record) = message {
      _ = record.isTimely(at: record.number)
      _ = record.isAlive(at: record.expiry)
      try hold(record.content.count <= Record.maximumContent, "too long a content")
      try hold(bytes.count - 5 <= Record.maximumEnvelope, "too long an envelope")
    }
  }

  static func chat(_ bytes: [UInt8]) throws(Fault) {
    guard let type = bytes.first, let message = try? ChatMessage(type: type, payload: bytes.span.bytes.extracting(1...))
    else { return }
    var writer = ByteWriter()
    message.encode(into: &writer)
    try hold(writer.bytes == bytes, "\(message) has two forms")
    try hold(ChatMessage.isChat(type), "a message of the chat has a type of others")
    switch message {
    case .open(let opening), .opened(let opening, _):
      for user in [opening.from, opening.to] {
        try hold((try? User(parsing: user.description)) == user, "\(user) cannot be typed")
      }
    case .texts(_, let sequence, let run):
      let texts = Array(run)
      try hold(
        texts.count == run.count && !texts.isEmpty && texts.count <= TextRun.maximumCount, "a run of another length")
      try hold(texts.allSatisfy { !$0.isEmpty }, "an empty text")
      try hold(TextRun(texts) == run, "texts that read differently than they were written")
      try hold(sequence <= 1 << 63 - UInt64(texts.count), "a number too high")
    case .refused, .acknowledge, .close, .unknown, .waiting: break
    }
  }

  static func entry(_ bytes: [UInt8]) throws(Fault) {
    guard let entry = try? DirectoryEntry(bytes: bytes) else { return }
    try hold(entry.bytes == bytes, "\(entry) has two forms")
    try hold(entry.endpoints.allSatisfy(\.isDialable), "an address that cannot be dialled")
    _ = entry.peer
  }
}
