// The honest: a bootstrap, the node that is attacked, and users who talk through it and about it all the time.

import Chat
import Chord
import Foundation
import NodeKit
import Processes

/// What somebody who attacks the node knows about it.
struct Target: Sendable {
  var address: Endpoint
  var user: User
  var node: Identifier
  var network: String
}

/// How long honest requests took, and how many failed.
struct Latencies {
  var milliseconds: [Double] = []
  var failed = 0

  /// The value below which that share of all lies.
  func percentile(_ share: Double) -> Double {
    guard !milliseconds.isEmpty else { return .infinity }
    let sorted = milliseconds.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  func worse(than other: Latencies) -> Latencies { percentile(0.99) >= other.percentile(0.99) ? self : other }
}

/// What the attacked process takes.
struct Usage {
  var residentKilobytes: Int
  var processorSeconds: Double
}

/// How often links ended, by reason.
struct Failures {
  var counts: [String: Int] = [:]

  func subtracting(_ others: Failures) -> Failures {
    Failures(counts: counts.merging(others.counts) { $0 - $1 }.filter { $0.value > 0 })
  }
}

final class Company {
  private let fleet: Fleet
  private let alice: NodeProcess
  private let bob: NodeProcess
  private let carol: NodeProcess
  private let users: (alice: String, bob: String, carol: String)
  let target: Target

  /// Bob is attacked.
  init(limitsPrivate: Bool) throws {
    fleet = try Fleet(bootstraps: 1)
    let extra = limitsPrivate ? ["--limit-private"] : []
    alice = try fleet.startChat("alice", extra: extra)
    bob = try fleet.startChat("bob", extra: extra)
    carol = try fleet.startChat("carol", extra: extra)
    users = (try alice.user(), try bob.user(), try carol.user())
    try fleet.settle()
    let status = try bob.request("status")
    guard let address = status["address"]?.string.flatMap({ Endpoint($0) }), let node = status["node"]?.string,
      let id = Identifier(node), let user = try? User(parsing: users.bob)
    else { throw ProcessError("a status that cannot be read: \(status)") }
    target = Target(address: address, user: user, node: id, network: fleet.network)
    try alice.send("hello", to: users.bob)
    try bob.send("hello", to: users.carol)
  }

  /// Talks to, through and about the attacked node, one request after the other.
  func measure(for duration: Duration) throws -> Latencies {
    var latencies = Latencies()
    let end = ContinuousClock.now + duration
    var turn = 0
    while ContinuousClock.now < end {
      turn += 1
      let ticket =
        switch turn % 4 {
        case 0: try alice.ask("send", ["user": .string(users.bob), "text": "from alice"])
        case 1: try bob.ask("send", ["user": .string(users.carol), "text": "from bob"])
        case 2: try carol.ask("find", ["user": .string(users.bob)])
        default: try bob.ask("find", ["user": .string(users.alice)])
        }
      let asker = [alice, bob, carol, bob][turn % 4]
      do {
        let arrival = try asker.answer(to: ticket, within: .seconds(20))
        latencies.milliseconds.append((arrival.arrived - ticket.asked).milliseconds)
      } catch let error as RPCError {
        latencies.failed += 1
        FileHandle.standardError.write(Data("an honest request failed: \(error)\n".utf8))
      }
    }
    return latencies
  }

  func failures() throws -> Failures {
    guard case .object(let members)? = try bob.request("status")["failures"] else { return Failures() }
    return Failures(counts: members.compactMapValues(\.integer))
  }

  func usage() throws -> Usage {
    let status = try String(contentsOfFile: "/proc/\(bob.process.id)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    let stat = try String(contentsOfFile: "/proc/\(bob.process.id)/stat", encoding: .utf8)
    let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
    guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), fields.count > 13,
      let user = Double(fields[11]), let system = Double(fields[12])
    else { throw ProcessError("the process's state cannot be read") }
    return Usage(residentKilobytes: kilobytes, processorSeconds: (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  func end() throws {
    try fleet.quit()
  }
}
