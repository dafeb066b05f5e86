// Bytes from a keyboard: the keys they are, and the line that is typed with them.

@testable import node

enum TerminalTarget {
  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let size = input.choice(8) + 1
    let stream = input.rest()
    var whole = KeyDecoder()
    var pieces = KeyDecoder()
    var keys: [Key] = []
    for start in stride(from: 0, to: stream.count, by: size) {
      keys += pieces.decode(stream[start..<min(start + size, stream.count)])
    }
    let expected = whole.decode(stream)
    try hold(joined(keys) == joined(expected), "keys depend on the pieces they come in")
    try hold(whole.waitsForMore == pieces.waitsForMore, "and so does whether more is waited for")
    _ = whole.timedOut()
    try hold(!whole.waitsForMore, "time passes, and more is waited for")
    try type(keys)
  }

  private static func joined(_ keys: [Key]) -> [Key] {
    keys.reduce(into: []) { result, key in
      switch (result.last, key) {
      case (.text(let before), .text(let more)): result[result.count - 1] = .text(before + more)
      case (.pasted(let before), .pasted(let more)): result[result.count - 1] = .pasted(before + more)
      default: result.append(key)
      }
    }
  }

  private static func type(_ keys: [Key]) throws(Fault) {
    var line = InputLine()
    for key in keys {
      switch key {
      case .text(let text), .pasted(let text): line.insert(text)
      case .named(.left): line.moveLeft()
      case .named(.backspace): line.deleteBackward()
      case .control("k"): line.killToEnd()
      case .control("w"): line.killToBlank()
      case .control("y"): line.yank()
      case .control("t"): line.transpose()
      case .alt("b"): line.moveWordLeft()
      case .alt("d"): line.killWordForward()
      case .named(.up): line.older()
      case .named(.down): line.newer()
      case .named(.enter): _ = line.finish()
      default: break
      }
      let (row, cursor) = line.window(20)
      try hold(row.width <= 20 && (0..<20).contains(cursor), "the line leaves its window")
      try hold((0...line.glyphs.count).contains(line.cursor), "the cursor leaves the line")
      for run in row.runs { try TextTargets.check(shown: run.text) }
    }
  }
}
