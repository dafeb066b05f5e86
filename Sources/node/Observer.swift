// Asks the ring a question without joining it: `node lookup` and `node ring`. One node as an observer on one loop, until the
// answer is there or it is plain that nobody answers.

import ArgumentParser
import NodeKit

/// One question to the ring.
final class Observer {
  /// How long to wait for somebody to ask. A silent bootstrap address is given up before.
  static let patience = Duration.seconds(5)
  /// The node gives up by itself within 2 s.
  private static let leavingLimit = Duration.seconds(3)

  let node: LoopNode
  private let loop: EventLoop
  private let requiresBootstrap: Bool
  /// What to do if nobody answers.
  private let advice: String
  private let inbox = EventInbox()
  private let addresses: [String]
  private var failures: [(address: String, reason: LinkFailure)] = []
  private var question: (() -> Void)?
  private var deadline: Deadline?
  private var code: ExitCode?

  /// Throws `ExitCode`, after saying why.
  convenience init(_ options: NetworkOptions) throws {
    try self.init(
      options.configuration, requiresBootstrap: options.requireBootstrap,
      advice: "start one with `node bootstrap`, or name another with --bootstrap HOST:PORT")
  }

  /// Throws `ExitCode`, after saying why.
  init(_ configuration: NodeConfiguration, requiresBootstrap: Bool = false, advice: String) throws {
    self.requiresBootstrap = requiresBootstrap
    self.advice = advice
    var configuration = configuration
    configuration.role = .observer
    addresses = configuration.bootstraps
    loop = try Startup.loop()
    node = try Startup.node(configuration, on: loop, inbox)
  }

  /// Asks once there is somebody to ask; `question` is to end with `finish`.
  func run(_ question: @escaping () -> Void) -> ExitCode {
    self.question = question
    inbox.receiver = { [unowned self] in happened($0) }
    deadline = Deadline(on: loop) { [unowned self] in nobodyAnswers() }
    deadline?.set(loop.now + Self.patience)
    loop.run()
    return code ?? .ourBug
  }

  /// Ends with this exit code.
  func finish(_ code: ExitCode) {
    guard self.code == nil else { return }
    self.code = code
    question = nil
    deadline = Deadline(on: loop) { [unowned self] in loop.stop() }
    deadline?.set(loop.now + Self.leavingLimit)
    node.leave { [weak self] in
      self?.deadline?.cancel()
      self?.loop.stop()
    }
  }

  private func happened(_ event: NodeEvent) {
    switch event {
    case .ready:
      deadline?.cancel()
      let question = self.question
      self.question = nil
      question?()
    case .bootstrapFailed(let address, let reason):
      failures.append((address, reason))
      if Set(failures.map(\.address)).isSuperset(of: addresses) { nobodyAnswers() }
    case .startedNewRing: nobodyAnswers()
    case .joinedRing, .sessionOpened, .sessionClosed, .sessionRequested, .sessionAwaited, .message:
      break  // an observer has no user
    }
  }

  private func nobodyAnswers() {
    guard question != nil else { return }
    let answers = failures.filter { !BootstrapReports.isNobody($0.reason) }
    for (address, reason) in answers { StandardError.say(BootstrapReports.sentence(address, reason)) }
    let silent = addresses.filter { address in !answers.contains { $0.address == address } }
    if !silent.isEmpty {
      StandardError.say("no node answered at \(silent.map { Display.line($0) }.joined(separator: ", ")): \(advice)")
    }
    finish(requiresBootstrap ? .noBootstrap : .alone)
  }
}
