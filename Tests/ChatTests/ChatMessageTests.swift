import Chord
import Testing

@testable import Chat

@Suite("The conversation's messages")
struct ChatMessageTests {
  static var opening: ChatMessage.Opening {
    get throws {
      let (a, b) = (World.identity(1), World.identity(2))
      return ChatMessage.Opening(
        from: User(name: try UserName("Ann"), identity: a), salt: a.salt,
        to: User(name: try UserName("李"), identity: b), session: 0x0102_0304, epoch: 5, first: 6, knownEpoch: 7,
        received: 8)
    }
  }

  static var all: [ChatMessage] {
    get throws {
      [
        .open(try opening), .opened(try opening, answering: 9),
        .texts(session: 1, sequence: 2, TextRun(["a\u{0}é👩‍💻", "b"])), .acknowledge(session: 3, sequence: 1 << 62),
        .unknown(session: .max),
        .waiting(session: 6),
      ]
        + ChatMessage.Refusal.allCases.map { .refused(session: 4, $0) }
        + ChatMessage.Ending.allCases.map { .close(session: 5, $0) }
    }
  }

  @Test("every message reads back as it was written")
  func roundTrip() throws {
    for message in try Self.all {
      #expect(try ChatMessage(whole: message.whole) == message)
      #expect(ChatMessage.isChat(message.whole[0]))
    }
    for texts in [[String(repeating: "x", count: 32_768)], [String](repeating: "y", count: 256)] {
      let longest = ChatMessage.texts(session: 1, sequence: 1, TextRun(texts))
      #expect(try ChatMessage(whole: longest.whole) == longest)
      #expect(Array(TextRun(texts)) == texts)
    }
  }

  @Test("the bytes of each message are these")
  func vectors() throws {
    func hex(_ message: ChatMessage) -> String { Hexadecimal.text(message.whole) }
    #expect(hex(.refused(session: 1, .full)) == "420000000102")
    #expect(
      hex(.texts(session: 0x0102_0304, sequence: 5, TextRun(["hé", "."])))
        == "43010203040000000000000005000368c3a900012e")
    #expect(hex(.acknowledge(session: 2, sequence: 0x0A0B)) == "44000000020000000000000a0b")
    #expect(hex(.close(session: 3, .left)) == "450000000302")
    #expect(hex(.unknown(session: 0xDEAD_BEEF)) == "46deadbeef")
    #expect(hex(.waiting(session: 4)) == "4700000004")
    #expect(try ChatMessage(whole: [0x47, 0, 0, 0, 4]) == .waiting(session: 4))
    let opening = [
      "40",
      "03", "416e6e", "121216031d0a0c170b1e1918000714070113150f",  // from: Ann
      "6d1c170cf5c1183c860763b281385e96",  // salt
      "03", "e69d8e", "140f1c0516161118081a15141a191a1500100a09",  // to: 李
      "01020304", "0000000000000005", "0000000000000006", "0000000000000007", "0000000000000008",
    ]
    #expect(hex(.open(try Self.opening)) == opening.joined())
  }

  @Test("a message cut at any byte, or with a byte too many, is malformed")
  func truncated() throws {
    for message in try Self.all {
      let bytes = message.whole
      for length in 0..<bytes.count {
        if case .texts = message, length == bytes.count - 3 { continue }  // without the last text
        #expect(throws: Malformed.self) { try ChatMessage(whole: Array(bytes[..<length])) }
      }
      #expect(throws: Malformed.self) { try ChatMessage(whole: bytes + [0]) }
    }
  }

  @Test("an empty text, one that is too long or cut, invalid UTF-8, none and too many are malformed")
  func badTexts() {
    let head: [UInt8] = [0x43, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    let good: [UInt8] = [0, 1, 65]
    #expect(throws: Malformed.truncated) { try ChatMessage(whole: head) }
    for before in [[], good] {
      let head = head + before
      #expect(throws: Malformed.invalid(.length)) { try ChatMessage(whole: head + [0, 0]) }
      #expect(throws: Malformed.invalid(.length)) {
        try ChatMessage(whole: head + [0x80, 0x01] + [UInt8](repeating: 65, count: 32_769))
      }
      #expect(throws: Malformed.truncated) { try ChatMessage(whole: head + [0]) }
      #expect(throws: Malformed.truncated) { try ChatMessage(whole: head + [0, 2, 65]) }
      #expect(throws: Malformed.invalid(.text)) { try ChatMessage(whole: head + [0, 1, 0xC3]) }
      #expect(throws: Malformed.invalid(.text)) { try ChatMessage(whole: head + [0, 3, 0xED, 0xA0, 0x80]) }
      // Halves of a character in two texts are two texts that are none.
      #expect(throws: Malformed.invalid(.text)) { try ChatMessage(whole: head + [0, 1, 0xC3, 0, 1, 0xA9]) }
    }
    let many = (0..<257).flatMap { _ in good }
    #expect(throws: Malformed.invalid(.count)) { try ChatMessage(whole: head + many) }
    let last: [UInt8] = [0x43, 0, 0, 0, 1, 0x7F] + [UInt8](repeating: 0xFF, count: 7)
    #expect(throws: Never.self) { try ChatMessage(whole: last + good) }
    #expect(throws: Malformed.invalid(.count)) { try ChatMessage(whole: last + good + good) }
    #expect(throws: Malformed.invalid(.count)) {
      try ChatMessage(whole: [0x44, 0, 0, 0, 1] + [UInt8](repeating: 0xFF, count: 8))
    }
    #expect(throws: Malformed.invalid(.kind)) { try ChatMessage(whole: [0x48]) }
    #expect(throws: Malformed.invalid(.kind)) { try ChatMessage(whole: [0x45, 0, 0, 0, 1, 9]) }
  }

  @Test("random bytes, and messages with random changes, never trap")
  func random() throws {
    var generator = Generator(seed: 7)
    let all = try Self.all.map(\.whole)
    for _ in 0..<20_000 {
      let random = (0..<Int(generator.next() % 120)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      _ = try? ChatMessage(whole: [0x40 + UInt8(generator.next() % 9)] + random)
      var changed = all[Int(generator.next() % UInt64(all.count))]
      for _ in 0..<3 {
        changed[Int(generator.next() % UInt64(changed.count))] = UInt8(truncatingIfNeeded: generator.next())
      }
      if let message = try? ChatMessage(whole: changed) { #expect(message.whole == changed) }
    }
  }
}
