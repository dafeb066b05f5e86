// A node as a real process, spoken to as a bot would: one JSON-RPC 2.0 line each way.
//
// The reader thread sorts what arrives into answers, notifications, and breaches of the contract (output that is no JSON, an
// answer to no question, two answers to one). Whoever waits blocks on the gate, with a limit.

import Foundation

/// What a node answered instead of a result.
public struct RPCError: Error, Hashable, CustomStringConvertible {
  public let code: Int
  public let message: String
  /// `data.reason`, for errors of code -32000.
  public let reason: String?
  public var description: String { "\(code) \(reason ?? message)" }
}

/// `node chat --rpc` or `node bootstrap --rpc`.
public final class NodeProcess: @unchecked Sendable {
  /// How to start one.
  public struct Options: Sendable {
    /// Nil for a bootstrap node.
    public var username: String?
    public var listen = "127.0.0.1:0"
    public var bootstraps: [String] = []
    /// Nodes of different tests never meet.
    public var network = "test"
    /// Further arguments.
    public var extra: [String] = []
    /// Replaces variables of our own environment.
    public var environment: [String: String] = [:]
    public var directory: String?
    /// A program that is to start the node, with its arguments before the node's own: `ip netns exec NAME`, say. It must become
    /// the node (exec), or signals go astray.
    public var launcher: [String] = []

    public init(username: String? = nil, listen: String = "127.0.0.1:0", bootstraps: [String] = [], network: String) {
      self.username = username
      self.listen = listen
      self.bootstraps = bootstraps
      self.network = network
    }

    var arguments: [String] {
      var arguments = username.map { ["chat", "--rpc", "--username", $0] } ?? ["bootstrap", "--rpc"]
      arguments += ["--listen", listen, "--network", network]
      for bootstrap in bootstraps { arguments += ["--bootstrap", bootstrap] }
      return arguments + extra
    }
  }

  /// A question that has been asked.
  public struct Ticket: Sendable {
    let id: Int
    /// Just before it was written.
    public let asked: ContinuousClock.Instant
  }

  /// An answer, or a notification, and when its line had arrived.
  public struct Arrival: Sendable {
    public let value: JSON
    public let arrived: ContinuousClock.Instant
  }

  fileprivate struct State {
    var partialLine: [UInt8] = []
    var lines = 0
    var answers: [Int: Arrival] = [:]
    var answersToOthers: [JSON] = []
    var notifications: [(method: String, arrival: Arrival)] = []
    var breaches: [String] = []
    var asked: Set<Int> = []
    var nextId = 1
    var hasEnded = false
  }

  /// A line longer than this is a breach: 32,768 bytes of text escaped in the worst way need six times as much.
  static let maximumLine = 1 << 20

  public let options: Options
  public let process: ChildProcess
  public let started: ContinuousClock.Instant
  private let state = Gate(State())

  /// Starts the process; does not wait for it to be ready.
  public init(_ options: Options) throws {
    self.options = options
    let environment = Surroundings.variables.merging(options.environment) { $1 }
    let state = state
    let binary = try NodeBinary.path()
    started = .now
    let command = options.launcher + [binary] + options.arguments
    process = try ChildProcess(
      command[0], Array(command.dropFirst()), environment: environment, directory: options.directory
    ) { bytes, arrived in
      state.with { $0.received(bytes, at: arrived) }
    }
  }

  // MARK: Asking

  /// Asks and waits for the answer; throws the `RPCError` if it is one.
  @discardableResult
  public func request(_ method: String, _ params: JSON? = nil, within limit: Duration = Patience.answer) throws -> JSON
  {
    try answer(to: ask(method, params), within: limit).value
  }

  /// Asks without waiting.
  public func ask(_ method: String, _ params: JSON? = nil) throws -> Ticket {
    let id = state.with { state in
      defer { state.nextId += 1 }
      state.asked.insert(state.nextId)
      return state.nextId
    }
    var question: [String: JSON] = ["jsonrpc": "2.0", "id": .integer(id), "method": .string(method)]
    if let params { question["params"] = params }
    let line = JSON.object(question).description + "\n"
    let asked = ContinuousClock.now
    try process.write(line.utf8)
    return Ticket(id: id, asked: asked)
  }

