// Who is compared with whom, and by what: each contest has participants who do the same work, and figures that they all tell.

import Foundation
import Processes

/// One quantity that all participants of a contest tell.
struct Figure {
  /// Where it stands in what they tell: names with dots between them.
  var key: String
  var words: String
  var isBetterLow: Bool

  func value(in result: JSON) -> Double? {
    key.split(separator: ".").reduce(result) { $0?[String($1)] }?.double
  }
}

/// Participants, what they are measured by, and whom to divide by whom.
struct Contest {
  struct Participant {
    var program: PeerProgram
    /// One run of it.
    var measure: () throws -> JSON

    var name: String { program.name }
  }

  var name: String
  var words: String
  var figures: [Figure]
  var participants: [Participant]
  /// Names: the figure of the first, divided by that of the second.
  var ratios: [(of: String, to: String)]

  // MARK: All there are

  /// `peers` is where `make bench-peers` has put what it built.
  static func all(peers: String, sources: String) throws -> [Contest] {
    try echoes(peers) + rings(peers, sources) + [chat(peers, sources)]
  }

  private static func echoes(_ peers: String) throws -> [Contest] {
    let servers = [
      try EchoCommand.server(), PeerProgram(name: "C on libuv", path: "\(peers)/uv-echo"),
      PeerProgram(name: "SwiftNIO", path: "\(peers)/nio-echo"),
    ]
    return EchoShape.matrix.map { shape, messages in
      Contest(
        name: "echo \(shape.connections)x\(shape.inFlight)x\(shape.bytes)",
        words:
          "an echo server on one thread: \(shape.connections) connections, \(shape.inFlight) in flight, \(shape.bytes) bytes",
        figures: [
          Figure(key: "messages_per_second", words: "messages/s", isBetterLow: false),
          Figure(key: "round_trip_us.p50", words: "round trip p50, us", isBetterLow: true),
          Figure(key: "round_trip_us.p99", words: "round trip p99, us", isBetterLow: true),
          Figure(key: "server_cpu_us", words: "server CPU, us a message", isBetterLow: true),
        ],
        participants: servers.map { server in
          Participant(program: server) { try server.serve().measure(shape, messages: messages) }
        },
        ratios: [("ours", "C on libuv"), ("SwiftNIO", "C on libuv")])
    }
  }

  private static func rings(_ peers: String, _ sources: String) throws -> [Contest] {
    try [16, 64, 128].map { nodes in
      var programs = [
        try PeerProgram.ours(["peer", "ring", String(nodes), "200"]),
        PeerProgram(name: "OpenDHT", path: "\(peers)/opendht-ring", arguments: [String(nodes), "200"]),
      ]
      // Two sizes show how it grows.
      if nodes <= 64 { programs.append(python("kademlia", [String(nodes), "50"], peers, sources)) }
      return Contest(
        name: "ring \(nodes)", words: "get and put, \(nodes) nodes in one process on loopback",
        figures: [
          Figure(key: "get_p50_ms", words: "get p50, ms", isBetterLow: true),
          Figure(key: "get_p99_ms", words: "get p99, ms", isBetterLow: true),
          Figure(key: "put_p50_ms", words: "put p50, ms", isBetterLow: true),
          Figure(key: "put_p99_ms", words: "put p99, ms", isBetterLow: true),
          Figure(key: "failed", words: "failed", isBetterLow: true),
          Figure(key: "start_s", words: "until the ring stands, s", isBetterLow: true),
        ],
        participants: programs.map { program in Participant(program: program) { try program.run() } },
        ratios: programs.dropFirst().map { ("ours", $0.name) })
    }
  }

  private static func chat(_ peers: String, _ sources: String) throws -> Contest {
    let programs = [
      try PeerProgram.ours(["peer", "pair", "500", "100000"]),
      PeerProgram(name: "c-toxcore", path: "\(peers)/tox-pair", arguments: ["500", "20000"]),
      python("p2pnetwork", ["100", "20000"], peers, sources),
    ]
    return Contest(
      name: "chat", words: "two users in one process on loopback, texts of 64 bytes",
      figures: [
        Figure(key: "connected_ms", words: "start to connected, ms", isBetterLow: true),
        Figure(key: "echo_p50_ms", words: "echo p50, ms", isBetterLow: true),
        Figure(key: "echo_p99_ms", words: "echo p99, ms", isBetterLow: true),
        Figure(key: "texts_per_second", words: "texts/s one way", isBetterLow: false),
        Figure(key: "echo_own_tick_p50_ms", words: "echo p50 at its own tick, ms", isBetterLow: true),
      ],
      participants: programs.map { program in Participant(program: program) { try program.run() } },
      ratios: programs.dropFirst().map { ("ours", $0.name) })
  }

  private static func python(
    _ name: String, _ arguments: [String], _ peers: String, _ sources: String
  ) -> PeerProgram {
    let script = "\(sources)/\(name)_\(name == "kademlia" ? "ring" : "pair").py"
    // The package itself, so that an environment without it is found out before the first run.
    return PeerProgram(
      name: name, path: "\(peers)/venv/bin/python3", arguments: [script] + arguments,
      needs: [script, "\(peers)/\(name).built"])
  }
}
