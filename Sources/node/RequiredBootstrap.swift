// `--require-bootstrap`: a node that would rather not be than be alone. For 5 seconds it may stand alone (the others may have
// been started in the same moment as it was, and a node keeps trying); whoever is still alone then gives up.

import NodeKit

/// Decides once whether a node has found others in time.
final class RequiredBootstrap {
  /// Nodes started at the same moment stand in one ring within 5 s.
  static let patience = Duration.seconds(5)
  /// Often enough to cost nobody a noticeable wait.
  private static let interval = Duration.milliseconds(20)

  /// Whether others have been found.
  private(set) var isOpen = false

  private let loop: EventLoop
  private let end: LoopTime
  private let isMet: () -> Bool
  private let decided: (Bool) -> Void
  private var look: Deadline?

  /// Begins to look. `decided` is called once.
  init(on loop: EventLoop, isMet: @escaping () -> Bool, _ decided: @escaping (Bool) -> Void) {
    self.loop = loop
    self.isMet = isMet
    self.decided = decided
    end = loop.now + Self.patience
    look = Deadline(on: loop) { [unowned self] in lookAgain() }
    look?.set(loop.now)
  }

  private func lookAgain() {
    if isMet() {
      isOpen = true
      decided(true)
    } else if loop.now >= end {
      decided(false)
    } else {
      look?.set(loop.now + Self.interval)
    }
  }
}
