// Ours among the peers of the comparison: the same arguments, the same names in the one line of JSON.

import ArgumentParser
import Processes

struct PeerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peer", abstract: "One run of ours, as `bench compare` starts it.", shouldDisplay: false,
    subcommands: [RingPeer.self, PairPeer.self, ReaderPeer.self, WriterPeer.self])
}

struct RingPeer: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ring", abstract: "Get and put on a loopback ring.")

  @Argument(help: "Nodes, all in this process.") var nodes: Int
  @Argument(help: "How many puts, and as many gets.") var operations: Int
  @Argument(help: "It gives up after so many seconds.") var seconds = 120

  func validate() throws {
    guard (2...1024).contains(nodes), (1...100_000).contains(operations), (1...86_400).contains(seconds) else {
      throw ValidationError("2 to 1024 nodes, 1 to 100000 operations, 1 to 86400 s")
    }
  }

  func run() throws {
    print(try RingOperations.run(nodes: nodes, operations: operations, within: .seconds(seconds)))
  }
}

struct PairPeer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pair", abstract: "Start to session, echo and texts a second between two users.")

  @Argument(help: "How many echoes.") var echoes: Int
  @Argument(help: "How many texts one way.") var texts: Int
  @Argument(help: "It gives up after so many seconds.") var seconds = 120

  func validate() throws {
    guard (1...1_000_000).contains(echoes), (1...100_000_000).contains(texts), (1...86_400).contains(seconds) else {
      throw ValidationError("1 to 1000000 echoes, 1 to 100000000 texts, 1 to 86400 s")
    }
  }

  func run() throws {
    print(try ChatPair.run(echoes: echoes, texts: texts, within: .seconds(seconds)))
  }
}
