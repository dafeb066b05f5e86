// A node that writes to another one without end, as much as the other acknowledges: what a quiet session beside it has to live with.

import ArgumentParser
import Chat
import Foundation
import NodeKit
import Processes
import UVRuntime

/// `bench peer writer`: says in one line of JSON when it is in full flood, and goes on until its time is up or it is killed.
struct WriterPeer: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "writer", abstract: "A node that writes without end.")

  @Argument(help: "Where the reader's node is.") var address: String
  @Argument(help: "The reader.") var user: String
  @Argument(help: "Length of a text, in bytes.") var length: Int
  @Argument(help: "It gives up after so many seconds.") var seconds = 120

  func validate() throws {
    guard (1...32_768).contains(length), (1...86_400).contains(seconds) else {
      throw ValidationError("texts of 1 to 32768 bytes, 1 to 86400 s")
    }
  }

  func run() throws {
    let loop = try EventLoop()
    let flood = Flood(to: try User(parsing: user), text: String(repeating: "x", count: length), on: loop)
    let deadline = Deadline(on: loop) { loop.stop() }
    deadline.set(loop.now + .seconds(seconds))
    try flood.start(address)
    withExtendedLifetime(deadline) { loop.run() }
  }

  private final class Flood: @unchecked Sendable {
    /// Acknowledged texts after which it is in full flood.
    private static let warmUps = 10_000

    private let reader: User
    private let text: String
    private let window: Int
    private let loop: EventLoop
    private var node: LoopNode?
    private var underWay = 0
    private var acknowledged = 0

    init(to reader: User, text: String, on loop: EventLoop) {
      self.reader = reader
      self.text = text
      self.loop = loop
      window = min(4_096, max(1, TextsCommand.windowBytes / text.utf8.count))
    }

    func start(_ address: String) throws {
      node = try TextsWriter.node(on: loop, as: "carol", beside: address) { [self] in write() }
    }

    private func write() {
      while underWay < window {
        underWay += 1
        node?.send(text, to: reader) { [self] in answered($0) }
      }
    }

    private func answered(_ answer: Result<UInt64, NodeFailure>) {
      guard case .success = answer else { return loop.stop() }
      underWay -= 1
      acknowledged += 1
      if acknowledged == Self.warmUps * 32 / text.utf8.count {
        print(JSON.object(["floods": .string(reader.description)]))
        fflush(nil)
      }
      write()
    }
  }
}
