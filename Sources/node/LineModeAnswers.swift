// What a person in line mode is shown when asking: who am I, how do I stand, with whom do I talk, what can I type.

import NodeKit

extension LineMode {
  func showIdentity() {
    guard let user = host.node.user else { return }
    say("you are \(Names.full(user)): give this to a friend")
  }

  func showStatus() {
    let status = host.node.status
    if let user = status.user { say("user         \(Names.full(user))") }
    say("node         \(status.node)")
    say("address      \(status.address)")
    say("predecessor  \(status.predecessor.map { "\($0.id) at \($0.endpoint)" } ?? "none")")
    if status.successors.isEmpty { say("successor    none") }
    for successor in status.successors { say("successor    \(successor.id) at \(successor.endpoint)") }
    say("links        \(status.peers)")
    say("talking to   \(current.map(Names.full) ?? "nobody")")
  }

  func showSessions() {
    let sessions = host.node.sessions
    let requests = host.node.requests
    if sessions.isEmpty, requests.isEmpty { say("there are no sessions: /open NAME#ID opens one") }
    for session in sessions {
      say(
        "\(Names.full(session.user)) at \(session.address)\(session.user == current ? " (you are talking to them)" : "")"
      )
    }
    for user in requests { showRequest(of: user) }
  }

  func showHelp() {
    say("a line is a text for the user you talk to; a line that begins with a slash is a command:")
    for command in LineCommand.all {
      let form = "/\(command.name) \(command.takes)"
      say("  \(form)\(String(repeating: " ", count: max(1, 20 - form.count)))\(command.does)")
    }
    say("  //TEXT              sends a text that begins with a slash")
  }

  static func sentence(_ finding: Finding) -> String {
    let hops = finding.hops == 1 ? "1 hop" : "\(finding.hops) hops"
    return
      "\(Names.full(finding.user)) is at \(finding.peer.endpoint), node \(finding.peer.id) (\(hops), \(finding.duration.shown))"
  }
}

extension Duration {
  /// In milliseconds with three decimals: `1.250 ms`.
  var shown: String {
    let (seconds, attoseconds) = components
    let microseconds = max(0, seconds) * 1_000_000 + max(0, attoseconds) / 1_000_000_000_000
    let fraction = String(microseconds % 1000)
    return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction + " ms"
  }
}
