// An axis: which part of the numbers it shows, where a number lies on it, and which round numbers are written along it.
//
// A linear axis begins at zero unless something lies below: the height of what is drawn is then its size. A logarithmic one runs from
// one round number to another. Names of things are places 0, 1, 2 … with half a place around them.

import Foundation

/// Numbers along a line; a position is a share of it, from 0 to 1.
struct Scale {
  enum Kind {
    case linear
    /// Equal steps for equal ratios, in powers of ten, or of two where halving and doubling is what matters.
    case logarithmic(base: Int)
    /// One place for each name.
    case names([String])
  }

  private let kind: Kind
  private let low: Double
  private let high: Double
  private(set) var ticks: [(value: Double, label: String)] = []

  /// Holds all `values`, with about so many ticks at most. What is not finite, or not positive where there are logarithms, has no place.
  init(_ kind: Kind, holding values: [Double], ticks count: Int) {
    self.kind = kind
    let values = values.filter(\.isFinite)
    switch kind {
    case .linear:
      let (least, most) = (min(values.min() ?? 0, 0), max(values.max() ?? 1, 0))
      let step = Self.roundStep(atLeast: (most > least ? most - least : 1) / Double(max(count, 1)))
      (low, high) = ((least / step).rounded(.down) * step, max((most / step).rounded(.up) * step, least + step))
      let steps = Int(((high - low) / step).rounded())
      ticks = (0...steps).map { low + Double($0) * step }.map { ($0, Self.label($0, step: step)) }
    case .logarithmic(let base):
      let positive = values.filter { $0 > 0 }
      let all = Self.roundNumbers(from: positive.min() ?? 1, to: positive.max() ?? 10, base: base)
      (low, high) = (log(all[0]), log(all[all.count - 1]))
      ticks = Self.fewer(all, base: base, than: count).map { ($0, Self.label($0, step: $0)) }
    case .names(let names):
      (low, high) = (-0.5, Double(max(names.count, 1)) - 0.5)
      ticks = names.enumerated().map { (Double($0.offset), $0.element) }
    }
  }

  /// Nil for what has no place here.
  func position(_ value: Double) -> Double? {
    switch kind {
    case .linear, .names: return value.isFinite ? (value - low) / (high - low) : nil
    case .logarithmic: return value.isFinite && value > 0 ? (log(value) - low) / (high - low) : nil
    }
  }

  /// 1, 2 or 5 times a power of ten.
  private static func roundStep(atLeast least: Double) -> Double {
    let power = pow(10, log10(least).rounded(.down))
    return ([1, 2, 5].first { $0 * power >= least * 0.999_999 } ?? 10) * power
  }

  /// From the last one that is not above `least` to the first not below `most`, and two at the least. Powers of ten have 2 and 5 times
  /// of them in between where there is room.
  private static func roundNumbers(from least: Double, to most: Double, base: Int) -> [Double] {
    let base = Double(base)
    let first = (log(least) / log(base)).rounded(.down)
    let last = max((log(most) / log(base)).rounded(.up), first + 1)
    let powers = (0...Int(last - first)).map { pow(base, first + Double($0)) }
    guard base == 10, powers.count < 6 else { return powers }
    let all = powers.flatMap { [$0, 2 * $0, 5 * $0] }
    let begin = all.lastIndex { $0 <= least * 1.000_001 } ?? 0
    let end = max(all.firstIndex { $0 >= most * 0.999_999 } ?? all.count - 1, begin + 1)
    return Array(all[begin...end])
  }

  /// Not more than `count`: powers alone, and not every one.
  private static func fewer(_ numbers: [Double], base: Int, than count: Int) -> [Double] {
    guard numbers.count > count else { return numbers }
    let powers = numbers.filter { abs((log($0) / log(Double(base))).rounded() - log($0) / log(Double(base))) < 1e-9 }
    let chosen = powers.count > 2 ? powers : numbers
    let every = (chosen.count + count - 1) / max(count, 1)
    return chosen.enumerated().filter { $0.offset % every == 0 }.map(\.element)
  }

  private static func label(_ value: Double, step: Double) -> String {
    let digits = max(0, Int(-log10(abs(step) * 1.000_001).rounded(.down)))
    let text = String(format: "%.\(min(digits, 9))f", abs(value) < step / 1000 ? 0 : value)
    guard digits == 0, abs(value) >= 10_000 else { return text }
    // A thin space between thousands.
    return String(
      text.reversed().enumerated().flatMap {
        $0.offset > 0 && $0.offset % 3 == 0 ? ["\u{2009}", $0.element] : [$0.element]
      }.reversed())
  }
}
