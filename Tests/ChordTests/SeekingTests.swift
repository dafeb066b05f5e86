// When a node that finds only others without a ring begins one of its own: not while somebody may still answer who is in one. And
// that a dead link to a bootstrap does not keep it outside.

import Testing

@testable import Chord

@Suite("Looking for a ring")
struct SeekingTests {
  private static let start = Time(monotonic: Instant(nanoseconds: 1_000_000_000), utcMilliseconds: 1_790_000_000_000)
  private static func peer(_ number: UInt16) -> Peer {
    Peer(id: Identifier(UInt32(number)), endpoint: Endpoint(host: .v4(0x7F00_0001), port: number))
  }

  /// A node outside, what it has asked for, and the means to answer.
  private struct Newcomer {
    var node = ChordNode(me: peer(1), configuration: ChordNode.Configuration(), seed: 1, at: start)
    var now = start
    var effects: [ChordNode.Effect] = []

    mutating func handle(_ event: ChordNode.Event) {
      effects = []
      node.handle(event, at: now, into: &effects)
    }

    /// A node that is in no ring itself is introduced, and refuses to help.
    mutating func meetStranger() {
      handle(.introduced(SeekingTests.peer(2)))
      for case .send(.request(let request), let to) in effects {
        let refusal = Reply(ticket: request.ticket, path: [to.id], answer: .failure(.notInRing))
        handle(.received(.reply(refusal), from: to))
      }
      now.monotonic = now.monotonic + .milliseconds(100)
      handle(.tick)
    }

    var isAlone: Bool { node.ring.isAlone }
  }

  @Test("strangers without a ring do not make it begin one while a slower bootstrap may still answer")
  func slowBootstrap() {
    var newcomer = Newcomer()
    newcomer.handle(.start)
    #expect(newcomer.effects.contains(.seek(all: true)))
    for _ in 0..<20 { newcomer.meetStranger() }
    #expect(!newcomer.isAlone)
    newcomer.handle(.introduced(Self.peer(3)))
    let asksTheOther = newcomer.effects.contains {
      if case .send(.request, to: Self.peer(3)) = $0 { true } else { false }
    }
    #expect(asksTheOther && !newcomer.isAlone)
  }

  @Test("once everybody has answered, and nobody is in a ring, it begins one")
  func nobodyElse() {
    var newcomer = Newcomer()
    newcomer.handle(.start)
    for _ in 0..<5 { newcomer.meetStranger() }
    #expect(!newcomer.isAlone)
    newcomer.handle(.everybodyFound)
    #expect(newcomer.isAlone && newcomer.effects.contains(.startedAlone))
  }

  /// The bootstrap's link stands, and carries nothing: a router between has forgotten it. Nothing else would ever be asked over it.
  @Test("a bootstrap that says nothing at all is asked over a new link")
  func deadLink() {
    var newcomer = Newcomer()
    newcomer.handle(.start)
    newcomer.handle(.introduced(Self.peer(2)))
    newcomer.now.monotonic = newcomer.now.monotonic + RoundTrip.firstAnswer
    newcomer.handle(.tick)
    #expect(newcomer.effects.contains(.renew(Self.peer(2).id)))
    newcomer.handle(.lost(Self.peer(2).id))
    let asksAgain = newcomer.effects.contains {
      if case .send(.request, to: Self.peer(2)) = $0 { true } else { false }
    }
    #expect(asksAgain)
  }
}
