// When the quick answer of the directory is not believed, and others are asked.

import Chord
import Testing

@testable import Chat

@Suite("Doubting the directory")
struct DoubtTests {
  private let world = World()
  private let alice: Int
  private let bob: Int

  init() throws {
    alice = try world.add("alice")
    bob = try world.add("bob")
  }

  private var bobsKey: Identifier { DirectoryKey(user: world.user(bob), network: World.network).ringKey }

  private func foundAt(_ ticket: UInt64) -> Endpoint? {
    if case .found(ticket, _, let peer, _) = world.told(alice).answer(ticket) { peer.endpoint } else { nil }
  }

  /// What bob wrote that long ago, of where he was then.
  private func record(written ago: Duration) throws -> Record {
    let member = world.members[bob]
    var writer = DirectoryWriter(user: member.user, identity: member.identity, network: World.network)
    let then = world.now.utcMilliseconds - UInt64(ago.inMilliseconds)
    let record = writer.record(endpoints: [World.endpoint(9)], at: then)
    return try #require(record)
  }

  @Test("a quick answer that proves itself is enough")
  func quick() {
    world.give(alice, .find(world.user(bob), 1))
    world.run(for: .seconds(1))
    #expect(foundAt(1) == World.endpoint(7002))
    #expect(world.inquiries == (0, 0))
  }

  @Test("no record, a forged one, no answer or silence: others are asked, and the record is found")
  func hidden() throws {
    var forged = try record(written: .zero)
    forged.number += 1
    let answers: [Conversations.Lookup?] = [.records([], hops: 1), .records([forged], hops: 1), .failed, nil]
    for (ticket, answer) in zip(UInt64(1)..., answers) {
      world.quickAnswer = { _ in answer }
      world.give(alice, .find(world.user(bob), ticket))
      world.run(for: .seconds(3))
      #expect(foundAt(ticket) == World.endpoint(7002), "\(ticket)")
      #expect(world.inquiries == (Int(ticket), Int(ticket)), "no more is wanted of it")
    }
  }

  @Test("a record that should have been renewed since is not believed while others have not been asked")
  func outdated() throws {
    let old = try record(written: .seconds(600))
    world.quickAnswer = { _ in .records([old], hops: 1) }
    world.give(alice, .find(world.user(bob), 1))
    world.run(for: .seconds(1))
    #expect(foundAt(1) == World.endpoint(7002))
    world.directory = [:]
    world.give(alice, .find(world.user(bob), 2))
    world.run(for: .seconds(1))
    #expect(foundAt(2) == World.endpoint(9), "but it is better than none")
  }

  @Test("the end of a record hides it, whichever of the two comes first")
  func withdrawn() throws {
    let member = world.members[bob]
    var writer = DirectoryWriter(user: member.user, identity: member.identity, network: World.network)
    _ = writer.follow(world.directory[bobsKey] ?? [])
    let tombstone = writer.tombstone(at: world.now.utcMilliseconds)
    let end = try #require(tombstone)
    world.quickAnswer = { _ in .records([end], hops: 1) }
    world.give(alice, .find(world.user(bob), 1))
    world.run(for: .seconds(1))
    #expect(world.told(alice).failure(1) == .userNotFound)
  }

  @Test("whoever knows the name cannot crowd out the record with ends of records of their own")
  func crowded() throws {
    let member = world.members[bob]
    let junk = try (1...60 as ClosedRange<UInt8>).map { seed in
      var writer = DirectoryWriter(
        user: member.user, identity: World.identity(99), network: World.network,
        writerSeed: [UInt8](repeating: seed, count: 32))
      _ = writer.record(endpoints: [World.endpoint(9)], at: world.now.utcMilliseconds)
      let end = writer.tombstone(at: world.now.utcMilliseconds)
      return try #require(end)
    }
    world.quickAnswer = { _ in .records(junk, hops: 1) }
    world.give(alice, .find(world.user(bob), 1))
    world.run(for: .seconds(1))
    #expect(foundAt(1) == World.endpoint(7002))
    #expect(world.members[alice].machine.brokenInvariant == nil)
  }
}
