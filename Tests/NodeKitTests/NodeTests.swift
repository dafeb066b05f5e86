// The node as an actor: what a program with Swift concurrency sees of it.

import Chat
import Chord
import Testing
import UVRuntime

@testable import NodeKit

@Suite("The asynchronous node")
struct NodeTests {
  static func configuration(_ name: String?, bootstraps: [String] = []) throws -> NodeConfiguration {
    var configuration = NodeConfiguration()
    configuration.username = try name.map { try UserName($0) }
    configuration.listen = "127.0.0.1:0"
    configuration.bootstraps = bootstraps
    configuration.network = "test"
    return configuration
  }

  static func start(_ name: String?, knows others: [Node] = [], on loop: EventLoop? = nil) async throws -> Node {
    var bootstraps: [String] = []
    for other in others {
      let address = try #require(await other.status).address
      bootstraps.append("\(address)")
    }
    return try await Node.start(try configuration(name, bootstraps: bootstraps), on: loop)
  }

  /// The first event that fits, of those that come.
  static func first<Value>(of node: Node, _ fits: (NodeEvent) -> Value?) async -> Value? {
    for await event in node.events {
      if let value = fits(event) { return value }
    }
    return nil
  }

  @Test("two nodes on loops of their own find each other, talk, and leave; their events end with that")
  func wholeLife() async throws {
    let alice = try await Self.start("alice")
    let bob = try await Self.start("bob", knows: [alice])
    let user = try #require(await bob.user)
    let found = try await alice.find(user)
    #expect(found.user == user)
    #expect(try await alice.send("hello", to: user) == 1)
    let heard = await Self.first(of: bob) { event in
      if case .message(_, let text, let id) = event { "\(id) \(text)" } else { nil }
    }
    #expect(heard == "1 hello")
    #expect(await alice.sessions.map(\.user) == [user])
    try await alice.close(user)
    #expect(await alice.sessions.isEmpty)
    let reason = await Self.first(of: bob) { event in
      if case .sessionClosed(_, let reason) = event { reason } else { nil }
    }
    #expect(reason == "closed by the other side")
    await bob.leave()
    await alice.leave()
    #expect(await Self.first(of: bob) { event in if case .message = event { true } else { nil } } == nil)
    #expect(await Self.first(of: alice) { event in if case .message = event { true } else { nil } } == nil)
  }

