// How much waits between a loop, which brings it, and a reader on some other thread, counted from both sides.

import Synchronization

/// Holds a loop back whose reader does not keep up.
package final class Backlog: Sendable {
  private let waiting = Atomic(0)
  private let isHeld = Atomic(false)
  private let full: Int
  private let caughtUp: Int
  private let resume: @Sendable () -> Void

  /// With `full` pieces waiting `hold` is called, and then, with `caughtUp` waiting, `resume`: on the reader's thread.
  package init(full: Int, caughtUp: Int, resume: @escaping @Sendable () -> Void) {
    precondition(caughtUp < full, "nothing would ever flow")
    (self.full, self.caughtUp, self.resume) = (full, caughtUp, resume)
  }

  /// On the loop: another piece waits.
  package func produced(hold: () -> Void) {
    let count = waiting.add(1, ordering: .sequentiallyConsistent).newValue
    guard count >= full, !isHeld.load(ordering: .sequentiallyConsistent) else { return }
    hold()
    isHeld.store(true, ordering: .sequentiallyConsistent)
    // The reader may have caught up before it could see that.
    if waiting.load(ordering: .sequentiallyConsistent) <= caughtUp { release() }
  }

  /// On the reader's thread: it has a piece.
  package func took() {
    let count = waiting.subtract(1, ordering: .sequentiallyConsistent).newValue
    if count <= caughtUp { release() }
  }

  private func release() {
    if isHeld.exchange(false, ordering: .sequentiallyConsistent) { resume() }
  }
}
