// What a run took: bytes on the wire, and requests that went to the dead. Costs nothing while nobody asks for it.

import Chat
import Chord

extension Simulator {
  mutating func countIfWatched(_ message: Message) {
    guard !lostRequests.isEmpty, case .request(let request) = message, lostRequests[request.key] != nil else { return }
    requestCount += 1
    if request.question == .nearest { inquiryCount += 1 }
  }

  /// A request is a time-out if its receiver is not there any more when it is sent, whether the sender waits for that or has asked
  /// another one meanwhile.
  mutating func countIfLost(_ wire: Wire, to host: Int) {
    guard !hosts[host].isAlive else { return }
    switch wire {
    case .ring(.request(let request)):
      if let count = lostRequests[request.key] { lostRequests[request.key] = count + 1 }
    case .ring(.ping): lostPings += 1
    case .ring, .chat: break
    }
  }

  /// Forgets all that the nodes would do by themselves, and lets what is under way arrive, so that nobody waits for anything. From
  /// then on a node's deadlines count only once it has been told something or has a request for a watched key: nobody else repairs
  /// anything, however long a lookup takes.
  public mutating func comeToRest() {
    schedule.removeAll { scheduled in
      if case .tick = scheduled.happening { true } else { false }
    }
    for host in hosts.indices { hosts[host].tickAt = nil }
    awake = []
    while let next = schedule.nextAt { _ = step(until: next) }
  }

  mutating func wakeIfWatched(_ host: Int, by wire: Wire) {
    // Who is only asked for the nearest answers at once, and has nothing to wait for.
    guard !lostRequests.isEmpty, case .ring(.request(let request)) = wire, lostRequests[request.key] != nil,
      request.question != .nearest
    else { return }
    awake?.insert(host)
  }
}

extension Simulator.Wire {
  /// The bytes of its frame: two of length, then the type and what follows.
  var frameLength: Int {
    var writer = ByteWriter()
    switch self {
    case .ring(let message): message.encode(into: &writer)
    case .chat(let message): message.encode(into: &writer)
    }
    return writer.bytes.count + 2
  }
}
