// What the runtime alone costs: an echo server on UVRuntime, and a load of ours on it, each a process of its own.

import ArgumentParser
import Foundation
import Processes
import UVRuntime

struct EchoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "echo",
    abstract: "Messages a second and round trips of an echo server on the runtime alone.",
    discussion: """
      Starts server and load and measures the shapes of docs/BENCHMARKS.md, the median run of several. --serve runs only the server, for \
      load from outside; --load only the load, on any echo server.
      """)

  @Option(help: ArgumentHelp("Only serve, there (port 0: any free one).", valueName: "host:port"))
  var serve: SocketAddress?

  @Option(help: ArgumentHelp("Only put a load on the echo server there.", valueName: "host:port"))
  var load: SocketAddress?

  @Option(help: "Connections, with --load.")
  var connections = 50

  @Option(help: "Messages under way on each connection, with --load.")
  var inFlight = 1

  @Option(help: "Length of a message in bytes, with --load.")
  var bytes = 64

  @Option(help: "Messages, with --load; a tenth more go before.")
  var messages = 100_000

  @Option(name: .shortAndLong, help: "How often to repeat each shape.")
  var repetitions = 5

  @Option(
    help: "The load gives up after this time, and the server ends (default: 60 for the load, never for the server).")
  var seconds: Int?

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard serve == nil || load == nil else { throw ValidationError("--serve or --load, not both") }
    guard (1...10_000).contains(connections), (1...1024).contains(inFlight), (1...65_536).contains(bytes),
      (1...100_000_000).contains(messages), (1...100).contains(repetitions), (1...86_400).contains(seconds ?? 1)
    else {
      throw ValidationError(
        "1 to 10000 connections, 1 to 1024 in flight, 1 to 65536 bytes, 1 to 100000000 messages, 1 to 100 times, 1 to 86400 s"
      )
    }
  }

  func run() throws {
    if let serve {
      try runServer(at: serve)
    } else if let load {
      let shape = EchoShape(connections: connections, inFlight: inFlight, bytes: bytes)
      let limit = Duration.seconds(seconds ?? 60)
      let result = try EchoLoad.run(shape, messages: messages, against: load, within: limit).json
      if json { return print(result) }
      var table = Table(named: "echo", asJSON: false)
      table.add(Self.cells(of: [result], shape))
      table.end()
    } else {
      try runMatrix()
    }
  }

  private func runServer(at address: SocketAddress) throws {
    try DescriptorLimit.raise()
    let loop = try EventLoop()
    let server = try EchoServer(on: loop, at: address)
    let deadline = Deadline(on: loop) { loop.stop() }
    let watchers = try [SIGINT, SIGTERM].map { try SignalWatcher(on: loop, signal: $0) { loop.stop() } }
    if let seconds { deadline.set(loop.now + .seconds(seconds)) }
    print(JSON.object(["address": .string(server.address?.description ?? "")]))
    fflush(nil)
    withExtendedLifetime((server, deadline, watchers)) { loop.run() }
  }

  private func runMatrix() throws {
    var table = Table(named: "echo", asJSON: json)
    for (shape, messages) in EchoShape.matrix {
      let runs = try (0..<repetitions).map { _ in
        try Self.server().serve().measure(shape, messages: messages)
      }
      table.add(Self.cells(of: runs, shape))
    }
    table.end()
  }

  /// Ours, as `bench compare` starts it too.
  static func server() throws -> PeerProgram {
    try .ours(["echo", "--serve", "127.0.0.1:0", "--seconds"])
  }

  /// The median run, with the slowest and the fastest beside it.
  private static func cells(of runs: [JSON], _ shape: EchoShape) -> [(name: String, value: JSON)] {
    let sorted = runs.sorted { rate(of: $0) < rate(of: $1) }
    let median = sorted[sorted.count / 2]
    let trip = median["round_trip_us"]
    var cells: [(name: String, value: JSON)] = [
      ("connections", .integer(shape.connections)), ("in flight", .integer(shape.inFlight)),
      ("bytes", .integer(shape.bytes)), ("messages/s", .integer(Int(rate(of: median)))),
    ]
    if runs.count > 1 {
      cells.append(("slowest run", .integer(Int(rate(of: sorted[0])))))
      cells.append(("fastest run", .integer(Int(rate(of: sorted[sorted.count - 1])))))
    }
    for name in ["min", "p50", "p90", "p99", "max"] { cells.append(("\(name) us", trip?[name] ?? .null)) }
    if let server = median["server_cpu_us"] { cells.append(("server CPU us", server)) }
    cells.append(("load CPU us", median["load_cpu_us"] ?? .null))
    return cells
  }

  private static func rate(of run: JSON) -> Double { run["messages_per_second"]?.double ?? 0 }
}

extension SocketAddress: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
