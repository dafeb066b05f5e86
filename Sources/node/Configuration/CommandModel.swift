// The program's commands and options as the argument parser knows them: the one source of what the configuration file may say and of the
// manual page. The parser shows itself as JSON (its `--experimental-dump-help`), which is read here.

import ArgumentParser

/// A command with its options and arguments.
struct CommandModel {
  /// An option, a flag or an argument.
  struct Argument {
    enum Kind: String { case option, flag, positional }

    var kind: Kind
    /// Without its dashes; nil for an argument.
    var long: String?
    var short: String?
    /// What stands for the value.
    var valueName: String
    var abstract: String
    var isRepeating: Bool
    var isShown: Bool
  }

  var name: String
  var abstract: String
  var discussion: String
  var arguments: [Argument]
  var subcommands: [CommandModel]

  /// The whole program; nil if the parser has changed how it shows itself, which a test would notice.
  static let program: CommandModel? = {
    guard let json = try? JSONReader.read(Array(NodeCommand._dumpHelp().utf8)) else { return nil }
    return json["command"].flatMap { CommandModel($0) }
  }()

  private init?(_ json: JSON) {
    guard let name = json["commandName"]?.text else { return nil }
    self.name = name
    abstract = json["abstract"]?.text ?? ""
    discussion = json["discussion"]?.text ?? ""
    arguments = json["arguments"]?.elements.compactMap { Argument($0) } ?? []
    let shown = json["subcommands"]?.elements.filter { $0["shouldDisplay"] == .bool(true) } ?? []
    subcommands = shown.compactMap { CommandModel($0) }.filter { $0.name != "help" }
  }

  /// What may be written down for every start: not the questions that are answered at once.
  var settings: [Argument] {
    arguments.filter { argument in
      argument.kind != .positional
        && !["help", "version", "json", "dot", "svg", "fingers", "pid", "count"].contains(argument.long)
        && argument.long != nil
    }
  }
}

extension CommandModel.Argument {
  fileprivate init?(_ json: JSON) {
    guard let kind = json["kind"]?.text.flatMap(Kind.init(rawValue:)) else { return nil }
    self.kind = kind
    for name in json["names"]?.elements ?? [] {
      switch name["kind"]?.text {
      case "long": long = name["name"]?.text
      case "short": short = name["name"]?.text
      default: break
      }
    }
    valueName = json["valueName"]?.text ?? ""
    abstract = json["abstract"]?.text ?? ""
    isRepeating = json["isRepeating"] == .bool(true)
    isShown = json["shouldDisplay"] == .bool(true)
  }
}

extension JSON {
  /// The values of an array; none of anything else.
  fileprivate var elements: [JSON] {
    if case .array(let values) = self { values } else { [] }
  }
}
