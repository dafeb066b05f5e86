// One place among the forty: a door of the proxy, a key file, and the lives that are lived there one after the other.

import Foundation
import Processes
import UVRuntime

/// One run of one process.
final class Life {
  let number: Int
  let process: NodeProcess
  let name: String
  /// From `ready` on; before that, of one who comes back with the same key.
  private(set) var user: String?
  /// From `ready` on.
  private(set) var node: String?
  /// What it was asked to send and has not told about yet.
  var pending: [(number: Int, ticket: NodeProcess.Ticket, deadline: ContinuousClock.Instant)] = []
  /// Users who have opened a session with it.
  var sessions: Set<String> = []
  /// How it is to end, once that is our doing.
  var expected: Ending?

  init(number: Int, name: String, user: String?, process: NodeProcess) {
    self.number = number
    self.name = name
    self.user = user
    self.process = process
  }

  /// Takes note of `ready`; true once it is.
  func isReady() -> Bool {
    if node != nil { return true }
    guard let ready = process.notifications("ready").first else { return false }
    node = ready["node"]?.string
    user = ready["user"]?.string
    return node != nil
  }

  var description: String { "\(name) (life \(number), process \(process.process.id))" }
}

/// A place, and who lives there now.
final class Player {
  enum Condition {
    case living
    /// SIGSTOP; since and until then.
    case stopped(since: ContinuousClock.Instant, until: ContinuousClock.Instant)
    /// Its host swallows all packets until then.
    case silent(until: ContinuousClock.Instant)
    /// It was asked to quit then.
    case quitting(since: ContinuousClock.Instant)
    /// Nobody lives here until then.
    case down(until: ContinuousClock.Instant, sameKey: Bool)
  }

  let door: Door
  /// Nil for a bootstrap node.
  let username: String?
  let keyFile: String
  var life: Life
  var condition = Condition.living

  init(door: Door, username: String?, keyFile: String, life: Life) {
    self.door = door
    self.username = username
    self.keyFile = keyFile
    self.life = life
  }

  var isLiving: Bool { if case .living = condition { true } else { false } }
  var isDown: Bool { if case .down = condition { true } else { false } }

  /// What the process at this door is started with.
  static func options(door: Door, username: String?, keyFile: String, bootstraps: [String], network: String)
    -> NodeProcess.Options
  {
    var options = NodeProcess.Options(
      username: username, listen: door.inside.description, bootstraps: bootstraps, network: network)
    options.extra = ["--advertise", door.outside.description, "--key-file", keyFile]
    return options
  }
}

/// Ports below those that the system hands out by itself (from 32768 on, unless told otherwise): a port that is given up for a
/// while, because its process was killed, is not taken by somebody's outgoing connection.
enum Doors {
  static func make(_ count: Int) throws -> [Door] {
    var ports: [UInt16] = []
    var candidate = UInt16.random(in: 12_000..<26_000)
    while ports.count < 2 * count {
      if try isFree(candidate) { ports.append(candidate) }
      candidate += 1
      guard candidate < 32_000 else { throw ProcessError("no free ports between 12000 and 32000") }
    }
    return (0..<count).map { place in
      Door(place: place, inside: .loopback4(port: ports[2 * place]), outside: .loopback4(port: ports[2 * place + 1]))
    }
  }

  private static func isFree(_ port: UInt16) throws -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw ProcessError("no socket: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
