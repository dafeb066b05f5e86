// Members that answer what was not asked, name whom there is not, or ask without end: nobody's pointers, queues or patience are theirs.

import Testing

@testable import Chord

@Suite("Members that misbehave")
struct MisbehaviourTests {
  @Test("an answer of another kind is no answer: the ring goes on when it has been waited for")
  func wrongKind() throws {
    var member = MemberOfThree()
    while !member.node.ring.isBusy { tick(&member, .milliseconds(50)) }
    for case (.query(let ticket), let to) in member.sent {
      #expect(to == MemberOfThree.next)
      member.handle(.received(.pong(ticket, isMember: true), from: to))
      member.handle(.received(.notified(ticket, isPredecessor: true), from: to))
      member.handle(.received(.replicated(ticket, isKept: true), from: to))
      #expect(member.node.probes[ticket] != nil, "still waited for")
    }
    // It talks on, and answers nothing; the one behind it is in order.
    for _ in 0..<2_000 where member.node.ring.successors.first == MemberOfThree.next {
      for (message, to) in member.sent {
        switch message {
        case .query(let ticket) where to == MemberOfThree.next:
          member.handle(.received(.pong(ticket, isMember: true), from: to))
        case .ping(let ticket) where to == MemberOfThree.after:
          member.handle(.received(.pong(ticket, isMember: true), from: to))
        default: break
        }
      }
      tick(&member, .milliseconds(50))
    }
    #expect(member.node.ring.successors == [MemberOfThree.after])
  }

  @Test("who wants to know what a member shows hears the end of it, whatever that one answers")
  func wrongKindToALook() {
    var member = MemberOfThree()
    let stranger = MemberOfThree.peer(77)
    var effects: [ChordNode.Effect] = []
    member.node.handle(.look(stranger, 5), at: member.now, into: &effects)
    for _ in 0..<2_000 where !effects.contains(.viewed(5, nil)) {
      for case .send(.query(let ticket), let to) in effects where to == stranger {
        effects = []
        member.node.handle(.received(.pong(ticket, isMember: true), from: stranger), at: member.now, into: &effects)
      }
      member.now.monotonic = member.now.monotonic + .milliseconds(50)
      member.node.handle(.tick, at: member.now, into: &effects)
    }
    #expect(effects.contains(.viewed(5, nil)))
  }

  @Test("a neighbour that names other members each time does not fill the queue of copies")
  func inventedHolders() throws {
    var member = MemberOfThree()
    own(40, &member)
    var number: UInt32 = 100
    for _ in 0..<400 {
      for (message, to) in member.sent where to == MemberOfThree.next {
        guard let ticket = message.stateTicket else { continue }
        let invented = (0..<8).map { MemberOfThree.peer(number + $0) }
        number += 8
        let view = View(isMember: true, predecessor: member.node.me, successors: invented)
        member.handle(.received(.view(ticket, view), from: to))
      }
      tick(&member, .milliseconds(10))
      let bound = member.node.store.count * (member.node.configuration.copies - 1)
      guard member.node.transfers.count <= bound else {
        Issue.record("\(member.node.transfers.count) transfers of \(member.node.store.count) records")
        return
      }
    }
    #expect(number > 200 && member.node.brokenInvariant == nil)
  }

  @Test("a holder is given no more copies at a time than it answers for soon, and gets all of them")
  func pacedCopies() {
    var member = MemberOfThree()
    let keys = 150
    own(keys, &member)
    // A member of the ring comes as a new holder.
    let newcomer = MemberOfThree.peer(25)
    var given: Set<Identifier> = []
    var open: [(UInt32, Identifier)] = []
    var most = 0
    for _ in 0..<400 {
      for (message, to) in member.sent {
        if let ticket = message.stateTicket, to == MemberOfThree.next {
          let view = View(isMember: true, predecessor: member.node.me, successors: [newcomer, MemberOfThree.after])
          member.handle(.received(.view(ticket, view), from: to))
        }
        guard case .replicate(let ticket, let record) = message, to == newcomer, ticket != 0 else { continue }
        if !open.contains(where: { $0.0 == ticket }) { open.append((ticket, record.key)) }
      }
      most = max(most, open.count)
      let answered = open.prefix(3)
      open.removeFirst(answered.count)
      for (ticket, key) in answered {
        given.insert(key)
        member.handle(.received(.replicated(ticket, isKept: true), from: newcomer))
      }
      tick(&member, .milliseconds(10))
    }
    #expect(most <= Transfer.openCopies && most > 32)
    #expect(given.count == keys && member.node.ring.successors.contains(newcomer))
  }

