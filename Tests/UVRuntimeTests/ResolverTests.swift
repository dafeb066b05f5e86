import Testing

@testable import UVRuntime

@Suite struct ResolverTests {
  private func resolve(_ host: String, port: UInt16) throws -> Result<[SocketAddress], UVError> {
    var answers: [Result<[SocketAddress], UVError>] = []
    try withLoop { loop in
      loop.resolve(host: host, port: port) { answer in
        answers.append(answer)
        loop.stop()
      }
      #expect(answers.isEmpty)
    }
    #expect(answers.count == 1)
    return answers[0]
  }

  @Test("a numeric host is answered from its text, though not at once")
  func numeric() throws {
    #expect(try resolve("127.0.0.1", port: 80) == .success([.loopback4(port: 80)]))
    #expect(try resolve("::1", port: 81) == .success([.loopback6(port: 81)]))
  }

  @Test("localhost is this machine")
  func localhost() throws {
    let addresses = try resolve("localhost", port: 7000).get()
    #expect(!addresses.isEmpty)
    #expect(addresses.allSatisfy { $0 == .loopback4(port: 7000) || $0 == .loopback6(port: 7000) })
    #expect(Set(addresses).count == addresses.count)
  }

  @Test(
    "what is no name is an error and nothing worse",
    arguments: ["", "a..b", "no such name", "null\0byte", String(repeating: "a", count: 254), "\u{ff0e}", "1.2.3.4.5"])
  func failing(_ name: String) throws {
    guard case .failure = try resolve(name, port: 1) else {
      Issue.record("resolved")
      return
    }
  }

  @Test("every lookup is answered when the loop stops, and what has not begun is taken back")
  func stopping() throws {
    var answers = 0
    try withLoop { loop in
      for index in 0..<40 {
        loop.resolve(host: "localhost", port: UInt16(index)) { _ in answers += 1 }
      }
      loop.resolve(host: "10.0.0.1", port: 1) { _ in answers += 1 }
      loop.stop()
    }
    #expect(answers == 41)
  }
}
