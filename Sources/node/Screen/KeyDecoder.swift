// Bytes in, keys out, without ever waiting: what is not whole yet stays here, and the rest of the world goes on.
//
//     0x03                  Ctrl-C
//     ESC                   the Escape key? Or the beginning of a sequence? Whoever owns the clock calls `timedOut` after 50 ms.
//     ESC x                 Alt-x
//     ESC [ 1;5 C           a sequence (ECMA-48, 5.4): parameters, then one final byte
//     ESC O P               the same in the older form of the VT100
//     ESC [200~ … ESC [201~ what somebody has pasted: text, whatever it holds
//
// Bytes that are no UTF-8 become U+FFFD. A sequence is bounded; what is longer is nobody's key and is skipped to its end.

/// Turns bytes into keys.
struct KeyDecoder {
  /// How long the rest of a sequence may take before ESC was a key of its own: terminals send sequences in one piece.
  static let escapePatience = Duration.milliseconds(50)
  /// No key's sequence is nearly this long.
  static let sequenceLimit = 64

  private static let escape: UInt8 = 0x1B
  private static let pasteEnd = Array("\u{1B}[201~".utf8)

  private var held: [UInt8] = []
  private var isPasting = false
  private var isSkipping = false

  /// Whether an ESC waits for what may follow: call `timedOut` when nothing does.
  var waitsForMore: Bool { !isPasting && (held.first == Self.escape || isSkipping) }

  /// More bytes have come.
  mutating func decode(_ bytes: some Collection<UInt8>) -> [Key] {
    let input = held + bytes
    held = []
    var keys: [Key] = []
    var position = 0
    while position < input.count {
      let rest = input[position...]
      let taken = isPasting ? paste(rest, &keys) : key(rest, &keys)
      guard taken > 0 else { break }
      position += taken
    }
    held = Array(input[position...])
    return keys
  }

  /// Nothing has followed: what is held is all there is.
  mutating func timedOut() -> [Key] {
    guard waitsForMore else { return [] }
    isSkipping = false
    let rest = held.dropFirst()
    held = []
    if rest.isEmpty { return [.named(.escape)] }
    if rest.first == Self.escape { return [.named(.escape), .named(.escape)] }
    // ESC and [ or O, and nothing else: Alt and that character. More than that was the beginning of some sequence.
    if rest.count == 1, let byte = rest.first, byte < 0x80 { return [.alt(Character(Unicode.Scalar(byte)))] }
    return [.unknown]
  }

  // MARK: Keys. Each answers how many bytes it has taken; 0: the rest must come first.

  private mutating func key(_ bytes: ArraySlice<UInt8>, _ keys: inout [Key]) -> Int {
    if isSkipping { return skip(bytes, &keys) }
    guard let first = bytes.first else { return 0 }
    switch first {
    case Self.escape: return escaped(bytes, &keys)
    case 0x0D: keys.append(.named(.enter))
    case 0x09: keys.append(.named(.tab))
    case 0x7F, 0x08: keys.append(.named(.backspace))
    case 0..<0x20: keys.append(.control(Self.letter(of: first)))
    default: return text(bytes, &keys)
    }
    return 1
  }

  private static func letter(of control: UInt8) -> Character {
    Character(Unicode.Scalar(control + 0x40).properties.lowercaseMapping)
  }

  /// As many characters as there are.
  private func text(_ bytes: ArraySlice<UInt8>, _ keys: inout [Key]) -> Int {
    let end = bytes.firstIndex { $0 < 0x20 || $0 == 0x7F } ?? bytes.endIndex
    let run = bytes[..<end]
    let whole = end == bytes.endIndex ? run.dropLast(Self.partialCount(run)) : run
    if whole.isEmpty { return 0 }
    keys.append(.text(Self.shown(String(decoding: whole, as: UTF8.self))))
    return whole.count
  }

