// Every order of events in small rings: what the proof of the corrected Chord leaves open (rings of fewer than r + 1 members, answers
// that take time, rings that merge) is explored here over the very `Ring` that ships. See Tests/Simulation/RingExplorer.swift.
//
// The default run takes seconds in a debug build. `CHORD_EXPLORE=deep swift test -Xswiftc -O --filter RingExploration` explores more
// nodes and larger budgets, and prints what it took.

import Chord
import Glibc
import Simulation
import Testing

/// A scenario with a name to print.
struct Exploration: CustomTestStringConvertible, Sendable {
  var name: String
  var scenario: RingScenario
  var testDescription: String { "\(name), r = \(scenario.capacity)" }

  init(
    _ name: String, _ nodes: Int, _ capacity: Int, _ rings: [[Int]], _ allowances: [Allowance: Int], rounds: Int? = nil,
    limit: Int = RingScenario.all, _ change: (inout RingScenario) -> Void = { _ in }
  ) {
    self.name = name
    scenario = RingScenario(nodes: nodes, capacity: capacity, rings: rings, allowances, rounds: rounds, limit: limit)
    change(&self.scenario)
  }

  static let isDeep = getenv("CHORD_EXPLORE").map { String(cString: $0) == "deep" } ?? false

  /// What both runs explore completely, and what only the deep one does.
  static func both(_ shallow: [Exploration], deep: [Exploration]) -> [Exploration] {
    isDeep ? shallow + deep : shallow
  }

  func run() {
    let begun = ContinuousClock.now
    let report = explore(scenario)
    let time = ContinuousClock.now - begun
    if Self.isDeep { print("\(testDescription): \(time), \(report) \(report.met.isEmpty ? "" : "\(report.met)")") }
    if let counterexample = report.counterexample { Issue.record("\(testDescription): \(counterexample)") }
    #expect(report.isComplete || scenario.limit < RingScenario.all)
  }
}

@Suite(.serialized) struct RingExploration {
  static let oneRing: [Exploration] = Exploration.both(
    [
      two("two, one crashes and comes back", 2, [.join: 2, .crash: 1, .restart: 1]),
      two("two, one crashes and comes back", 3, [.join: 2, .crash: 1, .restart: 1]),
      two("two, one leaves and comes back", 2, [.join: 2, .leave: 1, .restart: 1]),
      Exploration("two join one", 3, 2, [[0]], [.join: 2]),
      Exploration("one joins two, of which one crashes", 3, 2, [[0, 1]], [.join: 1, .crash: 1]),
      Exploration("one joins two, of which one leaves", 3, 2, [[0, 1]], [.join: 1, .leave: 1], rounds: 1),
      Exploration("one joins three, of which one crashes", 4, 2, [[0, 1, 2]], [.join: 1, .crash: 1], rounds: 1),
      Exploration("two join two", 4, 2, [[0, 2]], [.join: 2], rounds: 1),
      Exploration("two join two", 4, 3, [[0, 2]], [.join: 2], rounds: 1),
      Exploration(
        "the first moments when one joins four of which one crashes", 5, 2, [[0, 1, 2, 3]], [.join: 1, .crash: 1],
        rounds: 1,
        limit: 8_000),
      Exploration("one of four crashes", 4, 3, [[0, 1, 2, 3]], [.crash: 1], rounds: 1),
    ],
    deep: [2, 3].flatMap { r in
      [
        Exploration("two join one, one crashes", 3, r, [[0]], [.join: 2, .crash: 1]),
        Exploration("two join one, one leaves", 3, r, [[0]], [.join: 2, .leave: 1], rounds: 2),
        Exploration("one joins two, one crashes and comes back", 3, r, [[0, 1]], [.join: 2, .crash: 1, .restart: 1]),
        Exploration("any of three crashes and comes back", 3, r, [[0, 1, 2]], [.join: 1, .crash: 1, .restart: 1]) {
          $0.sparesPrincipals = false
        },
        Exploration(
          "one comes back before its end is heard of", 3, r, [[0, 1, 2]], [.join: 1, .crash: 1, .restart: 1]
        ) {
          $0.sparesPrincipals = false
          $0.hearsLate = true
        },
        Exploration("two join two, one crashes", 4, r, [[0, 2]], [.join: 2, .crash: 1], rounds: 1),
        Exploration("one joins three, of which any crashes", 4, r, [[0, 1, 2]], [.join: 1, .crash: 1], rounds: 1) {
          $0.sparesPrincipals = false
        },
        Exploration(
          "one joins three, one crashes, one leaves", 4, r, [[0, 1, 2]], [.join: 1, .crash: 1, .leave: 1], rounds: 1),
        Exploration("any two of four crash", 4, r, [[0, 1, 2, 3]], [.crash: 2], rounds: 1) {
          $0.sparesPrincipals = false
        },
        Exploration("one joins four, one crashes", 5, r, [[0, 1, 2, 3]], [.join: 1, .crash: 1], rounds: 1),
        Exploration("one joins four, of which any crashes", 5, r, [[0, 1, 2, 3]], [.join: 1, .crash: 1], rounds: 1) {
          $0.sparesPrincipals = false
        },
        Exploration("two of five crash", 5, r, [[0, 1, 2, 3, 4]], [.crash: 2], rounds: 1),
      ]
    })

