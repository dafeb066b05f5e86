// A TCP echo server and a client that uses it, on one event loop.
import UVRuntime

/// Sends back whatever comes, until the other side has said all.
final class EchoServer: TCPConnectionHandler {
  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) { connection.write(bytes.bytes) }
  func ended(_ connection: TCPConnection) { connection.shutdown() }
  func closed(_ connection: TCPConnection, error: UVError?) {}
}

/// Says one thing, and stops the loop when it has all come back.
final class EchoClient: TCPConnectionHandler {
  let text = "Hello, echo!"
  var heard: [UInt8] = []

  func connected(_ connection: TCPConnection) {
    connection.write(Array(text.utf8))
    connection.shutdown()
  }
  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    bytes.withUnsafeBytes { heard.append(contentsOf: $0) }
  }
  func ended(_ connection: TCPConnection) {}
  func closed(_ connection: TCPConnection, error: UVError?) {
    print(error.map { "failed: \($0)" } ?? "heard: \(String(decoding: heard, as: UTF8.self))")
    connection.loop.stop()
  }
}

let loop = try EventLoop()
let (server, client) = (EchoServer(), EchoClient())
let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { $0.handler = server }
_ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(5), handler: client)
loop.run()
guard client.heard == Array(client.text.utf8) else { fatalError("that was no echo") }
