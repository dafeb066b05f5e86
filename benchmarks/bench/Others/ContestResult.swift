// What the rounds of one contest gave, and how it is told.

import Foundation
import Processes

struct ContestResult {
  private let contest: Contest
  /// Those who are there.
  private let present: [Contest.Participant]
  /// What each has told in each round; nil where its run failed.
  private var told: [String: [JSON?]] = [:]
  private var failures: [String] = []

  init(_ contest: Contest) {
    self.contest = contest
    present = contest.participants.filter(\.program.isThere)
    for participant in present { told[participant.name] = [] }
  }

  private var skipped: [PeerProgram] { contest.participants.map(\.program).filter { !$0.isThere } }

  /// One run of each; who is first changes with the round.
  mutating func run(_ round: Int) {
    for place in present.indices {
      let participant = present[(place + round) % present.count]
      do {
        told[participant.name]?.append(try participant.measure())
      } catch {
        told[participant.name]?.append(nil)
        failures.append("\(participant.name), round \(round + 1): \(error)")
      }
    }
  }

  private func values(_ figure: Figure, of name: String) -> [Double?] {
    (told[name] ?? []).map { $0.flatMap { figure.value(in: $0) } }
  }

  private func ratios(_ figure: Figure) -> [(of: String, to: String, values: [Double], spread: Spread)] {
    contest.ratios.compactMap { of, to in
      let values = pairedRatios(of: values(figure, of: of), to: values(figure, of: to))
      return Spread(values).map { (of, to, values, $0) }
    }
  }

  // MARK: Telling

  var json: JSON {
    let figures: [JSON] = contest.figures.map { figure in
      var values: [String: JSON] = [:]
      var spreads: [String: JSON] = [:]
      for name in present.map(\.name) {
        let all = self.values(figure, of: name)
        values[name] = .array(all.map { $0.map { .number($0) } ?? .null })
        spreads[name] = Spread(all.compactMap(\.self))?.json ?? .null
      }
      return [
        "figure": .string(figure.key), "words": .string(figure.words), "better": figure.isBetterLow ? "low" : "high",
        "values": .object(values), "spread": .object(spreads),
        "ratios": .array(
          ratios(figure).map { of, to, values, spread in
            ["of": .string(of), "to": .string(to), "values": .array(values.map { .number($0) }), "spread": spread.json]
          }),
      ]
    }
    return [
      "contest": .string(contest.name), "words": .string(contest.words), "figures": .array(figures),
      "told": .object(told.mapValues { .array($0.map { $0 ?? .null }) }),
      "skipped": .array(skipped.map { ["name": .string($0.name), "install": .string($0.install)] }),
      "failures": .array(failures.map { .string($0) }),
    ]
  }

  func tell() {
    print("\n\(contest.name): \(contest.words)")
    var rows = [["", "", "median", "min", "max"]]
    for figure in contest.figures {
      for name in present.map(\.name) {
        guard let spread = Spread(values(figure, of: name).compactMap(\.self)) else { continue }
        rows.append([figure.words, name] + [spread.median, spread.least, spread.greatest].map(Self.short))
      }
      for (of, to, _, spread) in ratios(figure) {
        rows.append(
          [figure.words, "\(of) / \(to)"]
            + [spread.median, spread.least, spread.greatest].map { String(format: "%.3f", $0) })
      }
    }
    let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let cells = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column < 2 ? text + space : space + text
      }
      print("  " + cells.joined(separator: "  "))
    }
    for program in skipped { print("  skipped: \(program.name) is not there; to have it: \(program.install)") }
    for failure in failures { print("  failed: \(failure)") }
  }

  /// Four digits that count.
  private static func short(_ value: Double) -> String {
    value >= 1000 ? String(format: "%.0f", value) : String(format: "%.4g", value)
  }
}
