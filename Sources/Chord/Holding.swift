// Requests held back. A member that stands alone but is about to hear of others (somebody has just notified it, or it has asked
// somebody) would answer as the owner of everything, and in a round trip it may own nearly nothing. So it waits that long.

/// A request that came while this member stood alone but was about to hear of others.
struct Held: Sendable {
  var question: Request.Question
  var key: Identifier
  var origin: Forward.Origin
  var hopsLeft: UInt8
  var claim: Request.Claim
  var until: Instant

  /// Whoever asked tries again rather than waiting for a neighbour that does not answer to be declared dead.
  static let patience = Duration.seconds(2)
}

extension ChordNode {
  /// More than come in the round trip that such a moment lasts.
  static var heldLimit: Int { 256 }

  /// Gives up what was held back for too long.
  mutating func expireHeld() {
    while let first = held.first, first.until <= now.monotonic {
      held.removeFirst()
      conclude(first.origin, .failure(.notInRing))
    }
  }

  /// Goes on with what was held back, once it is clear whether there is anybody else.
  mutating func releaseHeld() {
    guard !isUncertain, !held.isEmpty else { return }
    let waiting = held
    held = []
    for held in waiting {
      serve(held.question, key: held.key, for: held.origin, hopsLeft: held.hopsLeft, claim: held.claim)
    }
  }
}
