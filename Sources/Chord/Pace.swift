// The periods by which a member lives: what it does without being asked, and how long it waits for others.

/// How often a member does what it does by itself, with the reasons.
enum Pace {
  /// After a change of the ring: quick enough that 30 nodes started together are in order within a second or two.
  static let stabilizeFloor = Duration.milliseconds(250)
  /// In a quiet ring: a silent successor is declared dead within 15 s all the same (RoundTrip).
  static let stabilizeCeiling = Duration.seconds(2)
  /// After a change of its neighbours a member asks others besides itself for this long: several rounds of stabilize.
  static let motion = Duration.seconds(2)
  /// Two stabilizations are at least this far apart, whatever others ask for.
  static let stabilizeGap = Duration.milliseconds(10)
  /// A try that met another one pauses about this long.
  static let again = Duration.milliseconds(40)
  /// So many tries in a row may be spoiled by those who look at our pointers meanwhile: by chance it is one or two.
  static let onlookers = 3
  /// A predecessor that has not asked for this long is pinged: twice its own slowest pace.
  static let predecessorSilence = Duration.seconds(4)
  /// One finger at a time; a new member hurries through its first round.
  static let firstFingers = Duration.milliseconds(50)
  static let fingers = Duration.seconds(2)
  /// With proximity: one candidate at a time until every finger has been chosen, and then, now and then, a few for one of them.
  static let survey = Duration.seconds(1)
  static let laterSurvey = Duration.seconds(300)
  /// A link is used at least this often, or the other end might close it.
  static let warmth = Duration.seconds(180)
  static let warmthLooks = Duration.seconds(5)
  /// Who has us as a finger says so more often than this.
  static let inboundSilence = Duration.seconds(420)
  /// A predecessor that has not told who stands behind it is asked again after this.
  static let askBehind = Duration.seconds(5)
  /// What several messages change about those behind us is told in one.
  static let tell = Duration.milliseconds(20)
  /// A node outside or alone asks the bootstraps again: at least once a second.
  static let seekAlone = Duration.milliseconds(500)
  /// A member looks for foreign rings; times N / 16 in a larger ring, so that bootstraps see a bounded rate: of all members together five
  /// do so in a second, and one is enough to make two rings one.
  static let seekMember = Duration.seconds(3)
  /// However large the ring looks, which a company of liars can make it: the pace of 77,000 members.
  static let seekSlowest = Duration.seconds(4 * 3600)
  /// Expired records, forgotten neighbours, a silent predecessor.
  static let housekeeping = Duration.seconds(1)
  /// Who is not pointed at is remembered this long.
  static let strangers = Duration.seconds(60)
  /// Records on the move: `transferBatch` at a time, so that chat is not held up behind them.
  static let transfers = Duration.milliseconds(10)
  static let transferBatch = 32
  /// Asleep this long past a deadline, a host distrusts its own verdicts.
  static let sleep = Duration.seconds(1)
  /// A node that leaves waits this long for its records to be acknowledged, over links that may have to be dialled.
  static let leave = Duration.milliseconds(1500)
}
