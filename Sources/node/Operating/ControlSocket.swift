// `--control`: a Unix socket that tells whoever may open it how this node stands. It lies in the user's own runtime directory, which is
// nobody else's (XDG Base Directory Specification), under the number of the process:
//
//     $XDG_RUNTIME_DIR/chord-chat/4711.sock ──connect──► one line of JSON, and the end

import ArgumentParser
import Glibc
import NodeKit

/// Where control sockets are.
enum ControlSocket {
  /// The directory of all of them. Throws `ExitCode`, after saying why, if there is none.
  static func directory() throws -> String {
    guard let runtime = getenv("XDG_RUNTIME_DIR").map({ String(cString: $0) }), runtime.hasPrefix("/") else {
      StandardError.say(
        "XDG_RUNTIME_DIR is not set, so there is no private place for a control socket: set it to a directory of yours alone."
      )
      throw ExitCode.badConfiguration
    }
    return runtime + "/chord-chat"
  }

  /// Opens one for this process.
  static func open(on loop: EventLoop, _ report: @escaping () -> Report) throws -> LocalListener {
    let directory = try directory()
    let shown = Display.line(directory)
    if mkdir(directory, 0o700) != 0, errno != EEXIST {
      StandardError.say("the directory \(shown) cannot be made: \(StandardError.text(ofErrno: errno))")
      throw ExitCode.ioFailed
    }
    var status = stat()
    guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
      status.st_mode & 0o077 == 0
    else {
      StandardError.say("\(shown) is not a directory of yours alone: run chmod 700 on it, or remove it.")
      throw ExitCode.badConfiguration
    }
    do throws(UVError) {
      return try LocalListener(on: loop, path: "\(directory)/\(getpid()).sock") {
        Array((report().json.line + "\n").utf8)
      }
    } catch {
      let hint = error == .invalidArgument ? " (its path is too long)" : ""
      StandardError.say("the control socket in \(shown) cannot be opened: \(error.text)\(hint)")
      throw ExitCode.ioFailed
    }
  }

  /// The processes that have one, in order.
  static func processes(in directory: String) -> [Int32] {
    guard let handle = opendir(directory) else { return [] }
    defer { closedir(handle) }
    var found: [Int32] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasSuffix(".sock"), let id = Int32(name.dropLast(5)), id > 0 { found.append(id) }
    }
    return found.sorted()
  }

  /// What the node of that process says; nil if nobody answers.
  static func ask(_ process: Int32, in directory: String) -> JSON? {
    let path = "\(directory)/\(process).sock"
    guard let address = LocalSocketAddress(path) else { return nil }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else {
      // Its node has died without a word: nobody else will remove it.
      if errno == ECONNREFUSED { unlink(path) }
      return nil
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < 1 << 20 {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    return try? JSONReader.read(bytes)
  }
}
