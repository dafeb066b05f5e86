// Whoever names a node at an address where nobody is has shown that nobody is there, and nothing else: the node is not dead for it where
// we know it.

import Testing

@testable import Chord

@Suite("Addresses that somebody made up")
struct HearsayTests {
  private static let start = Time(monotonic: Instant(nanoseconds: 1_000_000_000), utcMilliseconds: 1_790_000_000_000)
  private static func peer(_ number: UInt32, port: UInt16 = 7) -> Peer {
    Peer(id: Identifier(number), endpoint: Endpoint(host: .v4(0x7F00_0001), port: port))
  }
  private static let (next, after) = (peer(20), peer(30))

  /// A member between `after` and `next`, as it is right after it has joined.
  private struct Member {
    var node = ChordNode(me: peer(10), configuration: ChordNode.Configuration(), seed: 1, at: start)
    var sent: [(message: Message, to: Peer)] = []

    init() {
      handle(.start)
      handle(.introduced(after))
      for case (.request(let request), let to) in sent {
        handle(.received(.reply(Reply(ticket: request.ticket, path: [to.id], answer: .joinPoint(after))), from: to))
      }
      for case (.query(let ticket), let to) in sent {
        handle(.received(.view(ticket, View(isMember: true, predecessor: next, successors: [next])), from: to))
      }
    }

    mutating func handle(_ event: ChordNode.Event) {
      var effects: [ChordNode.Effect] = []
      node.handle(event, at: start, into: &effects)
      sent = effects.compactMap { if case .send(let message, let to) = $0 { (message, to) } else { nil } }
    }
  }

  @Test("a node that does not answer where a liar said stays where it is known, and goes when it does not answer there")
  func wrongAddress() {
    var member = Member()
    #expect(member.node.ring.successors == [Self.next, Self.after] && member.node.ring.predecessor == Self.after)
    let before = member.node.ring
    for number in [UInt32(20), 30] { member.handle(.unreachable(Self.peer(number, port: 666))) }
    #expect(member.node.ring == before && member.sent.isEmpty)
    #expect(member.node.knows(Self.next) && !member.node.knows(Self.peer(20, port: 666)))
    member.handle(.unreachable(Self.next))
    #expect(member.node.ring.successors == [Self.after] && !member.node.knows(Self.next))
    member.handle(.unreachable(Self.after))
    #expect(member.node.ring.isAlone && member.node.ring.predecessor == nil)
  }

  @Test("a question to where nobody is ends, and the same node's answer to another is waited for")
  func questions() {
    var member = Member()
    // Its successor is asked something, while a liar names somebody closer, and the successor elsewhere.
    member.handle(.look(Self.next, 5))
    member.handle(.received(.hint(Self.peer(15, port: 666)), from: Self.after))
    #expect(member.node.ring.isBusy)
    member.handle(.unreachable(Self.peer(20, port: 666)))
    #expect(member.node.ring.isBusy && member.node.probes.count { $0.value.peer == Self.next } > 0)
    member.handle(.unreachable(Self.peer(15, port: 666)))
    #expect(!member.node.ring.isBusy && member.node.ring.successors == [Self.next, Self.after])
  }

  @Test("a lookup whose next hop cannot be dialled where a liar redirected it goes back to who is known")
  func lookups() {
    var member = Member()
    member.handle(.lookUp(Identifier(25), 9))
    guard case (.request(let request), let liar)? = member.sent.first else { return #expect(Bool(false), "no request") }
    // The owner of the key says that another comes before it, where nobody is.
    let redirect = Reply(ticket: request.ticket, path: [liar.id], answer: .redirect(Self.peer(20, port: 666)))
    member.handle(.received(.reply(redirect), from: liar))
    #expect(member.sent.contains { $0.to == Self.peer(20, port: 666) })
    member.handle(.unreachable(Self.peer(20, port: 666)))
    #expect(member.sent.contains { if case .request = $0.message { $0.to == liar } else { false } })
    #expect(member.node.ring.successors == [Self.next, Self.after])
  }
}
