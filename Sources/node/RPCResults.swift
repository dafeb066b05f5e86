// What the node says, in the JSON of its contract. `node lookup --json` prints the same objects.

import NodeKit

extension NodeStatus {
  /// `{"user","node","address","predecessor","successors","peers","failures":{reason: how often}}`
  var json: JSON {
    [
      "user": .optional(user?.description),
      "node": .string(node.description),
      "address": .string(address.description),
      "predecessor": .optional(predecessor?.id.description),
      "successors": .strings(successors.map(\.id.description)),
      "peers": .integer(peers),
      "failures": .object(
        linkFailures.map { JSON.Member(name: "\($0.key)", value: .integer($0.value)) }.sorted { $0.name < $1.name }),
    ]
  }
}

extension Finding {
  /// `{"user","address","node","hops","milliseconds"}`
  var json: JSON {
    [
      "user": .string(user.description),
      "address": .string(peer.endpoint.description),
      "node": .string(peer.id.description),
      "hops": .integer(hops),
      "milliseconds": .milliseconds(duration),
    ]
  }
}

extension LookupResult {
  /// `{"owner","address","hops","milliseconds","path"}`
  var json: JSON {
    [
      "owner": .string(owner.id.description),
      "address": .string(owner.endpoint.description),
      "hops": .integer(hops),
      "milliseconds": .milliseconds(duration),
      "path": .strings(path.map(\.description)),
    ]
  }
}

extension SessionStatus {
  /// `{"user","address"}`
  var json: JSON {
    ["user": .string(user.description), "address": .string(address.description)]
  }
}

extension NodeEvent {
  /// The notification for this event: its method and parameters.
  var notification: (method: String, params: JSON) {
    switch self {
    case .ready(let status): ("ready", status.json)
    case .startedNewRing(let listening):
      ("ring", ["state": "new", "listening": .optional(listening?.description)])
    case .joinedRing: ("ring", ["state": "joined"])
    case .bootstrapFailed(let address, let reason):
      ("bootstrap", ["address": .string(address), "reason": .string(reason.rawValue)])
    case .sessionOpened(let user):
      ("session", ["user": .string(user.description), "state": "open", "reason": .null])
    case .sessionClosed(let user, let reason):
      ("session", ["user": .string(user.description), "state": "closed", "reason": .string(reason)])
    case .sessionRequested(let user):
      ("session", ["user": .string(user.description), "state": "requested", "reason": .null])
    case .sessionAwaited(let user):
      ("session", ["user": .string(user.description), "state": "waiting", "reason": .null])
    case .message(let user, let text, let id):
      ("message", ["user": .string(user.description), "text": .string(text), "id": .integer(id)])
    }
  }
}
