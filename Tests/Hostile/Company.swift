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
  /// The other members, in the order of the ring from the node on.
  var others: [Peer]
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

  /// Below this many milliseconds a machine's other work decides: no honest user notices it.
  static let noticed = 5.0

  /// Whether it is as it was, as far as anybody notices.
  func isCalm(after before: Latencies) -> Bool {
    percentile(0.99) <= max(2 * before.percentile(0.99), Self.noticed)
  }
}

/// What the attacked process takes.
struct Usage {
  var residentKilobytes: Int
  /// The most since `forgetPeak`.
  var peakKilobytes: Int
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

  /// Bob is attacked. `descriptors`: how many he may have open.
  init(limitsPrivate: Bool, descriptors: Int? = nil) throws {
    fleet = try Fleet(bootstraps: 1)
    let extra = limitsPrivate ? ["--limit-private"] : []
    alice = try fleet.startChat("alice", extra: extra)
    let launcher = descriptors.map { ["/bin/sh", "-c", "ulimit -n \($0); exec \"$0\" \"$@\""] } ?? []
    bob = try fleet.startChat("bob", extra: extra, launcher: launcher)
    carol = try fleet.startChat("carol", extra: extra)
    users = (try alice.user(), try bob.user(), try carol.user())
    try fleet.settle()
    let status = try bob.request("status")
    guard let address = status["address"]?.string.flatMap({ Endpoint($0) }), let node = status["node"]?.string,
      let id = Identifier(node), let user = try? User(parsing: users.bob)
    else { throw ProcessError("a status that cannot be read: \(status)") }
    let others = try fleet.nodes.compactMap { try Self.peer($0) }.filter { $0.id != id }
    target = Target(
      address: address, user: user, node: id,
      others: others.sorted { id.distance(to: $0.id) < id.distance(to: $1.id) }, network: fleet.network)
    try alice.send("hello", to: users.bob)
    try bob.send("hello", to: users.carol)
  }

  private static func peer(_ node: NodeProcess) throws -> Peer? {
    let status = try node.request("status")
    guard let id = status["node"]?.string.flatMap({ Identifier($0) }),
      let endpoint = status["address"]?.string.flatMap({ Endpoint($0) })
    else { return nil }
    return Peer(id: id, endpoint: endpoint)
  }

  /// Waits until the ring is as it was, and tells how long that took.
  func recover() throws -> Duration {
    let began = ContinuousClock.now
    try fleet.settle()
    return ContinuousClock.now - began
  }

  /// Somebody new comes, who knows the attacked node alone, finds the others through it, and goes; tells how long it took to be ready.
  func welcome() throws -> Duration {
    let began = ContinuousClock.now
    let dora = try NodeProcess(
      NodeProcess.Options(username: "dora", bootstraps: ["\(target.address)"], network: target.network))
    let ready = try dora.waitUntilReady()
    let taken = ContinuousClock.now - began
    guard ready["successors"]?.strings?.isEmpty == false else {
      throw ProcessError("a newcomer found nobody: \(ready)")
    }
    _ = try dora.request("find", ["user": .string(users.alice)])
    _ = try dora.request("quit")
    return taken
  }

  /// Two hundred requests a second: many for people, and so few that what a node may ask of its neighbours is far from used up by them.
  private static let pace = Duration.milliseconds(5)

  /// Talks to, through and about the attacked node. The time of a request counts from when it was due, so that one that is held up
  /// counts with all that would have come meanwhile.
  func measure(for duration: Duration) throws -> Latencies {
    var latencies = Latencies()
    var turn = 0
    var due = ContinuousClock.now
    let end = due + duration
    while due < end {
      defer { due += Self.pace }
      if due > .now { Thread.sleep(forTimeInterval: (due - .now).milliseconds / 1000) }
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
        latencies.milliseconds.append((arrival.arrived - due).milliseconds)
      } catch let error as RPCError {
        latencies.failed += 1
        if latencies.failed == 1 {
          FileHandle.standardError.write(Data("an honest request failed: \(error)\n".utf8))
        }
      }
    }
    return latencies
  }

  func failures() throws -> Failures {
    guard case .object(let members)? = try bob.request("status")["failures"] else { return Failures() }
    return Failures(counts: members.compactMapValues(\.integer))
  }

  /// From now on the peak is that of what comes (proc(5), clear_refs).
  func forgetPeak() throws {
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/\(bob.process.id)/clear_refs"))
  }

  func usage() throws -> Usage {
    let status = try String(contentsOfFile: "/proc/\(bob.process.id)/status", encoding: .utf8)
    func kilobytes(_ name: String) -> Int? {
      let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
      return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
    let stat = try String(contentsOfFile: "/proc/\(bob.process.id)/stat", encoding: .utf8)
    let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
    guard let resident = kilobytes("VmRSS:"), let peak = kilobytes("VmHWM:"), fields.count > 13,
      let user = Double(fields[11]), let system = Double(fields[12])
    else { throw ProcessError("the process's state cannot be read") }
    let seconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    return Usage(residentKilobytes: resident, peakKilobytes: peak, processorSeconds: seconds)
  }

  func end() throws {
    try fleet.quit()
  }
}
