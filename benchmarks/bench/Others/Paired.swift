// Ratios of what ran side by side: each run of one divided by the run of the other in the same round, and only then the median.
//
// What slows a whole round (a neighbour's job, a warmer processor) divides itself out; the median of one divided by the median of the
// other would compare different rounds.

import Foundation
import Processes

/// Smallest, middle and largest of some values.
struct Spread {
  var least: Double
  var median: Double
  var greatest: Double

  /// Nil if there are none. Of an even number the median is the mean of the two in the middle.
  init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let least = sorted.first, let greatest = sorted.last else { return nil }
    self.least = least
    self.greatest = greatest
    median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  var json: JSON { ["min": .number(least), "median": .number(median), "max": .number(greatest)] }
}

/// The ratios of each round in which there are both. A round without one of the two, or with nothing to divide by, has none.
func pairedRatios(of numerators: [Double?], to denominators: [Double?]) -> [Double] {
  zip(numerators, denominators).compactMap { numerator, denominator in
    guard let numerator, let denominator, denominator > 0 else { return nil }
    return numerator / denominator
  }
}
