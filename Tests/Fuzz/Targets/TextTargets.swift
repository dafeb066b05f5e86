// Texts from peers, lines from standard input, and key files: names and ids, what is shown on the terminal, JSON-RPC and commands.

import NodeKit

@testable import Chat
@testable import Chord
@testable import node

enum TextTargets {
  // MARK: Names

  private static let identity = Fixture.identity(4)

  static func names(_ bytes: [UInt8]) throws(Fault) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let user = try? User(parsing: text) { try check(user) }
    guard let name = try? UserName(text) else { return }
    try hold((try? UserName(name.text))?.text.utf8.elementsEqual(name.text.utf8) ?? false, "a name changes when reread")
    try hold((1...UserName.maximumScalars).contains(name.text.unicodeScalars.count), "the length of a name")
    try hold(name.folded.count <= 255, "the length of a folded name")
    let folded = String(decoding: name.folded, as: UTF8.self)
    try hold(UnicodeText.folded(folded).utf8.elementsEqual(folded.utf8), "a folded name folds further")
    try check(User(name: name, identity: identity))
  }

  private static func check(_ user: User) throws(Fault) {
    try hold((try? User(parsing: user.description)) == user, "a user changes when typed")
    var writer = ByteWriter()
    writer.write(user)
    var reader = ByteReader(writer.bytes.span.bytes)
    guard let read = try? reader.user() else { throw Fault(text: "a user cannot be sent") }
    try hold(read == user && read.name.text.utf8.elementsEqual(user.name.text.utf8), "a user changes when sent")
    var names = Names()
    try check(shown: names.shown(user))
  }

  // MARK: The terminal

  static func display(_ bytes: [UInt8]) throws(Fault) {
    let text = String(decoding: bytes, as: UTF8.self)
    let line = Display.line(text, isolating: false)
    try check(shown: line)
    try hold(Display.line(line, isolating: false).utf8.elementsEqual(line.utf8), "what is safe is changed")
    let isolated = Display.line(text, isolating: true)
    try check(shown: isolated)
    try hold([line, "\u{2068}\(line)\u{2069}"].contains { $0.utf8.elementsEqual(isolated.utf8) }, "isolated otherwise")
    let lines = Display.lines(text)
    for line in lines { try check(shown: line) }
    try hold(lines.count == text.unicodeScalars.count { $0 == "\n" } + 1, "a line too many or too few")
    let beginning = Display.beginning(text, atMost: 16)
    try check(shown: beginning)
    try hold(beginning.unicodeScalars.count <= 16 * 10 + 3, "a long beginning")  // \u{10FFFF} has ten
    let json = JSON.string(text).line
    try hold(!json.unicodeScalars.contains { isControl($0) }, "a control character in a line of JSON")
    try hold((try? JSONReader.read(Array(json.utf8))) == .string(text), "a string changes when written as JSON")
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
  }

  /// Independently of how `Display` decides: nothing that drives a terminal, ends a line, turns the direction, or hides.
  static func check(shown text: String) throws(Fault) {
    var isInFlag = false
    var isIsolated = false
    for scalar in text.unicodeScalars {
      try hold(!isControl(scalar), "a control character is shown")
      switch scalar.value {
      case 0x2068, 0x2069:  // ours: one behind the other, whatever the text
        try hold(isIsolated == (scalar.value == 0x2069), "the isolates of a line do not match")
        isIsolated.toggle()
      case 0x061C, 0x200B, 0x200E...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0001:
        throw Fault(text: "U+\(String(scalar.value, radix: 16)) is shown")
      case 0xE0020...0xE007F: try hold(isInFlag, "a tag outside a flag is shown")
      default: isInFlag = scalar.value == 0x1F3F4
      }
    }
    try hold(!isIsolated, "an isolate has no end")
  }

  // MARK: Key files

  static func keys(_ bytes: [UInt8]) throws(Fault) {
    let text = String(decoding: bytes, as: UTF8.self)
    let read: Identity
    do throws(InvalidKeyFile) { read = try Identity(keyFileText: text) } catch {
      return try check(shown: error.description)
    }
    let written = read.keyFileText
    let again = try? Identity(keyFileText: written)
    try hold(again?.seed == read.seed && again?.salt == read.salt, "a key changes when it is kept")
    try hold(again?.publicKey == read.publicKey && again?.nodeID == read.nodeID, "an id changes when it is kept")
    let fields = text.unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map(String.init)
    try hold(fields.joined(separator: " ").lowercased() + "\n" == written, "something else was read than stands there")
  }

  // MARK: Standard input

  static func lines(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let size = input.choice(32) + 1
    let limit = input.choice(64) + 16
    let stream = input.rest()
    var splitter = LineSplitter(limit: limit)
    var lines: [LineSplitter.Line] = []
    for start in stride(from: 0, to: stream.count, by: size) {
      splitter.append(stream[start..<min(start + size, stream.count)])
      while let line = splitter.next() { lines.append(line) }
      try hold(splitter.heldBytes <= limit + 1, "more kept than a line may have")
    }
    if let last = splitter.last() { lines.append(last) }
    try hold(lines == expectedLines(stream, limit), "lines depend on the pieces they come in")
    for case .bytes(let line) in lines { try check(line: line) }
    if lines.contains(.tooLong) { try check(line: stream) }
  }

  private static func expectedLines(_ stream: [UInt8], _ limit: Int) -> [LineSplitter.Line] {
    var parts = stream.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if parts.last?.isEmpty ?? false { parts.removeLast() }
    return parts.map { part in
      part.count > limit ? .tooLong : .bytes(Array(part.last == UInt8(ascii: "\r") ? part.dropLast() : part))
    }
  }

  private static func check(line: [UInt8]) throws(Fault) {
    if case .mistake(let text) = LineCommand.parse(String(decoding: line, as: UTF8.self)) { try check(shown: text) }
    if let json = try? JSONReader.read(line) {
      let written = json.line
      guard let read = try? JSONReader.read(Array(written.utf8)) else { throw Fault(text: "JSON of ours is none") }
      try hold(read.line == written, "JSON changes when it is written")
    }
    guard let request = try? RPCRequest.parse(line) else { return }
    _ = try? request.user()
    _ = try? request.key()
    _ = try? request.text("text")
    try? request.noParameters()
  }
}
