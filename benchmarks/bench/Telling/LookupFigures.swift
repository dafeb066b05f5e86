// What many lookups come to: distributions instead of means alone, every lookup in one of three boxes, and what it cost.

import Foundation
import Histogram
import Processes
import Simulation

/// A mean over seeds, and how far it may be off.
struct Estimate {
  let mean: Double
  /// Half of the 95 % interval (Student); nil with one seed.
  let interval: Double?

  init(_ means: [Double]) {
    let count = Double(means.count)
    let mean = means.reduce(0, +) / max(count, 1)
    self.mean = mean
    guard means.count > 1 else {
      interval = nil
      return
    }
    let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    interval = Self.student(means.count - 1) * (variance / count).squareRoot()
  }

  /// The 97.5th percentile of Student's distribution.
  private static func student(_ freedom: Int) -> Double {
    let table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
    return freedom <= table.count ? table[freedom - 1] : 1.96 + 2.4 / Double(freedom)
  }
}

/// Values in order, to be asked for percentiles. For quantities that come in whole steps or small numbers; times go into a histogram.
struct Distribution {
  let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }
  init(_ values: [Int]) { sorted = values.sorted().map(Double.init) }

  var mean: Double { sorted.reduce(0, +) / Double(max(sorted.count, 1)) }

  /// The smallest value that at least this share of all does not exceed (nearest rank); 0 if there is none.
  func percentile(_ share: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(max(Int((share * Double(sorted.count)).rounded(.up)), 1), sorted.count) - 1]
  }
}

/// Times, to three digits, from a microsecond to an hour.
struct Times {
  private var histogram = Histogram<UInt64>(
    highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)

  mutating func add(_ time: Duration) {
    histogram.record(UInt64(min(max(time / .microseconds(1), 1), 3_600_000_000)))
  }

  var count: Int { Int(histogram.totalCount) }
  /// In milliseconds.
  var mean: Double { count == 0 ? 0 : histogram.mean / 1000 }
  var minimum: Double { count == 0 ? 0 : Double(histogram.min) / 1000 }
  var maximum: Double { count == 0 ? 0 : Double(histogram.max) / 1000 }
  func percentile(_ share: Double) -> Double {
    count == 0 ? 0 : Double(histogram.valueAtPercentile(share * 100)) / 1000
  }

  static let shares: [(name: String, share: Double)] = [
    ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999),
  ]

  var json: JSON {
    var members: [String: JSON] = ["mean": .number(mean), "min": .number(minimum), "max": .number(maximum)]
    for (name, share) in Self.shares { members[name] = .number(percentile(share)) }
    return .object(members)
  }
}

/// One row: lookups of one kind in rings of one size.
struct LookupFigures {
  /// What was asked for, under the names it is told by: nodes, successors, mode and so on.
  let settings: [(name: String, value: JSON)]
  let nodes: Int
  let failing: Double
  /// One for each seed.
  var tallies: [LookupTally] = []
  /// Of every living member before the first lookup.
  var knownPeers: [Int] = []
  /// Bytes that a member sends in a second while nobody asks for anything; nil where it was not measured.
  var maintenance: Double?
  var maintenanceMessages: Double?
  var processorSeconds = 0.0

  private var lookups: [LookupTally.Lookup] { tallies.flatMap(\.lookups) }
  var count: Int { tallies.reduce(0) { $0 + $1.count } }
  var right: Int { tallies.reduce(0) { $0 + $1.right } }
  var wrong: Int { tallies.reduce(0) { $0 + $1.wrong } }
  var failed: Int { tallies.reduce(0) { $0 + $1.failed } }
  var hops: Distribution { Distribution(tallies.flatMap(\.hops)) }
  var meanHops: Estimate { Estimate(tallies.map { Distribution($0.hops).mean }) }
  var timeouts: Distribution { Distribution(tallies.flatMap(\.timeouts)) }
  var stretch: Distribution { Distribution(lookups.compactMap(\.stretch)) }
  var messages: Distribution { Distribution(lookups.map(\.messages)) }
  var bytes: Distribution { Distribution(lookups.map(\.bytes)) }

