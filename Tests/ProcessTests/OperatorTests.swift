// What whoever runs a node sees of it: status, metrics, the ring as a picture, pings, and the service manager's side of the story.

import Foundation
import Processes
import Testing

@testable import node

extension RealProcesses {
  @Suite("Operators") struct OperatorTests {
    /// A directory of one's own for control sockets.
    private func runtime() throws -> (home: Home, environment: [String: String]) {
      let home = try Home()
      let path = home.path + "/run"
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      return (home, ["XDG_RUNTIME_DIR": path])
    }

    private func node(
      _ bootstraps: [String], _ network: String, extra: [String], environment: [String: String] = [:]
    ) throws -> NodeProcess {
      var options = NodeProcess.Options(bootstraps: bootstraps, network: network)
      options.extra = extra
      options.environment = environment
      return try NodeProcess(options)
    }

    @Test("`node status` says healthy, alone, and that nobody is there, in words and in exit codes")
    func status() throws {
      let (home, environment) = try runtime()
      let run = { (arguments: [String]) in try LineProcess.run(["status"] + arguments, environment: environment) }
      let nobody = try run([])
      #expect(nobody.code == 75 && nobody.errors.contains("node bootstrap --control"))
      let network = Fleet.freshNetwork()
      let first = try node(["127.0.0.1:1"], network, extra: ["--control"], environment: environment)
      try first.waitUntilReady()
      let alone = try run([])
      #expect(alone.code == 75 && alone.output.hasPrefix("health        alone"))
      let address = try #require(first.request("status")["address"]?.string)
      let second = try node([address], network, extra: [])
      try second.waitUntilReady()
      let healthy = try #require(
        try eventually(within: Patience.settling) { () -> (code: Int32, output: String, errors: String)? in
          let answer = try run(["--json"])
          return answer.code == 0 ? answer : nil
        })
      let firstID = try first.node()
      let report = try Processes.JSON(parsing: healthy.output)
      #expect(report["health"]?.string == "healthy" && report["peers"]?.integer == 1 && report["ready"] == true)
      #expect(report["node"]?.string == firstID)
      let socket = home.path + "/run/chord-chat/\(first.process.id).sock"
      for (path, mode) in [(socket, 0o600), (home.path + "/run/chord-chat", 0o700)] {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
      }
      let third = try node([address], network, extra: ["--control"], environment: environment)
      try third.waitUntilReady()
      let several = try run([])
      #expect(several.code == 64 && several.errors.contains("--pid \(third.process.id)"))
      #expect(try run(["--pid", "\(third.process.id)"]).code == 0)
      // Who died without a word is no reason to be confused, and leaves nothing behind for long.
      third.signal(SIGKILL)
      _ = third.process.ending(within: Patience.quitting)
      _ = try eventually(within: Patience.settling) { try run([]).code == 0 ? () : nil }
      #expect(try run([]).code == 0)
      #expect(try first.quit() == .exited(0))
      #expect(!FileManager.default.fileExists(atPath: socket))
      #expect(try FileManager.default.contentsOfDirectory(atPath: home.path + "/run/chord-chat") == [])
      _ = try second.quit()
    }

    @Test("without --control there is no socket, and without a private place for it there is an error")
    func noSocket() throws {
      let (home, environment) = try runtime()
      let quiet = try node(["127.0.0.1:1"], Fleet.freshNetwork(), extra: [], environment: environment)
      try quiet.waitUntilReady()
      #expect(try FileManager.default.contentsOfDirectory(atPath: home.path + "/run") == [])
      _ = try quiet.quit()
      let arguments = ["bootstrap", "--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1", "--control"]
      let nowhere = try LineProcess.run(arguments, environment: ["XDG_RUNTIME_DIR": ""])
      #expect(nowhere.code == 78 && nowhere.errors.contains("XDG_RUNTIME_DIR"))
      try FileManager.default.createDirectory(atPath: home.path + "/run/chord-chat", withIntermediateDirectories: false)
      chmod(home.path + "/run/chord-chat", 0o755)
      let shared = try LineProcess.run(arguments, environment: environment)
      #expect(shared.code == 78 && shared.errors.contains("chmod 700"))
    }

