// An echo server on our runtime and nothing else: what UVRuntime costs, without ring, links or cipher.

import UVRuntime

/// Sends back whatever comes; a client that does not take it is not read from.
final class EchoServer: TCPConnectionHandler {
  private var listener: TCPListener?

  init(on loop: EventLoop, at address: SocketAddress) throws {
    listener = try TCPListener(on: loop, address: address) { [unowned self] in $0.handler = self }
  }

  /// Where it listens, with the port that the system chose.
  var address: SocketAddress? { listener?.address }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    connection.write(bytes.bytes)
    if connection.isOverHighWatermark { connection.pauseReading() }
  }

  func writable(_ connection: TCPConnection) { connection.resumeReading() }

  func ended(_ connection: TCPConnection) { connection.shutdown() }

  func closed(_ connection: TCPConnection, error: UVError?) {}
}
