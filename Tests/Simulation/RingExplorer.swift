// Explores every order in which things can happen in a ring of up to five nodes, breadth first, so that the first counterexample
// found is a shortest one. What is looked at in every moment reached:
//
//   - each machine's own invariant
//   - one ordered cycle; among rings that merge, ordered cycles, or (where a scenario tolerates it: four that stand alone and all
//     move at once) a disordered one that stabilize alone puts in order
//   - once there were more than r principals, and while the proof's assumptions hold: the inductive invariant itself
//   - from here, fair rounds without further faults reach the ideal state, and stay there (see RingExplorerRounds)
//
// The environment keeps the assumptions of the proof: nothing dies if that leaves a member without a live successor (be it one in
// an answer on its way), unless the member is the last one; and a principal of a large ring dies only if more than r + 1 are left.
//
// Moments already seen are remembered by 64 bits each; among ten million moments the chance that any two collide is about
// 3 in a million.

import Chord

/// What is explored.
public struct RingScenario: Sendable {
  /// All nodes there are, 1 to 5.
  public var nodes: Int
  /// r.
  public var capacity: Int
  /// The ideal rings at the beginning; nodes in none of them are not yet started.
  public var rings: [[Int]]
  /// What the environment may do.
  public var allowances: [Allowance: Int]
  /// How many rounds of stabilize each member may start; nil for any number.
  public var rounds: Int?
  /// Whether the end of a former life may be heard after its next life has spoken.
  public var hearsLate = false
  /// Whether rings are to become one, with hints in the fair rounds.
  public var merges: Bool { rings.count > 1 }
  /// Whether a disordered cycle is tolerated, as long as fair rounds put it in order without any hint.
  public var toleratesDisorder = false
  /// Whether principals of a large ring die only while there are more than r + 1. If not, the invariant is not asked for, only its
  /// consequences are.
  public var sparesPrincipals = true
  /// Whether hints may name members of one's own ring as well.
  public var hintsAnyone = false
  /// Whether a lone member may join elsewhere.
  public var lonersJoin = false
  /// Whether, of each moment explored, fair rounds are tried.
  public var checksRounds = true
  /// More moments than one can wait for: a search without a limit.
  public static let all = 50_000_000
  /// After so many moments the search ends, incomplete.
  public var limit: Int

  public init(
    nodes: Int, capacity: Int, rings: [[Int]], _ allowances: [Allowance: Int], rounds: Int? = nil,
    limit: Int = Self.all
  ) {
    self.nodes = nodes
    self.capacity = capacity
    self.rings = rings
    self.allowances = allowances
    self.rounds = rounds
    self.limit = limit
  }
}

/// What was found.
public struct RingReport: Sendable, CustomStringConvertible {
  public var moments = 0
  /// How many actions the farthest moment is away.
  public var depth = 0
  public var isComplete = false
  /// Distinct machine states met.
  public var machines = 0
  /// The most fair rounds it took to the ideal state.
  public var mostRounds = 0
  /// How often something worth meeting was met.
  public var met: [String: Int] = [:]
  /// What is wrong, and the shortest way there, a line for each action; nil if all is well.
  public var counterexample: String?

  public var description: String {
    "\(moments) moments\(isComplete ? "" : " (incomplete)"), depth \(depth), \(machines) machines, ideal within "
      + "\(mostRounds) rounds" + (counterexample.map { "\n" + $0 } ?? "")
  }
}

/// Explores the ring that ships. (Not generic, so that it is compiled for that ring.)
public func explore(_ scenario: RingScenario) -> RingReport {
  var explorer = RingExplorer<Ring>(scenario)
  return explorer.run()
}

/// A search through all that can happen.
public struct RingExplorer<Machine: RingMachine> {
  let scenario: RingScenario
  var world: World<Machine>
  private var rounds = FairRounds()
  private var roundsWithoutHints = FairRounds()
  private var seen = FingerprintSet()
  private var parents: [UInt32] = []
  private var actions: [RingAction] = []
  private var verdicts: [[UInt16]: Verdict] = [:]
  private var report = RingReport()

  /// What the oracle says, kept for moments with the same machines.
  private struct Verdict {
    var cycles: Int
    var broken: String?
    var brokenLarge: String?
    var isLarge: Bool
    var isDisordered: Bool
  }

  public init(_ scenario: RingScenario) {
    self.scenario = scenario
    world = World(count: scenario.nodes, capacity: scenario.capacity)
  }

