// The configuration file: long options, one a line, without their dashes.
//
//     # for all commands that have the option
//     bootstrap = chat.example.org:7401
//     bootstrap = 192.0.2.7:7401
//
//     [chat]
//     username = alice
//     ask = true
//
// A value is what stands behind the first `=`, without blanks around it; there are no quotes. A flag is true or false. What is
// wrong is told with its line; a mistake is never passed over in silence.

/// What a file says, line by line.
struct ConfigFile: Equatable {
  /// One line that says something.
  struct Setting: Equatable {
    var name: String
    var value: String
    /// The command it is for; nil: all that have the option.
    var command: String?
    var line: Int
  }

  /// A configuration fits on a few screens.
  static let limit = 64 << 10

  private(set) var settings: [Setting] = []

  /// Understands a file, against the options that there are.
  init(_ text: String, for program: CommandModel) throws(Mistake) {
    var section: CommandModel?
    // By scalars: "\r\n" is one character, and not equal to "\n".
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, scalars) in lines.enumerated() {
      let line = Self.trimmed(String(scalars))
      let number = index + 1
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      if line.hasPrefix("[") {
        let name = Self.trimmed(String(line.dropFirst().prefix { $0 != "]" }))
        guard line.hasSuffix("]"), let command = program.subcommands.first(where: { $0.name == name }) else {
          throw Mistake("line \(number): there is no command \(Display.beginning(line)): write [chat] or [bootstrap]")
        }
        section = command
        continue
      }
      settings.append(try Self.setting(line, number, section, program))
    }
  }

  private static func setting(
    _ line: String, _ number: Int, _ section: CommandModel?, _ program: CommandModel
  ) throws(Mistake) -> Setting {
    let name = trimmed(String(line.prefix { $0 != "=" }))
    let known = (section.map { [$0] } ?? program.subcommands).flatMap(\.settings)
    guard let option = known.first(where: { $0.long == name }) else {
      let names = known.filter(\.isShown).compactMap(\.long)
      let meant = Suggestion.nearest(to: name, among: names).map { ". Did you mean \($0)?" } ?? ""
      throw Mistake(
        "line \(number): there is no option \(Display.beginning(name))\(section.map { " of \($0.name)" } ?? "")\(meant)"
      )
    }
    guard let mark = line.firstIndex(of: "=") else {
      throw Mistake(
        "line \(number): \(name) has no value: write \(name) = \(option.kind == .flag ? "true" : option.valueName.uppercased())"
      )
    }
    let value = trimmed(String(line[line.index(after: mark)...]))
    if option.kind == .flag, !["true", "false"].contains(value) {
      throw Mistake("line \(number): \(name) is true or false, not \(Display.beginning(value))")
    }
    return Setting(name: name, value: value, command: section?.name, line: number)
  }

  private static func trimmed(_ text: String) -> String {
    let isBlank = { (character: Character) in character.isWhitespace }
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return String(text)
  }

  /// What it says to a command: of its own section and of none. Of an option that is given once the last line counts, and
  /// the command's own before the general one.
  func settings(for command: CommandModel) -> [Setting] {
    command.settings.flatMap { option -> [Setting] in
      let all = settings.filter { $0.name == option.long && ($0.command == nil || $0.command == command.name) }
      let own = all.filter { $0.command != nil }
      let chosen = own.isEmpty ? all : own
      return option.isRepeating ? chosen : Array(chosen.suffix(1))
    }
  }
}
