// How long to wait for a neighbour, and when to give it up. The estimate is TCP's (RFC 6298): a smoothed round trip and its
// mean deviation, waiting SRTT + 4·RTTVAR, twice as long after every miss. The first miss makes a neighbour a suspect: it is
// routed around. Links die without their nodes (an address changes, a router forgets), so the last question goes over a new
// one. Only after `missesUntilDead` in a row is it declared dead.

/// What is known of one neighbour's answering. There is one for everybody spoken with in the last minute, so it is small.
struct RoundTrip: Hashable, Sendable {
  /// In nanoseconds.
  private struct Estimate: Hashable {
    /// Smoothed round trip and mean deviation.
    var smoothed: Int64
    var deviation: Int64
    /// The shortest of all samples: what distance alone takes, whatever else was waited for.
    var shortest: Int64
  }

  /// Nil before the first sample.
  private var estimate: Estimate?
  /// Whether there was a second sample: the first one may have taken a dial.
  private(set) var isMeasured = false
  /// Whether anything was heard since the last link to it broke or was closed: otherwise the next question goes over one that has to be dialled.
  private(set) var isLinked = true
  /// Questions in a row that were not answered in time.
  private(set) var misses: UInt8 = 0
  /// When anything was last heard from it.
  var lastHeard: Instant
  /// When the last miss was counted.
  private var lastMissed: Instant?

  /// Four tries take at least 4.4 s (the floor, doubled each time, and a new link) and, at first acquaintance, 9 s: under the 15 s in
  /// which a silent host must be out of the ring, and longer than a process hangs over an ordinary hiccup.
  static let missesUntilDead: UInt8 = 4
  /// Below this a scheduler's pause on a busy machine would look like a death.
  static let floor = Duration.milliseconds(200)
  /// Before any sample: a dial and two handshakes across the world.
  static let initial = Duration.milliseconds(750)
  /// Before another member is asked to answer in the place of one whom we have never heard: a dial, a handshake, a question and its
  /// answer are three round trips, and the widest are 300 ms.
  static let firstAnswer = Duration.milliseconds(1200)
  static let ceiling = Duration.seconds(4)
  /// What it takes to hand something to a member never met: a dial and half a round trip, at half the way round the world.
  static let stranger = Duration.milliseconds(375)
  /// For an answer over a new link: a dial across the world, and the second in which the other side asks whether the old link lives.
  static let anotherLink = Duration.seconds(3)

  init(now: Instant) {
    lastHeard = now
  }

  /// What distance alone takes, in nanoseconds; nil before the first sample.
  var shortest: Int64? { estimate?.shortest }
  /// Whether it has answered, over a link that has not broken since.
  var isWarm: Bool { isKnown && isLinked }
  /// Whether it has ever answered.
  var isKnown: Bool { estimate != nil }
  var isSuspect: Bool { misses > 0 }
  var isDead: Bool { misses >= Self.missesUntilDead }
  /// The last chance of a node that has answered before; one that never has was dialled but a moment ago.
  var deservesAnotherLink: Bool { isKnown && misses == Self.missesUntilDead - 1 }

  /// How long to wait for the next answer.
  var patience: Duration {
    var wait = Self.initial
    if let estimate { wait = max(Self.floor, .nanoseconds(estimate.smoothed + 4 * estimate.deviation)) }
    wait = min(Self.ceiling, wait * (1 << min(misses, 4)))
    return deservesAnotherLink ? max(wait, Self.anotherLink) : wait
  }

  /// An answer came after this long. (Karn: only answers to questions that were asked once are samples.) Longer than anybody is waited for
  /// is no round trip: the host was asleep.
  mutating func sample(_ duration: Duration) {
    guard duration <= Self.ceiling else { return }
    let nanoseconds = max(duration.inNanoseconds, 0)
    isMeasured = estimate != nil
    guard var estimate else {
      return estimate = Estimate(smoothed: nanoseconds, deviation: nanoseconds / 2, shortest: nanoseconds)
    }
    estimate.deviation += (abs(estimate.smoothed - nanoseconds) - estimate.deviation) / 4
    estimate.smoothed += (nanoseconds - estimate.smoothed) / 8
    estimate.shortest = min(estimate.shortest, nanoseconds)
    self.estimate = estimate
  }

  mutating func heard(at now: Instant) {
    misses = 0
    lastHeard = now
    isLinked = true
  }

  mutating func lostLink() { isLinked = false }

  /// A question asked then was not answered in time. Several that were open at once tell the same: one silence is one miss.
  /// Whether it is one.
  mutating func missed(askedAt: Instant, now: Instant) -> Bool {
    guard lastMissed.map({ askedAt >= $0 }) ?? true else { return false }
    lastMissed = now
    if misses < .max { misses += 1 }
    return true
  }
}
