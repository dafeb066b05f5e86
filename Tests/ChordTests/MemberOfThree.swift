// A member between two neighbours, as it is right after it has joined, for tests that give one machine one event after the other.

@testable import Chord

struct MemberOfThree {
  static let start = Time(monotonic: Instant(nanoseconds: 1_000_000_000), utcMilliseconds: 1_790_000_000_000)
  static func peer(_ number: UInt32, port: UInt16 = 7) -> Peer {
    Peer(id: Identifier(number), endpoint: Endpoint(host: .v4(0x7F00_0001), port: port))
  }
  static let (next, after) = (peer(20), peer(30))

  var node = ChordNode(me: peer(10), configuration: ChordNode.Configuration(), seed: 1, at: start)
  var now = start
  /// What it said to the last event.
  var sent: [(message: Message, to: Peer)] = []

  init() {
    handle(.start)
    handle(.introduced(Self.after))
    for case (.request(let request), let to) in sent {
      handle(.received(.reply(Reply(ticket: request.ticket, path: [to.id], answer: .joinPoint(Self.after))), from: to))
    }
    for case (.query(let ticket), let to) in sent {
      handle(.received(.view(ticket, View(isMember: true, predecessor: Self.next, successors: [Self.next])), from: to))
    }
  }

  mutating func handle(_ event: ChordNode.Event) {
    var effects: [ChordNode.Effect] = []
    node.handle(event, at: now, into: &effects)
    sent = effects.compactMap { if case .send(let message, let to) = $0 { (message, to) } else { nil } }
  }
}