  @Test("of what comes back in answer to a move, the records of writers that are not here are not taken")
  func broughtInAnswerToAMove() {
    var member = MemberOfThree()
    let key = RecordSigner(name: 1, writer: 1).record(number: 1, content: [1]).key
    let mine = RecordSigner(name: 1, writer: 1).record(number: member.now.utcMilliseconds, content: [1])
    #expect(member.node.store.offer(mine, from: nil, at: member.now.utcMilliseconds) == .stored)
    member.node.moves[key] = Move(waiting: 1)
    let others = (2...4).map {
      RecordSigner(name: 1, writer: $0).record(number: member.now.utcMilliseconds, content: [9])
    }
    member.node.moveEnded(key, .records(others))
    #expect(member.node.recordCount == 1)
  }

  @Test("who is outside any ring may be asked as often as anybody likes, and joins all the same")
  func askedWhileJoining() {
    var ring = Ring(me: MemberOfThree.peer(10), capacity: 4)
    let member = MemberOfThree.peer(30)
    #expect(ring.join(through: member) == [.query(member)])
    #expect(!ring.show().isMember)
    _ = ring.answered(by: member, View(isMember: true, predecessor: nil, successors: []))
    #expect(ring.isMember && ring.predecessor == member)
  }

  @Test(
    "who asks for a member's pointers without end does not keep it from changing them, and is answered again afterwards"
  )
  func askedWithoutEnd() {
    var member = MemberOfThree()
    let (newcomer, stranger) = (MemberOfThree.peer(15), MemberOfThree.peer(77))
    let (me, next, after) = (member.node.me, MemberOfThree.next, MemberOfThree.after)
    let views = [
      newcomer: View(isMember: true, predecessor: me, successors: [next, after]),
      next: View(isMember: true, predecessor: newcomer, successors: [after]),
    ]
    var open = member.sent
    func handle(_ event: ChordNode.Event) {
      member.handle(event)
      open += member.sent
    }
    for number in 0..<200 as Range<UInt32>
    where member.node.ring.successors.first != newcomer || member.node.ring.isBusy {
      let questions = open
      open = []
      for (message, to) in questions {
        guard let ticket = message.stateTicket, let view = views[to] else { continue }
        handle(.received(.query(number), from: stranger))
        handle(.received(.view(ticket, view), from: to))
      }
      member.now.monotonic = member.now.monotonic + .milliseconds(20)
      handle(.tick)
    }
    #expect(member.node.ring.successors.first == newcomer && !member.node.ring.isBusy)
    member.handle(.received(.query(9_999), from: stranger))
    #expect(member.sent.contains { if case .view(9_999, _) = $0.message { true } else { false } })
  }

  @Test("no question has the number that stands for none")
  func tickets() {
    var member = MemberOfThree()
    member.node.lastTicket = .max - 1
    #expect(member.node.newTicket() == .max && member.node.newTicket() == 1)
  }

  /// Has the member own the records of so many users.
  private func own(_ count: Int, _ member: inout MemberOfThree) {
    for name in 1...UInt8(count) {
      let record = RecordSigner(name: name, writer: 1).record(number: member.now.utcMilliseconds, content: [name])
      #expect(member.node.store.offer(record, from: nil, at: member.now.utcMilliseconds) == .stored)
      member.node.store.set(.owned, of: record.key)
    }
  }

  private func tick(_ member: inout MemberOfThree, _ duration: Duration) {
    member.now.monotonic = member.now.monotonic + duration
    member.handle(.tick)
  }
}

extension Message {
  /// Of a question about the pointers.
  fileprivate var stateTicket: UInt32? {
    switch self {
    case .query(let ticket), .queryAgain(let ticket, _): ticket
    default: nil
    }
  }
}
