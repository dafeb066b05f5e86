import Testing

@testable import UVRuntime

@Suite struct SocketAddressTests {
  @Test(
    "an address prints as it was read",
    arguments: [
      "127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::]:1", "[::1]:80", "[2001:db8::1]:443",
      "[2001:db8:0:1:1:1:1:1]:443", "[::ffff:192.0.2.1]:7", "[1:2:3:4:5:6:7:8]:9", "[fe80::]:1", "[1::8]:1",
    ])
  func roundTrip(_ text: String) throws {
    let address = try #require(SocketAddress(text))
    #expect(address.description == text)
    #expect(SocketAddress(address.description) == address)
    #expect(SocketAddress.Host(address.host.description) == address.host)
    let passed = address.withSocketAddress { SocketAddress($0) }
    if !text.contains("ffff:") { #expect(passed == address) }
  }

  @Test(
    "every way to write an IPv6 address prints in the form of RFC 5952",
    arguments: [
      ("[2001:DB8::1]:1", "[2001:db8::1]:1"), ("[2001:0db8:0000:0000:0000:0000:0000:0001]:1", "[2001:db8::1]:1"),
      ("[2001:0:0:1:0:0:0:1]:1", "[2001:0:0:1::1]:1"), ("[2001:db8:0:0:1:0:0:1]:1", "[2001:db8::1:0:0:1]:1"),
      ("[::0]:1", "[::]:1"), ("[1:2:3:4:5:6:7::]:1", "[1:2:3:4:5:6:7:0]:1"), ("[0:0::1:2]:1", "[::1:2]:1"),
      ("[64:ff9b::192.0.2.33]:1", "[64:ff9b::c000:221]:1"),
    ])
  func canonical(_ text: String, _ canonical: String) throws {
    #expect(try #require(SocketAddress(text)).description == canonical)
  }

  @Test(
    "what is not exactly an address and a port is none",
    arguments: [
      "", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:080", "127.0.0.1:00", "127.0.0.1:-1",
      "127.0.0.1:+1", "127.0.0.1: 1", " 127.0.0.1:1", "127.0.0.1:1 ", "127.0.0.01:1", "127.0.0.256:1", "127.0.0:1",
      "127.1:1", "1.2.3.4.5:1", "1..2.3:1", "0x7f.0.0.1:1", "localhost:1", "::1:80", "[::1]", "[::1]80", "[]:1",
      "[:]:1",
      "[:::]:1", "[::1::]:1", "[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1::2:3:4:5:6:7:8]:1", "[12345::]:1",
      "[::g]:1", "[:1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:]:1", "[fe80::1%eth0]:1", "[127.0.0.1]:1", "[::1.2.3]:1",
      "[1.2.3.4::]:1", "[::1.2.3.04]:1", "[::1:1", "::1]:1", "[[::1]]:1", "127.0.0.1:1\0", "١٢٧.0.0.1:1",
      "127.0.0.1:99999999999999999999", "[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1]:1",
    ])
  func rejected(_ text: String) {
    #expect(SocketAddress(text) == nil)
  }

  @Test("an IPv4 peer of a dual-stack socket is an IPv4 address")
  func mapped() throws {
    let mapped = try #require(SocketAddress("[::ffff:127.0.0.1]:5"))
    #expect(mapped.withSocketAddress { SocketAddress($0) } == .loopback4(port: 5))
  }
}

@Suite struct LoopTimeTests {
  @Test("arithmetic with times saturates instead of trapping")
  func saturation() {
    let now = LoopTime.current
    #expect(now + .seconds(Int64.max) == LoopTime(nanoseconds: now.nanoseconds + UInt64(Int64.max)))
    #expect(LoopTime(nanoseconds: .max - 5) + .nanoseconds(10) == .distantFuture)
    #expect(LoopTime(nanoseconds: 5) - .nanoseconds(10) == LoopTime(nanoseconds: 0))
    #expect(LoopTime(nanoseconds: 5) - LoopTime(nanoseconds: 7) == .nanoseconds(-2))
    #expect(LoopTime(nanoseconds: 7) - LoopTime(nanoseconds: 5) == .nanoseconds(2))
    #expect(LoopTime.distantFuture - LoopTime(nanoseconds: 0) == .nanoseconds(Int64.max))
    #expect(LoopTime(nanoseconds: 1_500_000_000) - .seconds(1) == LoopTime(nanoseconds: 500_000_000))
  }

  @Test("an error has a code, a name and a text")
  func errors() {
    #expect(UVError.connectionRefused.name == "ECONNREFUSED")
    #expect(UVError.connectionRefused.text == "connection refused")
    #expect(UVError(errno: 32) == .brokenPipe)
    #expect(UVError(code: -99999).name.contains("99999"))
    #expect(UVError.timedOut.description == "connection timed out (ETIMEDOUT)")
  }
}
