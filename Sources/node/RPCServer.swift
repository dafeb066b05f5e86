// JSON-RPC 2.0 over standard input and output: one request per line in, one response or notification per line out, and nothing
// else there. A bad line is answered and forgotten; it never ends the process. Answers come when they are ready, in any order.
//
// Ending: `quit`, the end of input or a signal. Whatever still waits for an answer then gets an error, and `quit` its `{}`, once
// the record is deleted and the peers are told.

import ArgumentParser
import NodeKit

/// Serves a bot or a script.
final class RPCServer: FrontEnd {
  /// What can be asked.
  enum Method: String {
    case status, find, lookup, open, send, close, accept, ignore, sessions, quit

    /// Whether it needs a user of one's own: a bootstrap node has none.
    var isChat: Bool {
      switch self {
      case .open, .send, .close, .accept, .ignore, .sessions: true
      case .status, .find, .lookup, .quit: false
      }
    }
  }

  /// Names a request that waits for its answer.
  private typealias Ticket = UInt64

  let readsInput = true
  let usesLines = true
  private let hasUser: Bool
  private unowned var host: Host!
  /// The ids of what is under way, in the order of asking; a notification has none, and is waited for all the same.
  private var waiting: [Ticket: JSON?] = [:]
  private var lastTicket: Ticket = 0
  private var quitID: JSON?
  private var isEnding = false
  private var endingDeadline: Deadline?

  /// A server for a node with a user, or without one.
  init(hasUser: Bool) {
    self.hasUser = hasUser
  }

  // MARK: FrontEnd

  func began(_ host: Host) {
    self.host = host
  }

  func happened(_ event: NodeEvent) {
    let (method, params) = event.notification
    write(["jsonrpc": "2.0", "method": .string(method), "params": params])
  }

  func received(_ line: LineSplitter.Line) {
    switch line {
    case .tooLong:
      answer(.null, .parse("a line may have at most \(StandardLines.lineLimit) bytes: this one was skipped"))
    case .bytes(let bytes):
      do throws(RPCRequest.Rejection) {
        serve(try RPCRequest.parse(bytes))
      } catch {
        answer(error.id, error.error)
      }
    }
  }

  /// What was asked is answered first: a script may well write its requests and close.
  func inputEnded() {
    isEnding = true
    endingDeadline = Deadline(on: host.loop) { [unowned self] in host.quit(.alone) }
    endingDeadline?.set(host.loop.now + Chatting.endingLimit)
    endIfDone()
  }

  private func endIfDone() {
    if isEnding, waiting.isEmpty { host.quit(.success) }
  }

  func left() {
    for (_, id) in waiting.sorted(by: { $0.key < $1.key }) { answer(id, .failure(.stopped)) }
    waiting = [:]
    answer(quitID, [:])
  }

  // MARK: Requests

  private func serve(_ request: RPCRequest) {
    do throws(RPCError) {
      guard let method = Method(rawValue: request.method) else {
        throw .unknownMethod("there is no method \"\(request.method.prefix(64))\"")
      }
      guard hasUser || !method.isChat else {
        throw .unknownMethod("a bootstrap node does not chat: there is no method \"\(method.rawValue)\" here")
      }
      try perform(method, request)
    } catch {
      answer(request.id, error)
    }
  }

  private func perform(_ method: Method, _ request: RPCRequest) throws(RPCError) {
    let node = host.node
    switch method {
    case .status:
      try request.noParameters()
      answer(request.id, node.status.json)
    case .sessions:
      try request.noParameters()
      answer(request.id, .array(node.sessions.map(\.json)))
    case .find:
      let user = try request.user()
      let done = later(request) { (finding: Finding) in finding.json }
      node.find(user, done)
    case .lookup:
      let key = try request.key()
      let done = later(request) { (result: LookupResult) in result.json }
      node.lookup(key, done)
    case .open:
      let user = try request.user()
      node.open(user, later(request) { _ in ["user": .string(user.description)] })
    case .send:
      let user = try request.user()
      let text = try request.text("text")
      guard !text.isEmpty else { throw .failure(.emptyText) }
      node.send(text, to: user, later(request) { ["id": .integer($0)] })
    case .close:
      let user = try request.user()
      node.close(user, later(request) { _ in [:] })
    case .accept:
      let user = try request.user()
      do throws(NodeFailure) { try node.accept(user) } catch { throw .failure(error) }
      answer(request.id, [:])
    case .ignore:
      let user = try request.user()
      do throws(NodeFailure) { try node.ignore(user) } catch { throw .failure(error) }
      answer(request.id, [:])
    case .quit:
      try request.noParameters()
      quitID = request.id
      host.quit(.success)
    }
  }

  /// What a node is to call when it is done: answers the request, unless that has been done meanwhile.
  private func later<Success>(
    _ request: RPCRequest, _ json: @escaping (Success) -> JSON
  ) -> (Result<Success, NodeFailure>) -> Void {
    lastTicket += 1
    let ticket = lastTicket
    waiting.updateValue(request.id, forKey: ticket)
    return { [weak self] result in
      guard let self, let id = waiting.removeValue(forKey: ticket) else { return }
      switch result {
      case .success(let success): answer(id, json(success))
      case .failure(let failure): answer(id, RPCError.failure(failure))
      }
      endIfDone()
    }
  }

  // MARK: Answers

  /// A notification, which has no id, is not answered.
  private func answer(_ id: JSON?, _ result: JSON) {
    guard let id else { return }
    write(["jsonrpc": "2.0", "id": id, "result": result])
  }

  private func answer(_ id: JSON?, _ error: RPCError) {
    guard let id else { return }
    write(["jsonrpc": "2.0", "id": id, "error": error.json])
  }

  private func write(_ json: JSON) {
    host.write(json.line)
  }
}
