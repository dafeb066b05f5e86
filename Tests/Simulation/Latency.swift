// How long a message takes from one host to another, one way.

import Chord

/// A model of one-way delays.
public enum Latency: Sendable {
  /// Drawn evenly for every message.
  case drawn(ClosedRange<Duration>)
  /// Drawn evenly once for every pair of hosts.
  case ofPair(ClosedRange<Duration>)
  /// Every host stands in one of the places of a matrix of one-way delays; within a place as on the diagonal.
  case matrix(Matrix)

  /// One-way delays between places.
  public struct Matrix: Sendable {
    /// Names, one a row and column.
    public let places: [String]
    let nanoseconds: [[Int64]]

    /// Reads average round trips in milliseconds between pairs of countries from CSV with a header line that names the columns
    /// `cty1`, `cty2` and `rtt_avg`; others are passed over. A one-way delay is half of a round trip. A pair that is missing takes
    /// the median of all.
    ///
    /// Throws a sentence that names the line which is wrong.
    public init(csv: String) throws(MatrixError) {
      let lines = csv.split(whereSeparator: \.isNewline).map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
      guard let header = lines.first, let first = header.firstIndex(of: "cty1"),
        let second = header.firstIndex(of: "cty2"),
        let average = header.firstIndex(of: "rtt_avg")
      else { throw MatrixError("the first line does not name the columns cty1, cty2 and rtt_avg") }
      var delays: [(String, String, Int64)] = []
      for (number, line) in lines.enumerated().dropFirst() {
        guard line.count == header.count, let roundTrip = Double(line[average]), (0..<100_000).contains(roundTrip)
        else {
          throw MatrixError("line \(number + 1) is not two countries and a round trip in milliseconds")
        }
        delays.append((line[first], line[second], Int64(roundTrip / 2 * 1e6)))
      }
      guard !delays.isEmpty else { throw MatrixError("no line but the first") }
      places = Set(delays.flatMap { [$0.0, $0.1] }).sorted()
      let numbers = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
      let median = delays.map(\.2).sorted()[delays.count / 2]
      var nanoseconds = [[Int64]](repeating: Array(repeating: median, count: places.count), count: places.count)
      for (from, to, delay) in delays {
        guard let row = numbers[from], let column = numbers[to] else { continue }
        nanoseconds[row][column] = delay
        nanoseconds[column][row] = delay
      }
      self.nanoseconds = nanoseconds
    }

    /// With five per cent of jitter, so that not all answers from a place come at the same nanosecond.
    func delay(from: Int, to: Int, _ word: UInt64) -> Duration {
      let delay = nanoseconds[from % places.count][to % places.count]
      let jitter = delay / 20 + 1
      return .nanoseconds(delay + Int64(word % UInt64(jitter)))
    }
  }

  /// What is wrong with a matrix.
  public struct MatrixError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// The delay of one message between two hosts, which are known by their numbers.
  func delay(from: Int, to: Int, seed: UInt64, _ generator: inout Generator) -> Duration {
    switch self {
    case .drawn(let range): Self.within(range, generator.next())
    case .ofPair(let range): Self.within(range, Self.word(of: (min(from, to), max(from, to)), seed: seed))
    case .matrix(let matrix): matrix.delay(from: from, to: to, generator.next())
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