  /// Searches until a counterexample is found or all is explored.
  public mutating func run() -> RingReport {
    let start = beginning()
    var level = [start]
    var numbers: [UInt32] = [0]
    _ = seen.insert(start.fingerprint)
    parents = [0]
    actions = [.gone(0)]
    report.moments = 1
    while !level.isEmpty && report.moments < scenario.limit {
      var nextLevel: [Moment] = []
      var nextNumbers: [UInt32] = []
      for (index, moment) in level.enumerated() {
        let cycles = verdict(on: moment).cycles
        for action in actions(in: moment) {
          var next = moment
          world.apply(action, to: &next)
          let verdict = verdict(on: next)
          if scenario.sparesPrincipals, verdict.isLarge, !next.hasAnswersOnTheirWay { next.wasLarge = true }
          guard seen.insert(next.fingerprint) else { continue }
          parents.append(numbers[index])
          actions.append(action)
          let number = UInt32(parents.count - 1)
          report.moments += 1
          if let wrong = wrong(with: next, verdict, cyclesBefore: cycles) {
            return finish(wrong, at: number, from: start)
          }
          nextLevel.append(next)
          nextNumbers.append(number)
        }
      }
      level = nextLevel
      numbers = nextNumbers
      if !level.isEmpty { report.depth += 1 }
    }
    report.isComplete = level.isEmpty
    report.machines = world.machines.count
    return report
  }

  private mutating func wrong(with moment: Moment, _ verdict: Verdict, cyclesBefore: Int) -> String? {
    for node in 0..<scenario.nodes {
      if let broken = world.machines[Int(moment.machine(node))].brokenInvariant { return "node \(node): \(broken)" }
    }
    if let broken = verdict.broken { return broken }
    if verdict.cycles > cyclesBefore { report.met["a cycle more than before", default: 0] += 1 }
    if moment.wasLarge, let broken = verdict.brokenLarge { return broken }
    guard scenario.checksRounds else { return nil }
    if verdict.isDisordered {
      report.met["a disordered cycle", default: 0] += 1
      if roundsWithoutHints.toIdeal(from: moment, in: &world, merging: false) == nil { return "a disorder that stays" }
    }
    guard let count = rounds.toIdeal(from: moment, in: &world, merging: scenario.merges) else {
      return "never ideal"
    }
    report.mostRounds = max(report.mostRounds, count)
    return nil
  }

  /// The rings of the scenario, each ideal, made by the machines themselves.
  private mutating func beginning() -> Moment {
    var moment = Moment(count: scenario.nodes, machines: (0..<scenario.nodes).map { UInt16($0) })
    for ring in scenario.rings {
      for (index, node) in ring.enumerated() {
        moment.setLife(node, to: .live)
        if index == 0 {
          world.happen(.startAlone, to: node, in: &moment)
        } else {
          let before = ring[..<index].filter { $0 < node }.max() ?? ring[..<index].max()!
          world.happen(.join(before), to: node, in: &moment)
          FairRounds.calm(&moment, in: &world)
          for _ in 0..<(2 * ring.count) { FairRounds.round(&moment, in: &world, merging: false) }
        }
      }
    }
    for (allowance, count) in scenario.allowances { moment.setLeft(allowance, to: count) }
    for node in 0..<scenario.nodes { moment.setRounds(node, to: scenario.rounds ?? Moment.unlimited) }
    if scenario.sparesPrincipals, verdict(on: moment).isLarge { moment.wasLarge = true }
    return moment
  }

  private mutating func verdict(on moment: Moment) -> Verdict {
    let key = (0..<scenario.nodes).map { moment.life($0) == .live ? moment.machine($0) : .max }
    if let known = verdicts[key] { return known }
    let oracle = world.oracle(of: moment)
    var broken: String?
    if !scenario.toleratesDisorder, let cycle = oracle.cycles.first(where: oracle.isDisordered) {
      broken = "a disordered cycle of \(cycle.count)"
    } else if !scenario.merges, oracle.cycles.count > 1 {
      broken = "\(oracle.cycles.count) cycles"
    }
    let verdict = Verdict(
      cycles: oracle.cycles.count, broken: broken, brokenLarge: oracle.brokenInvariant(capacity: scenario.capacity),
      isLarge: oracle.isLarge(capacity: scenario.capacity),
      isDisordered: oracle.cycles.contains(where: oracle.isDisordered))
    verdicts[key] = verdict
    return verdict
  }

  private mutating func finish(_ wrong: String, at number: UInt32, from start: Moment) -> RingReport {
    var path: [RingAction] = []
    var place = number
    while place != 0 {
      path.append(actions[Int(place)])
      place = parents[Int(place)]
    }
    var moment = start
    var lines = ["\(wrong), after", "  \(world.describe(moment))"]
    for action in path.reversed() {
      world.apply(action, to: &moment)
      lines.append("  \(world.describe(moment))   <- \(action)")
    }
    report.counterexample = lines.joined(separator: "\n")
    report.machines = world.machines.count
    return report
  }
}
