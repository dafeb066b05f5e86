// What others may take of a node: the counting by itself, and a real node that is asked for more.

import RawPeers
import Testing
import UVRuntime

@testable import Chord
@testable import NodeKit

@Suite("Counting what others take")
struct CountingTests {
  private static let start = LoopTime(nanoseconds: 1_000_000_000)
  private static func v4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> Endpoint.Host {
    .v4(a << 24 | b << 16 | c << 8 | d)
  }

  // Each changes what it asks.
  private static func arrives(_ admission: inout Admission, from host: Endpoint.Host, at now: LoopTime) -> Bool {
    admission.arrives(from: host, at: now)
  }
  private static func take(_ bucket: inout TokenBucket, at now: LoopTime) -> Bool { bucket.take(at: now) }
  private static func charge(_ bucket: inout TokenBucket, at now: LoopTime) -> LoopTime? { bucket.charge(at: now) }
  private static func dials(_ ledger: inout DialLedger, onWordOf id: Identifier, at now: LoopTime) -> Bool {
    ledger.dials(onWordOf: id, at: now)
  }

  @Test("a bucket gives its burst at once, and then its rate")
  func bucket() {
    var bucket = TokenBucket(.init(perSecond: 2, burst: 3), at: Self.start)
    #expect((0..<5).map { _ in bucket.take(at: Self.start) } == [true, true, true, false, false])
    #expect(!Self.take(&bucket, at: Self.start + .milliseconds(499)))
    #expect(Self.take(&bucket, at: Self.start + .milliseconds(1000)))
    #expect(!bucket.isFull(at: Self.start + .milliseconds(1500)))
    #expect(bucket.isFull(at: Self.start + .seconds(3)))
  }

  @Test("what cannot be refused is paid for by waiting")
  func debt() {
    var bucket = TokenBucket(.init(perSecond: 10, burst: 2), at: Self.start)
    #expect(Self.charge(&bucket, at: Self.start) == nil)
    #expect(Self.charge(&bucket, at: Self.start) == nil)
    #expect(Self.charge(&bucket, at: Self.start) == Self.start + .milliseconds(100))
    #expect(Self.charge(&bucket, at: Self.start) == Self.start + .milliseconds(200))
    #expect(Self.charge(&bucket, at: Self.start + .seconds(1)) == nil)
  }

  @Test("a public prefix has so many connections, and opens so many a second; what has ended counts no more")
  func prefixes() {
    var limits = LinkLimits()
    limits.arrivalsPerPrefix = 3
    limits.newArrivalsPerPrefix = .init(perSecond: 1, burst: 5)
    var admission = Admission(limits)
    let hosts = (1...4).map { Self.v4(203, 0, 113, $0) }
    #expect(hosts.map { admission.arrives(from: $0, at: Self.start) } == [true, true, true, false])
    #expect(Self.arrives(&admission, from: Self.v4(203, 0, 114, 1), at: Self.start), "another prefix")
    admission.left(hosts[0])
    #expect(Self.arrives(&admission, from: hosts[3], at: Self.start))
    for host in hosts.dropFirst() { admission.left(host) }
    #expect(Self.arrives(&admission, from: hosts[0], at: Self.start))
    admission.left(hosts[0])
    #expect(!Self.arrives(&admission, from: hosts[0], at: Self.start), "five within a second")
    #expect(Self.arrives(&admission, from: hosts[0], at: Self.start + .seconds(1)))
    let six = [Endpoint.Host.v6(0x2001_0DB8_0001_0000, 1), .v6(0x2001_0DB8_0001_FFFF, 9)]
    #expect((0..<4).map { admission.arrives(from: six[$0 % 2], at: Self.start) } == [true, true, true, false])
  }

  @Test("loopback and private addresses are counted only on request")
  func privateAddresses() {
    var limits = LinkLimits()
    limits.arrivalsPerPrefix = 1
    let hosts = [Self.v4(127, 0, 0, 1), Self.v4(10, 1, 2, 3), Self.v4(192, 168, 0, 1)]
    for (isIncluded, expected) in [(false, [true, true]), (true, [true, false])] {
      limits.includesPrivateAddresses = isIncluded
      var admission = Admission(limits)
      for host in hosts {
        #expect((0..<2).map { _ in admission.arrives(from: host, at: Self.start) } == expected)
      }
    }
  }

