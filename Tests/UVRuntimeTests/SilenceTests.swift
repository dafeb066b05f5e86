import Testing

@testable import UVRuntime

@Suite struct SilenceTests {
  @Test("a connection whose other end takes nothing is broken after the time it was given, and says why")
  func unanswered() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let begun = LoopTime.current
      pair.client.onConnected = { connection in
        connection.breakWhenSilent(idle: .seconds(60), unanswered: .seconds(1))
        after(.milliseconds(50), on: loop) {
          pair.serverEnd?.pauseReading()
          // More than both ends' buffers hold: the rest waits for a window that never opens.
          connection.write([UInt8](repeating: 7, count: 32 << 20))
        }
      }
      pair.stopWhenBothClosed()
      pair.client.onClosed = { _ in
        #expect(pair.client.error == .timedOut)
        #expect(LoopTime.current - begun > .seconds(1))
        pair.serverEnd?.close()
        pair.closedOne()
      }
    }
  }
}
