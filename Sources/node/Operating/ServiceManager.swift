// Words to whoever has started this process as a service (sd_notify(3)): that it is ready, how it stands, that it still lives, and that it
// ends. Without NOTIFY_SOCKET in the environment nobody wants to hear any of it.
//
//     $NOTIFY_SOCKET ◄── READY=1   STATUS=in the ring, 4 peers   WATCHDOG=1   STOPPING=1      one datagram each

import Glibc
import NodeKit

/// Speaks to the service manager.
final class ServiceManager {
  private let descriptor: Int32
  private var address: sockaddr_un
  private let length: socklen_t
  private let loop: EventLoop
  private var watchdog: Deadline?
  private let period: Duration?

  /// Nil if there is nobody to speak to.
  init?(on loop: EventLoop) {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), path.hasPrefix("/") || path.hasPrefix("@")
    else { return nil }
    address = sockaddr_un()
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    if path.hasPrefix("@") { bytes[0] = 0 }  // not in the file system
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    length = socklen_t(offset + bytes.count)
    descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    self.loop = loop
    period = Self.watchdogPeriod
    // The watchdog is fed from the loop: when the loop hangs, so does the feeding, as it should.
    guard let period else { return }
    watchdog = Deadline(on: loop) { [unowned self] in
      say("WATCHDOG=1")
      watchdog?.set(loop.now + period)
    }
    watchdog?.set(loop.now + period)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Half of what is allowed, as sd_watchdog_enabled(3) advises; nil if nobody watches this process.
  private static var watchdogPeriod: Duration? {
    guard let text = getenv("WATCHDOG_USEC").map({ String(cString: $0) }), let limit = Int64(text), limit > 0 else {
      return nil
    }
    if let process = getenv("WATCHDOG_PID").map({ String(cString: $0) }), process != String(getpid()) { return nil }
    return .microseconds(limit / 2)
  }

  func say(_ words: String) {
    let bytes = Array(words.utf8)
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
  }
}
