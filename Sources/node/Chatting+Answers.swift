// What a person is shown when asking: who am I, how do I stand, with whom do I talk, what can I type.

import NodeKit

extension Chatting {
  func showIdentity(about topic: Topic = .answer) {
    guard let user = host.node.user else { return }
    say("you are \(Names.full(user)): give this to a friend", about: topic)
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
    say("longest turn \(host.loop.takeLongestTurn().shown) of the event loop, since this was last asked")
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

  func showPeers() {
    let peers = host.node.peers
    if peers.isEmpty { say("there is no link to any other node") }
    for peer in peers { say("\(peer.id) at \(peer.endpoint)") }
  }

  /// Walks round the ring, as `node ring` does.
  func showRing() {
    guard host.node.isReady else { return complain("This node is in no ring yet: try again in a moment.") }
    begin()
    let me = Peer(id: host.node.status.node, endpoint: host.node.status.address)
    walk(RingWalk(at: me), .ask(me))
  }

  private func walk(_ walk: RingWalk, _ step: RingWalk.Step) {
    guard case .ask(let peer) = step else { return showRing(walk) }
    host.node.view(of: peer) { [weak self] result in
      var walk = walk
      let step =
        switch result {
        case .success(let view): walk.answered(view)
        case .failure: walk.failed("does not answer")
        }
      self?.walk(walk, step)
    }
  }

  private func showRing(_ walk: RingWalk) {
    let shown = 40
    for (place, member) in walk.members.prefix(shown).enumerated() {
      let remark = member.isPredecessorRight == false ? ", whose predecessor is WRONG" : ""
      say("\(member.peer.id) at \(member.peer.endpoint)\(place == 0 ? " (this node)" : "")\(remark)")
    }
    if walk.members.count > shown { say("and \(walk.members.count - shown) more; `node ring` prints them all") }
    let members = walk.members.count == 1 ? "1 member" : "\(walk.members.count) members"
    for problem in walk.problems { say("problem: \(problem)") }
    say(
      walk.problems.isEmpty
        ? "\(members); the ring is consistent" : "\(members); the ring is NOT consistent; if it is changing, look again"
    )
    finish()
  }

  func showHelp() {
    say("a line is a text for the user you talk to; a line that begins with a slash is a command:")
    for command in LineCommand.all {
      let form = "/\(command.name) \(command.takes)"
      say("  \(form)\(String(repeating: " ", count: max(1, 20 - form.count)))\(command.does)")
    }
    say("  //TEXT              sends a text that begins with a slash")
    for line in view.help { say(line) }
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
