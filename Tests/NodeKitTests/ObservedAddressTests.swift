// Whom a node believes about its own address.

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

  @Test("nonsense is not believed")
  func nonsense() {
    var observed = ObservedAddress()
    #expect(!Self.vote(&observed, Self.v4(0, 0, 0, 0), by: Self.v4(127, 0, 0, 1)))
    #expect(observed.host == nil)
  }
}
