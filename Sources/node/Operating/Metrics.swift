// `--metrics`: the numbers of a node in the text format of Prometheus (version 0.0.4), for whoever asks on this machine.
//
//     chord_chat_links 12
//     chord_chat_link_failures_total{reason="refused"} 3
//     chord_chat_lookup_seconds_bucket{le="0.005"} 17
//
// Labels are reasons and the ends of buckets, all of them known when this was written: never a user, an address or an identifier.

import NodeKit

/// Writes the numbers down.
enum Metrics {
  static func text(
    _ status: NodeStatus, _ statistics: NodeStatistics, _ loop: EventLoop.Statistics, lag: Duration, uptime: Duration
  ) -> String {
    var page = Page()
    page.gauge("ready", "Whether the node is in a ring with its record stored.", status.isReady ? 1 : 0)
    page.gauge("links", "Links to other nodes.", statistics.links)
    page.header(
      "link_failures_total",
      "Links that ended otherwise than in good order, failed handshakes and rejected frames among them.", "counter")
    for reason in LinkFailure.allCases {
      page.sample("link_failures_total", "{reason=\"\(reason)\"}", "\(statistics.linkFailures[reason] ?? 0)")
    }
    let lookups = statistics.lookups
    page.histogram(
      "lookup_seconds", "How long lookups took.", limits: LookupTimes.limits.map { Double($0) / 1000 },
      counts: lookups.counts,
      sum: seconds(lookups.total))
    page.histogram(
      "lookup_hops", "How many nodes lookups passed.", limits: (0..<LookupTimes.hopLimit).map(Double.init),
      counts: lookups.hops,
      sum: "\(lookups.totalHops)")
    page.counter("lookup_failures_total", "Lookups that brought nothing.", "\(lookups.failures)")
    page.gauge("successors", "Successors held for alive.", statistics.successors)
    page.gauge("predecessor", "Whether the predecessor is known.", statistics.hasPredecessor ? 1 : 0)
    page.header(
      "stabilize_age_seconds", "Since the successor last said how it stands; absent if it never has.", "gauge")
    if let age = statistics.stabilizeAge { page.sample("stabilize_age_seconds", "", seconds(age)) }
    page.gauge("records", "Records kept for the ring.", statistics.records)
    page.gauge("sessions", "Sessions of the user.", statistics.sessions)
    page.gauge("queue_bytes", "Bytes that wait to be taken by other nodes.", statistics.queuedBytes)
    page.header("loop_lag_seconds", "The longest turn of the event loop since this was last asked.", "gauge")
    page.sample("loop_lag_seconds", "", seconds(lag))
    page.histogram(
      "loop_turn_seconds", "How long turns of the event loop were busy.",
      limits: WorkTimes.limits.map { Double($0) / 1_000_000 }, counts: loop.work.counts.map(Int.init(clamping:)),
      sum: seconds(loop.work.total))
    page.counter("uptime_seconds_total", "Since the node was started.", seconds(uptime))
    return page.text
  }

  /// With microseconds, as a decimal number.
  static func seconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let microseconds = String(max(0, attoseconds) / 1_000_000_000_000)
    return "\(max(0, seconds))." + String(repeating: "0", count: 6 - microseconds.count) + microseconds
  }

  /// The text so far.
  private struct Page {
    var text = ""

    mutating func header(_ name: String, _ help: String, _ type: String) {
      text += "# HELP chord_chat_\(name) \(help)\n# TYPE chord_chat_\(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: String, _ value: String) {
      text += "chord_chat_\(name)\(labels) \(value)\n"
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
      header(name, help, "gauge")
      sample(name, "", String(value))
    }

    mutating func counter(_ name: String, _ help: String, _ value: String) {
      header(name, help, "counter")
      sample(name, "", value)
    }

    /// Buckets are cumulative there.
    mutating func histogram(_ name: String, _ help: String, limits: [Double], counts: [Int], sum: String) {
      header(name, help, "histogram")
      var total = 0
      for (limit, count) in zip(limits, counts) {
        total += count
        sample("\(name)_bucket", "{le=\"\(limit)\"}", String(total))
      }
      total += counts.dropFirst(limits.count).reduce(0, +)
      sample("\(name)_bucket", "{le=\"+Inf\"}", String(total))
      sample("\(name)_sum", "", sum)
      sample("\(name)_count", "", String(total))
    }
  }
}