  @Test("all public addresses together open so many connections a second, from however many networks")
  func allTogether() {
    var limits = LinkLimits()
    limits.newArrivals = .init(perSecond: 100, burst: 200)
    var admission = Admission(limits)
    let taken = (0..<6000).count { admission.arrives(from: .v4(UInt32($0) << 8 | 0x5000_0001), at: Self.start) }
    #expect(taken == 200)
    let later = (0..<6000).count {
      admission.arrives(from: .v4(UInt32($0) << 8 | 0x6000_0001), at: Self.start + .seconds(60))
    }
    #expect(later == 200)
  }

  @Test("four vain dials a minute on one node's word; those that led to the right node do not count")
  func ledger() {
    var ledger = DialLedger(limit: 4)
    let (liar, friend) = (Identifier(1), Identifier(2))
    for _ in 0..<100 {
      #expect(Self.dials(&ledger, onWordOf: friend, at: Self.start))
      ledger.wasRight(friend)
    }
    #expect(
      (0..<6).map { _ in ledger.dials(onWordOf: liar, at: Self.start) } == [true, true, true, true, false, false])
    #expect(Self.dials(&ledger, onWordOf: friend, at: Self.start))
    #expect(!Self.dials(&ledger, onWordOf: liar, at: Self.start + .seconds(59)))
    #expect(Self.dials(&ledger, onWordOf: liar, at: Self.start + .seconds(60)))
    var crowd = DialLedger(limit: 1)
    let followed = (0..<5000).count { crowd.dials(onWordOf: Identifier(UInt32($0)), at: Self.start) }
    #expect(followed == 1_024, "a crowd of liars has a limit too")
  }
}

/// Hears everything and says nothing.
final class Mute: TCPConnectionHandler {
  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {}
  func ended(_ connection: TCPConnection) {}
  func closed(_ connection: TCPConnection, error: UVError?) {}
}

