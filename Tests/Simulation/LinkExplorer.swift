// Explores every order in which things can happen between two nodes that run `LinkRules`, breadth first, so that the first
// counterexample found is a shortest one. What the nodes and the world may do is bounded by allowances, and everything else comes to
// an end, so a search is complete. What is looked at in every moment reached:
//
//   - the link that an end has is a connection that stands there
//   - nothing is heard twice, and nothing after what was said later, unless the one who said it was told of a loss in between
//   - at rest (nothing is under way, all time-outs have fired): both ends have the same link, or none; no other connection is left,
//     nothing waits; and whatever was said has been heard, or the one who said it was told
//
// A random walk does the same with more of everything.

import Chord

/// What is explored.
public struct LinkScenario: Sendable {
  /// What the nodes and the world may do, and how often. A node's own are counted for each of the two.
  public var allowances: [LinkAllowance: Int]
  /// At how many addresses the nodes know each other.
  public var addresses: Int
  /// Whether, at rest, a link must stand: nothing has happened that could end one.
  public var expectsLink = false
  /// What is wrong with the nodes, on purpose.
  public var mistake: LinkMistake?

  public init(_ allowances: [LinkAllowance: Int], addresses: Int = 1) {
    self.allowances = allowances
    self.addresses = addresses
  }
}

/// What may happen only so often.
public enum LinkAllowance: Int, CaseIterable, Sendable {
  /// Something is said, by the smaller or by the larger one.
  case smallerSends, largerSends
  /// An address is dialled to see who is there.
  case smallerLooks, largerLooks
  /// The link is given up, closed as idle, left.
  case givesUp, idles, leaves
  /// A connection carries nothing any more, which shows at any later time, at either end.
  case death
  /// A dial is refused.
  case refusal
  /// A time-out fires though the answer is under way.
  case haste
  /// Two seconds pass.
  case wait
}

/// Wrong rules, to see that they are found.
public enum LinkMistake: Sendable {
  /// Each node keeps the connection that it has dialled itself.
  case keepsItsOwn
  /// Whoever says goodbye ends its direction at once, without having heard the other side to its end.
  case endsAtOnce
}

/// What was found.
public struct LinkReport: Sendable, CustomStringConvertible {
  public var moments = 0
  /// How many of them at rest.
  public var rests = 0
  /// How many actions the farthest moment is away.
  public var depth = 0
  /// What is wrong, and the way there, a line for each action; nil if all is well.
  public var counterexample: String?

  public var description: String {
    "\(moments) moments, \(rests) at rest, depth \(depth)" + (counterexample.map { "\n" + $0 } ?? "")
  }
}

/// A search through all that can happen between two nodes.
public struct LinkExplorer {
  private let start: LinkWorld
  private var seen: Set<Int> = []
  private var parents: [UInt32] = [0]
  private var actions: [LinkAction] = [.wait]
  private var report = LinkReport()

  public init(_ scenario: LinkScenario) {
    start = LinkWorld(scenario)
  }

  /// Searches until a counterexample is found or all is explored.
  public mutating func run() -> LinkReport {
    var level = [(start, UInt32(0))]
    seen = [start.hashValue]
    report.moments = 1
    while !level.isEmpty {
      var next: [(LinkWorld, UInt32)] = []
      for (world, number) in level {
        var isAtRest = true
        for action in world.actions {
          if !action.isFree { isAtRest = false }
          var after = world
          after.apply(action)
          guard seen.insert(after.hashValue).inserted else { continue }
          report.moments += 1
          parents.append(number)
          actions.append(action)
          let place = UInt32(parents.count - 1)
          if let wrong = after.wrong { return finish(wrong, at: place) }
          next.append((after, place))
        }
        if isAtRest {
          report.rests += 1
          if let wrong = world.wrongAtRest { return finish(wrong, at: number) }
        }
      }
      level = next
      if !level.isEmpty { report.depth += 1 }
    }
    return report
  }

  /// One way through, by chance, to a rest at which nothing more may be done. The report covers all walks of this explorer.
  public mutating func walk(seed: UInt64) -> LinkReport {
    var generator = Generator(seed: seed)
    var world = start
    var taken: [LinkAction] = []
    while true {
      let possible = world.actions
      if !possible.contains(where: { !$0.isFree }) {
        report.rests += 1
        if let wrong = world.wrongAtRest { return tell(wrong, taken) }
      }
      guard let action = possible.randomElement(using: &generator) else { break }
      world.apply(action)
      taken.append(action)
      report.moments += 1
      if let wrong = world.wrong { return tell(wrong, taken) }
    }
    report.depth = max(report.depth, taken.count)
    return report
  }

  private mutating func finish(_ wrong: String, at number: UInt32) -> LinkReport {
    var path: [LinkAction] = []
    var place = Int(number)
    while place != 0 {
      path.append(actions[place])
      place = Int(parents[place])
    }
    return tell(wrong, path.reversed())
  }

  private mutating func tell(_ wrong: String, _ path: [LinkAction]) -> LinkReport {
    var world = start
    var lines = ["\(wrong), after"]
    for action in path {
      world.apply(action)
      lines.append("  \(action)   -> \(world)")
    }
    report.counterexample = lines.joined(separator: "\n")
    return report
  }
}
