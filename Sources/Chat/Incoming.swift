// The texts from one user: how far their stream has been shown. Texts travel in order on a link, so there is nothing to sort
// and nothing to keep: the next number is shown, a lower one was shown before, and a higher one is dropped, for its sender
// will notice that it is not acknowledged and send all that is missing again. Texts come in runs; of one that begins before the next
// number and ends after it the rest is shown.

/// The other side's stream of texts.
struct Incoming {
  /// What to do with a run of texts.
  enum Verdict: Equatable {
    /// Show those after the first `skipping`, which were shown before.
    case show(skipping: Int)
    /// All of them were shown before.
    case duplicate
    /// Some before them have not come.
    case gap
  }

  /// The name of their stream; 0 before any is known.
  private(set) var epoch: UInt64 = 0
  /// The last text that was shown, or that they gave up.
  private(set) var received: UInt64 = 0

  /// They say that their stream `epoch` goes on at `first`. Whether that is another stream than before.
  mutating func begin(epoch: UInt64, first: UInt64) -> Bool {
    if epoch == self.epoch {
      received = max(received, first - 1)
      return false
    }
    let isAnother = self.epoch != 0
    self.epoch = epoch
    received = first - 1
    return isAnother
  }

  /// Judges so many texts from this number on, and counts those that are to be shown.
  mutating func accept(_ sequence: UInt64, count: Int) -> Verdict {
    let last = sequence + UInt64(count) - 1
    if last <= received { return .duplicate }
    guard sequence <= received + 1 else { return .gap }
    let skipped = received + 1 - sequence
    received = last
    return .show(skipping: Int(skipped))
  }
}
