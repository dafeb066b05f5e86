// The load for echo servers: so many connections, on each so many messages under way, each of the same length. A message that has come
// back is followed by the next one, until all are back (a closed loop: the server is never asked for more than it can).
//
// The same load serves every server that is compared. It looks at the first byte of every message, which counts them, so that an answer
// out of order or of the wrong length is found. A message's time begins when it is written, though it leaves at the end of the turn,
// and ends when the read that completes it is told: what it waits in the load itself is in it, alike for all servers.

import Foundation
import Processes
import UVRuntime

/// How much of what.
struct EchoShape: Hashable {
  var connections: Int
  var inFlight: Int
  var bytes: Int

  /// Those of the figures, each with as many messages as take about a second.
  static let matrix: [(shape: EchoShape, messages: Int)] = [
    (EchoShape(connections: 1, inFlight: 1, bytes: 64), 20_000),
    (EchoShape(connections: 50, inFlight: 1, bytes: 64), 60_000),
    (EchoShape(connections: 50, inFlight: 16, bytes: 64), 400_000),
    (EchoShape(connections: 50, inFlight: 4, bytes: 1024), 150_000),
    (EchoShape(connections: 50, inFlight: 1, bytes: 65_536), 20_000),
  ]
}

/// What came of it.
struct EchoResult {
  var messages: Int
  var seconds: Double
  /// Ascending, in nanoseconds.
  var roundTrips: [UInt64]
  /// Of the load itself.
  var processorSeconds: Double

  /// The smallest round trip that at least this share does not exceed (nearest rank), in microseconds.
  func microseconds(_ share: Double) -> Double {
    guard !roundTrips.isEmpty else { return 0 }
    let rank = Int((share * Double(roundTrips.count)).rounded(.up))
    return Double(roundTrips[min(max(rank, 1), roundTrips.count) - 1]) / 1000
  }

  var json: JSON {
    [
      "messages": .integer(messages), "seconds": .number(seconds),
      "messages_per_second": .number(Double(messages) / seconds),
      "round_trip_us": [
        "min": .number(microseconds(0)), "p50": .number(microseconds(0.5)), "p90": .number(microseconds(0.9)),
        "p99": .number(microseconds(0.99)), "max": .number(microseconds(1)),
      ],
      "load_cpu_us": .number(processorSeconds * 1e6 / Double(messages)),
    ]
  }
}

/// One run of the load. Belongs to its loop's thread.
final class EchoLoad: TCPConnectionHandler {
  /// What is measured begins when so many of all messages are back: by then buffers are as large as they get.
  static let warmUp = 0.1

  /// What one connection has under way.
  private struct Flight {
    /// When each of the messages that are out was written, in a circle.
    var written: [UInt64]
    var oldest = 0
    var isOut = 0
    var lastWritten: UInt8 = 0
    var lastRead: UInt8 = 0
    /// Bytes of the message that is coming in.
    var part = 0
  }

  private let shape: EchoShape
  private let warmUps: Int
  private let total: Int
  private let loop: EventLoop
  private var flights: [ObjectIdentifier: Int] = [:]
  private var states: [Flight] = []
  private var connections: [TCPConnection] = []
  /// A message for each value of the first byte.
  private let templates: [[UInt8]]
  private var open = 0
  private var sent = 0
  private var answered = 0
  private var began: (at: UInt64, processor: Double) = (0, 0)
  private var roundTrips: [UInt64] = []
  private var outcome: Result<EchoResult, any Error>?

  private init(_ shape: EchoShape, messages: Int, on loop: EventLoop) {
    self.shape = shape
    self.loop = loop
    warmUps = Int(Double(messages) * Self.warmUp)
    total = messages + warmUps
    templates = (0...255).map { [UInt8(truncatingIfNeeded: $0)] + Array(repeating: 0x78, count: shape.bytes - 1) }
    roundTrips.reserveCapacity(messages)
  }

  /// Runs it against a server, to the end or the limit.
  static func run(
    _ shape: EchoShape, messages: Int, against server: SocketAddress, within limit: Duration
  ) throws -> EchoResult {
    try DescriptorLimit.raise()
    let loop = try EventLoop()
    let load = EchoLoad(shape, messages: messages, on: loop)
    let deadline = Deadline(on: loop) { load.end(.failure(ProcessError("not all is back within \(limit)"))) }
    deadline.set(loop.now + limit)
    for index in 0..<shape.connections {
      let connection = try TCPConnection(on: loop, to: server, timeout: limit, handler: load)
      load.flights[ObjectIdentifier(connection)] = index
      load.connections.append(connection)
      load.states.append(Flight(written: Array(repeating: 0, count: shape.inFlight)))
    }
    loop.run()
    guard let outcome = load.outcome else { throw ProcessError("the load ended without a result") }
    return try outcome.get()
  }

  // MARK: What happens

  func connected(_ connection: TCPConnection) {
    open += 1
    guard open == shape.connections else { return }
    began = (LoopTime.current.nanoseconds, ProcessorTime.own)
    for index in connections.indices {
      for _ in 0..<shape.inFlight { write(to: index, at: began.at) }
    }
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    guard outcome == nil, let index = flights[ObjectIdentifier(connection)] else { return }
    let now = LoopTime.current.nanoseconds
    var offset = 0
    while offset < bytes.byteCount {
      if states[index].part == 0 {
        states[index].lastRead &+= 1
        guard states[index].isOut > 0,
          bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) == states[index].lastRead
        else { return end(.failure(ProcessError("what comes back is not what was sent"))) }
      }
      let step = min(shape.bytes - states[index].part, bytes.byteCount - offset)
      offset += step
      states[index].part += step
      if states[index].part == shape.bytes { completed(index, at: now) }
    }
    if answered == total { finish(at: now) }
  }

  private func completed(_ index: Int, at now: UInt64) {
    states[index].part = 0
    states[index].isOut -= 1
    let written = states[index].written[states[index].oldest]
    states[index].oldest = (states[index].oldest + 1) % shape.inFlight
    answered += 1
    if answered > warmUps { roundTrips.append(now - written) }
    if answered == warmUps { began = (now, ProcessorTime.own) }
    write(to: index, at: now)
  }

  private func write(to index: Int, at now: UInt64) {
    guard sent < total else { return }
    sent += 1
    states[index].lastWritten &+= 1
    states[index].written[(states[index].oldest + states[index].isOut) % shape.inFlight] = now
    states[index].isOut += 1
    connections[index].write(templates[Int(states[index].lastWritten)])
  }

  private func finish(at now: UInt64) {
    roundTrips.sort()
    end(
      .success(
        EchoResult(
          messages: roundTrips.count, seconds: Double(now - began.at) / 1e9, roundTrips: roundTrips,
          processorSeconds: ProcessorTime.own - began.processor)))
  }

  func ended(_ connection: TCPConnection) { connection.close() }

  func closed(_ connection: TCPConnection, error: UVError?) {
    let reason = error?.description ?? "the server has closed it"
    end(.failure(ProcessError("a connection is gone: \(reason)")))
  }

  private func end(_ outcome: Result<EchoResult, any Error>) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    loop.stop()
  }
}
