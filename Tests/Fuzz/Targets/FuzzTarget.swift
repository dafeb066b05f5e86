// What is fuzzed: everything that takes bytes from a peer, a file or the keyboard, as functions from bytes to what is wrong. The functions check more
// than that nothing traps: what was decoded is encoded to the same bytes, what is shown is harmless, what can grow is bounded.
//
// libFuzzer calls them (Fuzzer/), and so does the ordinary test suite with every file of Corpus/ (CorpusTests.swift).

/// One thing under fuzz.
enum FuzzTarget: String, CaseIterable {
  /// The ring's messages, with the records in them.
  case message
  /// The conversation's messages.
  case chat
  /// A link's bytes, cut into frames.
  case frames
  /// One side of a link's handshake.
  case handshake
  /// What stands in a user's record, once decrypted.
  case entry
  /// Whole records, signed and sealed, of which a reader chooses one.
  case sealed
  /// Names and ids of users.
  case names
  /// Texts on their way to the terminal.
  case display
  /// Lines of standard input: JSON-RPC and commands.
  case lines
  /// Key files.
  case keys
  /// Keys of a terminal.
  case terminal
  /// A member of a ring among peers that may say anything.
  case member
  /// A whole node, with its conversations.
  case engine

  /// Nil if all is well with these bytes, or what is wrong.
  func fault(in bytes: [UInt8]) -> String? {
    do throws(Fault) {
      switch self {
      case .message: try CodecTargets.message(bytes)
      case .chat: try CodecTargets.chat(bytes)
      case .frames: try FramesTarget.run(bytes)
      case .handshake: try HandshakeTarget.run(bytes)
      case .entry: try CodecTargets.entry(bytes)
      case .sealed: try SealedTarget.run(bytes)
      case .names: try TextTargets.names(bytes)
      case .display: try TextTargets.display(bytes)
      case .lines: try TextTargets.lines(bytes)
      case .keys: try TextTargets.keys(bytes)
      case .terminal: try TerminalTarget.run(bytes)
      case .member: try MemberTarget.run(bytes)
      case .engine: try EngineTarget.run(bytes)
      }
      return nil
    } catch {
      return error.text
    }
  }

  /// How long an input may be: as short as what it is to reach allows, for short inputs are quick.
  var maximumLength: Int {
    switch self {
    case .message: 1_300  // a reply with one full record and a path
    case .chat: 400
    case .frames: 64  // a few bytes may stand for a long run
    case .handshake: 400
    case .entry: 160
    case .sealed: 200
    case .names: 128
    case .display: 32
    case .lines: 160
    case .keys: 160
    case .terminal: 96
    case .member: 128  // about forty events
    case .engine: 96
    }
  }
}

/// What is wrong.
struct Fault: Error {
  var text: String
}

/// States a property.
func hold(_ condition: @autoclosure () -> Bool, _ text: @autoclosure () -> String) throws(Fault) {
  if !condition() { throw Fault(text: text()) }
}
