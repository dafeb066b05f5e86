// Numbers of one kind, and how they are told: smallest, median, 90th percentile, largest. No mean: it says nothing about
// latencies.

import Foundation
import Processes

/// Measured values of one quantity.
struct Sample {
  /// What was measured, in words.
  let name: String
  /// Short, for machines.
  let key: String
  /// In milliseconds.
  private(set) var values: [Double] = []

  init(_ name: String, key: String) {
    self.name = name
    self.key = key
  }

  mutating func add(_ duration: Duration) { values.append(duration.milliseconds) }

  /// The smallest value that at least this share of all values does not exceed (nearest rank).
  func percentile(_ share: Double) -> Double {
    values.isEmpty ? .nan : Distribution(values).percentile(share)
  }

  var json: JSON {
    [
      "count": .integer(values.count), "unit": "ms", "min": .number(percentile(0)), "median": .number(percentile(0.5)),
      "p90": .number(percentile(0.9)), "max": .number(percentile(1)),
    ]
  }
}

/// Prints what was measured.
enum Report {
  static func print(_ samples: [Sample], named name: String, asJSON: Bool) {
    if asJSON {
      let results = Dictionary(uniqueKeysWithValues: samples.map { ($0.key, $0.json) })
      Swift.print(JSON.object(["benchmark": .string(name), "results": .object(results)]))
      return
    }
    let width = samples.map(\.name.count).max() ?? 0
    Swift.print(pad("milliseconds", to: width), ["min", "median", "p90", "max", "count"].map { padLeft($0) }.joined())
    for sample in samples {
      let figures = [0, 0.5, 0.9, 1].map { padLeft(String(format: "%.2f", sample.percentile($0))) }
      Swift.print(pad(sample.name, to: width), figures.joined() + padLeft(String(sample.values.count)))
    }
  }

  private static func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func padLeft(_ text: String) -> String {
    String(repeating: " ", count: max(0, 10 - text.count)) + text
  }
}
