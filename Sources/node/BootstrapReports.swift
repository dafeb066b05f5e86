// What to say about bootstrap addresses that did not work. A refused connection is the everyday case (nobody has started that
// node) and part of another sentence; whatever else happens is a mistake that somebody can put right, and gets a line.

import NodeKit

/// Words for bootstrap addresses that could not be used.
enum BootstrapReports {
  /// Whether it only means that nobody is there.
  static func isNobody(_ reason: LinkFailure) -> Bool {
    switch reason {
    case .refused, .unreachable, .ourselves, .lost, .replaced: true
    case .silent, .closedEarly, .notResolved, .foreignProtocol, .network, .wrongIdentity, .unproved, .forged,
      .dribbling,
      .malformed, .oversized, .unexpected, .slow, .full, .twin:
      false
    }
  }

  /// One sentence on what is wrong with this address, and what to do.
  static func sentence(_ address: String, _ reason: LinkFailure) -> String {
    "The bootstrap address \(Display.line(address)) \(trouble(reason))."
  }

  private static func trouble(_ reason: LinkFailure) -> String {
    switch reason {
    case .refused: "refuses connections: no node runs there, or not on this port"
    case .unreachable: "cannot be reached: check the address and your connection"
    case .silent: "does not answer: check the address, or whether a firewall stands between"
    case .closedEarly: "closed the connection at once: what runs there is probably no chord-chat node"
    case .notResolved: "cannot be resolved: check the spelling of the name"
    case .foreignProtocol, .malformed, .oversized, .unexpected:
      "does not speak chord-chat's protocol: another program runs on this port; check the address"
    case .network:
      "belongs to another network or speaks another version of the protocol: give that network's name with --network, or "
        + "update the older of the two nodes"
    case .wrongIdentity, .unproved: "could not prove who it is: do not use it"
    case .forged: "sent what was changed on its way: somebody between may be tampering with the connection"
    case .ourselves: "is this node itself"
    case .twin: "is a node with this very key: stop it, or give this one another --key-file"
    case .slow, .dribbling: "is too slow"
    case .lost: "lost the connection"
    case .full: "has no room for another node: name a further one with --bootstrap"
    case .replaced: "was linked anew"
    }
  }
}
