// Delays between places, as somebody has measured them between countries, or made up on a globe.
//
//   CSV   cty1,cty2,rtt_cnt,rtt_avg   round trips in milliseconds, and how many were measured
//         a place is drawn the more often the more was measured there: with the square root of it, lest one country be everything
//         a pair that nobody measured takes 1.2 times the median; within one place a round trip takes at most 20 ms

import Chord
import Glibc

/// One-way delays between places.
public struct LatencyMatrix: Sendable {
  /// Names, one a row and column.
  public let places: [String]
  private let nanoseconds: [[Int64]]
  /// For each place the sum of the weights up to and with it; the last one is 1.
  private let shares: [Double]

  /// Within one place.
  private static let longestAtHome: Int64 = 10_000_000

  /// Reads average round trips in milliseconds between pairs of places from CSV with a header line that names the columns `cty1`, `cty2`,
  /// `rtt_avg` and perhaps `rtt_cnt`; others are passed over. A one-way delay is half of a round trip.
  ///
  /// Throws a sentence that names the line which is wrong.
  public init(csv: String) throws(LatencyMatrixError) {
    let lines = csv.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard let header = lines.first, let first = header.firstIndex(of: "cty1"),
      let second = header.firstIndex(of: "cty2"), let average = header.firstIndex(of: "rtt_avg")
    else { throw LatencyMatrixError("the first line does not name the columns cty1, cty2 and rtt_avg") }
    let count = header.firstIndex(of: "rtt_cnt")
    var delays: [(String, String, Int64)] = []
    var weights: [String: Double] = [:]
    for (number, line) in lines.enumerated().dropFirst() {
      guard line.count == header.count, let roundTrip = Double(line[average]), (0..<100_000).contains(roundTrip),
        let measured = count.map({ Double(line[$0]) }) ?? 1, measured.isFinite, measured > 0
      else {
        throw LatencyMatrixError("line \(number + 1) is not two places, a count and a round trip in milliseconds")
      }
      delays.append((line[first], line[second], Int64(roundTrip / 2 * 1e6)))
      for place in Set([line[first], line[second]]) { weights[place, default: 0] += measured }
    }
    guard !delays.isEmpty else { throw LatencyMatrixError("no line but the first") }
    let places = weights.keys.sorted()
    let numbers = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
    let missing = delays.map(\.2).sorted()[delays.count / 2] * 6 / 5
    var nanoseconds = [[Int64]](repeating: Array(repeating: missing, count: places.count), count: places.count)
    for (from, to, delay) in delays {
      guard let row = numbers[from], let column = numbers[to] else { continue }
      nanoseconds[row][column] = delay
      nanoseconds[column][row] = delay
    }
    self.init(places: places, nanoseconds, weights: places.map { (weights[$0] ?? 0).squareRoot() })
  }

  /// A hundred towns strewn over a globe, some much larger than others. A round trip takes 5 ms and what light in glass takes there and
  /// back, along a way that is half as long again as the straight one.
  public static func synthetic(seed: UInt64) -> LatencyMatrix {
    var generator = Generator(seed: seed)
    var uniform: Double { Double(generator.next() >> 11) / 0x1p53 }
    let towns = (0..<100).map { _ in (sine: 2 * uniform - 1, longitude: 2 * .pi * uniform) }
    let (radius, kilometresPerMillisecond, detour) = (6371.0, 200.0, 1.5)
    let nanoseconds = towns.map { a in
      towns.map { b -> Int64 in
        let cosines = ((1 - a.sine * a.sine) * (1 - b.sine * b.sine)).squareRoot()
        let angle = acos(min(1, max(-1, a.sine * b.sine + cosines * cos(a.longitude - b.longitude))))
        return Int64((2.5 + radius * angle * detour / kilometresPerMillisecond) * 1e6)
      }
    }
    let names = towns.indices.map { "town \($0 + 1)" }
    return LatencyMatrix(places: names, nanoseconds, weights: towns.indices.map { 1 / Double($0 + 1).squareRoot() })
  }

  private init(places: [String], _ nanoseconds: [[Int64]], weights: [Double]) {
    self.places = places
    var nanoseconds = nanoseconds
    for place in places.indices { nanoseconds[place][place] = min(nanoseconds[place][place], Self.longestAtHome) }
    self.nanoseconds = nanoseconds
    let whole = weights.reduce(0, +)
    var sum = 0.0
    shares = weights.map { weight in
      sum += weight / whole
      return sum
    }
  }

  /// Where the host of this number stands.
  public func place(of host: Int, seed: UInt64) -> Int {
    var generator = Generator(seed: seed &+ UInt64(host) &* 0x9E37_79B9_7F4A_7C15)
    let point = Double(generator.next() >> 11) / 0x1p53
    var (low, high) = (0, shares.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if shares[middle] <= point { low = middle + 1 } else { high = middle }
    }
    return low
  }

  public func delay(_ from: Int, _ to: Int) -> Duration { .nanoseconds(nanoseconds[from][to]) }
}

/// What is wrong with a matrix.
public struct LatencyMatrixError: Error, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}
