// What the keys do. Most change the screen and nothing else; the others say what is to be done.

extension ChatScreen {
  /// What a key asks for beyond the screen.
  enum Action: Equatable {
    /// A line is done.
    case line(String)
    /// A text of several lines, to be sent as it is.
    case text(String)
    /// Another conversation is looked at.
    case turned
    case help
    /// Paint everything anew.
    case redraw
    case leave
    case suspend
    /// Now, as Ctrl-\ does.
    case abort
  }

  /// Takes one key.
  mutating func press(_ key: Key) -> Action? {
    hint = nil
    if paste.question != nil { return answer(key) }
    if isQuoting { return quote(key) }
    switch key {
    case .text(let text): insert(text)
    case .named(let name): return press(name)
    case .control(let letter): return control(letter)
    case .alt(let character): return alt(character)
    case .controlNamed(.left), .altNamed(.left): input.moveWordLeft()
    case .controlNamed(.right), .altNamed(.right): input.moveWordRight()
    case .controlNamed(.up), .altNamed(.up): scroll(1)
    case .controlNamed(.down), .altNamed(.down): scroll(-1)
    case .controlNamed(.home), .altNamed(.home): scrollToStart()
    case .controlNamed(.end), .altNamed(.end): scrollToEnd()
    case .altNamed(.backspace): input.killWordBackward()
    case .altNamed(.enter): insert("\n")
    case .controlNamed, .altNamed: break
    case .function(1): return .help
    case .function: break
    case .pasteBegan: paste.begin()
    case .pasted(let text): paste.add(text)
    case .pasteEnded: endPaste()
    case .unknown: break
    }
    return nil
  }

  private mutating func insert(_ text: String) {
    if !input.insert(text) { hint = "The line is full: a text may have 32768 bytes." }
  }

  private mutating func press(_ name: Key.Name) -> Action? {
    switch name {
    case .enter:
      scrollToEnd()
      let line = input.finish()
      return line.isEmpty ? nil : .line(line)
    case .tab: complete()
    case .backspace: input.deleteBackward()
    case .delete: input.deleteForward()
    case .up: input.older()
    case .down: input.newer()
    case .left: input.moveLeft()
    case .right: input.moveRight()
    case .home: input.moveToStart()
    case .end: input.moveToEnd()
    case .pageUp: scroll(max(1, talkHeight - 1))
    case .pageDown: scroll(-max(1, talkHeight - 1))
    case .backTab, .escape, .insert: break
    }
    return nil
  }

  private mutating func control(_ letter: Character) -> Action? {
    switch letter {
    case "a": input.moveToStart()
    case "b": input.moveLeft()
    case "c":
      // As in a shell: first the line, then the program.
      guard input.isEmpty else {
        input.drop()
        return nil
      }
      return .leave
    case "d":
      if input.isEmpty { return .leave }
      input.deleteForward()
    case "e": input.moveToEnd()
    case "f": input.moveRight()
    case "k": input.killToEnd()
    case "l": return .redraw
    case "n": input.newer()
    case "p": input.older()
    case "t": input.transpose()
    case "u": input.killToStart()
    case "v": isQuoting = true
    case "w": input.killToBlank()
    case "y": input.yank()
    case "z": return .suspend
    case "\\": return .abort
    case "j": return press(.enter)
    default: break
    }
    return nil
  }

  private mutating func alt(_ character: Character) -> Action? {
    switch character {
    case "1"..."9":
      guard let number = character.wholeNumberValue, talks.all.indices.contains(number - 1) else { return nil }
      return turn(to: number - 1)
    case "a":
      guard let next = talks.nextUnread else {
        hint = "Nothing is unread."
        return nil
      }
      return turn(to: next)
    case "b": input.moveWordLeft()
    case "f": input.moveWordRight()
    case "d": input.killWordForward()
    default: break
    }
    return nil
  }

  /// Looks at another conversation.
  mutating func turn(to index: Int) -> Action {
    talks.show(index)
    return .turned
  }

  /// After Ctrl-V a key stands for itself, as far as it is a character at all.
  private mutating func quote(_ key: Key) -> Action? {
    isQuoting = false
    switch key {
    case .text(let text): insert(text)
    case .named(.tab): insert("\t")
    case .named(.enter), .control("j"): insert("\n")
    case .control, .named, .alt, .altNamed, .controlNamed, .function, .unknown:
      hint = "That key stands for no character that could be sent."
    case .pasteBegan, .pasted, .pasteEnded: return press(key)
    }
    return nil
  }

  // MARK: Pastes

  private mutating func endPaste() {
    guard paste.isComing else { return }
    switch paste.end(room: 32_768) {
    case .insert(let text): insert(text)
    case .ask: break
    case .refuse(let why): hint = why
    }
  }

  private mutating func answer(_ key: Key) -> Action? {
    switch key {
    case .text("s"), .text("S"), .text("y"): return .text(paste.take())
    case .text("e"), .text("E"): insert(paste.take())
    case .text("d"), .text("D"), .text("n"), .named(.escape), .control("c"), .control("g"): _ = paste.take()
    case .control("l"): return .redraw
    case .pasteBegan: paste.refuseAnother()
    default: break  // the question stands until it is answered, and what else is pasted is passed by
    }
    return nil
  }

  // MARK: Completion

  private mutating func complete() {
    let completion = Completion.of(input.beforeCursor, people: people)
    guard !completion.candidates.isEmpty else { return }
    if completion.candidates.count > 1 {
      let shown = completion.candidates.map { Display.isolated($0.trimmingBlanks) }
      hint = "One of \(shown.prefix(20).joined(separator: ", "))\(shown.count > 20 ? ", …" : "")"
      guard completion.common.count > completion.replaced else { return }
    }
    input.replace(last: completion.replaced, with: completion.common)
  }
}

extension String {
  fileprivate var trimmingBlanks: String {
    var text = Substring(self)
    while text.last == " " || text.last == ":" { text.removeLast() }
    return String(text)
  }
}
