// `node status`: how a node on this machine stands, asked over its control socket.

import ArgumentParser
import NodeKit

/// Tells how a node stands.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say how a node on this machine stands, if it was started with --control.",
    discussion: """
      The exit code is 0 if it is in a ring with others, 1 if something is not as it should be (or not yet), and 75 if it stands alone or \
      no such node runs.

      EXAMPLES
        node bootstrap --control &
        node status
        node status --json --pid 4711
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(help: ArgumentHelp("The process of the node, if several run here.", valueName: "number"))
  var pid: Int32?

  func run() throws {
    let directory = try ControlSocket.directory()
    let processes = pid.map { [$0] } ?? ControlSocket.processes(in: directory)
    let answers = processes.compactMap { id in ControlSocket.ask(id, in: directory).map { (id: id, report: $0) } }
    guard let answer = answers.first else {
      StandardError.say(
        pid.map { "the process \($0) does not answer: it is no node of yours that was started with --control." }
          ?? "no node of yours that was started with --control runs here. Start one: node bootstrap --control")
      throw ExitCode.alone
    }
    guard answers.count == 1 else {
      let ids = answers.map { "--pid \($0.id)" }.joined(separator: ", ")
      StandardError.say("several nodes run here. Say which one: \(ids)")
      throw ExitCode.wrongUsage
    }
    guard StandardOutput.print(json ? answer.report.line : Self.text(answer.report, answer.id)) else {
      throw ExitCode.ioFailed
    }
    switch answer.report["health"]?.text.flatMap(Health.init(rawValue:)) {
    case .healthy: throw ExitCode.success
    case .alone: throw ExitCode.alone
    case .degraded, nil: throw ExitCode.notFound
    }
  }

  private static func text(_ report: JSON, _ process: Int32) -> String {
    func value(_ name: String) -> String {
      switch report[name] {
      case .string(let text): Display.line(text)
      case .number(let text): Display.line(text)
      case .bool(let isTrue): isTrue ? "yes" : "no"
      case .array(let values): String(values.count)
      case .null, .object, .brokenString, nil: "none"
      }
    }
    func milliseconds(_ name: String) -> String {
      Double(value(name)).map { "\(($0 * 10).rounded() / 10) ms" } ?? value(name)
    }
    var lines = [
      ("health", value("health")), ("process", String(process)), ("user", value("user")), ("node", value("node")),
      ("address", value("address")), ("ready", value("ready")), ("links", value("peers")),
      ("predecessor", value("predecessor")), ("successors", value("successors")),
      (
        "stabilized",
        report["stabilizeAgeMilliseconds"] == .null ? "never" : milliseconds("stabilizeAgeMilliseconds") + " ago"
      ),
      ("sessions", value("sessions")), ("records", value("records")),
      ("lookups", "\(value("lookups")), \(value("lookupFailures")) failed"),
      ("queued", value("queuedBytes") + " bytes"),
      ("longest turn", milliseconds("longestTurnMilliseconds")), ("up", value("uptimeSeconds") + " s"),
    ]
    if report["user"] == .null { lines.removeAll { $0.0 == "user" } }
    if case .object(let failures) = report["failures"] {
      for failure in failures {
        if case .number(let count) = failure.value {
          lines.append(("link ended", "\(count) × \(Display.line(failure.name))"))
        }
      }
    }
    return lines.map { $0.0 + String(repeating: " ", count: 14 - $0.0.count) + $0.1 }.joined(separator: "\n")
  }
}
