import Chord
import Testing

@testable import Chat

@Suite("Bounds and streams")
struct BoundsTests {
  @Test("no more texts are in flight than the window allows, and all arrive")
  func window() throws {
    let world = World()
    var limits = Conversations.Limits()
    limits.windowTexts = 4
    limits.windowBytes = 100
    let alice = try world.add("alice", limits: limits)
    let bob = try world.add("bob")
    world.give(alice, .open(world.user(bob), 0))
    world.run(for: .seconds(1))
    world.sent = []
    for ticket in UInt64(1)...10 { world.give(alice, .send(world.user(bob), "t\(ticket)", ticket)) }
    #expect(world.sent.count == 4)
    for ticket in UInt64(11)...20 {
      world.give(alice, .send(world.user(bob), String(repeating: "x", count: 101), ticket))
    }
    world.run(for: .seconds(1))
    #expect(world.told(bob).texts.count == 20 && world.told(alice).delivered == Array(1...20))
  }

  @Test("a queue that is full says busy, and has room again later")
  func queue() throws {
    let world = World()
    var limits = Conversations.Limits()
    limits.waitingTexts = 5
    limits.waitingBytes = 50
    let alice = try world.add("alice", limits: limits)
    let bob = try world.add("bob")
    for ticket in UInt64(1)...6 { world.give(alice, .send(world.user(bob), "x", ticket)) }
    #expect(world.told(alice).failure(6) == .busy)
    world.run(for: .seconds(1))
    world.give(alice, .send(world.user(bob), String(repeating: "x", count: 51), 7))
    world.give(alice, .send(world.user(bob), String(repeating: "x", count: 50), 8))
    world.run(for: .seconds(1))
    #expect(world.told(alice).failure(7) == .busy && world.told(alice).delivered == [1, 2, 3, 4, 5, 6])
  }

  @Test("sessions that others open are bounded, and our own still open")
  func sessions() throws {
    let world = World()
    var limits = Conversations.Limits()
    limits.incomingSessions = 2
    let bob = try world.add("bob", limits: limits)
    let others = try (0..<4).map { try world.add("friend \($0)") }
    for other in others.prefix(3) { world.give(other, .open(world.user(bob), 1)) }
    world.run(for: .seconds(11))
    #expect(others.prefix(3).map { world.told($0).failure(1) } == [nil, nil, .unreachable])
    world.give(bob, .open(world.user(others[3]), 1))
    world.run(for: .seconds(1))
    #expect(world.members[bob].machine.sessions.count == 3)
    #expect(world.members[bob].machine.sessions.map(\.user.name.text) == ["friend 0", "friend 1", "friend 3"])
    world.give(others[0], .close(world.user(bob), 2))
    world.run(for: .seconds(1))
    world.give(others[2], .open(world.user(bob), 3))
    world.run(for: .seconds(1))
    #expect(world.told(others[2]).answer(3) == .opened(3, world.user(bob)))
  }

  @Test("10,000 texts over a link that is cut at random: none lost, none twice, none out of order", arguments: 1...5)
  func cuts(_ seed: Int) throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    var generator = Generator(seed: UInt64(seed))
    var next: [UInt64] = [1, 1]
    let total: UInt64 = 10_000
    var steps = 0
    while next[0] <= total || world.told(alice).delivered.count < Int(total) {
      steps += 1
      guard steps < 100_000 else { break }
      for (side, member) in [alice, bob].enumerated() {
        let other = world.user(side == 0 ? bob : alice)
        for _ in 0..<Int(generator.next() % 200) where next[side] <= (side == 0 ? total : total / 10) {
          world.give(member, .send(other, "\(next[side])", next[side]))
          next[side] += 1
        }
      }
      world.run(for: .milliseconds(Int64(generator.next() % 60)))
      if generator.next() % 3 == 0 { world.cut(alice, bob) }
      world.run(for: .milliseconds(Int64(generator.next() % 250)))
    }
    #expect(world.run(for: .seconds(30)) { world.told(bob).delivered.count == Int(total / 10) })
    #expect(world.told(bob).texts.map(\.text) == (1...total).map { "\($0)" })
    #expect(world.told(bob).texts.map(\.id) == Array(1...total))
    #expect(world.told(alice).delivered == Array(1...total))
    #expect(world.told(alice).texts.map(\.id) == Array(1...total / 10))
    #expect(world.told(alice).sessions.count == 1 && world.told(bob).sessions.count == 1)
  }

  @Test("the same seed and the same events give the same effects")
  func replay() throws {
    func run() throws -> [ChatMessage] {
      let world = World()
      let (alice, bob, carol) = (try world.add("alice"), try world.add("bob"), try world.add("carol"))
      for ticket in UInt64(1)...50 {
        world.give(alice, .send(world.user(ticket % 2 == 0 ? bob : carol), "\(ticket)", ticket))
        world.give(carol, .send(world.user(bob), "\(ticket)", ticket))
        world.run(for: .milliseconds(20))
        if ticket % 7 == 0 { world.cut(alice, bob) }
        if ticket % 11 == 0 { world.cut(carol, bob) }
      }
      world.run(for: .seconds(20))
      return world.sent
    }
    let (first, second) = (try run(), try run())
    #expect(first == second && first.count > 100)
  }
}
