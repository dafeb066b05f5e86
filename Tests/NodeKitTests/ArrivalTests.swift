// What strangers and their links leave behind, and what they may cost that is no frame of anybody's.

import RawPeers
import Testing
import UVRuntime

@testable import Chord
@testable import NodeKit

@Suite("Strangers, and what is left of them")
struct ArrivalTests {
  @Test("keys that a peer renews again and again are only so many a turn")
  func renewals() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let peer = try await rig.linked(pair.alice)
      let count = 8 * Speech.portion
      for _ in 0..<count { peer.renewKey() }
      peer.write(0x04)
      let turn = rig.loop.turn
      try await rig.until("all is read") { peer.frames.last?.type == 0x05 }
      if rig.loop.turn - turn < 8 { Issue.record("\(count) keys in \(rig.loop.turn - turn) turns") }
      try await pair.goOn(rig)
    }
  }

  @Test("strangers who have come and gone are forgotten")
  func gone() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      for _ in 0..<10 {
        let peers = try (0..<60).map { _ in try rig.dial(pair.alice) }
        try await rig.until("all are connected") { peers.allSatisfy(\.isConnected) }
        for peer in peers { peer.connection.close() }
        try await rig.until("and gone") { rig.loop.openConnections == 2 }
      }
      if pair.alice.node.links.arrivals.count > 200 { Issue.record("\(pair.alice.node.links.arrivals.count) are kept") }
      try await pair.goOn(rig)
    }
  }

  @Test("of a stranger no more is kept for later than a handshake is long: the rest is looked at when it comes")
  func longStrangers() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let peers = try (0..<60).map { _ in try rig.dial(pair.alice) }
      try await rig.until("all are connected") { peers.allSatisfy(\.isConnected) }
      try await rig.until("and taken") { rig.loop.openConnections == 2 + 2 * peers.count }
      let first = try ChannelEnd(.random(), isDialler: true).first()
      for peer in peers { peer.writeRaw(first + Array(repeating: 0xFF, count: 8_000)) }
      let turns = EachTurn(of: rig.loop) { pair.alice.failures(.foreignProtocol) }
      try await rig.until("all are turned away") { turns.last == peers.count }
      turns.end()
      // Who is put off is one of two in a turn.
      if turns.mostAtOnce <= 4 { Issue.record("\(turns.mostAtOnce) in a turn at the most") }
      try await pair.goOn(rig)
    }
  }

  @Test("whoever dials us has not shown that it can be dialled where it says")
  func claimsAreNoConfirmation() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let identity = Identity.random()
      let peer = Peer(id: identity.nodeID, endpoint: Endpoint(host: .v4(0x7F00_0001), port: 9))
      alice.node.hearsay.take([peer], from: Identifier(1))
      _ = try await rig.linked(alice, as: identity, listens: true)
      if !alice.node.hearsay.mentions(peer) { Issue.record("its own word was enough") }
    }
  }

  @Test("a dial to hearsay that has failed is over, though its node has come by itself meanwhile")
  func overtakenDial() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let identity = Identity.random()
      let mute = Mute()
      var visitor: TCPConnection?
      let listener = try TCPListener(on: rig.loop, address: .loopback4(port: 0)) {
        $0.handler = mute
        visitor = $0
      }
      let peer = Peer(id: identity.nodeID, endpoint: Endpoint(listener.address))
      alice.node.hearsay.take([peer], from: Identifier(1))
      if !alice.node.hearsay.allows(peer, at: rig.loop.now) { Issue.record("not to be dialled") }
      alice.node.links.send(Frame.encoded { Message.ping(1).encode(into: &$0) }, to: peer)
      try await rig.until("it is dialled") { visitor != nil }
      _ = try await rig.linked(alice, as: identity, listens: true)
      visitor?.reset()
      try await rig.until("the dial has failed") { alice.allFailures == 1 }
      alice.node.hearsay.keep { _ in false }
      if alice.node.hearsay.count != 0 { Issue.record("it is under way for ever") }
      listener.close()
      visitor = nil
    }
  }
}

/// Looks at the end of each turn how far something has got.
private final class EachTurn: TurnEnd {
  private let loop: EventLoop
  private let value: () -> Int
  private var isOver = false
  private(set) var last = 0
  /// By how much it rose in one turn at the most.
  private(set) var mostAtOnce = 0

  init(of loop: EventLoop, _ value: @escaping () -> Int) {
    (self.loop, self.value) = (loop, value)
    loop.callAtEndOfTurn(self)
  }

  func turnEnds() {
    mostAtOnce = max(mostAtOnce, value() - last)
    last = value()
    if !isOver { loop.callAtEndOfTurn(self) }
  }

  func end() { isOver = true }
}