    @Test("the metrics have what is asked for, and no user, address or identifier")
    func metrics() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["bob"])
      let port = try #require(try FreePorts.addresses(1).first)
      let alice = try fleet.startChat("alice", extra: ["--metrics", port])
      try alice.waitUntilReady()
      let user = try fleet.chats[0].user()
      try alice.request("find", ["user": .string(user)])
      try alice.send("hello", to: user)
      let page = try get("/metrics", from: port)
      #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n"))
      for name in [
        "links", "link_failures_total{reason=\"forged\"}", "lookup_seconds_bucket{le=\"+Inf\"}", "lookup_hops_count",
        "successors", "stabilize_age_seconds", "loop_lag_seconds", "records", "queue_bytes",
      ] {
        #expect(page.contains("\nchord_chat_\(name) "), "\(name)")
      }
      #expect(page.contains("\nchord_chat_lookup_seconds_count 1\n"))
      for secret in ["alice", "bob", "127.0.0.1", "::1", try alice.node(), try fleet.chats[0].node()] {
        #expect(!page.contains(secret))
      }
      #expect(!page.contains(/[0-9a-fA-F]{16}|[0-9A-Z]{5}-[0-9A-Z]{5}/))
      #expect(try get("/", from: port).hasPrefix("HTTP/1.1 404"))
      #expect(try get("/metrics", from: port, method: "POST").hasPrefix("HTTP/1.1 405"))
      #expect(try get("/" + String(repeating: "x", count: 10_000), from: port).hasPrefix("HTTP/1.1 431"))
      for (address, code) in [("0.0.0.0:9400", Int32(64)), ("nonsense", 64), (port, 74)] {
        let run = try LineProcess.run([
          "bootstrap", "--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1", "--metrics", address,
        ])
        #expect(run.code == code && !run.errors.isEmpty, "\(address)")
      }
      try fleet.quit()
    }

    @Test("`node ping` tells who answers and how quickly, or that nobody does")
    func ping() throws {
      let fleet = try Fleet(bootstraps: 2)
      let arguments = ["ping", fleet.addresses[1], "--network", fleet.network, "--count", "3"]
      let run = try LineProcess.run(arguments)
      let id = try fleet.bootstraps[1].node()
      #expect(run.code == 0 && run.output.contains(id) && run.output.contains("3 times"))
      let json = try Processes.JSON(parsing: try LineProcess.run(arguments + ["--json"]).output)
      #expect(json["member"] == true && json["address"]?.string == fleet.addresses[1])
      let nobody = try LineProcess.run(["ping", "127.0.0.1:1"])
      #expect(nobody.code == 75 && nobody.errors.contains("check the address"))
      #expect(try LineProcess.run(["ping", "nowhere"]).code == 64)
      try fleet.quit()
    }

    @Test("`node ring` draws the ring for a browser and for Graphviz")
    func ring() throws {
      let fleet = try Fleet(bootstraps: 3)
      try fleet.settle()
      let home = try Home()
      let arguments = ["ring", "--bootstrap", fleet.addresses[0], "--network", fleet.network]
      let file = home.path + "/ring.svg"
      let me = try fleet.bootstraps[1].node()
      let run = try LineProcess.run(arguments + ["--svg", file, "--fingers", String(me.prefix(10))])
      #expect(run.code == 0)
      let svg = try String(contentsOfFile: file, encoding: .utf8)
      #expect(
        svg.hasPrefix("<svg ") && svg.contains("3 members. The ring is consistent.") && svg.contains(me.prefix(8)))
      #expect(svg.contains("fingers of \(me.prefix(8))") && !svg.contains("#d02020"))
      let dot = try LineProcess.run(arguments + ["--dot"])
      #expect(dot.code == 0 && dot.output.hasPrefix("digraph ring {") && dot.output.contains("\"\(me)\" -> "))
      #expect(try LineProcess.run(arguments + ["--svg", home.path + "/no/such/place.svg"]).code == 74)
      #expect(try LineProcess.run(arguments + ["--dot", "--json"]).code == 64)
      try fleet.quit()
    }

    @Test("the service manager hears that the node is ready, that it lives, and that it leaves")
    func notification() throws {
      let home = try Home()
      let manager = try DatagramSocket(at: home.path + "/notify")
      let node = try node(
        ["127.0.0.1:1"], Fleet.freshNetwork(), extra: [],
        environment: ["NOTIFY_SOCKET": home.path + "/notify", "WATCHDOG_USEC": "200000"])
      try node.waitUntilReady()
      #expect(manager.waitFor("READY=1") && manager.waitFor("STATUS=alone"))
      #expect(manager.waitFor("WATCHDOG=1") && manager.waitFor("WATCHDOG=1"))
      #expect(try node.quit() == .exited(0))
      #expect(manager.waitFor("STOPPING=1"))
    }

    /// One request over HTTP; everything that comes back.
    private func get(_ path: String, from address: String, method: String = "GET") throws -> String {
      let port = UInt16(address.split(separator: ":").last ?? "") ?? 0
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(descriptor) }
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = port.bigEndian
      place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var patience = timeval(tv_sec: Int(Patience.answer.components.seconds), tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      let result = withUnsafePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else { throw ProcessError("nobody listens at \(address)") }
      let request = Array("\(method) \(path) HTTP/1.1\r\nHost: \(address)\r\n\r\n".utf8)
      _ = request.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count <= 0 { break }
        bytes += buffer[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

/// A Unix socket for datagrams, as a service manager has one.
private final class DatagramSocket {
  private let descriptor: Int32

  init(at path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw ProcessError("too long: \(path)")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw ProcessError("cannot bind \(path): \(String(cString: strerror(errno)))") }
    var patience = timeval(tv_sec: Int(Patience.answer.components.seconds), tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Whether such a datagram comes; those before it are passed over.
  func waitFor(_ text: String) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 { return false }
      if String(decoding: buffer[..<count], as: UTF8.self) == text { return true }
    }
  }
}
