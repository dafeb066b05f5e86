// What must be undone however the program ends: by its last line, by `exit`, or by Ctrl-C.
//
// SIGINT, SIGTERM and SIGHUP are blocked in every thread and taken by one that waits for them, undoes, and ends the program;
// the children have signal masks of their own.

import Foundation

/// Things to be undone at the end.
enum Undoing {
  private static let lock = NSLock()
  nonisolated(unsafe) private static var actions: [@Sendable () -> Void] = []  // under the lock

  /// Call before there is any other thread.
  static func begin() {
    atexit { Undoing.undo() }
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    Thread {
      var signals = sigset_t()
      sigemptyset(&signals)
      for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
      var signal: Int32 = 0
      while sigwait(&signals, &signal) != 0 {}
      undo()
      // Not `exit`: the main thread may be on its own way out at this moment. The children see their input end.
      _exit(128 + signal)
    }.start()
  }

  /// Will be undone at the end, the last one first.
  static func later(_ action: @escaping @Sendable () -> Void) {
    lock.withLock { actions.append(action) }
  }

  private static func undo() {
    let all = lock.withLock {
      defer { actions = [] }
      return actions
    }
    for action in all.reversed() { action() }
  }
}
