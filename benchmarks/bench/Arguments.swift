// What the options of a measurement are written like: lists with commas, delays with units, sessions with a distribution.

import ArgumentParser
import Chord
import Foundation
import Simulation

/// Values with commas between them: `100,1000`.
struct List<Element: LosslessStringConvertible & Sendable>: ExpressibleByArgument, Sendable {
  let values: [Element]

  init(_ values: [Element]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Element(String($0)) }
    guard !parts.isEmpty, !parts.contains(where: { $0 == nil }) else { return nil }
    values = parts.compactMap(\.self)
  }

  var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}

extension Duration {
  /// `50ms`, `1.5s`, `20us`, `5m` or `1h`; nil if it is not written so.
  init?(text: some StringProtocol) {
    let number = text.prefix { $0.isNumber || $0 == "." }
    let units: [String: Double] = ["us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600]
    guard let value = Double(number), let unit = units[String(text.dropFirst(number.count))], value < 1e6 else {
      return nil
    }
    self = .seconds(value * unit)
  }

  var milliseconds: Double { self / .milliseconds(1) }
}

/// How long a message takes one way.
struct LatencyArgument: ExpressibleByArgument, Sendable {
  enum Model: Sendable {
    case constant(Duration)
    /// Once for every pair of nodes.
    case uniform(ClosedRange<Duration>)
    /// Countries or towns; nil: made up.
    case matrix(file: String?)
  }

  let model: Model
  private let text: String

  static let usual = LatencyArgument(.uniform(.milliseconds(20)...(.milliseconds(80))), "uniform:20ms-80ms")

  private init(_ model: Model, _ text: String) { (self.model, self.text) = (model, text) }

  init?(argument: String) {
    let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
    let value = parts.count == 2 ? parts[1] : nil
    switch parts.first {
    case "constant":
      guard let delay = value.flatMap({ Duration(text: $0) }) else { return nil }
      self.init(.constant(delay), argument)
    case "uniform":
      let ends = value?.split(separator: "-").map { Duration(text: $0) } ?? []
      guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return nil }
      self.init(.uniform(low...high), argument)
    case "matrix": self.init(.matrix(file: value), argument)
    default: return nil
    }
  }

  static let help = ArgumentHelp(
    """
    How long a message takes one way: constant:50ms, uniform:20ms-80ms (drawn once for every pair of nodes), matrix:FILE.csv (round \
    trips between places, columns cty1, cty2, rtt_avg in milliseconds and perhaps rtt_cnt) or matrix (a hundred made-up towns).
    """, valueName: "model")

  var defaultValueDescription: String { text }

  /// The name without the way to the file, which says nothing to others.
  var name: String {
    guard case .matrix(let file?) = model else { return text }
    return "matrix:" + URL(fileURLWithPath: file).lastPathComponent
  }

  /// Throws a sentence if the file cannot be read.
  func latency(seed: UInt64) throws -> Latency {
    switch model {
    case .constant(let delay): return .constant(delay)
    case .uniform(let range): return .ofPair(range)
    case .matrix(nil): return .matrix(.synthetic(seed: seed))
    case .matrix(let file?):
      do {
        return .matrix(try LatencyMatrix(csv: String(contentsOfFile: file, encoding: .utf8)))
      } catch let error as LatencyMatrixError {
        throw ValidationError("\(file): \(error)")
      } catch {
        throw ValidationError(
          "\(file) cannot be read: a CSV of round trips is wanted, or `matrix` alone for made-up towns")
      }
    }
  }
}

/// How long members stay.
struct SessionsArgument: ExpressibleByArgument, Sendable {
  let name: String
  let lifetime: Lifetime

  init?(argument: String) {
    let parts = argument.split(separator: ":").map(String.init)
    guard parts.count >= 2, let median = Duration(text: parts[1]), median > .seconds(1) else { return nil }
    switch (parts[0], parts.count) {
    case ("exponential", 2): lifetime = Lifetime(median: median, shape: 1)
    case ("weibull", 2), ("weibull", 3):
      guard let shape = parts.count == 3 ? Double(parts[2]) : 0.5, (0.2...10).contains(shape) else { return nil }
      lifetime = Lifetime(median: median, shape: shape)
    default: return nil
    }
    name = argument
  }
}
