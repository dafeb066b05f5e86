import Chord
import Testing

@testable import Chat

@Suite("Publishing and finding")
struct PublicationTests {
  @Test("a record is stored when the node joins, and the host hears of it once")
  func published() throws {
    let world = World()
    let alice = try world.add("alice")
    #expect(world.told(alice).isPublished)
    #expect(world.directory.count == 1)
  }

  @Test("the record is renewed as long as the session lives, so it never expires")
  func renewed() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    for ticket in UInt64(1)...20 {
      world.run(for: .seconds(600))
      world.give(alice, .find(world.user(bob), ticket))
      world.run(for: .seconds(1))
      let peer = Peer(id: world.members[bob].id, endpoint: world.members[bob].endpoint)
      #expect(world.told(alice).answer(ticket) == .found(ticket, world.user(bob), peer: peer, hops: 2))
    }
    #expect(world.directory.values.allSatisfy { $0.count == 1 })
    // For over three hours each was written once, and extended since.
    #expect(world.directory.values.allSatisfy { $0.allSatisfy { $0.number < 1_700_000_010_000 } })
    #expect(world.extensions > 2 * 20)
  }

  @Test("a record that its holders have lost is written whole when its extension fails")
  func lost() throws {
    let world = World()
    let alice = try world.add("alice")
    world.directory = [:]
    world.run(for: .seconds(30))
    #expect(world.directory.count == 1)
    #expect(world.told(alice).isPublished)
  }

  @Test("a record is looked after soon after it was written, and then less and less often")
  func soon() throws {
    let world = World()
    try world.add("alice")
    let start = world.now.monotonic
    for (second, least) in [(16, 1), (46, 2), (106, 3), (226, 4)] as [(Int64, Int)] {
      world.run(for: .seconds(second) - (world.now.monotonic - start))
      #expect(world.extensions >= least, "after \(second) s")
    }
    let before = world.extensions
    world.run(for: .seconds(3_600))
    // Every 150 to 450 s, after one of at most 240.
    #expect((before + 7...before + 25).contains(world.extensions))
  }

  @Test("what is written again after an extension failed is the same record, extended, and is looked after soon again")
  func healed() throws {
    let world = World()
    try world.add("alice")
    world.run(for: .seconds(3_600))
    let record = try #require(world.directory.values.first?.first)
    world.directory = [:]
    #expect(world.run(for: .seconds(451)) { !world.directory.isEmpty })
    let again = try #require(world.directory.values.first?.first)
    #expect(again.number == record.number && again.validUntil > record.validUntil)
    #expect(again.isAuthentic(network: World.network))
    let before = world.extensions
    world.run(for: .seconds(50))
    #expect(world.extensions >= before + 2)
  }

  @Test("a changed address writes the record anew, and it is the new one that is extended from then on")
  func movedAndExtended() throws {
    let world = World()
    let alice = try world.add("alice")
    world.run(for: .seconds(3_600))
    let old = try #require(world.directory.values.first?.first)
    world.give(alice, .joined(endpoints: [World.endpoint(9999)]))
    world.run(for: .seconds(600))
    let new = try #require(world.directory.values.first?.first)
    #expect(new.number > old.number && new.validUntil > old.validUntil && new.extended != nil)
    let entry = try DirectoryEntry.open(
      new, user: world.user(alice), network: World.network, utc: world.now.utcMilliseconds)
    #expect(entry.endpoints == [World.endpoint(9999)])
  }

  @Test("what is withdrawn stays withdrawn for as long as the extended record would have lived")
  func tombstoneOutlives() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    world.run(for: .seconds(3000))
    let extended =
      world.directory[DirectoryKey(user: world.user(bob), network: World.network).ringKey]?.first?.validUntil ?? 0
    world.give(bob, .leave(1))
    world.run(for: .seconds(1))
    let tombstone = try #require(
      world.directory[DirectoryKey(user: world.user(bob), network: World.network).ringKey]?.first { $0.isTombstone })
    #expect(tombstone.validUntil >= extended)
    world.give(alice, .find(world.user(bob), 2))
    world.run(for: .seconds(1))
    #expect(world.told(alice).failure(2) == .userNotFound)
  }

  @Test("a record that could not be stored is tried again, with pauses")
  func backoff() throws {
    let world = World()
    world.directoryWorks = false
    let alice = try world.add("alice")
    world.run(for: .seconds(60))
    #expect(!world.told(alice).isPublished)
    world.directoryWorks = true
    #expect(world.run(for: .seconds(11)) { world.told(alice).isPublished })
  }

  @Test("a put that is never answered is repeated")
  func silentPut() throws {
    let world = World()
    world.directoryWorks = nil
    let alice = try world.add("alice")
    world.run(for: .seconds(7))
    world.directoryWorks = true
    #expect(world.run(for: .seconds(20)) { world.told(alice).isPublished })
  }

  @Test("a changed address is published at once")
  func moved() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    world.members[bob].endpoint = World.endpoint(9999)
    world.give(bob, .joined(endpoints: [World.endpoint(9999)]))
    world.run(for: .seconds(1))
    world.give(alice, .find(world.user(bob), 1))
    world.run(for: .seconds(1))
    if case .found(_, _, let peer, _) = world.told(alice).answer(1) {
      #expect(peer.endpoint == World.endpoint(9999))
    } else {
      Issue.record("bob was not found")
    }
  }

  @Test("one finds oneself, and a node without a user finds others")
  func oneself() throws {
    let world = World()
    let (alice, bootstrap) = (try world.add("alice"), try world.add(nil))
    world.give(alice, .find(world.user(alice), 1))
    world.give(bootstrap, .find(world.user(alice), 2))
    world.give(bootstrap, .open(world.user(alice), 3))
    world.give(alice, .open(world.user(alice), 4))
    world.run(for: .seconds(1))
    let peer = Peer(id: world.members[alice].id, endpoint: world.members[alice].endpoint)
    #expect(world.told(alice).answer(1) == .found(1, world.user(alice), peer: peer, hops: 2))
    #expect(world.told(bootstrap).answer(2) == .found(2, world.user(alice), peer: peer, hops: 2))
    #expect(world.told(bootstrap).failure(3) == .noUser)
    #expect(world.told(alice).failure(4) == .oneself)
  }

  @Test("a user who is not there is not found, at once")
  func notFound() throws {
    let world = World()
    let alice = try world.add("alice")
    let nobody = User(name: try UserName("nobody"), identity: World.identity(50))
    for ticket in UInt64(1)...3 { world.give(alice, .find(nobody, ticket)) }
    world.give(alice, .open(nobody, 4))
    world.give(alice, .send(nobody, "hello?", 5))
    world.run(for: .milliseconds(20))
    for ticket in UInt64(1)...5 { #expect(world.told(alice).failure(ticket) == .userNotFound) }
    #expect(world.told(alice).sessions.isEmpty)
  }

  @Test("many who look for one user share one lookup")
  func shared() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    var effects: [Conversations.Effect] = []
    for ticket in UInt64(1)...10 {
      world.members[alice].machine.handle(.find(world.user(bob), ticket), at: world.now, into: &effects)
    }
    world.members[alice].machine.handle(.open(world.user(bob), 11), at: world.now, into: &effects)
    #expect(effects.count == 1)
  }

  @Test("a directory that fails is asked again for ten seconds")
  func failing() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    world.directoryWorks = false
    world.give(alice, .find(world.user(bob), 1))
    world.run(for: .seconds(5))
    #expect(world.told(alice).answers.isEmpty)
    world.directoryWorks = true
    #expect(world.run(for: .seconds(4)) { world.told(alice).answers.count == 1 })
    #expect(world.told(alice).failure(1) == nil)
    for works in [false, nil] {
      world.directoryWorks = works
      world.give(alice, .find(world.user(bob), works == nil ? 3 : 2))
      world.run(for: .seconds(11))
    }
    #expect(world.told(alice).failure(2) == .timeout && world.told(alice).failure(3) == .timeout)
    world.run(for: .seconds(5))
    #expect(world.members[alice].machine.findings.isEmpty)
  }

  @Test("before the node has joined nothing can be asked")
  func notInRing() throws {
    let world = World()
    let bob = try world.add("bob")
    let alice = try world.add("alice", joins: false)
    world.give(alice, .find(world.user(bob), 1))
    world.give(alice, .open(world.user(bob), 2))
    world.give(alice, .send(world.user(bob), "x", 3))
    for ticket in UInt64(1)...3 { #expect(world.told(alice).failure(ticket) == .notInRing) }
  }

  @Test("who leaves is no longer found, tells its peers, and answers everything that waits")
  func leave() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    world.give(alice, .send(world.user(bob), "hi", 1))
    world.run(for: .seconds(1))
    world.give(bob, .find(world.user(alice), 5))
    world.give(bob, .leave(6))
    world.give(bob, .leave(7))
    world.run(for: .seconds(1))
    #expect(world.told(bob).failure(5) == .stopped)
    #expect(world.told(bob).answer(6) == .withdrawn(6) && world.told(bob).answer(7) == .withdrawn(7))
    #expect(world.told(alice).sessions.last?.reason == .left)
    world.give(alice, .find(world.user(bob), 2))
    world.give(bob, .find(world.user(alice), 8))
    world.give(bob, .leave(9))
    world.run(for: .seconds(1))
    #expect(world.told(alice).failure(2) == .userNotFound)
    #expect(world.told(bob).failure(8) == .stopped && world.told(bob).answer(9) == .withdrawn(9))
    #expect(world.members[bob].machine.nextDeadline == nil)
  }

  @Test("who was killed, came back with the same key, and then left is no longer found")
  func leaveAfterDeath() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    let user = world.user(bob)
    world.kill(bob)
    let again = try world.add("bob", identity: world.members[bob].identity, seed: 999)
    #expect(world.user(again) == user)
    world.give(again, .leave(1))
    world.run(for: .seconds(1))
    world.give(alice, .find(user, 2))
    world.run(for: .seconds(1))
    #expect(world.told(alice).failure(2) == .userNotFound)
  }

  @Test("leaving takes no more than two seconds, even when nobody answers")
  func leaveAlone() throws {
    let world = World()
    let alice = try world.add("alice")
    for works in [nil, false] as [Bool?] {
      world.directoryWorks = works
      let copy = world.members[alice]
      world.give(alice, .leave(1))
      #expect(world.run(for: .milliseconds(2_001)) { world.told(alice).answer(1) == .withdrawn(1) })
      world.members[alice] = copy
    }
    let bootstrap = try world.add(nil)
    world.give(bootstrap, .leave(1))
    #expect(world.told(bootstrap).answer(1) == .withdrawn(1))
  }
}
