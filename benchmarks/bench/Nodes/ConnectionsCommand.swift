// What a link takes that stands and says nothing: a bootstrap node has thousands of them. And how long the node is away when all of them
// go at the same moment, as they do when a provider fails.

import ArgumentParser
import Chat
import Chord
import Foundation
import NodeKit
import Processes
import RawPeers
import UVRuntime

struct ConnectionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connections",
    abstract: "Idle links that one node holds, and the memory and processor time it takes for each.",
    discussion: """
      A real node, and in a process of its own as many strangers who shake hands and then say nothing. The bytes are those of the node's \
      process, resident, over those before; the system's buffers are not among them. At the end the strangers' process is killed, and \
      the longest turn of the node's loop is told from then until all links are gone.
      """)

  @Option(help: "How many links; several with commas.")
  var links = List([1000, 8000])

  @Option(help: "For how many seconds the links then stand.")
  var seconds = 10

  @Option(help: ArgumentHelp("Only hold links to the node there.", visibility: .hidden))
  var hold: SocketAddress?

  @Option(help: ArgumentHelp("The network, with --hold.", visibility: .hidden))
  var network = "connections"

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    guard links.values.allSatisfy({ (1...16_000).contains($0) }), (1...3600).contains(seconds) else {
      throw ValidationError("1 to 16000 links, 1 to 3600 s")
    }
  }

  func run() throws {
    try DescriptorLimit.raise()
    if let hold { return try LinkHolder.run(links.values[0], to: Endpoint(hold), network: network) }
    var table = Table(named: "connections", asJSON: json)
    for count in links.values { table.add(try measure(count)) }
    table.end()
  }

  func measure(_ count: Int) throws -> [(name: String, value: JSON)] {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bench-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let surroundings = ["XDG_RUNTIME_DIR": directory.path]
    let (address, network) = (try FreePorts.addresses(1)[0], Fleet.freshNetwork())
    var options = NodeProcess.Options(listen: address, bootstraps: [address], network: network)
    options.extra = ["--control"]
    options.environment = surroundings
    let node = try NodeProcess(options)
    try node.waitUntilReady()
    let before = Self.residentBytes(of: node.process.id)
    let began = ContinuousClock.now
    let holder = try LineProcess(
      ["connections", "--hold", address, "--network", network, "--links", String(count)],
      of: try NodeBinary.path(of: "bench"))
    defer { holder.process.signal(SIGKILL) }
    let held = try holder.waitForOutput("links", within: .seconds(120)) { output in
      output.split(separator: "\n").first.flatMap { output.contains("\n") ? Int($0) : nil }
    }
    let taken = ContinuousClock.now - began
    let processor = ProcessorTime.of(node.process.id) ?? 0
    Thread.sleep(forTimeInterval: Double(seconds))
    let after = Self.residentBytes(of: node.process.id)
    let idle = (ProcessorTime.of(node.process.id) ?? 0) - processor
    _ = try Self.status(of: node, surroundings)
    holder.process.signal(SIGKILL)
    var longest = 0.0
    let isOver = try eventually(within: .seconds(60)) { () -> Bool? in
      let status = try Self.status(of: node, surroundings)
      longest = max(longest, status["longestTurnMilliseconds"]?.double ?? 0)
      return status["peers"]?.integer == 0 ? true : nil
    }
    guard isOver != nil else { throw ProcessError("the node still has links") }
    return [
      ("links", .integer(held)), ("seconds", .number(taken / .seconds(1))),
      ("bytes each", .integer((after - before) / max(held, 1))), ("node MB", .number(Double(after) / 1048576)),
      ("CPU % idle", .number(100 * idle / Double(seconds))), ("longest turn at the end ms", .number(longest)),
    ]
  }

  private static func status(of node: NodeProcess, _ surroundings: [String: String]) throws -> JSON {
    let arguments = ["status", "--json", "--pid", String(node.process.id)]
    return try JSON(parsing: LineProcess.run(arguments, environment: surroundings).output)
  }

  private static func residentBytes(of process: pid_t) -> Int {
    let pages = (try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8))?.split(separator: " ")
    return (pages?.dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}

/// Strangers that shake hands with a node, a few at a time, and then say nothing until they are killed.
private final class LinkHolder {
  private static let atOnce = 16

  private let loop: EventLoop
  private let count: Int
  private let target: Endpoint
  private let network: String
  private var peers: [RawPeer] = []
  private lazy var look = Deadline(on: loop) { [unowned self] in goOn() }

  private init(_ count: Int, to target: Endpoint, network: String, on loop: EventLoop) {
    (self.count, self.target, self.network, self.loop) = (count, target, network, loop)
  }

  static func run(_ count: Int, to target: Endpoint, network: String) throws {
    let loop = try EventLoop()
    let holder = LinkHolder(count, to: target, network: network, on: loop)
    holder.goOn()
    withExtendedLifetime(holder) { loop.run() }
  }

  private func goOn() {
    let waiting = peers.suffix(Self.atOnce).count { !$0.isEstablished && !$0.isOver }
    for _ in 0..<min(Self.atOnce - waiting, count - peers.count) {
      guard let peer = try? RawPeer(on: loop, to: target, .random(), network: network, listens: false) else { break }
      peer.answersPings = true
      peers.append(peer)
    }
    if peers.count == count, waiting == 0 {
      print(peers.count { $0.isEstablished && !$0.isOver })
      fflush(nil)
    } else {
      look.set(loop.now + .milliseconds(1))
    }
  }
}
