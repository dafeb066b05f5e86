// Users, names and addresses as people and bots write them: understood here, in one place, for options, lines and requests
// alike. What is wrong comes back as words to put into a sentence.

import NodeKit

/// What is wrong with something written, and mostly what to write instead: the second half of a sentence, without its stop.
struct Mistake: Error, Equatable, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Understands what was written.
enum Written {
  /// A user, as `alice#K7QM2-XWB9P-TD4HG-Z3R8F`; perhaps as copied from where it was shown isolated (Display.swift).
  static func user(_ text: String) throws(Mistake) -> User {
    do {
      return try User(parsing: Display.withoutIsolates(text))
    } catch {
      throw Mistake(Display.line("\(error)"))
    }
  }

  /// The name of somebody who has been shown, as copied from there.
  static func name(_ text: String) throws(Mistake) -> UserName {
    try username(Display.withoutIsolates(text))
  }

  /// A username.
  static func username(_ text: String) throws(Mistake) -> UserName {
    // What stands for bytes that were no UTF-8.
    if text.unicodeScalars.contains("\u{FFFD}") { throw Mistake("the username is not valid UTF-8: type it anew") }
    do {
      return try UserName(text)
    } catch {
      throw Mistake(Display.line("\(error)"))
    }
  }
}
