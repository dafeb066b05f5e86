// What rows of lookups look like: each picture is there only if the rows have what it shows.
//
// Rows of one experiment differ in some settings and agree in all others; what they differ in is what they are called by. Real nodes on
// loopback have hollow marks and bars, simulated ones solid.

import Foundation
import Processes

/// A straight line through points, by least squares.
struct FittedLine {
  let slope: Double
  let offset: Double

  /// Nil with fewer than three different places: two points always lie on a line, which says nothing.
  init?(_ points: [(x: Double, y: Double)]) {
    guard Set(points.map(\.x)).count > 2 else { return nil }
    let count = Double(points.count)
    let mean = (x: points.reduce(0) { $0 + $1.x } / count, y: points.reduce(0) { $0 + $1.y } / count)
    let spread = points.reduce(0) { $0 + ($1.x - mean.x) * ($1.x - mean.x) }
    slope = points.reduce(0) { $0 + ($1.x - mean.x) * ($1.y - mean.y) } / spread
    offset = mean.y - slope * mean.x
  }
}

struct LookupPictures {
  /// As many as one still looks at.
  private static let histograms = 24

  private let rows: [LookupFigures]
  private let prefix: String

  /// `prefix` begins the names of their files.
  init(_ rows: [LookupFigures], prefix: String) { (self.rows, self.prefix) = (rows.filter { $0.count > 0 }, prefix) }

  var all: [Picture] { [hops, growth, latency, failures, cost].compactMap(\.self) }

  // MARK: Hops

  private var hops: Picture? {
    let named = zip(rows, Self.names(of: rows)).filter { !$0.0.hops.sorted.isEmpty }
    let shown = named.prefix(Self.histograms)
    guard !shown.isEmpty else { return nil }
    let shares = shown.map { row, _ in row.histogram.map { 100 * Double($0) / Double(row.hops.sorted.count) } }
    let highest = shares.joined().max() ?? 0
    let longest = shares.map(\.count).max() ?? 1
    let every = longest / 12 + 1
    let x = Plot.Axis(name: "hops", kind: .names((0..<longest).map { $0 % every == 0 ? String($0) : "" }))
    let y = Plot.Axis(name: "", holding: [highest], ticks: 4)
    let plots = zip(shown, shares).map { row, shares in
      let (row, name) = row
      let bars = shares.enumerated().map { Plot.Point(x: Double($0.offset), y: $0.element) }
      let mean = row.hops.mean
      return Plot(
        title: name, x: x, y: y,
        series: [
          Plot.Series(name: "", form: .bars, style: 0, isHollow: row.isLoopback, isSilent: true, points: bars),
          Plot.Series(
            name: String(format: "mean %.2f", mean), form: .rule, style: 1,
            points: [Plot.Point(x: mean, y: 0), Plot.Point(x: mean, y: highest)]),
        ], width: 290, height: 210)
    }
    let left = named.count > plots.count ? " The first \(plots.count) of \(named.count) rows." : ""
    return Picture(
      name: prefix + "hops", title: "How many hops",
      caption:
        "Percent of the lookups that passed so many members, the owner included; those that failed have no hops and are left out.\(left)",
      columns: 3, plots: plots)
  }

