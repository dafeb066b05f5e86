// Whom a node believes about its own address.

import Chat
import Chord
import Testing

@testable import NodeKit

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

  @Test("whoever comes from this machine or a private network is one voter, however many addresses they have there")
  func privateVoters() {
    var observed = ObservedAddress()
    _ = observed.vote(Self.v4(127, 0, 0, 1), by: Self.v4(127, 0, 0, 1))
    let seen = Self.v4(198, 51, 100, 7)
    for number: UInt32 in 0..<5 {
      #expect(!Self.vote(&observed, seen, by: Self.v4(127, 0, number, 1)))
      #expect(!Self.vote(&observed, seen, by: Self.v4(10, 0, number, 1)))
    }
    #expect(!Self.vote(&observed, seen, by: Self.v4(203, 0, 113, 1)))
    #expect(Self.vote(&observed, seen, by: Self.v4(203, 0, 114, 1)), "with two others it counts")
  }

  @Test("however many hosts one network makes up, others are believed when they agree")
  func madeUpHosts() {
    var observed = ObservedAddress()
    _ = observed.vote(Self.v4(10, 0, 0, 1), by: Self.v4(10, 0, 0, 2))
    let seen = Self.v4(198, 51, 100, 7)
    for voter: UInt32 in 1...3 {
      for number: UInt32 in 0..<100 {
        #expect(!Self.vote(&observed, Self.v4(192, 0, 2, number), by: Self.v4(203, 0, 113, number)))
      }
      #expect(Self.vote(&observed, seen, by: Self.v4(203, 1, voter, 1)) == (voter == 3))
    }
  }

  @Test("a network's last word is the one that counts")
  func lastWord() {
    var observed = ObservedAddress()
    _ = observed.vote(Self.v4(10, 0, 0, 1), by: Self.v4(10, 0, 0, 2))
    let (one, other) = (Self.v4(198, 51, 100, 7), Self.v4(198, 51, 100, 8))
    for seen in [one, other] {
      for voter: UInt32 in 1...2 { #expect(!Self.vote(&observed, seen, by: Self.v4(203, 1, voter, 1))) }
    }
    #expect(!Self.vote(&observed, one, by: Self.v4(203, 1, 3, 1)))
    #expect(Self.vote(&observed, other, by: Self.v4(203, 1, 3, 1)))
  }

  @Test("where peers say that they listen does not make them peers of different networks")
  func claimedNetworks() async throws {
    try await withRig { rig in
      let alice = try rig.start(nil) { $0.listen = "0.0.0.0:0" }
      try await rig.until("alice is ready") { alice.isReady }
      _ = try await rig.linked(alice)
      let address = alice.status.address
      for number: UInt32 in 1...3 {
        let identity = Identity.random()
        _ = try rig.dial(
          alice, as: identity, listens: true, at: Self.v4(203, 0, number, 1),
          sees: Endpoint(host: Self.v4(198, 51, 100, 7), port: address.port))
        try await rig.until("it has linked") { alice.node.links.isLinked(identity.nodeID) }
      }
      if alice.status.address != address { Issue.record("it goes by \(alice.status.address)") }
    }
  }

  @Test("nonsense is not believed")
  func nonsense() {
    var observed = ObservedAddress()
    #expect(!Self.vote(&observed, Self.v4(0, 0, 0, 0), by: Self.v4(127, 0, 0, 1)))
    #expect(observed.host == nil)
  }
}
