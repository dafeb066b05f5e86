import CLibUV
import Glibc
import Testing

@testable import UVRuntime

/// Keeps what it accepts open.
private final class Keeper: TCPConnectionHandler {
  var open: [TCPConnection] = []
  var mostOpen = 0
  var accepted = 0

  func accept(_ connection: TCPConnection) {
    connection.handler = self
    open.append(connection)
    accepted += 1
    mostOpen = max(mostOpen, open.count)
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) { connection.write(bytes.bytes) }
  func ended(_ connection: TCPConnection) { connection.shutdown() }
  func closed(_ connection: TCPConnection, error: UVError?) { open.removeAll { $0 === connection } }
}

@Suite struct TCPListenerTests {
  @Test("a listener tells its real port, and a second one there is refused")
  func addressInUse() throws {
    try withLoop { loop in
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in }
      #expect(listener.address.port != 0)
      #expect(listener.address.host == .v4(0x7f00_0001))
      #expect(throws: UVError.addressInUse) {
        try TCPListener(on: loop, address: listener.address) { _ in }
      }
      #expect(throws: UVError.addressNotAvailable) {
        try TCPListener(on: loop, address: SocketAddress(host: .v4(0xc000_0201), port: 0)) { _ in }
      }
      #expect(loop.openHandles == 3)  // two of them closing
      listener.close()
      listener.close()
      loop.stop()
    }
  }

  @Test("a port is free again as soon as its listener has closed")
  func listenAgain() throws {
    try withLoop { loop in
      let listener = try TCPListener(on: loop, address: .loopback6(port: 0)) { _ in }
      let address = listener.address
      listener.close()
      after(.milliseconds(1), on: loop) {
        #expect(throws: Never.self) {
          try TCPListener(on: loop, address: address) { _ in }
        }
        loop.stop()
      }
    }
  }

  @Test("a connection that nobody takes is closed")
  func notTaken() throws {
    try withLoop { loop in
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in }
      let client = Recorder()
      client.onEnded = { _ in loop.stop() }
      client.onClosed = { _ in loop.stop() }
      _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: client)
    }
  }

  @Test("an IPv4 peer of a listener on all addresses has an IPv4 address")
  func dualStack() throws {
    try withLoop { loop in
      let anywhere = SocketAddress(host: .v6(0, 0), port: 0)
      let listener = try TCPListener(on: loop, address: anywhere) { connection in
        #expect(connection.remoteAddress?.host == .v4(0x7f00_0001))
        loop.stop()
      }
      let target = SocketAddress.loopback4(port: listener.address.port)
      _ = try TCPConnection(on: loop, to: target, timeout: .seconds(10), handler: Recorder())
    }
  }

  @Test("a listener holds back at its limit of connections and goes on when one closes")
  func limit() throws {
    try withLoop { loop in
      let keeper = Keeper()
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0), maxConnections: 3) {
        keeper.accept($0)
      }
      var left = 20
      for _ in 0..<left {
        let client = Recorder()
        client.onConnected = { $0.write([1]) }
        client.onReceived = { $0.close() }
        client.onClosed = { _ in
          left -= 1
          guard left == 0 else { return }
          #expect(keeper.accepted == 20)
          #expect(keeper.mostOpen == 3)
          #expect(listener.openConnections <= 3)
          loop.stop()
        }
        _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: client)
      }
    }
  }

  @Test("the loop's limit holds listeners back, and refuses dials a little before")
  func loopLimit() throws {
    try withLoop { loop in
      loop.maximumConnections = 32
      let keeper = Keeper()
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { keeper.accept($0) }
      var clients: [TCPConnection] = []
      let recorders = (0..<30).map { _ in Recorder() }
      for recorder in recorders {
        clients.append(
          try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: recorder))
      }
      #expect(throws: UVError.tooManyOpenFiles) {
        try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: Recorder())
      }
      when(recorders.allSatisfy { $0.wasConnected }, on: loop) {
        after(.milliseconds(5), on: loop) {
          #expect(keeper.accepted == 2)
          #expect(loop.openConnections == 32)
          for client in clients[..<10] { client.close() }
          when(keeper.accepted >= 12, on: loop) {
            #expect(loop.openConnections <= 32)
            loop.stop()
          }
        }
      }
    }
  }

  @Test("of many that wait a listener takes a few in each turn of the loop, and all in the end")
  func acceptsPerTurn() throws {
    try withLoop { loop in
      let keeper = Keeper()
      var perTurn: [UInt64: Int] = [:]
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { connection in
        perTurn[loop.statistics.turns, default: 0] += 1
        keeper.accept(connection)
      }
      let clients = try (0..<100).map { _ in
        try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: Recorder())
      }
      when(keeper.accepted == 100, on: loop) {
        #expect(perTurn.values.max() == TCPListener.acceptsPerTurn)
        for client in clients { client.close() }
        loop.stop()
      }
    }
  }

  @Test("a paused listener takes nothing until it is resumed")
  func pause() throws {
    try withLoop { loop in
      let keeper = Keeper()
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { connection in
        keeper.accept(connection)
        if keeper.accepted == 5 { loop.stop() }
      }
      listener.pause()
      let recorders = (0..<5).map { _ in Recorder() }
      for recorder in recorders {
        _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: recorder)
      }
      when(recorders.allSatisfy { $0.wasConnected }, on: loop) {
        after(.milliseconds(5), on: loop) {
          #expect(keeper.accepted == 0)
          listener.resume()
        }
      }
    }
  }

  @Test("a listener may be closed from its accept callback, with more waiting")
  func closeInAccept() throws {
    try withLoop { loop in
      var accepted = 0
      var listener: TCPListener?
      listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in
        accepted += 1
        listener?.close()
        listener = nil
        after(.milliseconds(5), on: loop) {
          #expect(accepted == 1)
          loop.stop()
        }
      }
      for _ in 0..<5 {
        _ = try TCPConnection(
          on: loop, to: try #require(listener).address, timeout: .seconds(10), handler: Recorder())
      }
    }
  }

  /// In a process of its own, for the limit is the whole process's. Sockets are dialled first and accepted when no descriptor
  /// is left; libuv's own spare is taken away, which is when it would circle for ever.
  @Test("out of descriptors a listener backs off without spinning, and goes on when there are some again")
  func outOfDescriptors() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      let keeper = Keeper()
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { keeper.accept($0) }
      listener.pause()
      let recorders = (0..<6).map { _ in Recorder() }
      for recorder in recorders {
        _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: recorder)
      }
      when(recorders.allSatisfy { $0.wasConnected }, on: loop) {
        let filler = takeAllDescriptors(besides: loop)
        let turns = loop.statistics.turns
        listener.resume()
        after(.milliseconds(500), on: loop) {
          precondition(listener.descriptorShortages > 0, "no shortage was seen")
          precondition(keeper.accepted < 6, "all were accepted")
          precondition(loop.statistics.turns - turns < 100, "\(loop.statistics.turns - turns) turns")
          for file in filler { close(file) }
          when(keeper.accepted == 6, on: loop) { loop.stop() }
        }
      }
      loop.run()
      _exit(0)
    }
  }

  @Test("a dial without a descriptor left fails, later")
  func dialWithoutDescriptors() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      loop.maximumConnections = 1000
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in }
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = 3
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let client = Recorder()
      client.onClosed = { _ in loop.stop() }
      _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: client)
      loop.run()
      _exit(client.error == .tooManyOpenFiles ? 0 : 1)
    }
  }

  @Test("the soft limit of descriptors can be raised to the hard one and is never lowered")
  func descriptorLimit() async {
    await #expect(processExitsWith: .success) {
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = 100
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      precondition(DescriptorLimit.current.soft == 100)
      precondition(DescriptorLimit.current.connections == 50)
      let loop = try EventLoop()
      precondition(loop.maximumConnections == 50)
      let raised = try DescriptorLimit.raise(to: 120)
      precondition(raised.soft == 120)
      let kept = try DescriptorLimit.raise(to: 50)
      precondition(kept.soft == 120)
      let highest = try DescriptorLimit.raise()
      precondition(highest.soft == min(highest.hard, 1 << 20))
      _exit(0)
    }
  }
}
