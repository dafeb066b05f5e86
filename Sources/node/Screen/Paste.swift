// What somebody has pasted. One line goes where the cursor is; of several it is asked first what is to become of them, since a
// paste gone wrong (a password, a whole file) cannot be taken back from others.

/// A paste while it comes, and afterwards while it is asked about.
struct Paste: Equatable {
  /// What is kept of a paste. Nobody means to send more.
  static let limit = 1 << 20

  private(set) var text = ""
  private var isTooLong = false
  private(set) var isComing = false
  /// The question, while it stands.
  private(set) var question: String?

  /// What is to be done with what has been pasted.
  enum End: Equatable {
    case insert(String)
    case ask
    case refuse(String)
  }

  mutating func begin() {
    self = Paste()
    isComing = true
  }

  mutating func add(_ more: String) {
    guard isComing, !isTooLong else { return }
    if text.utf8.count + more.utf8.count > Self.limit {
      isTooLong = true
      text = ""
    } else {
      text += more
    }
  }

  /// The paste is whole. `room` is how much the line can still take, in bytes.
  mutating func end(room: Int) -> End {
    isComing = false
    if isTooLong { return refused("more than \(Self.limit) bytes") }
    guard text.utf8.count <= 2 * room else { return refused("\(text.utf8.count) bytes") }
    // Terminals say a line's end as Return does.
    let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    text = lines.hasSuffix("\n") ? String(lines.dropLast()) : lines
    guard text.utf8.count <= room else { return refused("\(text.utf8.count) bytes") }
    let lineCount = text.utf8.reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    if lineCount == 1 {
      defer { self = Paste() }
      return .insert(text)
    }
    question = "Pasted \(lineCount) lines, \(text.utf8.count) bytes: (s)end as one text, (e)dit first, or (d)rop?"
    return .ask
  }

  private mutating func refused(_ size: String) -> End {
    self = Paste()
    return .refuse("The paste has \(size); a text may have 32768 bytes, so nothing of it was taken. Send it in parts.")
  }

  /// Another one has come before the question is answered: what was pasted first is kept, and what has become of the other is said.
  mutating func refuseAnother() {
    question = "Another paste was not taken. The first: (s)end as one text, (e)dit, or (d)rop?"
  }

  /// The question is answered.
  mutating func take() -> String {
    defer { self = Paste() }
    return text
  }
}
