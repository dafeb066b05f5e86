// Bytes that are finished as one piece just before they leave.

import Testing

@testable import UVRuntime

@Suite struct DraftTests {
  /// Adds a piece to the connection's draft.
  private static func draft(_ text: String, on connection: TCPConnection) {
    let bytes = Array(text.utf8)
    connection.draft(atMost: bytes.count) { output in
      for byte in bytes { output.append(byte) }
    }
  }

  /// Makes the draft upper case, and puts an exclamation mark at its end.
  private static func shout(_ connection: TCPConnection) {
    connection.finishDraft(adding: 1) { bytes in
      for offset in 0..<(bytes.byteCount - 1) {
        let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
        bytes.storeBytes(of: byte & 0xDF, toByteOffset: offset, as: UInt8.self)
      }
      bytes.storeBytes(of: UInt8(ascii: "!"), toByteOffset: bytes.byteCount - 1, as: UInt8.self)
    }
  }

  @Test("what is drafted in one turn is finished once, as one piece, and leaves with what was written before it")
  func onePiece() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      var finished = 0
      pair.client.onDraftLeaves = { connection in
        finished += 1
        Self.shout(connection)
        #expect(connection.draftCount == 0)
      }
      pair.client.onConnected = { connection in
        connection.write(Array("said: ".utf8))
        Self.draft("one", on: connection)
        Self.draft("two", on: connection)
        #expect(connection.draftCount == 6)
        connection.shutdown()
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.text == "said: ONETWO!")
        #expect(finished == 1)
        loop.stop()
      }
    }
  }

  @Test("a draft may be finished early and another begun; one before the connection is open waits for it")
  func several() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.client.onDraftLeaves = Self.shout
      if let connection = pair.clientEnd {
        Self.draft("a", on: connection)
        Self.shout(connection)
        connection.write(Array("-".utf8))
        Self.draft("b", on: connection)
        connection.shutdown()
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.text == "A!-B!")
        loop.stop()
      }
    }
  }

  @Test("long drafts leave while they are written, and arrive whole however slowly the other end reads")
  func long() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      var finished = 0
      let piece = String(repeating: "x", count: 1000)
      pair.client.onDraftLeaves = { connection in
        finished += 1
        Self.shout(connection)
      }
      pair.client.onConnected = { connection in
        for _ in 0..<4000 { Self.draft(piece, on: connection) }
        connection.shutdown()
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.bytes.count == 4_000_000 + finished)
        #expect(pair.server.bytes.count { $0 == UInt8(ascii: "!") } == finished)
        #expect(finished > 1)
        loop.stop()
      }
    }
  }

  @Test("what is added while a draft is finished leaves with it, even when that much is sent at once")
  func addedWhileFinishing() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let piece = String(repeating: "x", count: StreamWriter.flushThreshold)
      var finished = 0
      pair.client.onDraftLeaves = { connection in
        finished += 1
        Self.draft("more", on: connection)
        Self.shout(connection)
      }
      pair.client.onConnected = { connection in
        for _ in 0..<50 { Self.draft(piece, on: connection) }
        connection.shutdown()
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.bytes.count == 50 * piece.utf8.count + finished * 5)
        #expect(pair.server.text.hasSuffix("XXMORE!"))
        loop.stop()
      }
    }
  }

  @Test("closing instead of finishing a draft drops it")
  func dropped() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.client.onConnected = { Self.draft("secret", on: $0) }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.bytes == [])
        loop.stop()
      }
    }
  }
}
