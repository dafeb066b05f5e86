// Every order of events between two nodes that dial, talk, give up and leave, over the very `LinkRules` that ship, and over connections
// that die. See Tests/Simulation/LinkExplorer.swift.
//
// The default run takes seconds in a debug build. `CHORD_EXPLORE=deep swift test -Xswiftc -O --filter LinkExploration` explores larger
// allowances, walks longer, and prints what it took.

import Chord
import Simulation
import Testing

/// A scenario with a name to print.
struct LinkStory: CustomTestStringConvertible, Sendable {
  var name: String
  var scenario: LinkScenario
  var testDescription: String { name }

  init(
    _ name: String, _ smaller: Int, _ larger: Int, _ allowances: [LinkAllowance: Int] = [:], addresses: Int = 1,
    expectsLink: Bool = false
  ) {
    self.name = "\(name), \(smaller) and \(larger) frames"
    let frames: [LinkAllowance: Int] = [.smallerSends: smaller, .largerSends: larger]
    scenario = LinkScenario(allowances.merging(frames) { first, _ in first }, addresses: addresses)
    scenario.expectsLink = expectsLink
  }

  func run() {
    let begun = ContinuousClock.now
    var explorer = LinkExplorer(scenario)
    let report = explorer.run()
    if Exploration.isDeep { print("\(name): \(ContinuousClock.now - begun), \(report)") }
    if let counterexample = report.counterexample { Issue.record("\(name): \(counterexample)") }
    #expect(report.rests > 1)
  }
}

@Suite(.serialized) struct LinkExploration {
  static let stories = Exploration.isDeep ? shallow + deep : shallow

  private static let shallow = [
    LinkStory("both dial", 2, 1, expectsLink: true),
    LinkStory("both dial", 1, 2, expectsLink: true),
    LinkStory("both dial, and it takes a while", 1, 1, [.wait: 1], expectsLink: true),
    LinkStory("a connection dies", 1, 1, [.death: 1]),
    LinkStory("a dial is refused", 1, 1, [.refusal: 1]),
    LinkStory("one gives up", 1, 1, [.givesUp: 1]),
    LinkStory("one is idle", 1, 1, [.idles: 1]),
    LinkStory("one leaves", 1, 1, [.leaves: 1]),
    LinkStory("a time-out fires too early", 1, 1, [.haste: 1]),
    LinkStory("the smaller one dials two addresses", 2, 0, addresses: 2),
    LinkStory("the larger one dials two addresses", 0, 2, addresses: 2),
    LinkStory("the smaller one looks who is there", 1, 0, [.smallerLooks: 1]),
    LinkStory("the larger one looks who is there", 0, 1, [.largerLooks: 1]),
  ]

  private static let deep = [
    LinkStory("both dial", 3, 3, expectsLink: true),
    LinkStory("both dial, and it takes a while", 2, 2, [.wait: 1], expectsLink: true),
    LinkStory("a connection dies", 2, 2, [.death: 1]),
    LinkStory("two connections die", 1, 1, [.death: 2]),
    LinkStory("one gives up", 1, 2, [.givesUp: 1]),
    LinkStory("one gives up", 2, 1, [.givesUp: 1]),
    LinkStory("one gives up a link, and another dies", 1, 1, [.givesUp: 1, .death: 1]),
    LinkStory("one is idle", 2, 2, [.idles: 1]),
    LinkStory("one leaves", 2, 2, [.leaves: 1]),
    LinkStory("one leaves, a connection dies", 1, 1, [.leaves: 1, .death: 1]),
    LinkStory("a time-out fires too early", 1, 2, [.haste: 1]),
    LinkStory("a time-out fires too early, and it takes a while", 1, 1, [.haste: 1, .wait: 1]),
    LinkStory("the smaller one dials two addresses", 2, 1, addresses: 2),
    LinkStory("the larger one dials two addresses", 1, 2, addresses: 2),
    LinkStory("the smaller one looks who is there, a connection dies", 1, 1, [.smallerLooks: 1, .death: 1]),
    LinkStory("the larger one looks who is there, a connection dies", 1, 1, [.largerLooks: 1, .death: 1]),
    LinkStory("both look who is there", 1, 1, [.smallerLooks: 1, .largerLooks: 1]),
  ]

  @Test("both ends come to one link or none, and nothing is overtaken or vanishes untold", arguments: stories)
  func everyOrder(_ story: LinkStory) { story.run() }

  @Test("the same holds on long ways taken by chance, where everything may happen")
  func walks() {
    var scenario = LinkScenario(
      [
        .smallerSends: 5, .largerSends: 5, .smallerLooks: 1, .largerLooks: 1, .givesUp: 2, .idles: 2, .leaves: 1,
        .death: 3, .refusal: 1, .haste: 2, .wait: 2,
      ], addresses: 2)
    let count: UInt64 = Exploration.isDeep ? 200_000 : 500
    for leaves in 0...1 {
      scenario.allowances[.leaves] = leaves
      var explorer = LinkExplorer(scenario)
      var rests = 0
      for seed in 0..<count {
        let report = explorer.walk(seed: seed)
        rests = report.rests
        if let counterexample = report.counterexample {
          Issue.record("seed \(seed): \(counterexample)")
          return
        }
        if seed == count - 1 && Exploration.isDeep { print("\(count) walks: \(report)") }
      }
      #expect(rests >= count)
    }
  }

  @Test("the explorer finds what is wrong with each end keeping the connection that it has dialled itself")
  func keepsItsOwn() {
    #expect(found(.keepsItsOwn)?.hasPrefix("no link is left") == true)
  }

  @Test("the explorer finds how a link would be overtaken if its end did not mean that all was heard")
  func endsAtOnce() {
    #expect(found(.endsAtOnce)?.contains("too late") == true)
  }

  private func found(_ mistake: LinkMistake) -> String? {
    var story = LinkStory("a mistake", 1, 2, expectsLink: mistake == .keepsItsOwn)
    if mistake == .keepsItsOwn { story = LinkStory("a mistake", 1, 1, expectsLink: true) }
    story.scenario.mistake = mistake
    var explorer = LinkExplorer(story.scenario)
    return explorer.run().counterexample
  }
}
