// What an echoed message takes of a server, counted and not timed: instructions in user space and calls of the system. They are the same
// on a quiet machine and on a busy one, so they can be limits, which times cannot.
//
//     callgrind ── server ◄── load          N messages in one run, 2 N in another: what is more in the second is what N messages
//                                           take, without the start of the process and of the connections
//
// The server is slowed down fifty times, the load is not: so whatever may be under way on a connection has come when it is read, with
// every server, and a read brings as many messages as there are in flight.

import ArgumentParser
import Foundation
import Processes
import UVRuntime

struct InstructionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instructions",
    abstract: "Instructions and system calls that an echoed message takes, ours beside a server in C on libuv.",
    discussion: """
      Counted by valgrind's callgrind, which must be installed; the server in C is built by `make bench-peers`. With --limit the command \
      fails if ours takes more than so many times what the other takes.
      """)

  @Option(help: "Messages of the shorter run.")
  var messages = 40_000

  @Option(help: "Fail above this ratio of instructions, or if ours makes a twentieth more system calls.")
  var limit: Double?

  @Option(help: ArgumentHelp("Where `make bench-peers` has built the server in C.", valueName: "directory"))
  var peers = ".build-peers"

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  /// Connections, messages in flight on each, and bytes of a message.
  private static let shapes = [(50, 1, 64), (50, 16, 64), (50, 4, 1024)].map {
    EchoShape(connections: $0, inFlight: $1, bytes: $2)
  }
  /// How many more system calls ours may make: under callgrind reading the clock is one, and ours reads it twice more in a turn.
  private static let tolerance = 1.05

  func validate() throws {
    guard (1000...10_000_000).contains(messages), limit ?? 1 > 0 else {
      throw ValidationError("1000 to 10000000 messages, and a limit above 0")
    }
  }

  func run() throws {
    let theirs = PeerProgram(name: "C on libuv", path: "\(peers)/uv-echo")
    guard theirs.isThere else { throw ProcessError("\(theirs.path) is not there: \(theirs.install)") }
    guard let valgrind = Callgrind.path else { throw ProcessError("valgrind is not installed") }
    var table = Table(named: "instructions", asJSON: json)
    var dearer: [String] = []
    for shape in Self.shapes {
      let counter = Callgrind(valgrind: valgrind, shape: shape, messages: messages)
      let (ours, other) = (try counter.count(EchoCommand.server()), try counter.count(theirs))
      let ratio = ours.instructions / other.instructions
      table.add([
        ("connections", .integer(shape.connections)), ("in flight", .integer(shape.inFlight)),
        ("bytes", .integer(shape.bytes)), ("instructions", .number(ours.instructions)),
        ("C", .number(other.instructions)), ("ratio", .number(ratio)), ("system calls", .number(ours.systemCalls)),
        ("C's calls", .number(other.systemCalls)),
      ])
      guard let limit else { continue }
      if ratio > limit || ours.systemCalls > other.systemCalls * Self.tolerance {
        dearer.append("\(shape.connections) connections, \(shape.inFlight) in flight, \(shape.bytes) bytes")
      }
    }
    table.end()
    guard dearer.isEmpty else { throw ProcessError("dearer than allowed: \(dearer.joined(separator: "; "))") }
  }
}

/// Runs servers under callgrind.
private struct Callgrind {
  struct Count {
    var instructions: Double
    var systemCalls: Double
  }

  let valgrind: String
  let shape: EchoShape
  let messages: Int

  static var path: String? {
    let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return directories.map { "\($0)/valgrind" }.first { access($0, X_OK) == 0 }
  }

  /// What one message takes.
  func count(_ server: PeerProgram) throws -> Count {
    let (short, long) = (try total(of: server, messages), try total(of: server, 2 * messages))
    let more = Double(messages) * (1 + EchoLoad.warmUp)
    return Count(
      instructions: (long.instructions - short.instructions) / more,
      systemCalls: (long.systemCalls - short.systemCalls) / more)
  }

  private func total(of server: PeerProgram, _ messages: Int) throws -> Count {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("callgrind.\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    var counted = server
    counted.path = valgrind
    counted.arguments =
      ["--quiet", "--tool=callgrind", "--collect-systime=msec", "--callgrind-out-file=\(file.path)", server.path]
      + server.arguments
    let running = try counted.serve(within: .seconds(60))
    _ = try running.measure(shape, messages: messages)
    running.process.process.signal(SIGTERM)
    guard running.process.process.ending(within: .seconds(60)) != nil else {
      throw ProcessError("\(server.name) does not end")
    }
    return try Self.read(String(contentsOf: file, encoding: .utf8), of: server.name)
  }

  /// Of what callgrind writes: the names of the counts, and their values for the whole run.
  private static func read(_ text: String, of name: String) throws -> Count {
    func words(_ label: String) -> [Substring] {
      text.split(separator: "\n").last { $0.hasPrefix(label) }?.dropFirst(label.count).split(separator: " ") ?? []
    }
    let pairs = zip(words("events:"), words("summary:").map { Double($0) })
    let counts = Dictionary(pairs.map { (String($0), $1) }, uniquingKeysWith: { $1 })
    guard case (let instructions??, let calls??) = (counts["Ir"], counts["sysCount"]) else {
      throw ProcessError("callgrind has counted nothing of \(name)")
    }
    return Count(instructions: instructions, systemCalls: calls)
  }
}
