// Standard output of the commands that print one answer and end: written at once, and checked.

import Glibc

/// Standard output without a loop.
enum StandardOutput {
  /// Whether something can be written without waiting, or soon. Safe in a signal handler.
  static var takesMore: Bool {
    var output = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
    return poll(&output, 1, 100) > 0
  }

  /// Writes a text and a line's end; whether all of it could be written. Says on standard error if not.
  static func print(_ text: String) -> Bool {
    var rest = Array("\(text)\n".utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        StandardError.say("standard output cannot be written: \(StandardError.text(ofErrno: errno))")
        return false
      }
    }
    return true
  }
}
