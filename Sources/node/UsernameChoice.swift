// A username when none was given: a person at a terminal is asked, with $USER to take by pressing Return; in a pipe $USER it is.
// Asking happens before the loop runs, so it may wait.

import ArgumentParser
import Glibc
import NodeKit

/// Finds a username.
enum UsernameChoice {
  /// Nobody's line is longer; the rest of a longer one is dropped.
  private static let lineLimit = 1024

  /// A username. Throws if there is none, or the person gives up.
  static func make(canAsk: Bool) throws -> UserName {
    let login = getenv("USER").map { String(cString: $0) } ?? ""
    let suggestion = parsed(login)
    // A login that is no username is not suggested; whoever is asked need not know why.
    if canAsk { return try ask(suggesting: try? suggestion.get()) }
    switch suggestion {
    case .success(let name): return name
    case .failure(let mistake):
      throw ValidationError(
        login.isEmpty
          ? "There is no username: give one with --username NAME."
          : "$USER is no username (\(mistake)): give one with --username NAME.")
    }
  }

  private static func ask(suggesting suggestion: UserName?) throws -> UserName {
    while true {
      print("Username\(suggestion.map { " [\(Display.line($0.description))]" } ?? ""): ", terminator: "")
      fflush(nil)
      guard let line = readLineFromDescriptor() else {
        print()
        throw ExitCode.success  // Ctrl-D: the person does not want to
      }
      if line.isEmpty, let suggestion { return suggestion }
      switch parsed(line) {
      case .success(let name): return name
      case .failure(let mistake): print("That is no username: \(mistake).")
      }
    }
  }

  private static func parsed(_ text: String) -> Result<UserName, Mistake> {
    do throws(Mistake) {
      return .success(try Written.username(text))
    } catch {
      return .failure(error)
    }
  }

  /// A line without blanks around it; nil at the end. Byte by byte, to leave what comes after the line where it is.
  private static func readLineFromDescriptor() -> String? {
    var bytes: [UInt8] = []
    while true {
      var byte: UInt8 = 0
      let count = read(0, &byte, 1)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return nil }
      if byte == UInt8(ascii: "\n") { break }
      if bytes.count < lineLimit { bytes.append(byte) }
    }
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
    let line = bytes.drop(while: isBlank)
    let end = line.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? line.startIndex
    return String(decoding: line[..<end], as: UTF8.self)
  }
}
