// How long a member stays. Measured sessions of peer-to-peer systems are Weibull with a shape of about 0.5: many short ones, and whoever
// has stayed for long stays (Stutzbach and Rejaie, IMC 2006). With shape 1 they are exponential: nobody's past tells anything.
//
// In a ring that has stood for long the members are not those who have just come: one finds long sessions more often, in proportion to their
// length, and somewhere in their course. If X is Weibull, X weighted by its own length is scale · G^(1/shape) with G of the gamma
// distribution of shape 1 + 1/shape (drawn as Marsaglia and Tsang do, ACM TOMS 2000).

import Chord
import Glibc

/// A Weibull distribution of sessions.
public struct Lifetime: Sendable {
  private let scale: Double
  private let shape: Double

  /// `median` is that of those who have just come; `shape` is positive, 1 is exponential.
  public init(median: Duration, shape: Double) {
    self.shape = shape
    scale = median / .seconds(1) / pow(log(2), 1 / shape)
  }

  /// In seconds.
  public var mean: Double { scale * tgamma(1 + 1 / shape) }

  /// Of one who comes.
  public func draw(_ generator: inout Generator) -> Duration {
    .seconds(scale * pow(-log(1 - generator.uniform()), 1 / shape))
  }

  /// What is left for one who is there already.
  public func rest(_ generator: inout Generator) -> Duration {
    .seconds(scale * pow(Self.gamma(1 + 1 / shape, &generator), 1 / shape) * generator.uniform())
  }

  private static func gamma(_ shape: Double, _ generator: inout Generator) -> Double {
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let normal = (-2 * log(1 - generator.uniform())).squareRoot() * cos(2 * .pi * generator.uniform())
      let v = pow(1 + c * normal, 3)
      guard v > 0 else { continue }
      if log(1 - generator.uniform()) < normal * normal / 2 + d - d * v + d * log(v) { return d * v }
    }
  }
}
