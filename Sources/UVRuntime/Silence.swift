// Connections whose other end has fallen silent: a host that lost its power, a cable, a router that forgot them. TCP by itself finds
// out after a quarter of an hour when something was sent, and never when nothing was. The system can do better if it is asked.
//
// Source: tcp(7); RFC 5482 (TCP User Timeout); RFC 9293, section 3.8.4 (keep-alives).

import CLibUV
import Glibc

extension TCPConnection {
  /// Breaks the connection with `timedOut` when what was sent is not acknowledged for `unanswered`, or when an idle
  /// connection's other end does not answer the probes that begin after `idle`. Both in whole seconds, at least one.
  ///
  /// Where the system cannot, it stays as it is: then silence is found out later, by who waits for an answer.
  public func breakWhenSilent(idle: Duration, unanswered: Duration) {
    var descriptor: uv_os_fd_t = -1
    guard isOpen, uv_fileno(handle.handle, &descriptor) == 0 else { return }
    let idle = max(1, Int32(clamping: idle.components.seconds))
    let limit = max(1, Int32(clamping: unanswered.components.seconds))
    let probes: Int32 = 3
    Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, idle)
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, limit / probes))
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, probes)
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, limit * 1000)
  }

  private static func set(_ descriptor: uv_os_fd_t, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
