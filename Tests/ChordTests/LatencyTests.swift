// Where simulated hosts stand, and how long they stay.

import Chord
import Foundation
import Simulation
import Testing

@Suite("Latency matrices and lifetimes")
struct LatencyTests {
  @Test(
    "a matrix is read: half a round trip one way, at most 10 ms at home, 1.2 times the median where nobody measured")
  func matrix() throws {
    let matrix = try LatencyMatrix(csv: "cty1,cty2,rtt_cnt,rtt_avg\nAA,AA,1,90\nAA,BB,4,100\nBB,CC,4,40\nBB,BB,1,8\n")
    #expect(matrix.places == ["AA", "BB", "CC"])
    #expect(matrix.delay(0, 0) == .milliseconds(10))
    #expect(matrix.delay(1, 1) == .milliseconds(4))
    #expect(matrix.delay(0, 1) == .milliseconds(50) && matrix.delay(1, 0) == .milliseconds(50))
    #expect(matrix.delay(0, 2) == .milliseconds(54), "the upper median of 8, 40, 90, 100 is 90")
    #expect(matrix.delay(2, 2) == .milliseconds(10))
  }

  @Test("hosts stand where more was measured, with the square root of it")
  func weights() throws {
    let matrix = try LatencyMatrix(csv: "cty1,cty2,rtt_cnt,rtt_avg\nAA,AA,100,10\nBB,BB,900,10\n")
    let counts = (0..<10_000).reduce(into: [0, 0]) { $0[matrix.place(of: $1, seed: 1)] += 1 }
    #expect((2300...2700).contains(counts[0]), "\(counts)")
  }

  @Test(
    "what is no matrix is refused with the line",
    arguments: ["", "a,b\n", "cty1,cty2,rtt_avg\n", "cty1,cty2,rtt_avg\nA,B,x\n"])
  func noMatrix(csv: String) {
    #expect(throws: LatencyMatrixError.self) { try LatencyMatrix(csv: csv) }
  }

  @Test("made-up towns are as far apart as those of a globe")
  func towns() {
    let matrix = LatencyMatrix.synthetic(seed: 1)
    let delays = matrix.places.indices.flatMap { a in
      matrix.places.indices.map { matrix.delay(a, $0) / .milliseconds(1) }
    }
    #expect(delays.allSatisfy { (2.4...153).contains($0) })
    #expect(
      (60...90).contains(delays.reduce(0, +) / Double(delays.count)),
      "half a quarter of the globe there and back, and the rest")
    #expect(matrix.delay(3, 8) == matrix.delay(8, 3))
  }

  @Test("lifetimes have the median and the mean they are said to have", arguments: [1, 0.5, 2])
  func lifetimes(shape: Double) {
    let lifetime = Lifetime(median: .seconds(600), shape: shape)
    var generator = Generator(seed: 1)
    let drawn = (0..<20_000).map { _ in lifetime.draw(&generator) / .seconds(1) }.sorted()
    #expect(abs(drawn[10_000] / 600 - 1) < 0.06)
    #expect(abs(drawn.reduce(0, +) / 20_000 / lifetime.mean - 1) < 0.06)
    // What is left for one who is there: with shape 1 as much as for one who comes; the mean square over twice the mean in general.
    let left = (0..<20_000).map { _ in lifetime.rest(&generator) / .seconds(1) }
    let expected = drawn.reduce(0) { $0 + $1 * $1 } / 20_000 / (2 * lifetime.mean)
    #expect(abs(left.reduce(0, +) / 20_000 / expected - 1) < 0.15)
  }
}
