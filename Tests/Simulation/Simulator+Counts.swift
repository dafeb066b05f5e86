// What a run took: bytes on the wire, and requests that went to the dead. Costs nothing while nobody asks for it.

import Chat
import Chord

extension Simulator {
  /// A question under way from one host to another, by its ticket there.
  struct Question: Hashable {
    var from: Int
    var to: Identifier
    var ticket: UInt32
  }

  /// Watches this key alone, from nothing on.
  mutating func watch(_ key: Identifier) {
    news = []
    lostRequests = [key: 0]
    lostPings = 0
    watchedQuestions = []
    (watchedMessageCount, watchedByteCount, inquiryCount) = (0, 0, 0)
  }

  /// Counts what belongs to watched keys: requests and copies, and what comes back on them. `length`: of the frame.
  mutating func countIfWatched(_ message: Message, _ length: Int, from host: Int, to peer: Identifier) {
    if let to = numbers[peer] { countIfLost(message, to: to) }
    switch message {
    case .request(let request):
      guard lostRequests[request.key] != nil else { return }
      requestCount += 1
      if request.question == .nearest { inquiryCount += 1 }
      watchedQuestions.insert(Question(from: host, to: peer, ticket: request.ticket))
    case .accepted(let ticket): guard isWatched(ticket, of: peer, at: host) else { return }
    case .reply(let reply): guard isWatched(reply.ticket, of: peer, at: host) else { return }
    case .replicate(let ticket, let record):
      guard lostRequests[record.key] != nil else { return }
      watchedQuestions.insert(Question(from: host, to: peer, ticket: ticket))
    case .replicated(let ticket, _): guard isWatched(ticket, of: peer, at: host) else { return }
    case .query, .view, .notify, .notified, .ping, .pong, .changed, .hint, .leaving, .extend, .before, .chosen,
      .queryAgain, .unchanged, .askBefore:
      return
    }
    watchedMessageCount += 1
    watchedByteCount += length
  }

  private func isWatched(_ ticket: UInt32, of asker: Identifier, at host: Int) -> Bool {
    guard let asker = numbers[asker] else { return false }
    return watchedQuestions.contains(Question(from: asker, to: hosts[host].me.id, ticket: ticket))
  }

  /// A request is a time-out if its receiver is not there any more when it is sent, whether the sender waits for that or has asked
  /// another one meanwhile.
  private mutating func countIfLost(_ message: Message, to host: Int) {
    guard !hosts[host].isAlive else { return }
    switch message {
    case .request(let request): if let count = lostRequests[request.key] { lostRequests[request.key] = count + 1 }
    case .ping: lostPings += 1
    default: break
    }
  }

  /// Forgets all that the nodes would do by themselves, and lets what is under way arrive, so that nobody waits for anything. From
  /// then on a node's deadlines count only once it has been told something or has a request for a watched key: nobody else repairs
  /// anything, however long a lookup takes.
  public mutating func comeToRest() {
    schedule.removeAll { scheduled in
      switch scheduled.happening {
      case .tick, .sweep: true
      default: false
      }
    }
    for host in hosts.indices { hosts[host].tickAt = nil }
    awake = []
    while let next = schedule.nextAt { _ = step(until: next) }
  }

  mutating func wakeIfWatched(_ host: Int, by message: Message) {
    // Who is only asked for the nearest answers at once, and has nothing to wait for.
    guard awake != nil, case .request(let request) = message, lostRequests[request.key] != nil,
      request.question != .nearest
    else { return }
    awake?.insert(host)
  }
}
