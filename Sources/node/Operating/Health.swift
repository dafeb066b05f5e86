// How a node stands, for whoever runs it: one word, and the numbers behind it. Said over the control socket, and as metrics.

import NodeKit

/// A node's state in one word.
enum Health: String {
  /// In a ring with others, and up to date with its neighbours.
  case healthy
  /// Something is not as it should be, or not yet.
  case degraded
  /// It stands alone.
  case alone

  /// A quiet ring asks its successors every 2 s: so long without an answer is odd.
  static let stabilizeLimit = Duration.seconds(30)

  init(_ status: NodeStatus, _ statistics: NodeStatistics) {
    if status.isReady, status.successors.isEmpty {
      self = .alone
    } else if !status.isReady || status.predecessor == nil
      || statistics.stabilizeAge.map({ $0 > Self.stabilizeLimit }) ?? true
    {
      self = .degraded
    } else {
      self = .healthy
    }
  }
}

/// What the control socket tells.
struct Report {
  var health: Health
  var status: NodeStatus
  var statistics: NodeStatistics
  /// The longest turn of the loop since the last report.
  var lag: Duration
  var uptime: Duration

  /// One object: the status as in JSON-RPC, and what is known beyond it.
  var json: JSON {
    guard case .object(let members) = status.json else { return .null }
    let more: JSON = [
      "health": .string(health.rawValue),
      "ready": .bool(status.isReady),
      "sessions": .integer(statistics.sessions),
      "records": .integer(statistics.records),
      "lookups": .integer(statistics.lookups.count),
      "lookupFailures": .integer(statistics.lookups.failures),
      "queuedBytes": .integer(statistics.queuedBytes),
      "stabilizeAgeMilliseconds": statistics.stabilizeAge.map(JSON.milliseconds) ?? .null,
      "longestTurnMilliseconds": .milliseconds(lag),
      "uptimeSeconds": .integer(uptime.components.seconds),
    ]
    guard case .object(let others) = more else { return .null }
    return .object(members + others)
  }
}
