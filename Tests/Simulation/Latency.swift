// How long a message takes from one host to another, one way.

import Chord

/// A model of one-way delays.
public enum Latency: Sendable {
  case constant(Duration)
  /// Drawn evenly for every message.
  case drawn(ClosedRange<Duration>)
  /// Drawn evenly once for every pair of hosts.
  case ofPair(ClosedRange<Duration>)
  /// Every host stands in one of the places of a matrix.
  case matrix(LatencyMatrix)

  /// The delay of one message between two hosts, which are known by their numbers.
  func delay(from: Int, to: Int, seed: UInt64, _ generator: inout Generator) -> Duration {
    if case .drawn(let range) = self { return Self.within(range, generator.next()) }
    return usual(from: from, to: to, seed: seed)
  }

  /// The mean delay between two hosts.
  func usual(from: Int, to: Int, seed: UInt64) -> Duration {
    switch self {
    case .constant(let delay): delay
    case .drawn(let range): (range.lowerBound + range.upperBound) / 2
    case .ofPair(let range): Self.within(range, Self.word(of: (min(from, to), max(from, to)), seed: seed))
    case .matrix(let matrix): matrix.delay(matrix.place(of: from, seed: seed), matrix.place(of: to, seed: seed))
    }
  }

  private static func within(_ range: ClosedRange<Duration>, _ word: UInt64) -> Duration {
    let low = range.lowerBound.inNanoseconds
    return .nanoseconds(low + Int64(word % UInt64(range.upperBound.inNanoseconds - low + 1)))
  }

  private static func word(of pair: (Int, Int), seed: UInt64) -> UInt64 {
    var generator = Generator(seed: seed ^ UInt64(pair.0) << 32 ^ UInt64(pair.1))
    return generator.next()
  }
}