  /// Waits for the answer to what was asked.
  public func answer(to ticket: Ticket, within limit: Duration = Patience.answer) throws -> Arrival {
    let arrival = state.wait(within: limit) { state -> Arrival?? in
      if let arrival = state.answers.removeValue(forKey: ticket.id) { return arrival }
      return state.hasEnded ? .some(nil) : nil
    }
    guard let arrival else { throw ProcessError("no answer within \(limit)\(account)") }
    guard let arrival else { throw ProcessError("the process ended without answering\(account)") }
    if let error = arrival.value["error"] { throw RPCError(error) }
    guard let result = arrival.value["result"] else { throw ProcessError("an answer without result: \(arrival.value)") }
    return Arrival(value: result, arrived: arrival.arrived)
  }

  /// The error that a request is answered with; nil if it succeeds.
  public func refusal(of method: String, _ params: JSON? = nil, within limit: Duration = Patience.answer) throws
    -> RPCError?
  {
    do {
      try request(method, params, within: limit)
      return nil
    } catch let error as RPCError {
      return error
    }
  }

  /// Sends a line as it is; its end is added.
  public func sendLine(_ line: some Collection<UInt8>) throws {
    try process.write(Array(line) + [UInt8(ascii: "\n")])
  }

  /// Sends a line as it is; its end is added.
  public func sendLine(_ line: String) throws { try sendLine(line.utf8) }

  /// The answer to what was asked, if it is there; throws the `RPCError` if it is one, and a `ProcessError` if none can come.
  public func answerSoFar(to ticket: Ticket) throws -> Arrival? {
    let isSettled = state.with { $0.answers[ticket.id] != nil || $0.hasEnded }
    return isSettled ? try answer(to: ticket, within: .zero) : nil
  }

  /// Waits for the next answer to something that `ask` has not asked: with another id, or none. The whole object.
  public func nextStrayAnswer(within limit: Duration = Patience.answer) throws -> JSON {
    let answer = state.wait(within: limit) { state -> JSON?? in
      if !state.answersToOthers.isEmpty { return state.answersToOthers.removeFirst() }
      return state.hasEnded ? .some(nil) : nil
    }
    guard let answer, let answer else { throw ProcessError("no answer to a line within \(limit)\(account)") }
    return answer
  }

  /// Sends a line and waits for its answer: the error with its id, which may be null.
  public func error(ofLine line: some Collection<UInt8>) throws -> (error: RPCError, id: JSON?) {
    try sendLine(line)
    let answer = try nextStrayAnswer()
    guard let error = answer["error"] else { throw ProcessError("no error but \(answer)") }
    return (RPCError(error), answer["id"])
  }

  // MARK: Listening

  /// Waits for a notification and takes it; those before it stay.
  @discardableResult
  public func waitFor(
    _ method: String, within limit: Duration = Patience.answer, where matches: (JSON) -> Bool = { _ in true }
  ) throws -> JSON {
    try arrival(of: method, within: limit, where: matches).value
  }

  /// Waits for a notification and takes it; tells when it came.
  public func arrival(
    of method: String, within limit: Duration = Patience.answer, where matches: (JSON) -> Bool = { _ in true }
  ) throws -> Arrival {
    let found = state.wait(within: limit) { state -> Arrival?? in
      if let index = state.notifications.firstIndex(where: { $0.method == method && matches($0.arrival.value) }) {
        return state.notifications.remove(at: index).arrival
      }
      return state.hasEnded ? .some(nil) : nil
    }
    guard let found else { throw ProcessError("no notification `\(method)` within \(limit)\(account)") }
    guard let found else { throw ProcessError("the process ended without the notification `\(method)`\(account)") }
    return found
  }

  /// Notifications of that name that nobody has taken.
  public func notifications(_ method: String) -> [JSON] {
    state.with { $0.notifications.filter { $0.method == method }.map(\.arrival.value) }
  }

  /// Takes all notifications of that name that are there, in the order of their coming.
  public func takeNotifications(_ method: String) -> [Arrival] {
    state.with { state in
      let taken = state.notifications.filter { $0.method == method }
      if !taken.isEmpty { state.notifications.removeAll { $0.method == method } }
      return taken.map(\.arrival)
    }
  }

  /// Whether it has ended and everything it said has been read.
  public var hasEnded: Bool { state.with { $0.hasEnded } && process.ending(within: .zero) != nil }

  /// Waits until it is ready. The notification stays to be seen by all who wait for it.
  @discardableResult
  public func waitUntilReady(within limit: Duration = Patience.ready) throws -> JSON {
    try readiness(within: limit).value
  }