  /// Against the number of nodes.
  private var growth: Picture? {
    let rows = rows.filter { $0.failing == 0 && $0.churn == nil && $0.hops.sorted.count > 0 }
    guard Set(rows.map(\.nodes)).count > 1 else { return nil }
    let (least, most) = (Double(rows.map(\.nodes).min() ?? 1), Double(rows.map(\.nodes).max() ?? 1))
    func line(_ name: String, _ style: Int, _ value: (Double) -> Double) -> Plot.Series {
      Plot.Series(
        name: name, form: .rule, style: style, points: [least, most].map { Plot.Point(x: $0, y: max(value($0), 0)) })
    }
    let groups = Self.groups(of: rows)
    var series = groups.enumerated().map { number, group in
      let points = group.rows.map {
        Plot.Point(x: Double($0.nodes), y: $0.meanHops.mean, interval: $0.meanHops.interval)
      }
      return Plot.Series(name: group.name, form: .points, style: number, isHollow: group.isLoopback, points: points)
    }
    for (number, group) in groups.enumerated() {
      guard let fit = FittedLine(group.rows.map { (log2(Double($0.nodes)), $0.meanHops.mean) }) else { continue }
      let name = String(format: "fit: %.2f·log₂ N %@ %.2f", fit.slope, fit.offset < 0 ? "−" : "+", abs(fit.offset))
      series.append(
        line(groups.count > 1 ? "\(group.name), \(name)" : name, number) { fit.slope * log2($0) + fit.offset })
    }
    series.append(line("paper: ½·log₂ N", 6) { log2($0) / 2 })
    for (number, length) in Set(rows.compactMap(\.successors)).sorted().prefix(3).enumerated() {
      series.append(
        line("paper, r = \(length): ½·log₂ N − ½·log₂ r + 1", 4 - number) { log2($0 / Double(length)) / 2 + 1 })
    }
    let plot = Plot(
      title: "Mean hops against log₂ N",
      x: Plot.Axis(name: "nodes N, each step doubles", kind: .logarithmic(base: 2), ticks: 18),
      y: Plot.Axis(name: "hops, mean"), series: series, width: 880, height: 430)
    return Picture(
      name: prefix + "growth", title: "Hops and the size of the ring",
      caption:
        "Where there are several seeds, the thin lines are the 95 % interval of the mean. \"Paper\": Chord, IEEE/ACM Transactions on Networking 2003.",
      plots: [plot])
  }

  // MARK: Time and cost

  private var latency: Picture? {
    let timed = zip(rows, Self.names(of: rows)).filter { $0.0.times.count > 0 }
    guard !timed.isEmpty else { return nil }
    let places = timed.enumerated().map {
      (y: Double(timed.count - 1 - $0.offset), row: $0.element.0, times: $0.element.0.times)
    }
    var series = places.map { place in
      let ends = [place.times.percentile(0.5), place.times.percentile(0.999)]
      return Plot.Series(
        name: "", form: .thread, style: 6, isSilent: true, points: ends.map { Plot.Point(x: $0, y: place.y) })
    }
    for (style, (name, share)) in Times.shares.enumerated() {
      for isLoopback in [false, true] {
        let points = places.filter { $0.row.isLoopback == isLoopback }
          .map { Plot.Point(x: $0.times.percentile(share), y: $0.y) }
        guard !points.isEmpty else { continue }
        let isTold = !series.contains { $0.name == name }
        series.append(
          Plot.Series(name: name, form: .points, style: style, isHollow: isLoopback, isSilent: !isTold, points: points))
      }
    }
    let plot = Plot(
      title: "Latency", x: Plot.Axis(name: "milliseconds, log scale", kind: .logarithmic(base: 10), ticks: 9),
      y: Plot.Axis(name: "", kind: .names(timed.map(\.1).reversed())), series: series, width: 880,
      height: 110 + 26 * Double(timed.count))
    return Picture(
      name: prefix + "latency", title: "How long a lookup takes",
      caption:
        "So many percent of the lookups that were answered took no longer. Simulated nodes have distances between them and take no time to compute; on loopback there is no distance, and one core computes for all.",
      plots: [plot])
  }

  private var cost: Picture? {
    let shown = rows.filter { $0.maintenance != nil && $0.times.count > 0 }
    guard shown.count > 1 else { return nil }
    let groups = Self.groups(of: shown)
    let series = groups.enumerated().map { number, group in
      let points = group.rows.map {
        Plot.Point(x: $0.maintenance ?? 0, y: $0.times.percentile(0.5), label: "N = \($0.nodes)")
      }
      return Plot.Series(name: group.name, form: .points, style: number, isHollow: group.isLoopback, points: points)
    }
    let plot = Plot(
      title: "Cost against latency", x: Plot.Axis(name: "bytes a node sends in a second, maintenance", ticks: 9),
      y: Plot.Axis(name: "median latency, ms"), series: series, width: 880, height: 400)
    return Picture(
      name: prefix + "cost", title: "What it costs",
      caption:
        "Cheap is left, quick is low. Frames of messages, without what sealing, TCP and IP add, while nobody asks for anything (under churn: all that is sent).",
      plots: [plot])
  }

  // MARK: Failures

