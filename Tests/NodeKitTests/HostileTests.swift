// Peers that break the rules, against a node that is in the middle of a conversation. Whatever they send, their own link ends with
// one counted reason, and the two who talk notice nothing.

import Chat
import Chord
import RawPeers
import Testing
import UVRuntime

@testable import NodeKit

/// Two honest nodes in a conversation; the first of them is the one that is attacked.
struct HonestPair {
  var alice: Member
  var bob: Member

  static func meet(
    _ rig: isolated Rig, _ adjust: (inout LinkLimits) -> Void = { _ in }
  ) async throws -> HonestPair {
    let alice = try await rig.ready("alice") { adjust(&$0.limits) }
    let bob = try await rig.ready("bob", knows: [alice]) { adjust(&$0.limits) }
    try await rig.formed([alice, bob])
    try await rig.talk(alice, bob, "before")
    try await rig.talk(bob, alice, "before")
    return HonestPair(alice: alice, bob: bob)
  }

  /// The conversation goes on over the same link and in the same session, and the ring is as it was.
  func goOn(_ rig: isolated Rig) async throws {
    try await rig.talk(alice, bob, "after", limit: .seconds(2))
    try await rig.talk(bob, alice, "after", limit: .seconds(2))
    if alice.node.sessions.count != 1 || bob.node.sessions.count != 1 { Issue.record("\(alice.node.sessions)") }
    if bob.allFailures != 0 { Issue.record("bob suffers: \(bob.node.linkFailures)") }
    for member in [alice, bob]
    where member.events.contains(where: { if case .sessionClosed = $0 { true } else { false } }) {
      Issue.record("a session was closed")
    }
    try await rig.formed([alice, bob], limit: .seconds(2))
  }
}

