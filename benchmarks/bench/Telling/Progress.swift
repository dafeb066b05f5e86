// How far a long measurement is, for whoever sits before it: on standard error, and only on a terminal.

import Foundation

/// A line that is written anew now and then.
final class Progress {
  private let name: String
  private let whole: Int
  private var toldAt = ContinuousClock.now
  private var hasTold = false
  private static let isTerminal = isatty(STDERR_FILENO) == 1

  init(_ name: String, of whole: Int) { (self.name, self.whole) = (name, whole) }

  func tell(_ done: Int) {
    guard Self.isTerminal, ContinuousClock.now - toldAt > .milliseconds(500) else { return }
    (toldAt, hasTold) = (.now, true)
    Self.tell("\(name): \(done) of \(whole)")
  }

  func end() {
    if hasTold { Self.tell("") }
  }

  /// Makes the line this one.
  static func tell(_ text: String) {
    guard isTerminal else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
  }
}
