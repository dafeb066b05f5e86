// What a program asks for before its node is in a ring, and takes back before it is.

import Chord
import Testing

@testable import Chat

@Suite("Requests before there is a ring")
struct EarlyTests {
  private static let time = Time(monotonic: Instant(nanoseconds: 0), utcMilliseconds: 1_700_000_000_000)
  private let bob: User
  private let carol: User
  private let fresh: Engine

  init() throws {
    bob = User(name: try UserName("bob"), identity: World.identity(2))
    carol = User(name: try UserName("carol"), identity: World.identity(3))
    let identity = World.identity(1)
    var configuration = ChordNode.Configuration()
    configuration.network = World.network
    let me = Peer(id: identity.nodeID, endpoint: World.endpoint(7001))
    let chat = Conversations.Configuration(network: World.network, identity: identity, name: try UserName("alice"))
    fresh = Engine(
      ring: ChordNode(me: me, configuration: configuration, seed: 1, at: Self.time),
      conversations: Conversations(configuration: chat, seed: 2, at: Self.time))
  }

  /// What has been told of what was asked for.
  private static func answers(_ engine: inout Engine, to events: [Engine.Event]) -> [Conversations.Effect] {
    var effects: [Engine.Effect] = []
    for event in events { engine.handle(event, at: time, into: &effects) }
    return effects.compactMap { effect in
      guard case .chat(let told) = effect else { return nil }
      switch told {
      case .failed, .closed: return told
      default: return nil
      }
    }
  }

  @Test("a text that waits for a ring fails when its reader is ignored, and does not undo that")
  func ignored() throws {
    var engine = fresh
    let answers = Self.answers(
      &engine,
      to: [
        .chat(.send(bob, "to bob", 1)), .chat(.send(carol, "to carol", 2)), .chat(.ignore(bob)),
        .ring(.start), .ring(.nobodyFound),
      ])
    #expect(answers == [.failed(1, .noSession), .failed(2, .userNotFound)], "she was looked for, and is not there")
    let consent = try #require(engine.conversations).consent
    #expect(engine.ring.isInRing && consent.ignored.contains(bob))
    #expect(consent.hasAccepted(carol) && !consent.hasAccepted(bob))
  }

  @Test("a session that waits for a ring can be closed, and one that is not asked for cannot")
  func closed() throws {
    var engine = fresh
    let answers = Self.answers(
      &engine,
      to: [
        .chat(.open(bob, 1)), .chat(.send(bob, "to bob", 2)), .chat(.close(bob, 3)), .chat(.close(carol, 4)),
        .ring(.start), .ring(.nobodyFound),
      ])
    #expect(answers == [.failed(1, .noSession), .failed(2, .noSession), .closed(3), .failed(4, .noSession)])
    #expect(engine.ring.isInRing && engine.conversations?.hasSession(with: bob) == false)
  }

  @Test("what is asked for after that waits as before")
  func askedAgain() throws {
    var engine = fresh
    let answers = Self.answers(
      &engine,
      to: [
        .chat(.send(bob, "no", 1)), .chat(.ignore(bob)), .chat(.send(bob, "yes", 2)), .ring(.start),
        .ring(.nobodyFound),
      ])
    #expect(answers == [.failed(1, .noSession), .failed(2, .userNotFound)], "he was looked for, and is not there")
    #expect(engine.conversations?.consent.hasAccepted(bob) == true)
  }
}
