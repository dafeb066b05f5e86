// Just enough HTTP (RFC 9112) for one page to be fetched from this machine: a request's head is read to its end, answered, and the
// connection closed. Whoever asks for anything else is told that there is nothing.

import NodeKit

/// Serves the metrics.
final class MetricsServer {
  /// Whoever scrapes has one connection, and perhaps a person looks too.
  private static let connectionLimit = 8

  private let listener: TCPListener

  /// Throws what listening says.
  init(on loop: EventLoop, at address: SocketAddress, _ page: @escaping () -> String) throws(UVError) {
    listener = try TCPListener(on: loop, address: address, maxConnections: Self.connectionLimit) { connection in
      connection.handler = MetricsRequest(connection, page)
    }
  }

  func close() { listener.close() }
}

/// One request.
private final class MetricsRequest: TCPConnectionHandler {
  private static let headLimit = 8192
  private static let patience = Duration.seconds(5)

  private let page: () -> String
  private var head: [UInt8] = []
  private var deadline: Deadline?
  private var isAnswered = false

  init(_ connection: TCPConnection, _ page: @escaping () -> String) {
    self.page = page
    deadline = Deadline(on: connection.loop) { [weak connection] in connection?.close() }
    deadline?.set(connection.loop.now + Self.patience)
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    guard !isAnswered else { return }
    bytes.withUnsafeBytes { head += $0 }
    guard head.count <= Self.headLimit else { return answer("431 Request Header Fields Too Large", "", on: connection) }
    let text = String(decoding: head, as: UTF8.self)
    guard text.contains("\r\n\r\n") || text.contains("\n\n") else { return }
    let words = text.prefix { !$0.isNewline }.split(separator: " ")
    switch (words.first, words.dropFirst().first?.prefix { $0 != "?" }) {
    case ("GET", "/metrics"): answer("200 OK", page(), on: connection)
    case ("GET", _): answer("404 Not Found", "There is only /metrics here.\n", on: connection)
    case (_, nil): answer("400 Bad Request", "", on: connection)
    default: answer("405 Method Not Allowed", "", on: connection)
    }
  }

  private func answer(_ status: String, _ body: String, on connection: TCPConnection) {
    isAnswered = true
    let head = [
      "HTTP/1.1 \(status)", "Content-Type: text/plain; version=0.0.4; charset=utf-8",
      "Content-Length: \(body.utf8.count)",
      "Connection: close", "", "",
    ]
    connection.write(Array((head.joined(separator: "\r\n") + body).utf8))
    connection.closeAfterFlush(deadline: Self.patience)
  }

  func ended(_ connection: TCPConnection) {
    if !isAnswered { connection.close() }
  }

  func closed(_ connection: TCPConnection, error: UVError?) {
    deadline?.cancel()
    deadline = nil
  }
}
