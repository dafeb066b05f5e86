// What the terminal is said to be able to do: a whole screen only where that is sure to work, plain lines everywhere else.

import Glibc

/// What is known of the terminal before anything is written to it.
struct TerminalKind {
  /// The variable TERM; nil if it is not set.
  var name: String?
  /// Whether NO_COLOR is set to anything (no-color.org).
  var refusesColor = false
  /// Whether standard input and output are both terminals.
  var isBothWays = false
  /// Its window, if it says how large it is.
  var size: (columns: Int, rows: Int)?

  /// The one this process was started in.
  static var ofThisProcess: TerminalKind {
    var kind = TerminalKind()
    kind.name = getenv("TERM").map { String(cString: $0) }
    kind.refusesColor = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
    var settings = termios()
    kind.isBothWays = isatty(1) == 1 && tcgetattr(0, &settings) == 0
    var window = winsize()
    if ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 {
      kind.size = (Int(window.ws_col), Int(window.ws_row))
    }
    return kind
  }

  /// Whether it knows the sequences that every terminal since the VT100 has known.
  var isCapable: Bool {
    guard let name, !name.isEmpty else { return false }
    return !["dumb", "unknown", "emacs", "network", "lpr", "printer"].contains(name)
  }

  /// Whether it has colours that we may use.
  var hasColors: Bool {
    guard isCapable, !refusesColor, let name else { return false }
    return !["vt100", "vt102", "vt220", "vt320", "xterm-mono"].contains(name)
  }

  /// Whether a whole screen can be shown. A serial line, say, does not tell its size.
  var suitsScreen: Bool {
    guard isBothWays, isCapable, let size else { return false }
    return size.columns >= ChatScreen.smallest.columns && size.rows >= ChatScreen.smallest.rows
  }
}