  /// Waits until it is ready, and tells when.
  public func readiness(within limit: Duration = Patience.ready) throws -> Arrival {
    let found = state.wait(within: limit) { state -> Arrival?? in
      if let ready = state.notifications.first(where: { $0.method == "ready" }) { return ready.arrival }
      return state.hasEnded ? .some(nil) : nil
    }
    guard let found else { throw ProcessError("not ready within \(limit)\(account)") }
    guard let found else { throw ProcessError("the process ended before it was ready\(account)") }
    return found
  }

  /// What it has put on standard output against the contract.
  public var breaches: [String] { state.with { $0.breaches } }

  /// How many lines it has put on standard output.
  public var lines: Int { state.with { $0.lines } }

  // MARK: Ending

  /// Asks it to quit and waits for its end.
  @discardableResult
  public func quit(within limit: Duration = Patience.quitting) throws -> Ending {
    try request("quit", within: limit)
    return try ending(within: limit)
  }

  /// Waits for its end, and for all it had to say.
  public func ending(within limit: Duration = Patience.quitting) throws -> Ending {
    guard let ending = process.ending(within: limit) else {
      throw ProcessError("still running after \(limit)\(account)")
    }
    return ending
  }

  /// Its exit code.
  public func exitCode(within limit: Duration = Patience.quitting) throws -> Int32 {
    switch try ending(within: limit) {
    case .exited(let code): return code
    case .killed(let signal): throw ProcessError("killed by signal \(signal)\(account)")
    }
  }

  /// Sends a signal: SIGKILL, SIGSTOP, ….
  public func signal(_ signal: Int32) { process.signal(signal) }

  /// Who this was and what it said, for a failure.
  private var account: String {
    let errors = process.standardError
    let ending = process.ending(within: .zero).map { ", \($0)" } ?? ""
    return " (\(options.username ?? "bootstrap"), process \(process.id)\(ending)\(errors.isEmpty ? "" : ": \(errors)"))"
  }
}

extension RPCError {
  init(_ error: JSON) {
    code = error["code"]?.integer ?? 0
    message = error["message"]?.string ?? ""
    reason = error["data"]?["reason"]?.string
  }
}

extension NodeProcess.State {
  mutating func received(_ bytes: ArraySlice<UInt8>, at arrived: ContinuousClock.Instant) {
    if bytes.isEmpty {
      if !partialLine.isEmpty { breaches.append("a last line without an end: \(excerpt(partialLine))") }
      hasEnded = true
      return
    }
    var rest = bytes
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      partialLine.append(contentsOf: rest[..<end])
      rest = rest[(end + 1)...]
      line(partialLine, at: arrived)
      partialLine.removeAll(keepingCapacity: true)
    }
    partialLine.append(contentsOf: rest)
    if partialLine.count > NodeProcess.maximumLine {
      breaches.append("a line that is too long: \(excerpt(partialLine))")
      partialLine = []
    }
  }

  private mutating func line(_ line: [UInt8], at arrived: ContinuousClock.Instant) {
    lines += 1
    let value: JSON
    do {
      value = try JSON(parsing: line)
    } catch {
      breaches.append("\(error): \(excerpt(line))")
      return
    }
    if case .array(let answers) = value {  // the answers to a batch
      answersToOthers += answers
      return
    }
    guard value["jsonrpc"] == "2.0" else {
      breaches.append("no JSON-RPC 2.0: \(excerpt(line))")
      return
    }
    if let method = value["method"]?.string {
      if value["id"] != nil { breaches.append("a request to us: \(excerpt(line))") }
      notifications.append((method, NodeProcess.Arrival(value: value["params"] ?? .null, arrived: arrived)))
      return
    }
    guard let id = value["id"], (value["result"] == nil) != (value["error"] == nil) else {
      breaches.append("neither an answer nor a notification: \(excerpt(line))")
      return
    }
    if let error = value["error"] {
      if error["code"]?.integer == nil || error["message"]?.string == nil {
        breaches.append("an error without code or message: \(excerpt(line))")
      }
    }
    if let id = id.integer, asked.remove(id) != nil {
      answers[id] = NodeProcess.Arrival(value: value, arrived: arrived)
    } else {
      answersToOthers.append(value)
    }
  }

  private func excerpt(_ line: [UInt8]) -> String {
    String(decoding: line.prefix(200), as: UTF8.self)
  }
}
