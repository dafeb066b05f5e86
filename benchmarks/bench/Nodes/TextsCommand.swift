// How many texts a second one session carries, sealed, acknowledged and over a real socket: as many as there are to say in a turn of
// the loop together in one message and one system call, or each by itself; and how long one takes to another node's program and back.
// Two nodes, each a process of its own: this one writes, the other one (TextsReader.swift) reads.

import ArgumentParser
import Foundation
import Processes

struct TextsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "texts",
    abstract: "Texts a second over one session between two processes, with and without batching, and round trips.")

  @Option(help: "How many texts for each row; of long ones fewer, so that a row carries no more than 1 GB.")
  var texts = 500_000

  @Option(parsing: .upToNextOption, help: "Lengths of a text, in bytes.")
  var lengths = [32, 256, 1024, 32_768]

  @Option(help: "How many texts are under way at most, and 2 MiB of long ones; without batches 256.")
  var window = 4_096

  @Option(help: "Meanwhile somebody else writes texts of that length to the same reader, without end (with --echoes).")
  var flood: Int?

  /// However long they are: half of what a node lets wait for one user.
  static let windowBytes = 2 << 20

  @Flag(inversion: .prefixedNo, help: "The rows without batches.")
  var single = true

  @Option(help: "Measure so many round trips instead, one at a time, the reader sending back what it gets.")
  var echoes: Int?

  @Option(name: .shortAndLong, help: "How often to repeat each row; the median is told.")
  var repetitions = 3

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard (1...100_000_000).contains(texts), lengths.allSatisfy((1...32_768).contains), (1...100).contains(repetitions),
      (1...65_536).contains(window), (1...1_000_000).contains(echoes ?? 1), (1...32_768).contains(flood ?? 1)
    else {
      throw ValidationError(
        "1 to 100000000 texts of 1 to 32768 bytes, 1 to 65536 under way, 1 to 1000000 echoes, 1 to 100 times")
    }
  }

  func run() throws {
    if let echoes { return try measureEchoes(echoes) }
    var table = Table(named: "texts", asJSON: json)
    for length in lengths {
      for isBatched in single ? [false, true] : [true] {
        let texts = min(texts, 1_000_000_000 / length)
        let window = min(isBatched ? window : 256, max(1, Self.windowBytes / length))
        let runs = try (0..<repetitions).map { _ in
          try TextsWriter(texts: texts, length: length, window: window, isBatched: isBatched).measure()
        }
        let run = runs.sorted { $0.seconds < $1.seconds }[runs.count / 2]
        let count = Double(texts)
        table.add([
          ("bytes", .integer(length)), ("batched", .string(isBatched ? "yes" : "no")), ("texts", .integer(texts)),
          ("texts/s", .integer(Int(count / run.seconds))),
          ("MB/s", .number(count * Double(length) / run.seconds / 1e6)),
          ("texts/write", .number(count / Double(max(run.writes, 1)))),
          ("writer us/text", .number(run.writerSeconds * 1e6 / count)),
          ("reader us/text", .number(run.readerSeconds * 1e6 / count)),
        ])
      }
    }
    table.end()
  }

  private func measureEchoes(_ echoes: Int) throws {
    var table = Table(named: "echoes", asJSON: json)
    for length in lengths {
      let runs = try (0..<repetitions).map { _ in
        let echo = try TextsEcho(echoes: echoes, length: length, besideFlood: flood)
        return (sample: try echo.measure(), floodShare: echo.floodShare)
      }
      let median = runs.sorted { $0.sample.percentile(0.5) < $1.sample.percentile(0.5) }[runs.count / 2]
      let run = median.sample
      table.add([
        ("bytes", .integer(length)), ("echoes", .integer(echoes)), ("min us", .number(run.percentile(0) * 1000)),
        ("p50 us", .number(run.percentile(0.5) * 1000)), ("p90 us", .number(run.percentile(0.9) * 1000)),
        ("p99 us", .number(run.percentile(0.99) * 1000)), ("flood's share", .number(median.floodShare)),
      ])
    }
    table.end()
  }
}
