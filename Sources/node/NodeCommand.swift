// The program: `node` and its commands. Each command is a thin layer over NodeKit; what goes wrong before a node runs is
// told here, by the argument parser, with exit code 64.

import ArgumentParser
import Glibc
import NodeKit

/// `node`: without a command it shows its help.
@main
struct NodeCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "node",
    abstract: "Chats from peer to peer, with no server in the middle, on a Chord ring.",
    discussion: """
      EXAMPLES
        node chat                               with nobody there: a new ring
        node chat --bootstrap 192.0.2.7:7401    join the ring of that node
        node bootstrap --listen 0.0.0.0:7401    a node that others start from
        node lookup alice#K7QM2-XWB9P-TD4HG-Z3R8F
        node ring --svg ring.svg
        node ping 192.0.2.7:7401
        node config show                        what is configured, and where
        node status                             of a node that runs here with --control

      EXIT CODES
         0  all is well
         1  what was looked for is not there, or the ring is not as it should be
        64  wrong usage
        69  no bootstrap node answered, and --require-bootstrap was given
        70  a bug in this program
        74  input or output failed: the port is taken, the key file cannot be read
        75  nobody else is there, or a message was not delivered
        78  the key file or the configuration file does not hold what it should
      """,
    version: "chord-chat \(version)",
    subcommands: [
      ChatCommand.self, BootstrapCommand.self, LookupCommand.self, RingCommand.self, StatusCommand.self,
      PingCommand.self,
      ConfigCommand.self, ManualCommand.self,
    ])

  static func main() {
    StandardError.secureDescriptors()
    // A write to a closed pipe is an error like any other, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    // Ctrl-\ ends the program, without Swift's report of registers and memory.
    signal(SIGQUIT, SIG_DFL)
    // Many links want many descriptors; without more of them the node works too.
    _ = try? DescriptorLimit.raise()
    do {
      var command = try parsed()
      try command.run()
    } catch {
      end(with: error)
    }
  }

  /// What was typed, and what the configuration file says beside it.
  private static func parsed() throws -> any ParsableCommand {
    let typed = Array(CommandLine.arguments.dropFirst())
    guard !typed.isEmpty, !goesWithoutFile(typed), let file = try Configuration.load() else {
      return try parseAsRoot(typed)
    }
    let arguments = Configuration.arguments(typed, with: file)
    do {
      return try parseAsRoot(arguments)
    } catch {
      // If it is right without the file, the file is wrong.
      guard arguments != typed, (try? parseAsRoot(typed)) != nil, exitCode(for: error) == .validationFailure else {
        throw error
      }
      for line in Display.lines(fullMessage(for: error)).prefix(1) { StandardError.write(line) }
      StandardError.say(
        "this comes from \(Display.line(Configuration.path ?? "")): mend it there; `node config show` says what comes from which line."
      )
      throw ExitCode.badConfiguration
    }
  }

  /// Asking for help helps also where the file is broken. The words for it are words where a command stands; further on they are somebody's
  /// name, or a file's.
  private static func goesWithoutFile(_ typed: [String]) -> Bool {
    let command = typed.first { !$0.hasPrefix("-") }
    return ["help", "config", "manual"].contains(command)
      || typed.contains { ["-h", "--help", "--version"].contains($0) }
  }

  /// Wrong usage is explained with the words that were typed, which may hold anything: they are made safe to show.
  private static func end(with error: any Error) -> Never {
    let code = exitCode(for: error)
    guard code == .validationFailure else { exit(withError: error) }
    for line in Display.lines(fullMessage(for: error)) { StandardError.write(line) }
    Glibc.exit(code.rawValue)
  }
}
