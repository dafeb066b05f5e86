// The writing end of `bench texts`, in this process: many texts at a time, until all are acknowledged, or one after the other.

import Chat
import Foundation
import NodeKit
import Processes
import UVRuntime

/// One node writes to another until all is acknowledged. Belongs to its loop's thread.
final class TextsWriter: @unchecked Sendable {
  struct Result {
    var seconds: Double
    /// System calls by which the writer wrote.
    var writes: UInt64
    var writerSeconds: Double
    var readerSeconds: Double
  }

  private let texts: Int
  private let text: String
  private let window: Int
  private let isBatched: Bool
  private let loop: EventLoop
  private let reader: ReaderProcess
  private var node: LoopNode?
  private var sent = 0
  private var acknowledged = 0
  private var isPosted = false
  private var began: (time: LoopTime, writes: UInt64, writer: Double, reader: Double)?
  private var result = Swift.Result<Result, NodeFailure>.failure(.stopped)

  init(texts: Int, length: Int, window: Int, isBatched: Bool) throws {
    self.texts = texts
    self.window = window
    self.isBatched = isBatched
    text = String(repeating: "x", count: length)
    loop = try EventLoop()
    reader = try ReaderProcess()
  }

  func measure() throws -> Result {
    node = try Self.node(on: loop, as: "alice", beside: reader.address) { [self] in open() }
    loop.run()
    node = nil
    try reader.join()
    return try result.get()
  }

  /// A node of that user's, beside the one there.
  static func node(
    on loop: EventLoop, as name: String, beside address: String, hears: @escaping (NodeEvent) -> Void = { _ in },
    ready: @escaping () -> Void
  ) throws -> LoopNode {
    var configuration = NodeConfiguration()
    configuration.username = try UserName(name)
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = [address]
    return try LoopNode(configuration, on: loop) { if case .ready = $0 { ready() } else { hears($0) } }
  }

  private func open() {
    node?.open(reader.user) { [self] result in
      if case .failure(let failure) = result { return end(.failure(failure)) }
      writeInNextTurn()
    }
  }

  private func writeInNextTurn() {
    guard !isPosted, sent < texts, sent - acknowledged < window else { return }
    isPosted = true
    loop.post { [self] in
      isPosted = false
      began = began ?? (LoopTime.current, loop.statistics.flushes, ProcessorTime.own, reader.processorSeconds)
      repeat { write() } while isBatched && sent < texts && sent - acknowledged < window
      writeInNextTurn()
    }
  }

  private func write() {
    guard let node else { return }
    sent += 1
    node.send(text, to: reader.user) { [self] answer in
      acknowledged += 1
      if case .failure(let failure) = answer { return end(.failure(failure)) }
      if acknowledged == texts { finish() }
      writeInNextTurn()
    }
  }

  private func finish() {
    guard let began else { return }
    end(
      .success(
        Result(
          seconds: Double((LoopTime.current - began.time).inNanoseconds) / 1e9,
          writes: loop.statistics.flushes - began.writes, writerSeconds: ProcessorTime.own - began.writer,
          readerSeconds: reader.processorSeconds - began.reader)))
  }

  private func end(_ result: Swift.Result<Result, NodeFailure>) {
    self.result = result
    node?.leave { [loop] in loop.stop() }
  }
}

/// One node writes to another, which sends the text back, and writes again when it has come. Belongs to its loop's thread.
final class TextsEcho: @unchecked Sendable {
  private static let warmUps = 200

  private let echoes: Int
  private let text: String
  private let loop: EventLoop
  private let reader: ReaderProcess
  private var flood: LineProcess?
  private var hasFlooded = true
  /// When the first echo was asked for, and how much of the processor the flood had had by then.
  private var began: (time: LoopTime, flood: Double)?
  /// The share of a core that the flood's writer had meanwhile: whether there was a flood.
  private(set) var floodShare = 0.0
  private var node: LoopNode?
  private var came = 0
  private var asked = LoopTime.current
  private var sample = Sample("echo", key: "echo")
  private var failure: NodeFailure?

  /// `flood`: the length of the texts that somebody else writes to the same reader meanwhile, without end.
  init(echoes: Int, length: Int, besideFlood flood: Int?) throws {
    self.echoes = echoes
    text = "?" + String(repeating: "x", count: length - 1)
    loop = try EventLoop()
    reader = try ReaderProcess(echoes: true)
    guard let flood else { return }
    let process = try PeerProgram.ours([
      "peer", "writer", reader.address, reader.user.description, String(flood), String(PeerProgram.longestRun),
    ])
    self.flood = try LineProcess(process.arguments, of: process.path)
    try self.flood?.waitForOutput(containing: "floods", within: .seconds(30))
  }

  func measure() throws -> Sample {
    node = try TextsWriter.node(
      on: loop, as: "alice", beside: reader.address,
      hears: { [self] in if case .message = $0 { returned() } }, ready: { [self] in ask() })
    loop.run()
    node = nil
    try reader.join()
    flood = nil
    if let failure { throw failure }
    guard hasFlooded else { throw ProcessError("the flood has ended before its time") }
    return sample
  }

  private func ask() {
    asked = .current
    began = began ?? (asked, floodSeconds)
    node?.send(text, to: reader.user) { [self] in if case .failure(let failure) = $0 { end(failure) } }
  }

  private var floodSeconds: Double { flood.flatMap { ProcessorTime.of($0.process.id) } ?? 0 }

  private func returned() {
    came += 1
    if came > Self.warmUps { sample.add(LoopTime.current - asked) }
    if came == echoes + Self.warmUps { end(nil) } else { ask() }
  }

  private func end(_ failure: NodeFailure?) {
    self.failure = failure
    if let flood { hasFlooded = flood.process.ending(within: .zero) == nil }
    if let began { floodShare = (floodSeconds - began.flood) / (LoopTime.current - began.time).seconds }
    node?.leave { [loop] in loop.stop() }
  }
}
