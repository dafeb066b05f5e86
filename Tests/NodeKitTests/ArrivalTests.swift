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
      let turn = rig.loop.turn
      try await rig.until("all are turned away") { pair.alice.failures(.foreignProtocol) == peers.count }
      if rig.loop.turn - turn > 15 { Issue.record("they waited for \(rig.loop.turn - turn) turns") }
      try await pair.goOn(rig)
    }
  }
}