  static let merging: [Exploration] = Exploration.both(
    [
      Exploration("two alone are told of each other", 2, 2, [[0], [1]], [.hint: 4]),
      Exploration("two alone join each other", 2, 2, [[0], [1]], [.join: 2, .hint: 1]) { $0.lonersJoin = true },
      Exploration("a pair and one alone", 3, 2, [[0, 1], [2]], [.hint: 3], rounds: 1),
      Exploration("three alone", 3, 2, [[0], [1], [2]], [.hint: 3], rounds: 1),
    ],
    deep: [2, 3].flatMap { r in
      [
        Exploration("three alone, five hints", 3, r, [[0], [1], [2]], [.hint: 5]),
        Exploration("three alone, hints of anyone", 3, r, [[0], [1], [2]], [.hint: 4], rounds: 2) {
          $0.hintsAnyone = true
        },
        Exploration("three alone join", 3, r, [[0], [1], [2]], [.join: 3], rounds: 1) { $0.lonersJoin = true },
        Exploration("two pairs side by side", 4, r, [[0, 1], [2, 3]], [.hint: 3], rounds: 1),
        Exploration("two pairs interleaved", 4, r, [[0, 2], [1, 3]], [.hint: 3], rounds: 1),
        Exploration("a pair and two alone", 4, r, [[0, 2], [1], [3]], [.hint: 3], rounds: 1, limit: 2_000_000),
        Exploration("four alone", 4, r, [[0], [1], [2], [3]], [.hint: 4], rounds: 1, limit: 2_000_000) {
          $0.toleratesDisorder = true
        },
        Exploration("three and two", 5, r, [[0, 2, 4], [1, 3]], [.hint: 2], rounds: 1, limit: 2_000_000),
      ]
    })

  private static func two(_ name: String, _ r: Int, _ allowances: [Allowance: Int]) -> Exploration {
    Exploration(name, 2, r, [[0]], allowances)
  }

  @Test("one ring stays one ordered ring and becomes ideal, in whatever order things happen", arguments: oneRing)
  func oneRingStaysOne(_ exploration: Exploration) {
    exploration.run()
  }

  @Test("rings that hear of each other never wind round twice, and become one", arguments: merging)
  func ringsMerge(_ exploration: Exploration) {
    exploration.run()
  }

  @Test("a second machine by the same rules passes too")
  func faultless() {
    #expect(found(Faultless.self, oneJoinsTwo) == nil)
    #expect(found(Faultless.self, oneJoinsThree) == nil)
  }

  @Test("the explorer finds what is wrong with adopting a pointer unasked")
  func trusting() {
    #expect(found(Trusting.self, oneJoinsThree)?.contains("has no live successor") == true)
  }

  @Test("the explorer finds what is wrong with applying an answer although others were shown the state it changes")
  func careless() {
    #expect(found(Careless.self, threeAlone)?.hasPrefix("a disordered cycle") == true)
  }

  @Test("the explorer finds how rings would wind round twice if a candidate's own successor were not asked first")
  func straight() {
    #expect(found(Straight.self, threeAlone)?.hasPrefix("a disordered cycle of 3") == true)
  }

  private let oneJoinsTwo = RingScenario(nodes: 3, capacity: 2, rings: [[0, 1]], [.join: 1, .crash: 1], rounds: 1)
  private let oneJoinsThree = RingScenario(
    nodes: 4, capacity: 1, rings: [[0, 1, 2]], [.join: 1, .crash: 1], rounds: 1)
  private let threeAlone = RingScenario(nodes: 3, capacity: 2, rings: [[0], [1], [2]], [.hint: 3], rounds: 1)

  private func found<Mistake: RingMistake>(_ mistake: Mistake.Type, _ scenario: RingScenario) -> String? {
    var explorer = RingExplorer<NaiveRing<Mistake>>(scenario)
    let report = explorer.run()
    if Exploration.isDeep { print("\(mistake): \(report)") }
    return report.counterexample
  }
}
