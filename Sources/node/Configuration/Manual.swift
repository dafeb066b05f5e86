// The manual page, in the language of man(7), made from what the argument parser knows: so it cannot say anything else than the program.

import ArgumentParser

/// Writes the page.
enum Manual {
  static func page(of program: CommandModel) -> String {
    var lines = [
      ".\\\" Made by `node manual`. Do not change by hand: make generated",
      ".TH NODE 1 \"\" \"chord-chat \(NodeCommand.version)\" \"User Commands\"",
      ".SH NAME", "node \\- \(escaped(lowered(program.abstract)))",
      ".SH SYNOPSIS",
    ]
    for command in program.subcommands { lines += synopsis(program.name, command) }
    lines += [".SH DESCRIPTION", escaped(program.abstract)]
    lines += prose(program.discussion)
    lines.append(".SH COMMANDS")
    for command in program.subcommands { lines += section(command, of: program.name) }
    lines += [
      ".SH FILES", ".TP", "\\fI$XDG_CONFIG_HOME/chord\\-chat/config\\fR, \\fI~/.config/chord\\-chat/config\\fR",
      "Options for every start; see \\fBnode config\\fR.", ".TP", "\\fI$XDG_RUNTIME_DIR/chord\\-chat/PID.sock\\fR",
      "The control socket of a node that was started with \\fB\\-\\-control\\fR.",
      ".SH ENVIRONMENT", ".TP", "\\fBNO_COLOR\\fR", "If set to anything, no colours are used.", ".TP", "\\fBTERM\\fR",
      "If it is \\fBdumb\\fR, or not set, a chat writes plain lines.", ".TP", "\\fBUSER\\fR",
      "The username that is suggested, or taken where nobody can be asked.", ".TP",
      "\\fBNOTIFY_SOCKET\\fR, \\fBWATCHDOG_USEC\\fR", "Set by systemd; see \\fBsd_notify\\fR(3).",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func synopsis(_ program: String, _ command: CommandModel) -> [String] {
    let operands = command.arguments.filter { $0.kind == .positional && $0.isShown }
      .map { " \\fI\(escaped($0.valueName))\\fR" }.joined()
    let subcommands = command.subcommands.map { " \\fB\($0.name)\\fR" }.joined(separator: "|")
    return [".br", "\\fB\(program) \(command.name)\\fR\(subcommands) [\\fIoptions\\fR]\(operands)"]
  }

  private static func section(_ command: CommandModel, of program: String) -> [String] {
    var lines = [".SS \"\(program) \(command.name)\"", escaped(command.abstract)]
    lines += prose(command.discussion)
    for argument in command.arguments where argument.isShown && !["help", "version"].contains(argument.long) {
      lines.append(".TP")
      switch argument.kind {
      case .positional: lines.append("\\fI\(escaped(argument.valueName))\\fR")
      case .flag: lines.append("\\fB\(escaped("--\(argument.long ?? "")"))\\fR")
      case .option:
        lines.append("\\fB\(escaped("--\(argument.long ?? "")"))\\fR \\fI\(escaped(argument.valueName))\\fR")
      }
      lines.append(escaped(argument.abstract))
    }
    for subcommand in command.subcommands { lines += section(subcommand, of: "\(program) \(command.name)") }
    return lines
  }

  /// Paragraphs; what is indented stands as it is.
  private static func prose(_ text: String) -> [String] {
    var lines: [String] = []
    var isFixed = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isIndented = line.hasPrefix(" ")
      if isIndented != isFixed, !line.isEmpty {
        lines.append(isIndented ? ".PP\n.nf" : ".fi")
        isFixed = isIndented
      }
      lines.append(line.isEmpty ? (isFixed ? "" : ".PP") : escaped(String(line)))
    }
    if isFixed { lines.append(".fi") }
    return lines.isEmpty ? [] : [".PP"] + lines
  }

  private static func lowered(_ sentence: String) -> String {
    sentence.prefix(1).lowercased() + sentence.dropFirst().prefix { $0 != "." }
  }

  /// Backslashes and hyphens mean something to roff, and so do dots and quotes at the beginning of a line.
  private static func escaped(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }
}

/// Prints it: for packagers, and for the test that keeps the page of the repository in step.
struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Print the manual page, in the language of man(7).", shouldDisplay: false)

  func run() throws {
    guard let program = CommandModel.program else { throw ExitCode.ourBug }
    var page = Manual.page(of: program)
    page.removeLast()
    guard StandardOutput.print(page) else { throw ExitCode.ioFailed }
  }
}
