// The texts from one user: how far their stream has been shown. Texts travel in order on a link, so there is nothing to sort
// and nothing to keep: the next number is shown, a lower one was shown before, and a higher one is dropped, for its sender
// will notice that it is not acknowledged and send all that is missing again.

/// The other side's stream of texts.
struct Incoming {
  /// What to do with a text.
  enum Verdict {
    case show, duplicate, gap
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

  /// Judges a text, and counts it if it is to be shown.
  mutating func accept(_ sequence: UInt64) -> Verdict {
    if sequence <= received { return .duplicate }
    guard sequence == received + 1 else { return .gap }
    received = sequence
    return .show
  }
}
