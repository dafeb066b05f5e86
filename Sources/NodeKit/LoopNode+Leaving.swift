// The way out: withdraw the record, tell the peers, hand over, say goodbye on every link, and be done; or be done anyway when that
// takes too long.

import UVRuntime

/// A node on its way out.
final class Departure {
  /// Leaving takes a few round trips; a person who quits does not wait longer than this.
  static let patience = Duration.seconds(3)

  var waiting: [() -> Void] = []
  var deadline: Deadline?
  var isOut = false
}

extension LoopNode {
  /// Withdraws the record, tells peers and neighbours, closes all links; then calls `done`, within 3 s, unless the loop is stopped before:
  /// then it never does.
  public func leave(_ done: @escaping () -> Void) {
    if let departure {
      if departure.isOut { done() } else { departure.waiting.append(done) }
      return
    }
    let departure = Departure()
    departure.waiting = [done]
    departure.deadline = Deadline(on: loop) { [weak self] in self?.finishLeaving() }
    departure.deadline?.set(loop.now + Departure.patience)
    self.departure = departure
    step(.leave)
  }

  /// The ring has been left: what remains are the links.
  func ringLeft() {
    bootstrapper.stop()
    standIn.cancel()
    links.whenClosed = { [weak self] in self?.finishLeaving() }
    links.close()
  }

  private func finishLeaving() {
    guard let departure, !departure.isOut else { return }
    departure.isOut = true
    departure.deadline?.cancel()
    bootstrapper.stop()
    links.whenClosed = nil
    links.abort()
    answerAll(.stopped)
    for done in departure.waiting { done() }
    departure.waiting = []
  }
}