@Suite("Strangers who do not say who they are")
struct StrangerTests {
  @Test("silence, half a first message, and a handshake without its last are each dropped after the handshake's time")
  func silence() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let silent = try rig.dial(pair.alice)
      let half = try rig.dial(pair.alice)
      let unproved = try rig.dial(pair.alice, as: .random())
      unproved.proves = false
      half.write([0, 32, 1, 2, 3])
      let since = LoopTime.current
      try await rig.until("all three are dropped", limit: Link.handshakePatience + .seconds(2)) {
        [silent, half, unproved].allSatisfy(\.isOver)
      }
      if LoopTime.current - since < Link.handshakePatience - .milliseconds(100) { Issue.record("dropped too early") }
      try await rig.until("counted") { pair.alice.failures(.silent) == 3 }
      if pair.alice.allFailures != 3 { Issue.record("\(pair.alice.node.linkFailures)") }
      try await pair.goOn(rig)
    }
  }

  /// What is sent instead of a handshake, and what it is taken for.
  static let openings: [(String, [UInt8], LinkFailure)] = [
    ("HTTP", Array("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n".utf8), .foreignProtocol),
    (
      "TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03] + Array(repeating: 7, count: 8192),
      .foreignProtocol
    ),
    ("garbage", Array(repeating: 0xFF, count: 1000), .foreignProtocol),
    ("a message of nothing", [0, 0], .malformed),
    ("a first message that is too short", [0, 31] + Array(repeating: 9, count: 31), .foreignProtocol),
    ("a first message that is too long", [0, 33], .foreignProtocol),
    ("a frame in the clear", FrameTests.frame(0x43, Array(repeating: 1, count: 20)), .foreignProtocol),
    ("a key with which every secret is zero", [0, 32] + Array(repeating: 0, count: 32), .unproved),
  ]

  @Test("whoever speaks something else is dropped at once, with the reason counted")
  func foreign() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      var total = 0
      for (name, bytes, failure) in Self.openings {
        let before = pair.alice.failures(failure)
        let peer = try rig.dial(pair.alice)
        peer.write(bytes)
        try await rig.until("\(name) is dropped", limit: .seconds(2)) { peer.isOver }
        total += 1
        if pair.alice.failures(failure) != before + 1 { Issue.record("\(name): \(pair.alice.node.linkFailures)") }
      }
      if pair.alice.allFailures != total { Issue.record("\(pair.alice.node.linkFailures)") }
      try await pair.goOn(rig)
    }
  }

  @Test("a first message cut at any byte, and then the end, is a connection closed early")
  func cutFirst() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let first = try ChannelEnd(.random(), isDialler: true).first()
      let cut = try (0..<first.count).map { count in
        let peer = try rig.dial(pair.alice)
        peer.write(Array(first.prefix(count)))
        peer.connection.shutdown()
        return peer
      }
      try await rig.until("all are closed", limit: .seconds(4)) { cut.allSatisfy(\.isClosed) }
      try await rig.until("and counted") { pair.alice.failures(.closedEarly) == first.count }
      if pair.alice.allFailures != first.count { Issue.record("\(pair.alice.node.linkFailures)") }
      try await pair.goOn(rig)
    }
  }

  @Test("a hello with another's key, a bad key, our own key, or that is none, is told apart")
  func wrongHello() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let mallory = Identity.random()
      let own = pair.alice.node.identity
      let here = Endpoint(host: .v4(0x7F00_0001), port: 9)
      let life = [UInt8](repeating: 5, count: Hello.lifeLength)
      func hello(_ key: [UInt8]) -> [UInt8] { Hello(publicKey: key, life: life, listens: here, sees: here).frame }
      var signed = mallory.publicKey
      signed[31] |= 0x80
      let cases: [(String, Identity, [UInt8], LinkFailure)] = [
        ("another's key", mallory, hello(Identity.random().publicKey), .unproved),
        ("our key, unproved", mallory, hello(own.publicKey), .unproved),
        ("our key, proved", own, hello(own.publicKey), .twin),
        ("a key with its sign", mallory, hello(signed), .unproved),
        ("a key that is none", mallory, hello(Array(repeating: 0x7F, count: 32)), .unproved),
        ("nothing", mallory, [], .malformed),
        ("half a hello", mallory, Array(hello(mallory.publicKey).prefix(50)), .malformed),
        ("an empty hello", mallory, FrameTests.frame(0x01, []), .malformed),
        ("a text instead", mallory, FrameTests.frame(0x43, Array(repeating: 1, count: 20)), .unexpected),
        ("two hellos", mallory, hello(mallory.publicKey) + hello(mallory.publicKey), .unexpected),
        ("more than a stranger may say", mallory, Array(repeating: 1, count: 5000), .foreignProtocol),
      ]
      for (name, identity, payload, failure) in cases {
        let before = pair.alice.failures(failure)
        let peer = try rig.dial(pair.alice, as: identity, saying: payload)
        try await rig.until("\(name): it is dropped", limit: .seconds(2)) { peer.isOver }
        if pair.alice.failures(failure) != before + 1 { Issue.record("\(name): \(pair.alice.node.linkFailures)") }
      }
      if pair.alice.allFailures != cases.count { Issue.record("\(pair.alice.node.linkFailures)") }
      try await pair.goOn(rig)
    }
  }

  @Test("nodes of another network never link, though neither says which network it is")
  func otherNetwork() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      for network in ["tess", "", "test2"] {
        let before = pair.alice.failures(.closedEarly)
        let peer = try rig.dial(pair.alice, as: .random(), network: network)
        try await rig.until("it is over", limit: .seconds(2)) { peer.isOver }
        try await rig.until("counted") { pair.alice.failures(.closedEarly) == before + 1 }
        if peer.isEstablished { Issue.record("linked from network \(network)") }
      }
      try await pair.goOn(rig)
    }
  }

  @Test("a flood of connections fills only the room for strangers, and those who talk go on")
  func flood() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let peers = try (0..<700).map { _ in try rig.dial(pair.alice) }
      try await rig.until("all are connected", limit: .seconds(10)) {
        peers.allSatisfy { $0.isConnected || $0.isClosed }
      }
      try await rig.until("the rest is turned away", limit: .seconds(4)) { pair.alice.failures(.full) == 188 }
      try await rig.until("and closed", limit: .seconds(4)) { peers.count(where: \.isOver) >= 188 }
      try await rig.talk(pair.alice, pair.bob, "during", limit: .seconds(2))
      for peer in peers { peer.connection.close() }
      try await rig.until("there is room again", limit: .seconds(4)) {
        pair.alice.failures(.closedEarly) + pair.alice.failures(.silent) == 512
      }
      _ = try await rig.linked(pair.alice)
      try await pair.goOn(rig)
    }
  }
}

