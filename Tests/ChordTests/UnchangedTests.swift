// A neighbour that is asked again and again for the same pointers says that they are the same.

import Testing

@testable import Chord

@Suite("What has not changed")
struct UnchangedTests {
  @Test("whoever has seen our pointers is told that they are the same, and shown them again once they are not")
  func answers() {
    var member = MemberOfThree()
    func answer(_ ticket: UInt32, _ digest: UInt64) -> Message? {
      member.handle(.received(.queryAgain(ticket, digest), from: MemberOfThree.after))
      return member.sent.first?.message
    }
    member.handle(.received(.query(1), from: MemberOfThree.after))
    guard case .view(1, let view) = member.sent.first?.message else {
      Issue.record("no view")
      return
    }
    #expect(answer(2, view.digest) == .unchanged(2))
    #expect(answer(3, view.digest ^ 1) == .view(3, view))
    member.handle(.departed(MemberOfThree.next.id))
    guard case .view(4, let later) = answer(4, view.digest) else {
      Issue.record("no view")
      return
    }
    #expect(later != view && later.digest != view.digest)
  }

  @Test("a member asks again with the digest, and takes the answer for what it saw; nobody else's, and not unasked")
  func asks() throws {
    var member = MemberOfThree()
    let view = View(isMember: true, predecessor: member.node.me, successors: [MemberOfThree.after])
    var digests: [UInt64] = []
    for _ in 0..<60 {
      for (message, to) in member.sent where to == MemberOfThree.next {
        switch message {
        case .query(let ticket): member.handle(.received(.view(ticket, view), from: to))
        case .queryAgain(let ticket, let digest):
          digests.append(digest)
          member.handle(.received(.unchanged(ticket &+ 1), from: to))
          member.handle(.received(.unchanged(ticket), from: MemberOfThree.after))
          #expect(member.node.ring.isBusy)
          member.handle(.received(.unchanged(ticket), from: to))
          #expect(!member.node.ring.isBusy)
        default: continue
        }
      }
      member.now.monotonic = member.now.monotonic + .milliseconds(50)
      member.handle(.tick)
    }
    #expect(digests.count > 1 && digests.allSatisfy { $0 == view.digest })
    #expect(member.node.ring.successors == [MemberOfThree.next, MemberOfThree.after])
  }
}
