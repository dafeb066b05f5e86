// What the runtime asks memory for: an echo server on a loop of its own, and raw sockets on this thread, which ask for none.

import CAllocations
import Foundation
import UVRuntime

/// Counts of an echo server.
enum Echoes {
  private static let connections = 100
  private static let rounds = 200

  /// Allocations of an echoed message and of an accepted connection (with what its first message takes), and what a connection that
  /// has said something and is silent now keeps of the heap, in bytes, everything in user space included.
  static func counts() throws -> [(String, Double)] {
    let loop = try EventLoop.start(threadName: "echo")
    defer {
      loop.stop()
      loop.waitUntilClosed()
    }
    let address = try start(on: loop)
    // Whatever is made once is made by the first.
    let first = try Clients(connections, to: address)
    try first.echo(rounds: 2)
    first.close()
    try settle(loop)

    let (before, bytesBefore) = (allocations_made(), Int(allocations_bytes()))
    let clients = try Clients(connections, to: address)
    try clients.echo(rounds: 1)
    try settle(loop)
    let (accepted, bytes) = (allocations_made() - before, Int(allocations_bytes()) - bytesBefore)
    let beforeEcho = allocations_made()
    try clients.echo(rounds: rounds)
    let echoed = allocations_made() - beforeEcho
    clients.close()
    return [
      ("echo.allocations", Double(echoed) / Double(rounds * connections)),
      ("accept.allocations", Double(accepted) / Double(connections)),
      ("connection.bytes", Double(bytes) / Double(connections)),
    ]
  }

  private static func start(on loop: EventLoop) throws -> SocketAddress {
    let told = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var outcome: Result<SocketAddress, any Error>?
    loop.post {
      let server = EchoServer()
      outcome = Result {
        try TCPListener(on: loop, address: .loopback4(port: 0)) { $0.handler = server }.address
      }
      told.signal()
    }
    told.wait()
    return try outcome?.get() ?? .loopback4(port: 0)
  }

  /// Waits until the loop has done what it had to do.
  private static func settle(_ loop: EventLoop) throws {
    usleep(50_000)
    let done = DispatchSemaphore(value: 0)
    loop.post { done.signal() }
    done.wait()
  }
}

private final class EchoServer: TCPConnectionHandler {
  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) { connection.write(bytes.bytes) }
  func ended(_ connection: TCPConnection) { connection.shutdown() }
  func closed(_ connection: TCPConnection, error: UVError?) {}
}

/// Blocking sockets, without a library between.
private struct Clients {
  private let sockets: [Int32]
  private let message = [UInt8](repeating: 0x78, count: 64)

  init(_ count: Int, to server: SocketAddress) throws {
    guard case .v4(let host) = server.host else { throw Dearer("an IPv4 address is wanted") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = server.port.bigEndian
    address.sin_addr.s_addr = host.bigEndian
    sockets = try (0..<count).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      let length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
      }
      guard result == 0 else { throw Dearer("the echo server does not answer") }
      return descriptor
    }
  }

  /// One message on each at a time, so often.
  func echo(rounds: Int) throws {
    var answer = message
    for _ in 0..<rounds {
      for socket in sockets { write(socket, message, message.count) }
      for socket in sockets where recv(socket, &answer, answer.count, Int32(MSG_WAITALL)) != answer.count {
        throw Dearer("an echo did not come back")
      }
    }
  }

  func close() {
    for socket in sockets { Glibc.close(socket) }
  }
}
