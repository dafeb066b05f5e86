// Words to whoever started the program, about the program: on standard error, so that standard output holds nothing but what
// was asked for. Written at once; there is little of it, and the next thing is mostly the end.

import Glibc

/// Standard error, and the state in which the three standard descriptors are found.
enum StandardError {
  /// Writes a line that begins with the program's name.
  static func say(_ sentence: String) {
    write("node: \(sentence)")
  }

  /// Writes a line.
  static func write(_ line: String) {
    var rest = Array("\(line)\n".utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        return
      }
    }
  }

  /// Sees to it that descriptors 0, 1 and 2 are open, or the next file or socket would get such a number and be taken for
  /// standard input or output. What was closed is opened the wrong way round: using it is an error, as it should be.
  static func secureDescriptors() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is given: this very one.
      _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// What `errno` says, in words.
  static func text(ofErrno code: Int32) -> String {
    String(cString: strerror(code))
  }
}