  @Test("who reads late is sent no more texts than can wait, and loses none that was acknowledged")
  func readsLate() async throws {
    let alice = try await Self.start("alice")
    let bob = try await Self.start("bob", knows: [alice])
    let user = try #require(await bob.user)
    let (batch, batches) = (1_000, 12)
    let acknowledged = Count()
    let texts = await withTaskGroup(of: [String].self) { group in
      group.addTask {
        for start in stride(from: 0, to: batch * batches, by: batch) {
          await withTaskGroup(of: Void.self) { sends in
            for number in start..<start + batch {
              sends.addTask {
                if (try? await alice.send("\(number)", to: user)) != nil { await acknowledged.rise() }
              }
            }
          }
        }
        return []
      }
      group.addTask {
        // Reads nothing until nothing is acknowledged any more.
        var (before, now) = (0, 0)
        repeat {
          (before, now) = (now, await acknowledged.value)
          try? await Task.sleep(for: .seconds(1))
        } while now < NodeEvents.full / 2 || now != before
        var texts: [String] = []
        for await event in bob.events {
          if case .message(_, let text, _) = event { texts.append(text) }
          if texts.count == batch * batches { break }
        }
        return texts
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(await acknowledged.value == batch * batches)
    #expect(Set(texts) == Set((0..<batch * batches).map(String.init)))
    await bob.leave()
    await alice.leave()
  }

  @Test("many nodes share one loop, which they leave running")
  func oneLoop() async throws {
    let loop = try EventLoop.start(threadName: "shared")
    let alice = try await Self.start("alice", on: loop)
    let bob = try await Self.start("bob", knows: [alice], on: loop)
    let carol = try await Self.start("carol", knows: [alice], on: loop)
    let user = try #require(await carol.user)
    try await bob.open(user)
    for number in 1...20 {
      #expect(try await bob.send("\(number)", to: user) == UInt64(number))
    }
    await bob.leave()
    let owner = try await alice.lookup(Identifier(9))
    #expect(!owner.path.contains(Identifier(9)))
    await alice.leave()
    await carol.leave()
    loop.stop()
    await loop.waitUntilClosed()
    #expect(loop.openHandles == 0)
  }

  @Test("texts sent from many tasks at once all arrive, each once")
  func manyTasks() async throws {
    let alice = try await Self.start("alice")
    let bob = try await Self.start("bob", knows: [alice])
    let user = try #require(await bob.user)
    let ids = try await withThrowingTaskGroup(of: UInt64.self) { group in
      for number in 0..<100 { group.addTask { try await alice.send("\(number)", to: user) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(ids.sorted() == Array(1...100))
    await alice.leave()
    await bob.leave()
    var texts: Set<String> = []
    for await event in bob.events {
      if case .message(_, let text, _) = event, !texts.insert(text).inserted { Issue.record("\(text) twice") }
    }
    #expect(texts.count == 100)
  }

  @Test("a start with a port that is taken, or an address that is none, throws")
  func cannotStart() async throws {
    let alice = try await Self.start(nil)
    let address = "\(try #require(await alice.status).address)"
    var configuration = try Self.configuration("bob")
    configuration.listen = address
    do {
      _ = try await Node.start(configuration)
      Issue.record("started")
    } catch NodeError.cannotListen(address, _) {}
    configuration.listen = "nowhere"
    do {
      _ = try await Node.start(configuration)
      Issue.record("started")
    } catch NodeError.badAddress("nowhere", _) {}
    await alice.leave()
  }

  @Test("a start that fails leaves a shared loop as it was")
  func cannotStartOnSharedLoop() async throws {
    let loop = try EventLoop.start(threadName: "shared")
    var configuration = try Self.configuration("bob")
    configuration.listen = "192.0.2.1:0"
    do {
      _ = try await Node.start(configuration, on: loop)
      Issue.record("started")
    } catch is NodeError {}
    let alice = try await Self.start("alice", on: loop)
    await alice.leave()
    loop.stop()
    await loop.waitUntilClosed()
    #expect(loop.openHandles == 0)
  }

  @Test("nobody need read the events")
  func unreadEvents() async throws {
    let alice = try await Self.start("alice")
    let bob = try await Self.start("bob", knows: [alice])
    let user = try #require(await bob.user)
    for number in 0..<200 { try await alice.send("\(number)", to: user) }
    await alice.leave()
    await bob.leave()
    // What waited can be read later.
    var count = 0
    for await event in bob.events {
      if case .message = event { count += 1 }
    }
    #expect(count == 200)
  }

  @Test("a reader of the events that is given up harms nothing")
  func droppedEvents() async throws {
    let alice = try await Self.start("alice")
    let bob = try await Self.start("bob", knows: [alice])
    let user = try #require(await bob.user)
    let reader = Task { for await _ in bob.events {} }
    try await alice.send("one", to: user)
    reader.cancel()
    await reader.value
    try await alice.send("two", to: user)
    await alice.leave()
    await bob.leave()
  }

  @Test("what is open when the node leaves, or asked after, is answered: stopped")
  func leavingWithRequests() async throws {
    let loop = try EventLoop.start(threadName: "shared")
    let alice = try await Self.start("alice", on: loop)
    let bob = try await Self.start("bob", knows: [alice], on: loop)
    let nobody = User(name: try UserName("nobody"), identity: .random())
    let open = Task { try await bob.open(nobody) }
    await bob.leave()
    switch await open.result {
    case .success: Issue.record("opened")
    case .failure(let failure as NodeFailure):
      if ![.stopped, .userNotFound].contains(failure) { Issue.record("\(failure)") }
    case .failure(let error): Issue.record("\(error)")
    }
    await #expect(throws: NodeFailure.stopped) { try await bob.find(nobody) }
    await #expect(throws: NodeFailure.stopped) { try await bob.send("x", to: nobody) }
    #expect(await bob.status == nil)
    #expect(await bob.user == nil)
    await alice.leave()
    loop.stop()
    await loop.waitUntilClosed()
  }

  // The limit is the framework's: a task of our own could wait long for a thread while other tests compute.
  @Test("a node with a loop of its own answers after it has left, too: stopped", .timeLimit(.minutes(1)))
  func afterLeavingWithItsOwnLoop() async throws {
    let alice = try await Self.start("alice")
    let nobody = User(name: try UserName("nobody"), identity: .random())
    await alice.leave()
    await #expect(throws: NodeFailure.stopped) { try await alice.find(nobody) }
    await alice.leave()
    #expect(await alice.status == nil)
  }

  @Test(
    "a node that is dropped without leaving goes too, with its loop, its connections and its record",
    .timeLimit(.minutes(1)))
  func dropped() async throws {
    let alice = try await Self.start("alice")
    var bob: Node? = try await Self.start("bob", knows: [alice])
    let user = try #require(await bob?.user)
    try await alice.send("hello", to: user)
    bob = nil
    while await alice.status?.peers != 0 { await Task.yield() }
    await alice.leave()
  }

  @Test("two tasks may leave at the same time, and again")
  func leavingTwice() async throws {
    let loop = try EventLoop.start(threadName: "shared")
    let alice = try await Self.start("alice", on: loop)
    async let first: Void = alice.leave()
    async let second: Void = alice.leave()
    _ = await (first, second)
    await alice.leave()
    loop.stop()
    await loop.waitUntilClosed()
  }
}

/// Counted from many tasks.
private actor Count {
  private(set) var value = 0
  func rise() { value += 1 }
}
