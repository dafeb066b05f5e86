// Words to whoever has started this process as a service (sd_notify(3)): that it is ready, how it stands, that it still lives, and that it
// ends. Without NOTIFY_SOCKET in the environment nobody wants to hear any of it.
//
//     $NOTIFY_SOCKET ◄── READY=1   STATUS=in the ring, 4 peers   WATCHDOG=1   STOPPING=1      one datagram each

import Glibc
import NodeKit

/// Speaks to the service manager.
final class ServiceManager {
  private let descriptor: Int32
  private let address: LocalSocketAddress
  private let loop: EventLoop
  private var watchdog: Deadline?
  private let period: Duration?

  /// Nil if there is nobody to speak to.
  init?(on loop: EventLoop) {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), path.hasPrefix("/") || path.hasPrefix("@"),
      let address = LocalSocketAddress(path)
    else { return nil }
    self.address = address
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
    _ = address.withSocketAddress { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
  }
}