  var times: Times {
    var times = Times()
    for lookup in lookups where lookup.outcome != .failed { times.add(lookup.time) }
    return times
  }

  /// Whose answer looked too good to be true, so that all who might know were asked.
  var doubted: Int { lookups.count(where: \.isDoubted) }

  /// How many lookups took 0, 1, 2 … hops.
  var histogram: [Int] {
    var counts = [Int](repeating: 0, count: Int(hops.sorted.last ?? 0) + 1)
    for hop in hops.sorted { counts[Int(hop)] += 1 }
    return counts
  }

  /// What the paper's Chord would take: ½·log2 N members.
  var half: Double { log2(Double(nodes)) / 2 }

  var json: JSON {
    let (hops, timeouts, stretch, known) = (hops, timeouts, stretch, Distribution(knownPeers))
    var members = Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.value) })
    members["lookups"] = .integer(count)
    var hopMembers: [String: JSON] = Self.members(hops)
    hopMembers["interval95"] = meanHops.interval.map(JSON.number) ?? .null
    hopMembers["histogram"] = .array(histogram.map(JSON.integer))
    hopMembers["half_log2_n"] = .number(half)
    members["hops"] = .object(hopMembers)
    members["latency_ms"] = times.json
    members["stretch"] = .object(Self.members(stretch))
    members["timeouts"] = .object(Self.members(timeouts))
    members["right"] = .integer(right)
    members["wrong_owner"] = .integer(wrong)
    members["failed"] = .integer(failed)
    members["doubted"] = .integer(doubted)
    members["known_peers"] = ["mean": .number(known.mean), "max": .integer(Int(known.sorted.last ?? 0))]
    members["messages_per_lookup"] = .number(messages.mean)
    members["bytes_per_lookup"] = .number(bytes.mean)
    members["bytes_per_node_second"] = maintenance.map(JSON.number) ?? .null
    members["messages_per_node_second"] = maintenanceMessages.map(JSON.number) ?? .null
    members["cpu_s"] = .number(processorSeconds)
    members["peak_mb"] = .number(Memory.peakMegabytes)
    return .object(members)
  }

  private static func members(_ values: Distribution) -> [String: JSON] {
    [
      "mean": .number(values.mean), "p50": .number(values.percentile(0.5)), "p90": .number(values.percentile(0.9)),
      "p99": .number(values.percentile(0.99)), "max": .number(values.sorted.last ?? 0),
    ]
  }

  /// For a table and for CSV: one value a column.
  var cells: [(name: String, value: JSON)] {
    let (hops, timeouts, stretch, times, known) = (hops, timeouts, stretch, times, Distribution(knownPeers))
    return settings + [
      ("lookups", .integer(count)), ("right", .integer(right)), ("wrong", .integer(wrong)),
      ("failed", .integer(failed)),
      ("doubted", .integer(doubted)), ("hops", .number(hops.mean)),
      ("±95%", meanHops.interval.map(JSON.number) ?? .string("")),
      ("h p50", .integer(Int(hops.percentile(0.5)))), ("h p90", .integer(Int(hops.percentile(0.9)))),
      ("h p99", .integer(Int(hops.percentile(0.99)))), ("h max", .integer(Int(hops.sorted.last ?? 0))),
      ("½log2N", .number(half)), ("timeouts", .number(timeouts.mean)), ("ms min", .number(times.minimum)),
      ("ms p50", .number(times.percentile(0.5))), ("ms p90", .number(times.percentile(0.9))),
      ("ms p99", .number(times.percentile(0.99))), ("ms p99.9", .number(times.percentile(0.999))),
      ("ms max", .number(times.maximum)),
      ("stretch", stretch.sorted.isEmpty ? .string("") : .number(stretch.percentile(0.5))),
      ("peers", .number(known.mean)), ("peers max", .integer(Int(known.sorted.last ?? 0))),
      // None at all: they were not counted.
      ("msgs", messages.mean == 0 ? .string("") : .number(messages.mean)),
      ("bytes", bytes.mean == 0 ? .string("") : .number(bytes.mean)),
      ("B/node/s", maintenance.map(JSON.number) ?? .string("")), ("cpu s", .number(processorSeconds)),
    ]
  }
}