@Suite("Peers who have proved who they are and then break the rules")
struct HostileTests {
  static let ticket: [UInt8] = [0, 0, 0, 7]
  /// For tests of what else holds a peer back.
  static let anyPace = LinkLimits.Rate(perSecond: 1e9, burst: 1e9)
  static let text: [UInt8] = [1, 2, 3, 4] + [0, 0, 0, 0, 0, 0, 0, 1] + [0, 1, 0x68]

  /// What is sent on a link that stands, and what it is taken for.
  static let offences: [(String, [UInt8], LinkFailure)] = [
    ("garbage in a message", Array(repeating: 0xA7, count: 5000), .oversized),
    ("garbage of a good length", [0, 5] + [0x99, 1, 2, 3, 4], .unexpected),
    ("a message without a frame", [], .malformed),
    ("a frame of nothing", [0, 0, 0], .malformed),
    ("a frame that is one too long", [0x90, 0x01, 0x43], .oversized),
    ("half a frame", [0, 9, 0x43], .malformed),
    ("an unknown link message", FrameTests.frame(0x07, []), .unexpected),
    ("a frame after the announcement of a key", FrameTests.frame(0x06, []) + FrameTests.frame(0x04, []), .unexpected),
    ("a new key of something", FrameTests.frame(0x06, [1]), .malformed),
    ("a second hello", FrameTests.frame(0x01, [1]), .unexpected),
    ("a message of an older protocol", FrameTests.frame(0x02, Array(repeating: 0, count: 64)), .unexpected),
    ("type 0", FrameTests.frame(0x00, []), .unexpected),
    ("an unknown ring message", FrameTests.frame(0x3F, [1]), .unexpected),
    ("an unknown chat message", FrameTests.frame(0x5F, [1]), .unexpected),
    ("a type beyond all ranges", FrameTests.frame(0xFF, [1]), .unexpected),
    ("a truncated query", FrameTests.frame(0x10, [0, 0, 0]), .malformed),
    ("a query with a tail", FrameTests.frame(0x10, ticket + [0]), .malformed),
    ("an empty view", FrameTests.frame(0x11, []), .malformed),
    ("a view of 255 successors", FrameTests.frame(0x11, ticket + [1, 0, 255]), .malformed),
    ("a truncated text", FrameTests.frame(0x43, [1, 2, 3, 4, 0]), .malformed),
    ("an empty text", FrameTests.frame(0x43, text.dropLast()), .malformed),
    ("a text that is no UTF-8", FrameTests.frame(0x43, text + [0xC3, 0x28]), .malformed),
    ("a text that is too long", FrameTests.frame(0x43, text + Array(repeating: 0x68, count: 32_768)), .malformed),
    ("a sequence of 2^63", FrameTests.frame(0x44, [1, 2, 3, 4, 0x80, 0, 0, 0, 0, 0, 0, 0]), .malformed),
    ("an empty opening", FrameTests.frame(0x40, []), .malformed),
    ("a goodbye without a reason", FrameTests.frame(0x03, []), .malformed),
    ("a goodbye with two reasons", FrameTests.frame(0x03, [0, 0]), .malformed),
  ]