  /// C1 controls are no text; they would only be in the way.
  private static func shown(_ text: String) -> String {
    text.unicodeScalars.contains { (0x80...0x9F).contains($0.value) }
      ? String(String.UnicodeScalarView(text.unicodeScalars.map { (0x80...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
      : text
  }

  /// How many bytes at the end are the beginning of a character whose rest may still come.
  static func partialCount(_ bytes: ArraySlice<UInt8>) -> Int {
    for (count, byte) in bytes.suffix(3).reversed().enumerated() {
      let needed =
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
      if needed > 0 { return needed > count + 1 ? count + 1 : 0 }
      if byte & 0xC0 != 0x80 { return 0 }
    }
    return 0
  }

  private mutating func escaped(_ bytes: ArraySlice<UInt8>, _ keys: inout [Key]) -> Int {
    let after = bytes.dropFirst()
    guard let second = after.first else { return 0 }
    switch second {
    case UInt8(ascii: "["), UInt8(ascii: "O"): return sequence(bytes, &keys)
    case Self.escape:
      // Alt before a key that is a sequence itself, as rxvt says it; otherwise the Escape key, and then something else.
      guard let third = after.dropFirst().first else { return 0 }
      guard third == UInt8(ascii: "[") || third == UInt8(ascii: "O") else {
        keys.append(.named(.escape))
        return 1
      }
      var inner: [Key] = []
      let taken = sequence(after, &inner)
      guard taken > 0 else { return 0 }
      switch inner.first {
      case .named(let name): keys.append(.altNamed(name))
      // Pasted right behind the Escape key.
      case .pasteBegan: keys += [.named(.escape), .pasteBegan]
      default: break
      }
      return taken + 1
    case 0x0D: keys.append(.altNamed(.enter))
    case 0x7F, 0x08: keys.append(.altNamed(.backspace))
    case 0x09: keys.append(.altNamed(.tab))
    case 0..<0x20: keys.append(.unknown)
    default:
      let partial = Self.partialCount(after.prefix(4))
      if partial > 0, partial == after.count { return 0 }
      guard let character = String(decoding: after.prefix(4), as: UTF8.self).unicodeScalars.first else { return 0 }
      keys.append(.alt(Character(character)))
      return 1 + (character == "\u{FFFD}" ? 1 : UTF8.width(character))
    }
    return 2
  }

  private mutating func sequence(_ bytes: ArraySlice<UInt8>, _ keys: inout [Key]) -> Int {
    let body = bytes.dropFirst(2)
    let isShort = bytes[bytes.startIndex + 1] == UInt8(ascii: "O")
    // Parameters and intermediate bytes are 0x20 to 0x3F; whatever else comes ends it.
    guard let end = body.firstIndex(where: { !(0x20...0x3F).contains($0) }) else {
      if body.count < Self.sequenceLimit { return 0 }
      isSkipping = true
      return bytes.count
    }
    let final = body[end]
    // The Linux console says F1 to F5 as ESC [ [ A.
    if final == UInt8(ascii: "["), body.startIndex == end, !isShort {
      guard end + 1 < body.endIndex else { return 0 }
      keys.append(Self.consoleFunction(body[end + 1]))
      return end + 2 - bytes.startIndex
    }
    // A control in the midst of it: the sequence has been given up, and a key comes.
    guard (0x40...0x7E).contains(final) else {
      keys.append(.unknown)
      return end - bytes.startIndex
    }
    let parameters = String(decoding: body[..<end], as: UTF8.self).split(
      separator: ";", omittingEmptySubsequences: false)
    // Small, so that nobody has to mind what is reckoned with them; no key has larger ones.
    let numbers = parameters.map { UInt16($0).map(Int.init) ?? 0 }
    if final == UInt8(ascii: "~"), numbers.first == 200 {
      isPasting = true
      keys.append(.pasteBegan)
    } else {
      // A private sequence, such as an answer to a question that nobody has asked, is no key.
      let isPrivate = body.first.map { (0x3C...0x3F).contains($0) } ?? false
      keys.append(isPrivate && end > body.startIndex ? .unknown : KeySequences.key(numbers, final))
    }
    return end + 1 - bytes.startIndex
  }

  private static func consoleFunction(_ byte: UInt8) -> Key {
    let number = Int(byte) - Int(UInt8(ascii: "A")) + 1
    return (1...5).contains(number) ? .function(number) : .unknown
  }

  /// The rest of something too long.
  private mutating func skip(_ bytes: ArraySlice<UInt8>, _ keys: inout [Key]) -> Int {
    guard let end = bytes.firstIndex(where: { !(0x20...0x3F).contains($0) }) else { return bytes.count }
    isSkipping = false
    keys.append(.unknown)
    return end - bytes.startIndex + ((0x40...0x7E).contains(bytes[end]) ? 1 : 0)
  }

  // MARK: Pastes

  /// Text up to the mark that ends it. What may be the beginning of that mark, or of a character, is kept for later.
  private mutating func paste(_ bytes: ArraySlice<UInt8>, _ keys: inout [Key]) -> Int {
    guard let end = Self.end(in: bytes) else {
      let beginning = (1..<Self.pasteEnd.count).reversed().first {
        bytes.suffix($0).elementsEqual(Self.pasteEnd.prefix($0))
      }
      var whole = bytes.dropLast(beginning ?? 0)
      if beginning == nil { whole = whole.dropLast(Self.partialCount(whole)) }
      if whole.isEmpty { return 0 }
      keys.append(.pasted(String(decoding: whole, as: UTF8.self)))
      return whole.count
    }
    if end > bytes.startIndex { keys.append(.pasted(String(decoding: bytes[..<end], as: UTF8.self))) }
    keys.append(.pasteEnded)
    isPasting = false
    return end - bytes.startIndex + Self.pasteEnd.count
  }

  private static func end(in bytes: ArraySlice<UInt8>) -> Int? {
    var start = bytes.startIndex
    while let place = bytes[start...].firstIndex(of: escape) {
      if bytes[place...].starts(with: pasteEnd) { return place }
      start = place + 1
    }
    return nil
  }
}
