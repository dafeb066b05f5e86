// What a quiet connection notices of busy ones on the same server: one message at a time, with pauses, while others keep the server as busy
// as it can be. A loop that does all there is to do for one before it looks at the next would show here.

import ArgumentParser
import Foundation
import Processes
import UVRuntime

struct FairnessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fairness",
    abstract: "Round trips of a quiet connection to an echo server, alone and beside saturated ones, ours and in C.",
    discussion: """
      Server, load and the quiet one are three processes. The server in C is built by `make bench-peers`, and left out if it is not there.
      """)

  @Option(help: "How many saturated connections; several with commas.")
  var busy = List([0, 1, 50])

  @Option(help: "Messages under way on each of them.")
  var inFlight = 16

  @Option(help: "Length of their messages in bytes.")
  var bytes = 65_536

  @Option(help: "Round trips of the quiet one, one every 2 ms.")
  var count = 1000

  @Option(name: .shortAndLong, help: "How often to repeat each; the servers take turns, and the median is told.")
  var repetitions = 3

  @Option(help: ArgumentHelp("Where `make bench-peers` has built the server in C.", valueName: "directory"))
  var peers = ".build-peers"

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard busy.values.allSatisfy({ (0...1000).contains($0) }), (1...1024).contains(inFlight),
      (1...65_536).contains(bytes), (100...100_000).contains(count), (1...100).contains(repetitions)
    else {
      throw ValidationError(
        "0 to 1000 busy connections, 1 to 1024 in flight, 1 to 65536 bytes, 100 to 100000 round trips, 1 to 100 times")
    }
  }

  func run() throws {
    let servers = [try EchoCommand.server(), PeerProgram(name: "C on libuv", path: "\(peers)/uv-echo")]
      .filter(\.isThere)
    var table = Table(named: "fairness", asJSON: json)
    for busy in busy.values {
      var trips: [String: [EchoResult]] = [:]
      for _ in 0..<repetitions {
        for server in servers { trips[server.name, default: []].append(try measure(server, beside: busy)) }
      }
      for server in servers {
        func median(_ share: Double) -> JSON {
          let values = (trips[server.name] ?? []).map { $0.microseconds(share) }.sorted()
          return .number(values[values.count / 2])
        }
        table.add([
          ("busy connections", .integer(busy)), ("server    ", .string(server.name)), ("p50 us", median(0.5)),
          ("p99 us", median(0.99)), ("max us", median(1)),
        ])
      }
    }
    table.end()
  }

  private func measure(_ server: PeerProgram, beside busy: Int) throws -> EchoResult {
    let running = try server.serve()
    defer { running.process.process.signal(SIGKILL) }
    guard busy > 0 else { return try QuietClient.run(count, against: running.address) }
    let load = try LineProcess(
      [
        "echo", "--load", running.address.description, "--connections", String(busy), "--in-flight", String(inFlight),
        "--bytes", String(bytes), "--messages", "10000000", "--seconds", String(PeerProgram.longestRun),
      ], of: try NodeBinary.path(of: "bench"))
    defer { load.process.signal(SIGKILL) }
    let before = ProcessorTime.of(running.process.process.id) ?? 0
    let isBusy = eventually(within: .seconds(10)) {
      (ProcessorTime.of(running.process.process.id) ?? 0) - before > 0.2 ? true : nil
    }
    guard isBusy != nil else { throw ProcessError("the load keeps \(server.name) from nothing") }
    return try QuietClient.run(count, against: running.address)
  }
}

/// One message, its answer, a pause, and again.
private final class QuietClient: TCPConnectionHandler {
  private static let pause = Duration.milliseconds(2)
  private static let message = [UInt8](repeating: 0x78, count: 64)

  private let loop: EventLoop
  private var left: Int
  private var connection: TCPConnection?
  private var sentAt: UInt64 = 0
  private var missing = 0
  private var roundTrips: [UInt64] = []
  private lazy var next = Deadline(on: loop) { [unowned self] in send() }

  private init(_ count: Int, on loop: EventLoop) {
    (left, self.loop) = (count, loop)
    roundTrips.reserveCapacity(count)
  }

  static func run(_ count: Int, against server: SocketAddress) throws -> EchoResult {
    let loop = try EventLoop()
    let client = QuietClient(count, on: loop)
    client.connection = try TCPConnection(on: loop, to: server, timeout: .seconds(10), handler: client)
    loop.run()
    guard client.left == 0 else { throw ProcessError("the quiet connection is gone") }
    return EchoResult(messages: count, seconds: 0, roundTrips: client.roundTrips.sorted(), processorSeconds: 0)
  }

  private func send() {
    missing = Self.message.count
    sentAt = LoopTime.current.nanoseconds
    connection?.write(Self.message)
  }

  func connected(_ connection: TCPConnection) { send() }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    missing -= bytes.byteCount
    guard missing == 0 else { return }
    roundTrips.append(LoopTime.current.nanoseconds - sentAt)
    left -= 1
    if left == 0 { loop.stop() } else { next.set(loop.now + Self.pause) }
  }

  func ended(_ connection: TCPConnection) { connection.close() }

  func closed(_ connection: TCPConnection, error: UVError?) { loop.stop() }
}
