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
    guard let code = write("\(text)\n", to: 1) else { return true }
    StandardError.say("standard output cannot be written: \(StandardError.text(ofErrno: code))")
    return false
  }

  /// Writes a text to a descriptor that waits; nil if all of it could be written, and otherwise what the system said (`errno`).
  static func write(_ text: String, to descriptor: Int32) -> Int32? {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }
}
