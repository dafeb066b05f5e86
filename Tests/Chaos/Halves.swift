// Two networks on one machine, joined by a cable that can be cut so that nobody is told.
//
//     namespace a: 10.77.0.1 ── veth ═══════ veth ── 10.77.0.2 :namespace b
//
// Cut: each half is told a wrong Ethernet address of the other. Frames leave as before and nobody takes them; no error comes
// back, no route vanishes, as behind a router that has lost its mind. That needs no packet filter in the kernel. Joined again,
// TCP goes on where it was, if it has the patience.

import Foundation
import Processes

/// Why this machine cannot have two networks.
struct NoNamespaces: Error {
  let why: String
}

/// Two network namespaces. They go with the program.
final class Halves: Sendable {
  static let hosts = ["10.77.0.1", "10.77.0.2"]
  private static let devices = ["chaos-a", "chaos-b"]

  private let ip: String
  private let names: [String]

  /// Makes them; throws `NoNamespaces` where that is not allowed.
  init() throws {
    guard geteuid() == 0 else { throw NoNamespaces(why: "needs root") }
    let places = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"]
    guard let ip = places.first(where: { access($0, X_OK) == 0 }) else {
      throw NoNamespaces(why: "needs `ip` (iproute2)")
    }
    self.ip = ip
    let names = ["chaos-\(getpid())-a", "chaos-\(getpid())-b"]
    self.names = names
    Undoing.later { for name in names { Self.delete(name, ip) } }
    for name in names { try make(["netns", "add", name]) }
    try make([
      "link", "add", Self.devices[0], "netns", names[0], "type", "veth", "peer", "name", Self.devices[1], "netns",
      names[1],
    ])
    for (half, name) in names.enumerated() {
      try make(["-n", name, "addr", "add", Self.hosts[half] + "/24", "dev", Self.devices[half]])
      for device in ["lo", Self.devices[half]] { try make(["-n", name, "link", "set", device, "up"]) }
    }
  }

  /// What starts a program in that half.
  func launcher(_ half: Int) -> [String] { [ip, "netns", "exec", names[half]] }

  func cut() throws {
    for half in 0...1 {
      // A locally administered address that nobody has.
      try run([
        "-n", names[half], "neigh", "replace", Self.hosts[1 - half], "lladdr", "02:00:00:00:00:99", "dev",
        Self.devices[half], "nud", "permanent",
      ])
    }
  }

  func join() throws {
    for half in 0...1 {
      try run(["-n", names[half], "neigh", "del", Self.hosts[1 - half], "dev", Self.devices[half]])
    }
  }

  private func make(_ arguments: [String]) throws {
    do { try run(arguments) } catch { throw NoNamespaces(why: "needs the right to make network namespaces (\(error))") }
  }

  private func run(_ arguments: [String]) throws {
    let child = try ChildProcess(ip, arguments) { _, _ in }
    let ending = child.ending(within: .seconds(10))
    guard ending == .exited(0) else {
      throw ProcessError("ip \(arguments.joined(separator: " ")): \(child.standardError)")
    }
  }

  /// Without any of our own machinery, which may be gone by then.
  private static func delete(_ name: String, _ ip: String) {
    guard access("/run/netns/\(name)", F_OK) == 0 else { return }
    let words: [String] = [ip, "netns", "del", name]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var id = pid_t()
    guard posix_spawn(&id, ip, nil, nil, &arguments, environ) == 0 else { return }
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0, errno == EINTR {}
  }
}
