// `node bootstrap`: an ordinary node without a user, at an address that others know.

import ArgumentParser
import NodeKit

/// Runs a node that others can start from.
struct BootstrapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bootstrap",
    abstract: "Run a node that others can start from, until Ctrl-C.",
    discussion: """
      A bootstrap node is an ordinary member of the ring, without a user, at an address that others know. Without --listen it takes \
      the first of the addresses compiled in that can be had.

      EXAMPLES
        node bootstrap
        node bootstrap --listen 0.0.0.0:7401 --advertise 192.0.2.7:7401
        node bootstrap --listen 0.0.0.0:7402 --bootstrap 192.0.2.7:7401
      """)

  @OptionGroup var member: MemberOptions
  @OptionGroup var network: NetworkOptions

  func run() throws {
    var configuration = network.configuration
    try member.apply(to: &configuration)
    let addresses = member.listen == nil ? Bootstraps.compiledIn : []
    let frontEnd: any FrontEnd = member.rpc ? RPCServer(hasUser: false) : Announcer()
    let host = try Host(
      configuration, listeningOnFirstOf: addresses, requiresBootstrap: network.requireBootstrap,
      member.operators, frontEnd)
    throw try host.run()
  }
}

/// Says where the node listens and how it fares, and wants no input.
private final class Announcer: FrontEnd {
  let readsInput = false
  let usesLines = true
  private unowned var host: Host!

  func began(_ host: Host) {
    self.host = host
    let status = host.node.status
    host.write("listening on \(status.address)")
    host.write("node \(status.node)")
  }

  func happened(_ event: NodeEvent) {
    switch event {
    case .ready(let status):
      host.write(status.successors.isEmpty ? "ready: this node stands alone" : "ready: in a ring with others")
    case .startedNewRing:
      host.write("no bootstrap node answered: this node starts a new ring, and goes on trying to reach the others")
    case .joinedRing: host.write("joined the ring of others")
    case .bootstrapFailed(let address, let reason):
      guard !BootstrapReports.isNobody(reason) else { return }
      host.write(BootstrapReports.sentence(address, reason))
    case .sessionOpened, .sessionClosed, .sessionRequested, .sessionAwaited, .message:
      break  // only users have sessions
    }
  }

  func received(_ line: LineSplitter.Line) {}
  func inputEnded() {}

  func left() {
    host.write("left the ring")
  }
}
