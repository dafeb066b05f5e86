// Runs one node for whoever uses it on standard input and output, from the first line to the exit code. Everything happens in
// callbacks of one loop on the main thread.
//
//     node ──events──► Host ──► FrontEnd (LineMode, ScreenMode, RPCServer, Announcer)
//     stdin ──lines──►  │  ◄── quit(code)
//     SIGINT, SIGTERM ──┘──► leave the ring ──► last words ──► what is written leaves ──► exit code

import ArgumentParser
import Glibc
import NodeKit

/// Whoever uses the node: a person at a terminal, a bot, or nobody.
protocol FrontEnd: AnyObject {
  /// Whether it wants the lines of standard input.
  var readsInput: Bool { get }
  /// Whether it writes lines to standard output; otherwise it has the terminal for itself.
  var usesLines: Bool { get }
  /// Whether a script may have written what was not taken yet: a signal then cuts it off, and that is no success.
  var awaitsInput: Bool { get }
  /// The node listens and begins to join.
  func began(_ host: Host)
  func happened(_ event: NodeEvent)
  func received(_ line: LineSplitter.Line)
  func inputEnded()
  /// The node has left the ring: the time for last words.
  func left()
}

extension FrontEnd {
  /// A person, or a bot that is answered, knows what has been taken.
  var awaitsInput: Bool { false }
}

/// One run of a node with its front end.
final class Host {
  /// The node itself gives up within 2 s; this is for the case that it does not.
  static let leavingLimit = Duration.seconds(3)
  /// How long a reader of standard output may take for the last of it.
  static let writingLimit = Duration.seconds(2)

  let loop: EventLoop
  let node: LoopNode
  private let frontEnd: any FrontEnd
  private let inbox: EventInbox
  private let operatorOptions: OperatorOptions
  private var operators: Operators?
  private var standard: StandardLines?
  private var signals: [SignalWatcher] = []
  private var gate: RequiredBootstrap?
  private var heldReady = false
  private var code: ExitCode?
  private var hasLeft = false
  private var limit: Deadline?

  /// Starts a node. With several addresses to listen on, the first that can be had is taken.
  /// - Throws: `ExitCode`, after saying why on standard error.
  init(
    _ configuration: NodeConfiguration, listeningOnFirstOf addresses: [String] = [], requiresBootstrap: Bool,
    _ operators: OperatorOptions, _ frontEnd: any FrontEnd
  ) throws {
    self.frontEnd = frontEnd
    operatorOptions = operators
    inbox = EventInbox()
    loop = try Startup.loop()
    node = try Startup.node(configuration, listeningOnFirstOf: addresses, on: loop, inbox)
    inbox.receiver = { [unowned self] event in happened(event) }
    if requiresBootstrap {
      let node = node
      gate = RequiredBootstrap(on: loop, isMet: { !node.status.successors.isEmpty }) { [unowned self] in
        gateDecided(isOpen: $0)
      }
    }
  }

  /// Runs to the end. Throws `ExitCode`, after saying why, if something that was asked for cannot be had.
  func run() throws -> ExitCode {
    operators = try Operators(operatorOptions, self)
    do throws(UVError) {
      let handlers = StandardLines.Handlers(
        line: { [unowned self] line in frontEnd.received(line) },
        ended: { [unowned self] error in inputEnded(error) },
        failed: { [unowned self] error in outputFailed(error) },
        outputIsFull: { [unowned self] isFull in node.takesTexts = !isFull })
      if frontEnd.usesLines { standard = try StandardLines(on: loop, readsInput: frontEnd.readsInput, handlers) }
      for signal in [SIGINT, SIGTERM, SIGHUP] {
        signals.append(try SignalWatcher(on: loop, signal: signal) { [unowned self] in signalled(signal) })
      }
    } catch {
      StandardError.say("standard input or output cannot be used: \(error.text)")
      return .ioFailed
    }
    frontEnd.began(self)
    loop.run()
    return code ?? .success
  }

  // MARK: For the front end

  /// Writes a line to standard output.
  func write(_ line: String) {
    standard?.write(line)
  }

  /// Hands out no more lines of input for this reason.
  func hold(_ reason: StandardLines.Hold) {
    standard?.hold(reason)
  }

  /// The reason is gone.
  func release(_ reason: StandardLines.Hold) {
    standard?.release(reason)
  }

  /// Takes no more input: a front end is about to end.
  func stopReading() {
    standard?.stopReading()
  }

  /// Leaves the ring and ends. The first call decides the exit code, unless output fails on the way.
  func quit(_ code: ExitCode) {
    guard self.code == nil else { return }
    self.code = code
    gate = nil
    operators?.leaves()
    standard?.stopReading()
    within(Self.leavingLimit) { [unowned self] in left() }
    node.leave { [weak self] in self?.left() }
  }

  // MARK: What happens

  private func happened(_ event: NodeEvent) {
    operators?.happened(event)
    guard let gate, !gate.isOpen else { return frontEnd.happened(event) }
    switch event {
    case .ready: heldReady = true
    case .startedNewRing: break  // it will end here, or be joined
    case .joinedRing, .bootstrapFailed, .sessionOpened, .sessionClosed, .sessionRequested, .sessionAwaited, .message:
      frontEnd.happened(event)
    }
  }

  private func gateDecided(isOpen: Bool) {
    if isOpen {
      if heldReady { frontEnd.happened(.ready(node.status)) }
      return
    }
    let failures = node.bootstrapFailures.map { "\($0.address) \($0.reason.rawValue)" }
    StandardError.say(
      "no bootstrap node answered within \(RequiredBootstrap.patience.components.seconds) s"
        + (failures.isEmpty ? "" : ": " + failures.joined(separator: "; "))
        + ". Start one with `node bootstrap`, or name another with --bootstrap HOST:PORT.")
    quit(.noBootstrap)
  }

  /// Something has come to nothing on the way out.
  func degrade() {
    if code == .success { code = .alone }
  }

  private func inputEnded(_ error: UVError?) {
    guard let error else { return frontEnd.inputEnded() }
    StandardError.say("standard input cannot be read: \(error.text)")
    quit(.ioFailed)
  }

  private func outputFailed(_ error: UVError) {
    StandardError.say("standard output cannot be written: \(error.text)")
    if code == nil { quit(.ioFailed) } else { code = .ioFailed }
  }

  private func signalled(_ signal: Int32) {
    guard code == nil else { endNow(128 + signal) }
    quit(frontEnd.awaitsInput ? .alone : .success)
  }

  /// Whether the node is on its way out.
  var isEnding: Bool { code != nil }

  /// Nobody is waiting for politeness.
  func endNow(_ code: Int32) -> Never {
    TerminalGuard.restore()
    _exit(code)
  }

  // MARK: Ending

  private func left() {
    guard !hasLeft else { return }
    hasLeft = true
    frontEnd.left()
    within(Self.writingLimit) { [unowned self] in ended(with: .timedOut) }
    guard let standard else { return ended(with: nil) }
    standard.whenWritten { [weak self] error in self?.ended(with: error) }
  }

  private func ended(with error: UVError?) {
    if error != nil { code = .ioFailed }
    limit?.cancel()
    loop.stop()
  }

  private func within(_ duration: Duration, _ otherwise: @escaping () -> Void) {
    limit = Deadline(on: loop, otherwise)
    limit?.set(loop.now + duration)
  }
}

/// The node's events before anyone can take them have nowhere to go: it says nothing before the loop runs.
final class EventInbox {
  var receiver: (NodeEvent) -> Void = { _ in }
}
