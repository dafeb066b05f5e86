// `node ping`: is there a node, does it answer, and how quickly.

import ArgumentParser
import NodeKit

/// Asks one node.
struct PingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping",
    abstract: "See whether a node answers at an address, and how quickly.",
    discussion: """
      Links with the node there as anybody would (its key is proved on the way) and asks it several times for its place in the ring. The exit \
      code is 0 if it answers, 1 if it answers but is in no ring, and 75 if nobody does.

      EXAMPLES
        node ping 192.0.2.7:7401
        node ping chat.example.org:7401 --count 20
      """)

  @Argument(help: ArgumentHelp("Where the node listens.", valueName: "host:port"), transform: Check.dialled)
  var address: String

  @Option(help: ArgumentHelp("How often to ask, 1 to 1000.", valueName: "number"), transform: Check.count)
  var count = 4

  @Flag(help: "Print one JSON object.")
  var json = false

  @Option(
    help: ArgumentHelp("The network's name: nodes of different networks never meet.", valueName: "name"),
    transform: Check.network)
  var network = NodeConfiguration().network

  func run() throws {
    var configuration = NodeConfiguration()
    configuration.bootstraps = [address]
    configuration.network = network
    let observer = try Observer(configuration, advice: "check the address, or start a node there with `node bootstrap`")
    let begun = LoopTime.current
    throw observer.run {
      let handshake = LoopTime.current - begun
      guard let peer = observer.node.contacts.first else { return observer.finish(.alone) }
      ask(observer, peer, Answers(handshake: handshake))
    }
  }

  private struct Answers {
    var handshake: Duration
    var times: [Duration] = []
    var view: View?
  }

  private func ask(_ observer: Observer, _ peer: Peer, _ answers: Answers) {
    let begun = LoopTime.current
    observer.node.view(of: peer) { result in
      var answers = answers
      switch result {
      case .success(let view):
        answers.times.append(LoopTime.current - begun)
        answers.view = view
      case .failure(let failure):
        StandardError.say("\(peer.endpoint) linked with us and does not answer any more: \(failure)")
        return observer.finish(.alone)
      }
      if answers.times.count < count { return ask(observer, peer, answers) }
      let isPrinted = StandardOutput.print(json ? Self.json(peer, answers).line : Self.text(peer, answers))
      observer.finish(!isPrinted ? .ioFailed : answers.view?.isMember == true ? .success : .notFound)
    }
  }

  private static func json(_ peer: Peer, _ answers: Answers) -> JSON {
    [
      "node": .string(peer.id.description), "address": .string(peer.endpoint.description),
      "member": .bool(answers.view?.isMember ?? false), "successors": .integer(answers.view?.successors.count ?? 0),
      "handshakeMilliseconds": .milliseconds(answers.handshake),
      "milliseconds": .array(answers.times.map(JSON.milliseconds)),
    ]
  }

  private static func text(_ peer: Peer, _ answers: Answers) -> String {
    let sorted = answers.times.sorted()
    let (least, middle, most) = (sorted.first ?? .zero, sorted[sorted.count / 2], sorted.last ?? .zero)
    let place =
      answers.view.map { $0.isMember ? "member of a ring, \($0.successors.count) successors" : "in no ring" } ?? ""
    return """
      node        \(peer.id)
      address     \(peer.endpoint)
      state       \(place)
      handshake   \(answers.handshake.shown)
      round trip  \(middle.shown) (\(least.shown) to \(most.shown), \(answers.times.count) times)
      """
  }
}
