// Two handshakes that talk to each other without a network, and what happens when one of them lies.

import Chat
import Chord
import Testing

@testable import NodeKit

@Suite("The handshake")
struct HandshakeTests {
  static let here = Endpoint(host: .v4(0x7F00_0001), port: 1000)
  static let there = Endpoint(host: .v4(0x7F00_0002), port: 2000)

  static func make(
    _ identity: Identity, network: String = "test", isDialler: Bool, expected: Identifier? = nil,
    listens: Endpoint = Endpoint(host: .v4(0), port: 7401)
  ) -> Handshake {
    Handshake(
      identity: identity, network: network, nonce: Randomness.bytes(32), isOwnNonce: { _ in true }, listens: listens,
      remoteAddress: isDialler ? there : here, isDialler: isDialler, expected: expected)
  }

  static func feed(_ frame: [UInt8], to handshake: inout Handshake) throws(LinkFailure) -> Handshake.Outcome {
    try handshake.received(frame[2], frame.span.bytes.extracting(3..<frame.count))
  }

  static func proof(_ outcome: Handshake.Outcome) -> [UInt8]? {
    if case .send(let frame) = outcome { frame } else { nil }
  }

  @Test("both sides learn who the other is, where it listens, and how it sees them")
  func success() throws {
    let (alice, bob) = (Identity.random(), Identity.random())
    var dialler = Self.make(alice, isDialler: true, expected: bob.nodeID)
    var acceptor = Self.make(bob, isDialler: false)
    let fromDialler = try #require(Self.proof(try Self.feed(acceptor.hello, to: &dialler)))
    let fromAcceptor = try #require(Self.proof(try Self.feed(dialler.hello, to: &acceptor)))
    guard case .established(let seenByAlice) = try Self.feed(fromAcceptor, to: &dialler),
      case .established(let seenByBob) = try Self.feed(fromDialler, to: &acceptor)
    else {
      Issue.record("not established")
      return
    }
    #expect(seenByAlice.peer == Peer(id: bob.nodeID, endpoint: Endpoint(host: Self.there.host, port: 7401)))
    #expect(seenByBob.peer == Peer(id: alice.nodeID, endpoint: Endpoint(host: Self.here.host, port: 7401)))
    #expect(seenByBob.publicKey == alice.publicKey)
    #expect(dialler.seenAs == Self.here && acceptor.seenAs == Self.there)
  }

  @Test("another node than the one dialled, ourselves, and another network are each told apart")
  func refusals() {
    let (alice, bob) = (Identity.random(), Identity.random())
    let acceptor = Self.make(bob, isDialler: false)
    for (handshake, failure) in [
      (Self.make(alice, isDialler: true, expected: alice.nodeID), LinkFailure.wrongIdentity),
      (Self.make(bob, isDialler: true), .ourselves),
      (Self.make(alice, network: "other", isDialler: true), .network),
    ] {
      var handshake = handshake
      #expect(throws: failure) { try Self.feed(acceptor.hello, to: &handshake) }
    }
  }

  @Test("a proof by another key, replayed, or with any bit changed proves nothing")
  func proofs() throws {
    let (alice, bob, mallory) = (Identity.random(), Identity.random(), Identity.random())
    var dialler = Self.make(alice, isDialler: true)
    var acceptor = Self.make(bob, isDialler: false)
    _ = try Self.feed(acceptor.hello, to: &dialler)
    let proof = try #require(Self.proof(try Self.feed(dialler.hello, to: &acceptor)))
    for bit in 0..<(64 * 8) {
      var copy = dialler
      var bent = proof
      bent[3 + bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: LinkFailure.unproved) { try Self.feed(bent, to: &copy) }
    }
    var other = Self.make(mallory, isDialler: false)
    let foreign = try #require(Self.proof(try Self.feed(dialler.hello, to: &other)))
    #expect(throws: LinkFailure.unproved) { try Self.feed(foreign, to: &dialler) }
    var again = Self.make(alice, isDialler: true)
    _ = try Self.feed(acceptor.hello, to: &again)
    #expect(throws: LinkFailure.unproved, "a proof belongs to one connection") { try Self.feed(proof, to: &again) }
  }

  @Test("whoever speaks something else is told apart from whoever speaks another version")
  func foreign() {
    let alice = Identity.random()
    var bytes = Self.make(Identity.random(), isDialler: false).hello
    bytes[3 + 10] = 2
    var handshake = Self.make(alice, isDialler: true)
    #expect(throws: LinkFailure.version) { try Self.feed(bytes, to: &handshake) }
    bytes[3] = UInt8(ascii: "G")
    #expect(throws: LinkFailure.foreignProtocol) { try Self.feed(bytes, to: &handshake) }
    #expect(throws: LinkFailure.foreignProtocol) { try Self.feed([0, 1, 0x10], to: &handshake) }
    #expect(throws: LinkFailure.foreignProtocol, "a proof before the hello") {
      try Self.feed([0, 1, 0x02], to: &handshake)
    }
  }

  @Test("a hello cut short anywhere, or too long, is refused")
  func truncated() {
    let hello = Self.make(Identity.random(), isDialler: false).hello
    for count in 3..<hello.count {
      var handshake = Self.make(Identity.random(), isDialler: true)
      #expect(throws: LinkFailure.self) { try Self.feed(Array(hello.prefix(count)), to: &handshake) }
    }
    var handshake = Self.make(Identity.random(), isDialler: true)
    #expect(throws: LinkFailure.foreignProtocol) { try Self.feed(hello + [0], to: &handshake) }
  }
}

@Suite("The address others see")
struct ObservedAddressTests {
  static func v4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> Endpoint.Host {
    .v4(a << 24 | b << 16 | c << 8 | d)
  }

  static func vote(_ observed: inout ObservedAddress, _ seen: Endpoint.Host, by voter: Endpoint.Host) -> Bool {
    observed.vote(seen, by: voter)
  }

  @Test("loopback is believed at once, a private host over it, and never back")
  func privateHosts() {
    var observed = ObservedAddress()
    #expect(Self.vote(&observed, Self.v4(127, 0, 0, 1), by: Self.v4(127, 0, 0, 1)))
    #expect(Self.vote(&observed, Self.v4(192, 168, 1, 5), by: Self.v4(192, 168, 1, 6)))
    #expect(!Self.vote(&observed, Self.v4(127, 0, 0, 1), by: Self.v4(127, 0, 0, 1)))
    #expect(observed.host == Self.v4(192, 168, 1, 5))
  }

  @Test("a public host needs three voters of different networks once there is another one")
  func publicHosts() {
    var observed = ObservedAddress()
    _ = observed.vote(Self.v4(10, 0, 0, 1), by: Self.v4(10, 0, 0, 2))
    let seen = Self.v4(198, 51, 100, 7)
    #expect(!Self.vote(&observed, seen, by: Self.v4(203, 0, 113, 1)))
    #expect(!Self.vote(&observed, seen, by: Self.v4(203, 0, 113, 2)), "the same /24 counts once")
    #expect(!Self.vote(&observed, seen, by: Self.v4(203, 0, 114, 1)))
    #expect(Self.vote(&observed, seen, by: Self.v4(203, 0, 115, 1)))
    #expect(observed.host == seen)
  }

  @Test("nonsense is not believed")
  func nonsense() {
    var observed = ObservedAddress()
    #expect(!Self.vote(&observed, Self.v4(0, 0, 0, 0), by: Self.v4(127, 0, 0, 1)))
    #expect(observed.host == nil)
  }
}
