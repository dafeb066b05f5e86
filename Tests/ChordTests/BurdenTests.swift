// One peer that asks without end is handed on only so much: neither the member's own requests nor those of others wait for it.

import Testing

@testable import Chord

@Suite("What a member hands on for others")
struct BurdenTests {
  @Test("one peer's flood is cut off at its share; the member's own requests and another peer's go on")
  func flood() {
    var member = MemberOfThree()
    #expect(member.flood(2_000, from: MemberOfThree.peer(90)) == (500, 1_500))
    member.handle(.lookUp(Identifier(25), 1))
    #expect(member.sent.contains { if case .request = $0.message { $0.to == MemberOfThree.after } else { false } })
    #expect(member.flood(100, from: MemberOfThree.peer(91)) == (100, 0))
    member.now.monotonic = member.now.monotonic + .seconds(1)
    #expect(member.flood(2_000, from: MemberOfThree.peer(90)) == (250, 1_750))
  }

  @Test("a crowd has no more than half of what a next hop takes, and the member's own requests go on")
  func crowd() {
    var member = MemberOfThree()
    var total = 0
    for number in UInt32(90)..<100 { total += member.flood(400, from: MemberOfThree.peer(number)).handedOn }
    #expect(total == 1_000)
    member.handle(.lookUp(Identifier(25), 1))
    #expect(member.sent.contains { if case .request = $0.message { $0.to == MemberOfThree.after } else { false } })
  }

  @Test("whoever has asked nothing of late is forgotten")
  func forgets() {
    var burden = Burden()
    let now = MemberOfThree.start.monotonic
    for number in UInt32(0)..<100 {
      #expect(takes(&burden, number, now))
      #expect(hands(&burden, number, now))
    }
    #expect(burden.count == 200)
    burden.forget(before: now + .milliseconds(4))
    #expect(burden.count == 0)
  }

  private func takes(_ burden: inout Burden, _ number: UInt32, _ now: Instant) -> Bool {
    burden.takes(from: Identifier(number), at: now)
  }

  private func hands(_ burden: inout Burden, _ number: UInt32, _ now: Instant) -> Bool {
    burden.hands(to: Identifier(number), at: now)
  }
}

extension MemberOfThree {
  /// A flood of searches for what `after` owns: how many were handed on, and how many refused as too many.
  mutating func flood(_ count: Int, from asker: Peer) -> (handedOn: Int, busy: Int) {
    var result = (handedOn: 0, busy: 0)
    for ticket in 0..<UInt32(count) {
      let request = Request(ticket: ticket, key: Identifier(25), hopsLeft: 9, claim: .none, question: .get)
      handle(.received(.request(request), from: asker))
      for (message, to) in sent {
        if case .request = message, to == Self.after { result.handedOn += 1 }
        if case .reply(let reply) = message, reply.answer == .failure(.busy), to == asker { result.busy += 1 }
      }
    }
    return result
  }
}
