// The other end of `bench texts`: a node in a process of its own, which is written to, and sends back what asks for it.

import ArgumentParser
import Chat
import Foundation
import NodeKit
import Processes
import UVRuntime

/// `bench peer reader`: says in one line of JSON who and where it is, and ends when its session does.
struct ReaderPeer: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "reader", abstract: "A node that is written to.")

  @Flag(help: "Send back every text that begins with a question mark.")
  var echo = false

  @Argument(help: "It gives up after so many seconds.") var seconds = 120

  func validate() throws {
    guard (1...86_400).contains(seconds) else { throw ValidationError("1 to 86400 s") }
  }

  func run() throws {
    let loop = try EventLoop()
    let reader = Reader(echoes: echo, on: loop)
    let deadline = Deadline(on: loop) { loop.stop() }
    deadline.set(loop.now + .seconds(seconds))
    try reader.start()
    withExtendedLifetime(deadline) { loop.run() }
  }

  private final class Reader: @unchecked Sendable {
    private let echoes: Bool
    private let loop: EventLoop
    private var node: LoopNode?

    init(echoes: Bool, on loop: EventLoop) {
      self.echoes = echoes
      self.loop = loop
    }

    func start() throws {
      var configuration = NodeConfiguration()
      configuration.username = try UserName("bob")
      configuration.listen = "127.0.0.1:0"
      configuration.bootstraps = []
      node = try LoopNode(configuration, on: loop) { [self] in hears($0) }
    }

    private func hears(_ event: NodeEvent) {
      switch event {
      case .ready(let status):
        print(
          JSON.object([
            "user": .string(status.user?.description ?? ""), "address": .string(status.address.description),
          ]))
        fflush(nil)
      case .message(let user, let text, _): if echoes, text.hasPrefix("?") { node?.send(text, to: user) { _ in } }
      case .sessionClosed: node?.leave { [loop] in loop.stop() }
      default: break
      }
    }
  }
}

/// The reader's process, as the writer knows it.
struct ReaderProcess {
  let user: User
  let address: String
  private let process: LineProcess

  init(echoes: Bool = false) throws {
    process = try LineProcess(
      ["peer", "reader"] + (echoes ? ["--echo"] : []) + [String(PeerProgram.longestRun)],
      of: try NodeBinary.path(of: "bench"))
    let line = try process.waitForOutput("address", within: .seconds(60)) { output in
      output.split(separator: "\n").first.flatMap { output.contains("\n") ? String($0) : nil }
    }
    let told = try JSON(parsing: line)
    guard let user = told["user"]?.string, let address = told["address"]?.string else {
      throw ProcessError("the reader does not say who it is: \(line)")
    }
    self.user = try User(parsing: user)
    self.address = address
  }

  /// What it has had of the processor, in seconds.
  var processorSeconds: Double { ProcessorTime.of(process.process.id) ?? 0 }

  /// Waits until it has left, which it does when it hears that the session is closed.
  func join() throws { _ = try process.exitCode(within: .seconds(20)) }
}