  /// Against the share that has failed.
  private var failures: Picture? {
    let rows = rows.filter { $0.churn == nil }
    guard Set(rows.map(\.failing)).count > 1 else { return nil }
    let groups = Self.groups(of: rows, by: "fail")
    func panel(
      _ title: String, _ name: String, paper: [(Double, Double)] = [], least: Double, _ value: (LookupFigures) -> Double
    ) -> Plot {
      var series = groups.enumerated().map { number, group in
        let points = group.rows.map { Plot.Point(x: $0.failing, y: value($0)) }
        return Plot.Series(name: group.name, form: .line, style: number, isHollow: group.isLoopback, points: points)
      }
      if !paper.isEmpty, rows.contains(where: { $0.nodes == 1000 && $0.successors == 20 }) {
        let points = paper.map { Plot.Point(x: $0.0, y: $0.1) }
        series.append(
          Plot.Series(name: "paper, N = 1000, r = 20", form: .points, style: 3, isHollow: true, points: points))
      }
      return Plot(
        title: title, x: Plot.Axis(name: "share of the members that has failed", ticks: 6),
        y: Plot.Axis(name: name, holding: [least], ticks: 6), series: series, width: 440, height: 300)
    }
    let fewest = rows.map(\.count).min() ?? 1
    let doubt = String(format: "%.2g", 300 / Double(max(fewest, 1)))
    return Picture(
      name: prefix + "lost", title: "Lookups after failures",
      caption:
        "All at once and silently, with no time to repair. Where none of \(fewest) is lost, up to \(doubt) % still may be (95 %). \"Paper\": Chord, 2003, Table II, whose first and last row are shown.",
      columns: 2,
      plots: [
        panel("Lost lookups: failed and wrong", "percent", least: 1) {
          100 * Double($0.failed + $0.wrong) / Double($0.count)
        },
        panel("Time-outs", "a lookup, mean", paper: [(0, 0), (0.5, 5.10)], least: 1) { $0.timeouts.mean },
        panel("Hops", "mean", paper: [(0, 3.84), (0.5, 5.09)], least: 1) { $0.hops.mean },
        panel("Median latency", "seconds", least: 0.1) { $0.times.percentile(0.5) / 1000 },
      ])
  }

  // MARK: What rows are called

  private struct Group {
    var name: String
    var isLoopback: Bool
    var rows: [LookupFigures]
  }

  /// Rows that differ in `setting` alone, and in chance.
  private static func groups(of rows: [LookupFigures], by setting: String = "nodes") -> [Group] {
    let apart = [setting, "seed", "seeds"]
    let names = names(of: rows, without: apart, or: nil)
    var groups: [Group] = []
    for (row, name) in zip(rows, names) {
      if let index = groups.firstIndex(where: { $0.name == name }) {
        groups[index].rows.append(row)
      } else {
        groups.append(Group(name: name, isLoopback: row.isLoopback, rows: [row]))
      }
    }
    return groups
  }

  /// By what they differ in. `or`: if they do not differ, by this.
  static func names(of rows: [LookupFigures], without apart: [String] = [], or usual: String? = "nodes") -> [String] {
    let everywhere = rows.flatMap { $0.settings.map(\.name) }.reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    let differing = everywhere.filter { name in
      let values = rows.map { row in
        row.settings.first { $0.name == name }?.value ?? (name == "fail" ? .number(0) : nil)
      }
      // What only one kind of measurement has is told by the kind.
      return !apart.contains(name) && Set(values).count > 1
        && (!values.contains(nil) || name == "churn")
    }
    return rows.map { row in
      let parts = row.settings.filter { differing.contains($0.name) }.map { name(of: $0.name, $0.value) }
      if !parts.isEmpty { return parts.joined(separator: ", ") }
      return usual == nil ? row.mode : "N = \(row.nodes)"
    }
  }

  private static func name(of setting: String, _ value: JSON) -> String {
    let text = ReportPage.Table.text(value)
    switch setting {
    case "nodes": return "N = \(text)"
    case "successors": return "r = \(text)"
    case "fail": return "p = \(text)"
    case "mode", "operation", "latency": return text
    default: return "\(setting) \(text)"
    }
  }
}

extension LookupFigures {
  private func setting(_ name: String) -> JSON? { settings.first { $0.name == name }?.value }

  fileprivate var mode: String { setting("mode")?.string ?? "" }
  fileprivate var isLoopback: Bool { mode == "loopback" }
  fileprivate var churn: JSON? { setting("churn") }
  fileprivate var successors: Int? {
    if case .integer(let length)? = setting("successors") { length } else { nil }
  }
}
