// The key file: the one file that a node ever writes, and only if asked to. It is read if it is there and made if it is not;
// what is there is never written to, so no key is lost by a slip of the keyboard.
//
// It is made whole or not at all: written beside its place, then linked to it, which fails if somebody else has been first.

import ArgumentParser
import Glibc
import NodeKit

/// Reads and makes key files.
enum KeyFileStore {
  /// Far longer than any key file: what is longer is none, and need not be read.
  private static let lengthLimit = 4096

  /// The identity in this file; a new one, kept there, if there is no such file.
  /// Throws `ExitCode`, after saying why.
  static func identity(at path: String) throws -> Identity {
    // Twice: another node may make the file between our look and our try.
    for _ in 0..<2 {
      if let bytes = try read(path) {
        let identity = try parsed(bytes, path)
        warnIfOthersMayRead(path)
        return identity
      }
      let identity = Identity.random()
      if try make(path, Array(identity.keyFileText.utf8)) { return identity }
    }
    throw failure("cannot be made", path, EEXIST)
  }

  private static func parsed(_ bytes: [UInt8], _ path: String) throws -> Identity {
    do throws(InvalidKeyFile) {
      guard let text = String(validating: bytes, as: UTF8.self) else { throw .notAKeyFile }
      return try Identity(keyFileText: text)
    } catch {
      StandardError.say("\(Display.line(path)): \(error.description). Nothing has been changed.")
      throw ExitCode.badConfiguration
    }
  }

  // MARK: Files

  /// The content; nil if there is no such file.
  private static func read(_ path: String) throws -> [UInt8]? {
    // Not waiting: the name may be that of a pipe which nobody writes to.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("cannot be read", path, errno)
    }
    defer { Glibc.close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: lengthLimit + 1)
    var length = 0
    while length < bytes.count {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + length, $0.count - length) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("cannot be read", path, errno) }
      if count == 0 { break }
      length += count
    }
    return Array(bytes[..<length])
  }

  private static func warnIfOthersMayRead(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return }
    StandardError.say("others on this machine can use the key file \(Display.line(path)): run chmod 600 on it")
  }

  /// Makes the file, readable by its owner alone; false if there is one by now.
  private static func make(_ path: String, _ content: [UInt8]) throws -> Bool {
    let beside = "\(path).\(getpid()).new"
    let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw failure("cannot be made", path, errno) }
    defer { unlink(beside) }
    var rest = content[...]
    var code: Int32 = 0
    while !rest.isEmpty, code == 0 {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { code = errno }
    }
    if code == 0, fsync(descriptor) != 0 { code = errno }
    if Glibc.close(descriptor) != 0, code == 0 { code = errno }
    guard code == 0 else { throw failure("cannot be written", path, code) }
    if link(beside, path) == 0 { return true }
    if errno == EEXIST { return false }
    throw failure("cannot be made", path, errno)
  }

  private static func failure(_ what: String, _ path: String, _ code: Int32) -> ExitCode {
    StandardError.say("the key file \(Display.line(path)) \(what): \(StandardError.text(ofErrno: code))")
    return .ioFailed
  }
}
