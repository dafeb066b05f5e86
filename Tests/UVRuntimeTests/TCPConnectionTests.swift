import Glibc
import Testing

@testable import UVRuntime

@Suite struct TCPConnectionTests {
  @Test(
    "an echo comes back and both ends close in good order",
    arguments: [SocketAddress.loopback4(port: 0), .loopback6(port: 0)])
  func echo(_ address: SocketAddress) throws {
    weak var gone: Pair?
    try withLoop { loop in
      let pair = try Pair(on: loop, at: address)
      gone = pair
      pair.server.onReceived = { connection in
        connection.write(pair.server.bytes)
        pair.server.bytes = []
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.client.onConnected = { connection in
        #expect(connection.remoteAddress?.host == address.host)
        #expect(connection.localAddress == pair.serverEnd?.remoteAddress || pair.serverEnd == nil)
        connection.write(Array("hello, ".utf8))
        connection.write(Array("world".utf8).span.bytes)
      }
      pair.client.onReceived = { connection in
        if pair.client.text == "hello, world" { connection.shutdown() }
      }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.client.text == "hello, world")
        #expect(pair.client.error == nil && pair.server.error == nil)
        #expect(pair.client.endeds == 0 && pair.server.endeds == 1)  // the client's end came with its closing
        loop.stop()
      }
    }
    #expect(gone == nil)
  }

  @Test("after the peer's end we may still write, and after our own end still read")
  func halfClose() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.client.onConnected = { connection in
        connection.write(Array("question".utf8))
        connection.shutdown()
        connection.write(Array("dropped".utf8))
        #expect(!connection.isOpen)
      }
      pair.server.onEnded = { connection in
        #expect(pair.server.text == "question")
        #expect(connection.isOpen)
        connection.write(Array("late ".utf8))
        after(.zero, on: loop) {
          pair.serverEnd?.write(Array("answer".utf8))
          pair.serverEnd?.shutdown()
        }
      }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.client.text == "late answer")
        #expect(pair.client.error == nil && pair.server.error == nil)
        loop.stop()
      }
    }
  }

  @Test("what is written before the connection is open waits for it")
  func writeBeforeConnected() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.clientEnd?.write(Array("early".utf8))
      pair.clientEnd?.shutdown()
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.text == "early")
        loop.stop()
      }
    }
  }

  @Test("two hundred writes in a turn leave in one system call")
  func gathering() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let piece = [UInt8](repeating: 7, count: 100)
      pair.client.onConnected = { connection in
        for _ in 0..<200 { connection.write(piece) }
        #expect(connection.pendingBytes == 20_000)
        #expect(loop.statistics.flushes == 0)
      }
      pair.server.onReceived = { connection in
        guard pair.server.count == 20_000 else { return }
        #expect(loop.statistics.flushes == 1)
        #expect(loop.statistics.queuedWrites == 0)
        #expect(pair.clientEnd?.pendingBytes == 0)
        loop.stop()
      }
    }
  }

  @Test("who writes one piece a turn has it sent at once, who writes several has them sent together")
  func sendingAtOnce() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      // How many pieces each turn has, and how many bytes wait after each of them.
      var turns: [[Int]] = [[1], [0, 1], [1, 2], [1], [0], [0]]
      var sent = 0
      func writeTurn(_ connection: TCPConnection) {
        for waiting in turns.removeFirst() {
          sent += 1
          connection.write([UInt8(sent)])
          #expect(connection.pendingBytes == waiting, "piece \(sent)")
        }
      }
      pair.client.onConnected = { writeTurn($0) }
      pair.server.onReceived = { _ in
        guard pair.server.count == sent, let client = pair.clientEnd else { return }
        if turns.isEmpty {
          #expect(pair.server.bytes == Array(1...UInt8(sent)))
          #expect(loop.statistics.flushes == 7)
          loop.stop()
        } else {
          writeTurn(client)
        }
      }
    }
  }

  @Test("what does not fit at once follows in order")
  func sendingAtOnceMoreThanFits() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let large = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 8) }
      pair.client.onConnected = { $0.write([0]) }
      pair.server.onReceived = { _ in
        guard let client = pair.clientEnd else { return }
        if pair.server.count == 1 {
          client.write(large)
          #expect(client.pendingBytes > 0 && client.isOverHighWatermark)
          client.write([1])
        } else if pair.server.count == large.count + 2 {
          #expect(pair.server.bytes == [0] + large + [1])
          loop.stop()
        }
      }
    }
  }

  @Test("bytes are written in place, and not at all if the writer throws")
  func writeInPlace() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.client.onConnected = { connection in
        connection.write(atMost: 100) { output in
          output.append(UInt8(ascii: "a"))
          output.append(UInt8(ascii: "b"))
        }
        #expect(throws: UVError.noSpace) {
          try connection.write(atMost: 10) { (output: inout OutputRawSpan) throws(UVError) in
            output.append(UInt8(ascii: "x"))
            throw .noSpace
          }
        }
        connection.write(atMost: 0) { _ in }
        connection.write(atMost: 100_000) { output in
          while !output.isFull { output.append(UInt8(ascii: "c")) }
        }
        connection.write(atMost: 1) { output in
          output.append(UInt8(ascii: "d"))
          connection.shutdown()
        }
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        let isWhole = pair.server.text == "ab" + String(repeating: "c", count: 100_000) + "d"
        #expect(isWhole)
        loop.stop()
      }
    }
  }

  @Test("a connection closed from within an in-place write closes, and nothing is sent")
  func closeWhileWritingInPlace() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.client.onConnected = { connection in
        connection.write(atMost: 8) { output in
          output.append(UInt8(1))
          connection.close()
        }
        connection.write(atMost: 8) { _ in Issue.record("called") }
      }
      pair.server.onEnded = { $0.close() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.count == 0)
        loop.stop()
      }
    }
  }

  @Test("sixteen megabytes arrive whole and in order through a writer that heeds the watermarks")
  func watermarks() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let total = 16 << 20
      var sent = 0
      var highest = 0
      var verified = 0
      func fill(_ connection: TCPConnection) {
        while sent < total, !connection.isOverHighWatermark {
          connection.write(atMost: 1000) { output in
            while !output.isFull, sent < total {
              output.append(UInt8(truncatingIfNeeded: sent &* 31 >> 3))
              sent += 1
            }
          }
          highest = max(highest, connection.pendingBytes)
        }
        if sent == total { connection.shutdown() }
      }
      pair.client.onConnected = { connection in
        connection.setWatermarks(low: 10_000, high: 100_000)
        fill(connection)
        #expect(connection.isOverHighWatermark && connection.pendingBytes > 100_000)
        // The reader sleeps until all buffers between are full: nothing moves for some turns.
        after(.milliseconds(20), on: loop) {
          #expect(sent < total)
          #expect(connection.isOverHighWatermark)
          pair.serverEnd?.resumeReading()
        }
      }
      pair.onAccepted = { $0.pauseReading() }
      pair.client.onWritable = { connection in
        #expect(connection.pendingBytes <= 10_000 && !connection.isOverHighWatermark)
        fill(connection)
      }
      pair.server.onReceived = { _ in
        for byte in pair.server.bytes {
          if byte != UInt8(truncatingIfNeeded: verified &* 31 >> 3) {
            Issue.record("wrong byte at \(verified)")
            return loop.stop()
          }
          verified += 1
        }
        pair.server.bytes.removeAll(keepingCapacity: true)
      }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(verified == total)
        #expect(pair.client.writables > 1)
        #expect(highest <= 101_000)
        loop.stop()
      }
    }
  }

  @Test("a producer that ignores the watermarks loses the connection at the maximum, not the memory")
  func maximumPending() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.onAccepted = { $0.pauseReading() }
      let piece = [UInt8](repeating: 0, count: 1 << 20)
      pair.client.onConnected = { connection in
        connection.setWatermarks(low: 1, high: 2, maximum: 20 << 20)
        for _ in 0..<200 { connection.write(piece) }
        #expect(!connection.isOpen)
        #expect(connection.pendingBytes == 0)
      }
      pair.client.onClosed = { _ in
        #expect(pair.client.error == .noBufferSpace)
        loop.stop()
      }
    }
  }

  enum Moment: CaseIterable { case connected, received, writable, ended, accepted, closed }

  @Test(
    "a connection may be closed, twice, and reset in every callback", arguments: Moment.allCases,
    ["close", "reset", "closeAfterFlush"])
  func closeAnywhere(_ moment: Moment, _ way: String) throws {
    func end(_ connection: TCPConnection) {
      for _ in 0..<2 {
        connection.write([1, 2, 3])
        switch way {
        case "close": connection.close()
        case "reset": connection.reset()
        default: connection.closeAfterFlush(deadline: .seconds(5))
        }
        connection.write([4])
        connection.shutdown()
        connection.pauseReading()
        connection.resumeReading()
      }
    }
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.client.onConnected = { connection in
        connection.setWatermarks(low: 0, high: 1)
        connection.write([UInt8](repeating: 1, count: 100))
        if moment == .connected { end(connection) }
      }
      if moment == .accepted { pair.onAccepted = end }
      pair.client.onWritable = { if moment == .writable { end($0) } }
      pair.server.onReceived = {
        if moment == .received { end($0) } else { pair.clientEnd?.shutdown() }
      }
      pair.server.onEnded = {
        if moment == .ended { end($0) } else { $0.shutdown() }
      }
      pair.client.onClosed = { connection in
        if moment == .closed { end(connection) }
        pair.serverEnd?.close()
        pair.closedOne()
      }
      pair.server.onClosed = { connection in
        if moment == .closed { end(connection) }
        pair.clientEnd?.close()
        pair.closedOne()
      }
      pair.onBothClosed = {
        #expect(pair.client.closeds == 1 && pair.server.closeds == 1)
        loop.stop()
      }
    }
  }

  @Test("a deadline may close a connection")
  func closeFromDeadline() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.server.onEnded = { $0.shutdown() }
      pair.client.onConnected = { connection in
        after(.milliseconds(1), on: loop) { connection.close() }
      }
      pair.stopWhenBothClosed()
    }
  }

  @Test("closing a dial under way is quiet")
  func closeDial() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.clientEnd?.close()
      pair.clientEnd?.close()
      pair.client.onClosed = { _ in
        #expect(pair.client.error == nil && !pair.client.wasConnected)
        loop.stop()
      }
    }
  }

  @Test("nobody listens: refused")
  func refused() throws {
    try withLoop { loop in
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in }
      let address = listener.address
      listener.close()
      let recorder = Recorder()
      recorder.onClosed = { _ in
        #expect(recorder.error == .connectionRefused && !recorder.wasConnected)
        loop.stop()
      }
      after(.milliseconds(1), on: loop) {  // by then the listener has closed
        do throws(UVError) {
          _ = try TCPConnection(on: loop, to: address, timeout: .seconds(10), handler: recorder)
          #expect(recorder.closeds == 0)
        } catch {
          Issue.record(error)
        }
      }
    }
  }

  @Test("a failure that shows at once is reported later")
  func failsAtOnce() throws {
    try withLoop { loop in
      let recorder = Recorder()
      // The broadcast address: connect(2) answers at once that this is not possible.
      let nowhere = SocketAddress(host: .v4(0xffff_ffff), port: 9)
      let connection = try TCPConnection(on: loop, to: nowhere, timeout: .seconds(10), handler: recorder)
      #expect(recorder.closeds == 0)
      recorder.onClosed = {
        #expect($0 === connection)
        #expect(recorder.error != nil)
        loop.stop()
      }
    }
  }

  @Test("a peer that does not answer: timed out")
  func connectTimeout() throws {
    // A full backlog: the kernel drops further SYNs.
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(server) }
    let bound = SocketAddress.loopback4(port: 0).withSocketAddress {
      bind(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    try #require(bound == 0 && listen(server, 0) == 0)
    var name = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let address = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(server, $0, &length) == 0 ? SocketAddress(UnsafePointer($0)) : nil
      }
    }
    try withLoop { loop in
      let recorders = (0..<4).map { _ in Recorder() }
      var connected = 0
      var timedOut = 0
      for recorder in recorders {
        let earliest = loop.now + .milliseconds(100)
        recorder.onConnected = {
          connected += 1
          $0.close()
        }
        recorder.onClosed = { _ in
          if recorder.error == .timedOut {
            timedOut += 1
            if recorder.wasConnected { Issue.record("timed out after having connected") }
            if loop.now < earliest { Issue.record("timed out early") }
          }
          guard recorders.allSatisfy({ $0.closeds == 1 }) else { return }
          if timedOut == 0 || connected + timedOut != 4 { Issue.record("\(timedOut) of 4 timed out") }
          loop.stop()
        }
        _ = try TCPConnection(
          on: loop, to: try #require(address), timeout: .milliseconds(100), handler: recorder)
      }
    }
  }

  @Test("a reset is an error to the peer")
  func reset() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.onAccepted = { $0.reset() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.client.error == .connectionReset)
        #expect(pair.server.error == nil)
        loop.stop()
      }
    }
  }

  @Test("writing to a peer that is gone is an error, once, and no SIGPIPE")
  func brokenPipe() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.onAccepted = { $0.reset() }
      pair.client.onConnected = { connection in
        connection.pauseReading()
        func again() {
          guard pair.client.closeds == 0 else { return }
          connection.write([UInt8](repeating: 1, count: 1000))
          after(.milliseconds(1), on: loop, again)
        }
        again()
      }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.client.error == .brokenPipe || pair.client.error == .connectionReset)
        loop.stop()
      }
    }
  }

  @Test("of one that sends without a pause a portion is read in a turn")
  func portions() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let large = [UInt8](repeating: 7, count: 8 << 20)
      var (before, inTurn): (Int, [UInt64: Int]) = (0, [:])
      pair.client.onConnected = { $0.write(large) }
      pair.server.onReceived = { _ in
        inTurn[loop.turn, default: 0] += pair.server.count - before
        before = pair.server.count
        guard before == large.count else { return }
        let portion = Lending.readsPerTurn * EventLoop.readBufferSize
        #expect(inTurn.values.allSatisfy { $0 <= portion } && inTurn.count >= large.count / portion)
        loop.stop()
      }
    }
  }

  @Test("of hundreds that go at once some are told in a turn, and all in the end")
  func manyEnds() throws {
    final class Counter: TCPConnectionHandler {
      var endedInTurn: [UInt64: Int] = [:]
      var onLastClosed: () -> Void = {}
      var left: Int

      init(_ count: Int) { left = count }
      func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {}
      func ended(_ connection: TCPConnection) {
        endedInTurn[connection.loop.turn, default: 0] += 1
        connection.close()
      }
      func closed(_ connection: TCPConnection, error: UVError?) {
        left -= 1
        if left == 0 { onLastClosed() }
      }
    }
    let count = 3 * Ends.perTurn + 1
    let (server, clients) = (Counter(count), Counter(count))
    try withLoop { loop in
      var (connections, accepted): ([TCPConnection], Int) = ([], 0)
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { connection in
        connection.handler = server
        accepted += 1
        guard accepted == count else { return }
        after(.milliseconds(1), on: loop) {
          for connection in connections { connection.close() }
          connections = []
        }
      }
      for _ in 0..<count {
        connections.append(try TCPConnection(on: loop, to: listener.address, timeout: .seconds(5), handler: clients))
      }
      server.onLastClosed = {
        listener.close()
        loop.stop()
      }
    }
    server.onLastClosed = {}
    #expect(server.endedInTurn.values.reduce(0, +) == count && server.endedInTurn.count >= 4)
    #expect(server.endedInTurn.values.allSatisfy { $0 <= Ends.perTurn })
  }

  @Test("closing after the flush delivers everything, though the peer was talking too")
  func closeAfterFlush() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let size = 5_000_000
      pair.onAccepted = { connection in
        connection.write([UInt8](repeating: 9, count: 100_000))
        connection.pauseReading()
      }
      pair.client.onConnected = { connection in
        connection.write([UInt8](repeating: 5, count: size))
        connection.closeAfterFlush(deadline: .seconds(20))
        after(.milliseconds(5), on: loop) { pair.serverEnd?.resumeReading() }
      }
      pair.client.onReceived = { _ in Issue.record("received after closing") }
      pair.server.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.server.count == size)
        #expect(pair.client.error == nil && pair.server.error == nil)
        loop.stop()
      }
    }
  }

  @Test("what is written in the accept callback arrives, though the connection is closed there after the flush")
  func closeAfterFlushInAccept() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      pair.onAccepted = { connection in
        connection.write([1, 2])
        connection.write([3])
        connection.closeAfterFlush(deadline: .seconds(5))
      }
      pair.client.onEnded = { $0.shutdown() }
      pair.stopWhenBothClosed()
      pair.onBothClosed = {
        #expect(pair.client.bytes == [1, 2, 3])
        #expect(pair.client.error == nil && pair.server.error == nil)
        loop.stop()
      }
    }
  }

  @Test("closing after the flush gives up at its deadline, and says whether all had left")
  func closeAfterFlushDeadline() throws {
    for (size, error) in [(100, nil), (50_000_000, UVError.timedOut)] {
      try withLoop { loop in
        let pair = try Pair(on: loop)
        pair.onAccepted = { $0.pauseReading() }
        pair.client.onConnected = { connection in
          connection.write([UInt8](repeating: 5, count: size))
          connection.closeAfterFlush(deadline: .milliseconds(30))
        }
        pair.client.onClosed = { _ in
          #expect(pair.client.error == error)
          loop.stop()
        }
      }
    }
  }

  @Test("stopping with patience delivers what is pending")
  func stopDraining() throws {
    try withLoop { loop in
      let pair = try Pair(on: loop)
      let size = 5_000_000
      pair.onAccepted = { connection in
        connection.write([UInt8](repeating: 5, count: size))
        loop.stop(drainingFor: .seconds(10))
      }
      pair.client.onClosed = { _ in #expect(pair.client.error == nil || pair.client.error == .canceled) }
      pair.server.onClosed = { _ in #expect(pair.server.error == nil) }
    }
  }

  @Test("hundreds of connections at once, each with its echo")
  func hundreds() throws {
    try withLoop { loop in
      var left = 300
      let server = Echo()
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { $0.handler = server }
      for index in 0..<left {
        let recorder = Recorder()
        let message = Array("message \(index)".utf8)
        recorder.onConnected = { $0.write(message) }
        recorder.onReceived = { if recorder.bytes.count == message.count { $0.close() } }
        recorder.onClosed = { _ in
          #expect(recorder.bytes == message && recorder.error == nil)
          left -= 1
          if left == 0 { loop.stop() }
        }
        _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(20), handler: recorder)
      }
    }
  }
}

/// Sends back what comes; one for many connections.
private final class Echo: TCPConnectionHandler {
  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) { connection.write(bytes.bytes) }
  func ended(_ connection: TCPConnection) { connection.shutdown() }
  func closed(_ connection: TCPConnection, error: UVError?) {}
}