  @Test("a message that is malformed or has no place ends the sender's link, with the reason counted and said")
  func offences() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      for (name, bytes, failure) in Self.offences {
        let before = pair.alice.failures(failure)
        let peer = try await rig.linked(pair.alice)
        peer.write(bytes)
        try await rig.until("\(name): the link is closed", limit: .seconds(3)) { peer.isOver }
        try await rig.until("\(name): and forgotten", limit: .seconds(3)) { pair.alice.status.peers == 1 }
        if pair.alice.failures(failure) != before + 1 { Issue.record("\(name): \(pair.alice.node.linkFailures)") }
        if peer.goodbyes != [3] { Issue.record("\(name): the peer was told \(peer.goodbyes)") }
      }
      if pair.alice.allFailures != Self.offences.count { Issue.record("\(pair.alice.node.linkFailures)") }
      try await pair.goOn(rig)
    }
  }

  @Test("an observer that behaves as a member is shown the door")
  func observers() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let me = Peer(id: Identifier(5), endpoint: Endpoint(host: .v4(0x7F00_0001), port: 9))
      let record = try #require(Self.record(network: "test"))
      let put = Request(ticket: 1, key: record.key, hopsLeft: 32, claim: .none, question: .put(record))
      let join = Request(ticket: 1, key: Identifier(5), hopsLeft: 32, claim: .none, question: .join(me))
      let view = View(isMember: true, predecessor: nil, successors: [me])
      let messages: [Message] = [
        .notify(1), .changed, .hint(me), .leaving(predecessor: nil, successors: [me]), .request(put), .request(join),
        .replicate(1, record), .view(1, view), .reply(Reply(ticket: 1, path: [], answer: .redirect(me))),
        .accepted(1), .notified(1, isPredecessor: true), .replicated(1, isKept: true), .pong(1, isMember: true),
      ]
      for (count, message) in messages.enumerated() {
        let peer = try await rig.linked(pair.alice)
        peer.write(message)
        try await rig.until("\(message): the link is closed", limit: .seconds(3)) { peer.isOver }
        try await rig.until("counted", limit: .seconds(3)) { pair.alice.failures(.unexpected) == count + 1 }
      }
      // What it may do, it can.
      let peer = try await rig.linked(pair.alice)
      peer.write(.query(4))
      peer.write(.ping(5))
      peer.write(.request(Request(ticket: 6, key: record.key, hopsLeft: 32, claim: .none, question: .get)))
      try await rig.until("its answers") { Set(peer.frames.map(\.type)).isSuperset(of: [0x11, 0x15, 0x1B]) }
      if peer.isOver { Issue.record("an honest observer was dropped") }
      try await pair.goOn(rig)
    }
  }

  /// A record as anybody can make one.
  static func record(network: String) -> Record? {
    guard let name = try? UserName("mallory") else { return nil }
    let identity = Identity.random()
    let user = User(name: name, identity: identity)
    var writer = DirectoryWriter(user: user, identity: identity, network: network)
    return writer.record(endpoints: [Endpoint(host: .v4(0x7F00_0001), port: 9)], at: 1_790_000_000_000)
  }

  @Test("answers that nobody asked for, and texts for sessions that nobody has, change nothing")
  func unasked() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let peer = try await rig.linked(pair.alice, listens: true)
      let other = Peer(id: Identifier(5), endpoint: Endpoint(host: .v4(0x7F00_0001), port: 9))
      let view = View(isMember: true, predecessor: other, successors: [other])
      let messages: [Message] = [
        .view(1, view), .reply(Reply(ticket: 1, path: [], answer: .owner(other, view))), .accepted(1),
        .notified(1, isPredecessor: true),
        .replicated(1, isKept: true), .pong(1, isMember: false), .changed,
      ]
      for message in messages { peer.write(message) }
      peer.write(0x43, Self.text)
      peer.write(0x44, [1, 2, 3, 4] + [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
      peer.write(0x45, [1, 2, 3, 4, 1])
      peer.write(0x46, [1, 2, 3, 4])
      peer.write(0x42, [1, 2, 3, 4, 3])
      peer.write(0x05)
      peer.write(0x04)
      try await rig.until("all is read") { peer.frames.last?.type == 0x05 }
      if !peer.frames.contains(where: { $0.type == 0x46 && $0.payload == [1, 2, 3, 4] }) {
        Issue.record("an unknown session is not told so")
      }
      if peer.isOver { Issue.record("the link was closed") }
      try await pair.goOn(rig)
    }
  }

  @Test("every session number of another's session is useless on a link that did not open it")
  func foreignSession() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.sessions = Self.anyPace }
      guard let alice = pair.alice.node.user else { return }
      let heard = pair.alice.events.count
      let mallory = try await rig.linked(pair.bob)
      // All numbers that bob may have given out: the table counts slots in the low bits.
      for number in UInt32(0)..<4096 {
        var writer = ByteWriter()
        writer.write(number)
        mallory.write(0x45, writer.bytes + [1])
        mallory.write(0x43, writer.bytes + Self.text.dropFirst(4))
      }
      mallory.write(0x04)
      try await rig.until("all is read") { mallory.frames.last?.type == 0x05 }
      if pair.bob.heard(from: alice) != ["before"] || pair.alice.events.count != heard { Issue.record("it had effect") }
      try await pair.goOn(rig)
    }
  }

  @Test("what comes after a goodbye has no effect, and the link still ends")
  func afterGoodbye() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      for reason: UInt8 in [0, 1, 2, 3, 77] {
        let peer = try await rig.linked(pair.alice)
        peer.write(FrameTests.frame(0x03, [reason]) + FrameTests.frame(0x10, Self.ticket))
        peer.write(FrameTests.frame(0x03, [reason]) + FrameTests.frame(0x77, []))
        try await rig.until("goodbye \(reason): the link is closed", limit: .seconds(3)) { peer.isOver }
        peer.connection.close()
        try await rig.until("and gone", limit: .seconds(3)) { rig.loop.openConnections == 2 }
        if peer.frames.contains(where: { $0.type == 0x11 }) { Issue.record("answered after a goodbye") }
      }
      try await pair.goOn(rig)
    }
  }

  @Test("whoever goes on after a goodbye, or on a link that is being left, is not heard, and harms nobody")
  func onAfterTheEnd() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let messages: [UInt8] = [0, 1, 7, 0, 1, 7]
      for reason: UInt8 in [1, 2] {
        let peer = try await rig.linked(pair.alice)
        peer.endsToo = false
        peer.write(FrameTests.frame(0x03, [reason]))
        peer.writeRaw(messages)
        try await rig.until("the node has ended its side") { peer.hasEnded }
        peer.writeRaw([0])
        try await rig.until("goodbye \(reason): it is gone", limit: .seconds(3)) { rig.loop.openConnections == 3 }
        peer.connection.close()
      }
      let identity = Identity.random()
      let peer = try await rig.linked(pair.alice, as: identity)
      peer.endsToo = false
      let link = try #require(pair.alice.node.links.link(to: identity.nodeID))
      pair.alice.node.links.step(.idle(identity.nodeID))
      peer.write([9])
      try await rig.until("the fault is seen") { link.failure == .malformed }
      peer.write(0x04)
      peer.writeRaw(messages)
      let turn = rig.loop.turn
      try await rig.until("all of it is read") { rig.loop.turn > turn + 5 }
      peer.writeRaw([0])
      try await rig.until("the fault: it is gone", limit: .seconds(3)) { rig.loop.openConnections == 2 }
      try await pair.goOn(rig)
    }
  }

  @Test("a goodbye with which a peer has said all that it may in a turn is still heard out")
  func goodbyeAtTheEndOfAPortion() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let identity = Identity.random()
      let peer = try await rig.linked(pair.alice, as: identity)
      let link = try #require(pair.alice.node.links.link(to: identity.nodeID))
      let nothing: [UInt8] = []
      let (ping, pong) = (Speech(0x04).weight(of: nothing.span.bytes), Speech(0x05).weight(of: nothing.span.bytes))
      let pings = (Speech.portion - 1) / ping
      let pongs = (Speech.portion - pings * ping - 1) / pong
      var frames = (0..<pings).flatMap { _ in FrameTests.frame(0x04, []) }
      frames += (0..<pongs).flatMap { _ in FrameTests.frame(0x05, []) }
      peer.write(frames + FrameTests.frame(0x03, [1]))
      try await rig.until("the link has ended", limit: .seconds(3)) { rig.loop.openConnections == 2 }
      if !link.isHeardOut { Issue.record("\(link.failure as Any)") }
      try await pair.goOn(rig)
    }
  }

  @Test("a peer that answers pings nobody sent cannot keep open a link that has said goodbye")
  func pongsWhileDraining() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let peer = try await rig.linked(pair.alice)
      peer.endsToo = false
      peer.write(FrameTests.frame(0x03, [2]) + FrameTests.frame(0x05, []))
      // Two for the pair, and one end of this: its own.
      try await rig.until("the node's end is closed all the same", limit: .seconds(3)) { rig.loop.openConnections == 3 }
      try await pair.goOn(rig)
    }
  }

  @Test("ten thousand pings whose answers nobody reads cost next to nothing")
  func pings() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.maintenance = Self.anyPace }
      let peer = try await rig.linked(pair.alice)
      peer.connection.pauseReading()
      for _ in 0..<10_000 { peer.write(0x04) }
      try await rig.until("all is sent") { peer.connection.pendingBytes == 0 }
      try await rig.talk(pair.alice, pair.bob, "during", limit: .seconds(2))
      peer.connection.resumeReading()
      try await rig.until("ten thousand answers") { peer.frames.count(where: { $0.type == 0x05 }) == 10_000 }
      try await pair.goOn(rig)
    }
  }

  @Test("a peer that asks without end and never reads costs no more than its queue, and is given up")
  func neverReads() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.maintenance = Self.anyPace }
      let identity = Identity.random()
      let peer = try await rig.linked(pair.alice, as: identity)
      let link = try #require(pair.alice.node.links.link(to: identity.nodeID))
      peer.connection.pauseReading()
      let question = Frame.encoded { Message.query(1).encode(into: &$0) }
      let batch = (0..<2000).flatMap { _ in question }
      var longest = 0
      // Each answer is ten times as long as the question.
      for _ in 0..<1000 where pair.alice.givenUp == 0 {
        peer.write(batch)
        try await rig.until("sent or closed", limit: .seconds(5)) {
          peer.connection.pendingBytes == 0 || peer.isClosed || pair.alice.givenUp > 0
        }
        longest = max(longest, link.pendingBytes)
      }
      if longest > pair.alice.node.links.limits.softQueue + 65_536 * 10 { Issue.record("\(longest) bytes wait") }
      try await rig.talk(pair.alice, pair.bob, "during", limit: .seconds(2))
      try await rig.until("it is given up", limit: Link.unanswered + .seconds(6)) { pair.alice.givenUp == 1 }
      try await pair.goOn(rig)
    }
  }

  @Test("one key that dials again and again ends with one link, and nothing is left over")
  func manyDials() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let identity = Identity.random()
      // Nobody answers the pings by which a node finds out whether the older link still lives.
      let peers = try (0..<6).map { _ in try rig.dial(pair.alice, as: identity) }
      try await rig.until("all have proved it") { peers.allSatisfy { $0.isEstablished || $0.isOver } }
      try await rig.until("one link stays", limit: .seconds(8)) {
        pair.alice.status.peers == 2 && peers.count { !$0.isOver } == 1
      }
      try await pair.goOn(rig)
      for peer in peers { peer.connection.close() }
      try await rig.until("nothing is kept", limit: .seconds(4)) { rig.loop.openConnections == 2 }
    }
  }

  @Test("one node under three bootstrap names is linked once, and everything closes")
  func threeNames() async throws {
    try await withRig { rig in
      let alice = try rig.start("alice") { $0.listen = "[::]:0" }
      try await rig.until("alice is ready") { alice.isReady }
      let port = alice.status.address.port
      let bob = try rig.start("bob") {
        $0.bootstraps = ["127.0.0.1:\(port)", "[::1]:\(port)", "127.0.0.2:\(port)", "127.0.0.3:\(port)"]
      }
      try await rig.until("bob is ready") { bob.isReady }
      try await rig.formed([alice, bob])
      try await rig.talk(alice, bob, "hello", limit: .seconds(2))
      try await rig.until("one link", limit: .seconds(5)) {
        alice.status.peers == 1 && bob.status.peers == 1 && rig.loop.openConnections == 2
      }
      try await rig.talk(bob, alice, "hello", limit: .seconds(2))
    }
  }
}

extension Member {
  /// Links that ended because nothing was taken on them: too much was waiting, or for too long.
  fileprivate var givenUp: Int { failures(.slow) + failures(.silent) }
}
