// What a running node offers to whoever runs it: a control socket, metrics, and word to the service manager. All three look at the node and
// change nothing.

import ArgumentParser
import NodeKit

/// The options for it, of `chat` and `bootstrap`.
struct OperatorOptions: ParsableArguments {
  @Flag(help: "Open a private control socket in $XDG_RUNTIME_DIR, for `node status`.")
  var control = false

  @Option(
    help: ArgumentHelp(
      "Show numbers for Prometheus at http://HOST:PORT/metrics, for programs on this machine.", valueName: "host:port"),
    transform: Check.loopback)
  var metrics: SocketAddress?
}

/// What watches a node.
final class Operators {
  private let host: Host
  private let manager: ServiceManager?
  private var control: LocalListener?
  private var metrics: MetricsServer?
  private let started: LoopTime
  private var said = ""

  /// Throws `ExitCode`, after saying why, if something cannot be opened.
  init(_ options: OperatorOptions, _ host: Host) throws {
    self.host = host
    started = host.loop.now
    manager = ServiceManager(on: host.loop)
    if options.control { control = try ControlSocket.open(on: host.loop) { [unowned self] in report } }
    guard let address = options.metrics else { return }
    do throws(UVError) {
      metrics = try MetricsServer(on: host.loop, at: address) { [unowned self] in page }
    } catch {
      StandardError.say("metrics cannot be shown at \(address): \(error.text). Choose another port with --metrics.")
      throw ExitCode.ioFailed
    }
  }

  private var report: Report {
    let (status, statistics) = (host.node.status, host.node.statistics)
    return Report(
      health: Health(status, statistics), status: status, statistics: statistics, lag: host.loop.takeLongestTurn(),
      uptime: host.loop.now - started)
  }

  private var page: String {
    Metrics.text(
      host.node.status, host.node.statistics, host.loop.statistics, lag: host.loop.takeLongestTurn(),
      uptime: host.loop.now - started)
  }

  /// Something has happened: the service manager hears how the node stands now.
  func happened(_ event: NodeEvent) {
    guard let manager else { return }
    if case .ready = event { manager.say("READY=1") }
    let status = host.node.status
    let words = !status.isReady ? "looking for others" : status.successors.isEmpty ? "alone" : "in the ring"
    guard words != said else { return }
    said = words
    manager.say("STATUS=\(words)")
  }

  func leaves() {
    manager?.say("STOPPING=1")
    control?.close()
    control = nil
    metrics?.close()
    metrics = nil
  }
}
