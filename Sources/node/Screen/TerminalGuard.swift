// Gives the terminal back as it was, whatever ends the program: a return, an exit, a signal, or a bug of ours.
//
//     raw mode            uv_tty_reset_mode
//     the second screen   CSI ? 1049 l, and the cursor, line wrapping and pastes as they are by default
//
// Only SIGKILL cannot be answered. What a signal handler may do is little (signal-safety(7)): write bytes that lie ready, reset the
// modes through libuv (which promises to be safe there), and die of the same signal in the way that was meant before.

import Glibc
import NodeKit

/// Restores the terminal, once for every `enter`.
enum TerminalGuard {
  private static let entering = "\u{1B}[?1049h\u{1B}[?2004h\u{1B}[?7l\u{1B}[2J\u{1B}[H"
  fileprivate static let leaving = "\u{1B}[?2004l\u{1B}[?7h\u{1B}[?25h\u{1B}[0m\u{1B}[?1049l"

  /// A bug of ours, or somebody who wants us gone at once.
  private static let deadly = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGSYS, SIGQUIT]

  /// From now on the terminal is to be restored. What is to be written to it first.
  static func enter() -> String {
    if !memory.pointee.isInstalled {
      memory.pointee.isInstalled = true
      for signal in deadly {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = restoreAndDie
        action.sa_flags = Int32(SA_ONSTACK)
        sigaction(signal, &action, memory.pointee.previous + Int(signal))
      }
      atexit { TerminalGuard.restore() }
    }
    memory.pointee.isActive = 1
    return entering
  }

  /// Restores it if that has not been done; safe in a signal handler.
  static func restore() {
    guard memory.pointee.isActive != 0 else { return }
    memory.pointee.isActive = 0
    // A terminal that takes nothing any more must not keep anybody from ending.
    if StandardOutput.takesMore { _ = write(1, memory.pointee.bytes, memory.pointee.count) }
    InputStream.resetTerminal()
  }

  fileprivate static func die(of signal: Int32) {
    restore()
    sigaction(signal, memory.pointee.previous + Int(signal), nil)
    raise(signal)  // delivered when the handler returns
  }
}

/// What a handler needs, where it can find it without allocating.
private struct Memory {
  var isInstalled = false
  var isActive: sig_atomic_t = 0
  let previous: UnsafeMutablePointer<sigaction>
  let bytes: UnsafeMutablePointer<UInt8>
  let count: Int
}

/// Made once and never freed. Only the loop's thread writes it, and a handler, which is the last to do so.
private nonisolated(unsafe) let memory: UnsafeMutablePointer<Memory> = {
  let text = Array(TerminalGuard.leaving.utf8)
  let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count)
  bytes.initialize(from: text, count: text.count)
  let previous = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)
  previous.initialize(repeating: sigaction(), count: 65)
  let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
  memory.initialize(to: Memory(previous: previous, bytes: bytes, count: text.count))
  return memory
}()

private func restoreAndDie(_ signal: Int32) {
  TerminalGuard.die(of: signal)
}
