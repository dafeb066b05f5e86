// Where the configuration file is, and how what it says comes before the parser: as if it had been typed, for every option that was not.

import ArgumentParser
import Glibc

/// The person's configuration.
enum Configuration {
  /// `$XDG_CONFIG_HOME/chord-chat/config`, or the same in `~/.config` (XDG Base Directory Specification); nil if there is no home.
  static var path: String? {
    let variable = { (name: String) in getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    if let directory = variable("XDG_CONFIG_HOME") { return directory + "/chord-chat/config" }
    return variable("HOME").map { $0 + "/.config/chord-chat/config" }
  }

  /// The file, understood; nil if there is none. Throws `ExitCode`, after saying why.
  static func load() throws -> ConfigFile? {
    guard let path, let program = CommandModel.program else { return nil }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      StandardError.say("\(Display.line(path)) cannot be read: \(StandardError.text(ofErrno: errno))")
      throw ExitCode.ioFailed
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= ConfigFile.limit {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        StandardError.say("\(Display.line(path)) cannot be read: \(StandardError.text(ofErrno: errno))")
        throw ExitCode.ioFailed
      }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    do throws(Mistake) {
      guard bytes.count <= ConfigFile.limit else { throw Mistake("it has more than \(ConfigFile.limit) bytes") }
      guard let text = String(validating: bytes, as: UTF8.self) else { throw Mistake("it is not UTF-8") }
      return try ConfigFile(text, for: program)
    } catch {
      StandardError.say("\(Display.line(path)): \(error)")
      throw ExitCode.badConfiguration
    }
  }

  /// The arguments as typed, and what the file says about all that was not typed.
  static func arguments(_ typed: [String], with file: ConfigFile) -> [String] {
    guard let program = CommandModel.program,
      let place = typed.firstIndex(where: { !$0.hasPrefix("-") }),
      let command = program.subcommands.first(where: { $0.name == typed[place] }), command.name != ConfigCommand.name
    else { return typed }
    let added = file.settings(for: command).filter { !isGiven($0.name, in: typed) }.compactMap { setting -> String? in
      let isFlag = command.settings.contains { $0.long == setting.name && $0.kind == .flag }
      if isFlag { return setting.value == "true" ? "--\(setting.name)" : nil }
      return "--\(setting.name)=\(setting.value)"
    }
    return Array(typed[...place]) + added + typed[(place + 1)...]
  }

  /// Whether an option is among the arguments, before a `--`.
  static func isGiven(_ name: String, in arguments: [String]) -> Bool {
    arguments.prefix { $0 != "--" }.contains { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") }
  }
}
