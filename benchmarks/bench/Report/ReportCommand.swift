// The report of everything, as `make bench` makes it: a list of measurements, each a command line of this program, gathered on one page.

import ArgumentParser
import Foundation
import Processes
import UVRuntime

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Runs the standard measurements and makes one page of them.",
    discussion: """
      A measurement that is not possible here (too few descriptors, no node program) is named on the page with the reason; the others \
      are made all the same, and the status is 1.
      """)

  @Argument(help: ArgumentHelp("Where index.html goes.", valueName: "directory"))
  var directory = "bench-report"

  @Option(help: ArgumentHelp("Write each plot as an SVG file, too.", valueName: "directory"))
  var plots: String?

  @Option(
    parsing: .upToNextOption, help: "Only parts whose command lines hold one of these words: loopback, session, 10000.")
  var only: [String] = []

  /// One part a line.
  private static let programme: [(chapter: String, prefix: String, parts: [String])] = [
    (
      "Lookups in rings of many sizes", "sizes-",
      [
        "lookup --nodes 100,300,1000,3000 --lookups 2000 --seeds 3",
        "lookup --nodes 10000 --lookups 2000",
        "lookup --mode loopback --nodes 64 --lookups 2000 --rate 100",
        "lookup --mode loopback --nodes 256 --lookups 2000 --rate 100",
      ]
    ),
    (
      "Lookups after failures", "failures-",
      ["lookup --nodes 1000 --successors 20 --fail 0,0.1,0.2,0.3,0.4,0.5 --lookups 2000"]
    ),
    ("Sessions of two users", "sessions-", ["session"]),
    ("A node at rest", "rest-", ["idle --nodes 100,1000", "connections --links 1000"]),
  ]

  func run() throws {
    let place = try ReportDirectory(directory)
    let pictures = try plots.map { try ReportDirectory($0) }
    let began = ContinuousClock.now
    var page = ReportPage(chapters: [])
    for (title, prefix, parts) in Self.programme {
      var chapter = ReportPage.Chapter(title: title, prefix: prefix)
      for part in parts where only.isEmpty || only.contains(where: { part.contains($0) }) {
        measure(part, into: &chapter)
      }
      if !chapter.commands.isEmpty { page.chapters.append(chapter) }
    }
    guard !page.chapters.isEmpty else { throw ValidationError("no part holds such a word") }
    try place.write(page.html, as: "index.html")
    if let pictures {
      for picture in page.chapters.flatMap({ page.pictures(of: $0) }) {
        try pictures.write(picture.file, as: picture.name + ".svg")
      }
    }
    print(
      "\(ReportPage.seconds((.now - began) / .seconds(1))) in all: \(place.url.appendingPathComponent("index.html").path)"
    )
    if page.chapters.contains(where: { !$0.failures.isEmpty }) { throw ExitCode(1) }
  }

  private func measure(_ part: String, into chapter: inout ReportPage.Chapter) {
    let began = ContinuousClock.now
    do {
      let command = try Bench.parseAsRoot(part.split(separator: " ").map(String.init))
      guard let measurement = command as? any ReportedMeasurement else {
        throw ProcessError("there is no such measurement")
      }
      try measurement.measure(into: &chapter)
    } catch {
      let reason = "bench \(part): not measured, or not to its end: \(Bench.message(for: error))"
      chapter.failures.append(reason)
      print(reason)
    }
    let seconds = (.now - began) / .seconds(1)
    chapter.commands.append(("bench " + part, seconds))
    print("bench \(part) took \(ReportPage.seconds(seconds))")
    fflush(nil)
  }
}

/// A command whose figures can go into a chapter.
protocol ReportedMeasurement: ParsableCommand {
  func measure(into chapter: inout ReportPage.Chapter) throws
}

extension LookupCommand: ReportedMeasurement {
  func measure(into chapter: inout ReportPage.Chapter) throws {
    try measure { chapter.lookups.append($0) }
  }
}

extension SessionCommand: ReportedMeasurement {
  func measure(into chapter: inout ReportPage.Chapter) throws {
    let rows = try measure().map { sample in
      [sample.name] + [0, 0.5, 0.9, 1].map { String(format: "%.2f", sample.percentile($0)) } + [
        "\(sample.values.count)"
      ]
    }
    chapter.tables.append(
      ReportPage.Table(
        title: "Milliseconds",
        note:
          "Real processes on this machine. A time begins just before a request is written to a node's standard input, and ends when the line that answers it has been read.",
        columns: ["", "min", "median", "p90", "max", "count"], rows: rows))
  }
}

extension IdleCommand: ReportedMeasurement {
  func measure(into chapter: inout ReportPage.Chapter) throws {
    var rows: [[(name: String, value: JSON)]] = []
    try measure { rows.append($0) }
    chapter.tables.append(
      ReportPage.Table(
        "Maintenance", note: "Simulated. With headers: what sealing, TCP and IP add, estimated: 96 bytes a message.",
        rows))
  }
}

extension ConnectionsCommand: ReportedMeasurement {
  func measure(into chapter: inout ReportPage.Chapter) throws {
    try DescriptorLimit.raise()
    chapter.tables.append(
      ReportPage.Table(
        "Idle links",
        note:
          "A real node, and strangers that shake hands and then say nothing. Bytes of its process, resident, over those before.",
        try links.values.map(measure)))
  }
}