@Suite("A node that is asked for too much")
struct LimitTests {
  @Test("whoever asks too fast is answered as fast as it may ask, and everybody else as before")
  func pace() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.maintenance = .init(perSecond: 500, burst: 100) }
      let peer = try await rig.linked(pair.alice)
      let since = rig.loop.now
      peer.write((0..<700).flatMap { _ in FrameTests.frame(0x04, []) })
      try await rig.talk(pair.alice, pair.bob, "during", limit: .seconds(1))
      let allowed = 101 + (rig.loop.now - since) / .milliseconds(2)
      if Double(peer.frames.count(where: { $0.type == 0x05 })) > allowed { Issue.record("not held back") }
      try await rig.until("all are answered", limit: .seconds(5)) {
        peer.frames.count(where: { $0.type == 0x05 }) == 700
      }
      if rig.loop.now - since < .milliseconds(1_190) { Issue.record("answered sooner than it may ask") }
      if peer.isOver { Issue.record("the link was closed") }
      try await pair.goOn(rig)
    }
  }

  @Test("of what one peer says at once only a portion is taken in one turn, in order, and nothing is lost")
  func portions() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.maintenance = .init(perSecond: 1e6, burst: 1e6) }
      let peer = try await rig.linked(pair.alice)
      peer.write((0..<5_000).flatMap { _ in FrameTests.frame(0x04, []) })
      let nothing: [UInt8] = []
      let portion = Speech.portion / Speech.maintenance.weight(of: nothing.span.bytes)
      var (answers, turns) = (0, rig.loop.statistics.turns)
      try await rig.until("all are answered", limit: .seconds(5)) {
        let since = Int(rig.loop.statistics.turns - turns)
        let count = peer.frames.count(where: { $0.type == 0x05 })
        if count - answers > portion * (since + 1) { Issue.record("\(count - answers) answers in \(since) turns") }
        (answers, turns) = (count, rig.loop.statistics.turns)
        return count == 5_000
      }
      try await pair.goOn(rig)
    }
  }

  @Test("texts weigh by how many they are and how long, and the heaviest run is a small part of a portion")
  func textsWeigh() {
    func weight(_ texts: [String]) -> Int {
      var payload = [UInt8](repeating: 0, count: 12)
      for text in texts { payload += [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 255)] + text.utf8 }
      return Speech(0x43).weight(of: payload.span.bytes)
    }
    #expect(weight(["x"]) == 2)
    #expect(weight([String](repeating: "x", count: 256)) == 18)
    #expect(weight([String](repeating: "x", count: 5_000)) < 30, "more than there may be are not counted")
    #expect(weight([String(repeating: "x", count: 32_768)]) == 23)
    let fullest = weight([String](repeating: String(repeating: "x", count: 126), count: 256))
    #expect(fullest == 39 && fullest * 6 < Speech.portion)
    let cut: [UInt8] = [1, 2, 3]
    #expect(Speech(0x43).weight(of: cut.span.bytes) == 2)
  }

  @Test("of many handshakes at once only a few go on in one turn, and all of them are answered")
  func handshakes() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let before = pair.alice.node.links.count
      let peers = try (0..<60).map { _ in try rig.dial(pair.alice, as: .random()) }
      var (count, turns) = (before, rig.loop.statistics.turns)
      try await rig.until("all are linked") {
        let since = Int(rig.loop.statistics.turns - turns)
        let linked = pair.alice.node.links.count
        if linked - count > 4 * (since + 1) { Issue.record("\(linked - count) handshakes in \(since) turns") }
        (count, turns) = (linked, rig.loop.statistics.turns)
        return linked == before + 60
      }
      for peer in peers { peer.connection.close() }
      try await pair.goOn(rig)
    }
  }

  @Test("of what many peers want checked at once only a little is taken in one turn, and all of them are answered")
  func checks() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      var peers: [RawPeer] = []
      for _ in 0..<20 { peers.append(try await rig.linked(pair.alice, listens: true)) }
      let record = try #require(HostileTests.record(network: "test"))
      let copy = Frame.encoded { Message.replicate(7, record).encode(into: &$0) }
      for peer in peers { peer.write(copy) }
      var (answers, turns) = (0, rig.loop.statistics.turns)
      try await rig.until("all are answered") {
        let since = Int(rig.loop.statistics.turns - turns)
        let count = peers.count { $0.frames.contains { $0.type == 0x1D } }
        if count - answers > 2 * (since + 1) { Issue.record("\(count - answers) copies in \(since) turns") }
        (answers, turns) = (count, rig.loop.statistics.turns)
        return count == 20
      }
      try await pair.goOn(rig)
    }
  }

  @Test("who sends a handshake byte by byte is not read at every byte")
  func bytes() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      let peer = try rig.dial(pair.alice, as: nil)
      let (reads, began) = (rig.loop.statistics.reads, LoopTime.current)
      var written = 0
      // A byte a moment: each moment is a turn of the loop, and on a busy machine a turn may have to wait.
      try await rig.until("three hundred bytes are sent", limit: .seconds(60)) {
        peer.writeRaw([written == 1 ? 200 : 0])
        written += 1
        return written >= 300 && LoopTime.current - began > .milliseconds(100)
      }
      // One in ten milliseconds, and what the honest say to each other meanwhile.
      let allowed = Int((LoopTime.current - began) / .milliseconds(10)) + 60
      if rig.loop.statistics.reads - reads > allowed { Issue.record("\(rig.loop.statistics.reads - reads) reads") }
      peer.connection.close()
      try await pair.goOn(rig)
    }
  }

  @Test("keys are renewed again and again under a flood of long texts, and each arrives, in order")
  func keysUnderLoad() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.bytesPerKey = 100_000 }
      let alice = try #require(pair.alice.node.user)
      let bob = try #require(pair.bob.node.user)
      let texts = (0..<120).map { "\($0) " + String(repeating: "x", count: 30_000) }  // what a session holds
      var delivered = 0
      for text in texts { pair.alice.node.send(text, to: bob) { if case .success = $0 { delivered += 1 } } }
      try await rig.until("all are acknowledged", limit: .seconds(20)) { delivered == texts.count }
      if pair.bob.heard(from: alice).suffix(texts.count) != texts[...] { Issue.record("not what was said") }
      try await pair.goOn(rig)
    }
  }

  @Test("beyond its connections a node turns newcomers away, and takes them again when there is room")
  func room() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig) { $0.arrivals = 5 }
      let before = pair.alice.failures(.full)
      let peers = try (0..<10).map { _ in try rig.dial(pair.alice) }
      try await rig.until("some are turned away") { pair.alice.failures(.full) == before + 6 }
      try await rig.until("and closed") { peers.count(where: \.isOver) == 6 }
      for peer in peers { peer.connection.close() }
      try await rig.until("there is room") { rig.loop.openConnections == 2 }
      _ = try await rig.linked(pair.alice)
      try await pair.goOn(rig)
    }
  }

  @Test("an address that a peer makes up is dialled at most four times a minute on its word")
  func vainDials() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      var dials = 0
      let victim = try TCPListener(on: rig.loop, address: .loopback4(port: 0)) { _ in dials += 1 }
      let liar = try await rig.linked(pair.alice, listens: true)
      for number in UInt64(0)..<50 {
        liar.write(.hint(Peer(id: Self.between(pair.alice.id, number), endpoint: Endpoint(victim.address))))
      }
      liar.write(0x04)
      try await rig.until("all is read") { liar.frames.contains { $0.type == 0x05 } }
      let since = rig.loop.now
      try await rig.until("time to dial") { rig.loop.now - since > .seconds(3) }
      if dials > 4 { Issue.record("\(dials) dials on one node's word") }
      victim.close()
      try await pair.goOn(rig)
    }
  }

  @Test("a false head that fills the successor list with addresses it makes up has each member dial them only so often")
  func falseHead() async throws {
    try await withRig { rig in
      let pair = try await HonestPair.meet(rig)
      var dials = 0
      let victim = try TCPListener(on: rig.loop, address: .loopback4(port: 0)) { _ in dials += 1 }
      var identity = Identity.random()
      while !Chord.between(pair.alice.id, identity.nodeID, pair.bob.id) { identity = .random() }
      let liar = try await rig.linked(pair.alice, as: identity, listens: true)
      var views = UInt64(0)
      liar.onMessage = { liar, message in
        switch message {
        case .query(let ticket), .queryAgain(let ticket, _):
          // Others each time, where nobody is: behind the liar, as a list goes on.
          let madeUp = (0..<16).map { number in
            Peer(id: Self.between(identity.nodeID, views * 16 + number), endpoint: Endpoint(victim.address))
          }
          views += 1
          let view = View(isMember: true, predecessor: pair.alice.node.engine.ring.me, successors: madeUp)
          liar.write(.view(ticket, view))
          liar.write(.changed)
        case .notify(let ticket): liar.write(.notified(ticket, isPredecessor: true))
        case .ping(let ticket): liar.write(.pong(ticket, isMember: true))
        case .replicate(let ticket, _): liar.write(.replicated(ticket, isKept: true))
        default: break
        }
      }
      liar.write(.hint(Peer(id: identity.nodeID, endpoint: Endpoint(host: .v4(0x7F00_0001), port: 9))))
      try await rig.until("it is the head") { pair.alice.node.engine.ring.ring.successors.first?.id == identity.nodeID }
      let since = rig.loop.now
      try await rig.until("it has named hundreds, and there was time to dial them", limit: .seconds(30)) {
        views >= 20 && rig.loop.now - since > .seconds(3)
      }
      // Those that a question of the head's names are followed as well, and bob has the list from alice.
      if !(1...2 * (32 + 4)).contains(dials) { Issue.record("\(dials) dials on one node's word") }
      victim.close()
      liar.connection.reset()
      try await rig.formed([pair.alice, pair.bob], limit: .seconds(10))
      try await rig.talk(pair.alice, pair.bob, "after", limit: .seconds(2))
      try await rig.talk(pair.bob, pair.alice, "after", limit: .seconds(2))
    }
  }

  @Test("who names a node at a wrong address does not hold up who dials it at the right one, nor is the node given up")
  func wrongAddress() async throws {
    try await withRig { rig in
      let alice = try await rig.ready("alice")
      let bob = try await rig.ready("bob")
      var visitors: [TCPConnection] = []
      // It answers nobody, so that a dial there is under way until the handshake's time is up.
      let mute = Mute()
      let victim = try TCPListener(on: rig.loop, address: .loopback4(port: 0)) {
        $0.handler = mute
        visitors.append($0)
      }
      let question = Frame.encoded { Message.ping(1).encode(into: &$0) }
      alice.node.links.send(question, to: Peer(id: bob.id, endpoint: Endpoint(victim.address)))
      try await rig.until("the wrong address is dialled") { visitors.count == 1 }
      alice.node.links.send(question, to: Peer(id: bob.id, endpoint: bob.status.address))
      try await rig.until("bob is linked", limit: .seconds(2)) { alice.node.links.isLinked(bob.id) }
      if alice.allFailures != 0 { Issue.record("the wrong dial did not wait: \(alice.node.linkFailures)") }
      visitors[0].reset()
      try await rig.until("the wrong dial has failed", limit: .seconds(4)) { alice.allFailures == 1 }
      if !alice.node.links.isLinked(bob.id) { Issue.record("the link has gone with the wrong dial") }
      victim.close()
      visitors = []
    }
  }

  /// A place just after another: a closer successor than anybody's.
  private static func between(_ id: Identifier, _ number: UInt64) -> Identifier {
    Identifier(high: id.high, middle: id.middle, low: id.low &+ UInt32(truncatingIfNeeded: number + 1))
  }
}
