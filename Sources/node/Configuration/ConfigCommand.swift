// `node config show`: every option of a command, its value, and where that comes from.

import ArgumentParser
import NodeKit

/// Everything about the configuration.
struct ConfigCommand: ParsableCommand {
  static let name = "config"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Show the configuration, and where each value comes from.",
    discussion: """
      The configuration file is $XDG_CONFIG_HOME/chord-chat/config, by default ~/.config/chord-chat/config. Its keys are the names of the \
      long options; what is typed comes before what it says. A line [chat] or [bootstrap] begins what is for that command alone.

        # for all commands
        bootstrap = chat.example.org:7401

        [chat]
        username = alice
        ask = true
      """,
    subcommands: [ConfigShowCommand.self])
}

/// Shows it.
struct ConfigShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show every option of a command, its value, and where that comes from.",
    discussion: """
      EXAMPLES
        node config show
        node config show bootstrap --listen 0.0.0.0:7401
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The command, chat if none is given, and options as one would type them.", valueName: "command"))
  var arguments: [String] = []

  func run() throws {
    if arguments.contains("--help") || arguments.contains("-h") { throw CleanExit.helpRequest(self) }
    let name = arguments.first { !$0.hasPrefix("-") } ?? "chat"
    guard
      let command = CommandModel.program?.subcommands.first(where: { $0.name == name && $0.name != ConfigCommand.name })
    else {
      StandardError.say("there is no command \(Display.beginning(name)): write node config show chat")
      throw ExitCode.wrongUsage
    }
    let typed = arguments.first?.hasPrefix("-") == false ? Array(arguments.dropFirst()) : arguments
    let file = try Configuration.load()
    let path = Configuration.path.map { Display.line($0) } ?? "none, for there is no HOME"
    var rows: [(String, String, String)] = []
    for option in command.settings where option.isShown {
      guard let name = option.long else { continue }
      rows += Self.values(option, name, command, typed, file).map { (name, $0.value, $0.from) }
    }
    let (names, values) = (rows.map(\.0.count).max() ?? 0, rows.map { TextWidth.of($0.1) }.max() ?? 0)
    let lines = rows.map { name, value, from in
      name + String(repeating: " ", count: names - name.count) + " = " + value
        + String(repeating: " ", count: max(0, min(values, 48) - TextWidth.of(value))) + "  # " + from
    }
    let title = "# \(file == nil ? "no file at" : "file") \(path)\n[\(command.name)]"
    guard StandardOutput.print(([title] + lines).joined(separator: "\n")) else { throw ExitCode.ioFailed }
  }

  private static func values(
    _ option: CommandModel.Argument, _ name: String, _ command: CommandModel, _ typed: [String], _ file: ConfigFile?
  ) -> [(value: String, from: String)] {
    if Configuration.isGiven(name, in: typed) {
      if option.kind == .flag { return [("true", "typed")] }
      var found: [(String, String)] = []
      for (index, argument) in typed.enumerated() {
        if argument == "--\(name)", index + 1 < typed.count { found.append((Display.line(typed[index + 1]), "typed")) }
        if argument.hasPrefix("--\(name)=") {
          found.append((Display.line(String(argument.dropFirst(name.count + 3))), "typed"))
        }
      }
      return found
    }
    let settings = file?.settings(for: command).filter { $0.name == name } ?? []
    if !settings.isEmpty { return settings.map { (Display.line($0.value), "line \($0.line) of the file") } }
    return defaults(option, name, command).map { ($0, "default") }
  }

  /// What the program does where nobody has said anything.
  private static func defaults(_ option: CommandModel.Argument, _ name: String, _ command: CommandModel) -> [String] {
    if option.kind == .flag { return ["false"] }
    let configuration = NodeConfiguration()
    switch name {
    case "bootstrap": return Bootstraps.compiledIn
    case "network": return [configuration.network]
    case "successors": return ["(16, and more in a ring of thousands)"]
    case "listen":
      return command.name == "chat" ? [configuration.listen] : ["(the first bootstrap address that can be had)"]
    case "username": return ["(asked for, or $USER)"]
    default: return ["(none)"]
    }
  }
}
