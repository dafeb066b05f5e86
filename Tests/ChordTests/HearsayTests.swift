// Whoever names a node at an address where nobody is has shown that nobody is there, and nothing else: the node is not dead for it where
// we know it.

import Testing

@testable import Chord

@Suite("Addresses that somebody made up")
struct HearsayTests {
  @Test("a node that does not answer where a liar said stays where it is known, and goes when it does not answer there")
  func wrongAddress() {
    var member = MemberOfThree()
    #expect(
      member.node.ring.successors == [MemberOfThree.next, MemberOfThree.after]
        && member.node.ring.predecessor == MemberOfThree.after)
    let before = member.node.ring
    for number in [UInt32(20), 30] { member.handle(.unreachable(MemberOfThree.peer(number, port: 666))) }
    #expect(member.node.ring == before && member.sent.isEmpty)
    #expect(member.node.knows(MemberOfThree.next) && !member.node.knows(MemberOfThree.peer(20, port: 666)))
    member.handle(.unreachable(MemberOfThree.next))
    #expect(member.node.ring.successors == [MemberOfThree.after] && !member.node.knows(MemberOfThree.next))
    member.handle(.unreachable(MemberOfThree.after))
    #expect(member.node.ring.isAlone && member.node.ring.predecessor == nil)
  }

  @Test("a question to where nobody is ends, and the same node's answer to another is waited for")
  func questions() {
    var member = MemberOfThree()
    // Its successor is asked something, while a liar names somebody closer, and the successor elsewhere.
    member.handle(.look(MemberOfThree.next, 5))
    member.handle(.received(.hint(MemberOfThree.peer(15, port: 666)), from: MemberOfThree.after))
    #expect(member.node.ring.isBusy)
    member.handle(.unreachable(MemberOfThree.peer(20, port: 666)))
    #expect(member.node.ring.isBusy && member.node.probes.count { $0.value.peer == MemberOfThree.next } > 0)
    member.handle(.unreachable(MemberOfThree.peer(15, port: 666)))
    #expect(!member.node.ring.isBusy && member.node.ring.successors == [MemberOfThree.next, MemberOfThree.after])
  }

  @Test("a lookup whose next hop cannot be dialled where a liar redirected it goes back to who is known")
  func lookups() {
    var member = MemberOfThree()
    member.handle(.lookUp(Identifier(25), 9))
    guard case (.request(let request), let liar)? = member.sent.first else { return #expect(Bool(false), "no request") }
    // The owner of the key says that another comes before it, where nobody is.
    let redirect = Reply(ticket: request.ticket, path: [liar.id], answer: .redirect(MemberOfThree.peer(20, port: 666)))
    member.handle(.received(.reply(redirect), from: liar))
    #expect(member.sent.contains { $0.to == MemberOfThree.peer(20, port: 666) })
    member.handle(.unreachable(MemberOfThree.peer(20, port: 666)))
    #expect(member.sent.contains { if case .request = $0.message { $0.to == liar } else { false } })
    #expect(member.node.ring.successors == [MemberOfThree.next, MemberOfThree.after])
  }
}
