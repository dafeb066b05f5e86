// What a run leaves behind to be read: the last events, what was counted, and the violation that ended it.

import Foundation
import Processes

/// Something happened that must not.
struct Violation: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Chance that can be repeated: the same seed gives the same numbers (SplitMix64).
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// True in so many of a thousand cases.
  mutating func chance(_ perMille: Int) -> Bool { Int.random(in: 0..<1000, using: &self) < perMille }

  mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
    .milliseconds(Int.random(in: range, using: &self))
  }
}

/// The last events of a run, with the time since its beginning.
final class Story {
  /// Enough to see what led to a violation, few enough to be read.
  private static let kept = 60

  let began = ContinuousClock.now
  private let isVerbose: Bool
  private var lines: [String] = []

  init(isVerbose: Bool = false) { self.isVerbose = isVerbose }

  func note(_ event: String) { add(event, isTold: isVerbose) }

  /// Notes and prints.
  func tell(_ event: String) { add(event, isTold: true) }

  private func add(_ event: String, isTold: Bool) {
    let line = Self.stamp(began) + "  " + event
    lines.append(line)
    if lines.count > Self.kept { lines.removeFirst() }
    if isTold { say(line) }
  }

  var last: [String] { lines }

  private static func stamp(_ began: ContinuousClock.Instant) -> String {
    String(format: "%7.2f s", (ContinuousClock.now - began).seconds)
  }
}

/// Prints a line at once, also into a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// In milliseconds below ten seconds, else in seconds.
func readable(_ duration: Duration) -> String {
  duration < .seconds(10)
    ? String(format: "%.0f ms", duration.milliseconds) : String(format: "%.1f s", duration.seconds)
}

/// What a run must have met at least once to have tested anything.
enum Sight: String, CaseIterable {
  case kills = "processes killed"
  case stops = "processes stopped and woken"
  case sameKey = "restarts with the same key"
  case newKey = "restarts with a new key"
  case quits = "users who quit"
  case resets = "connections cut with RST"
  case finishes = "connections cut with FIN"
  case silences = "connections silenced"
  case silentHosts = "hosts silenced"
  case delays = "connections delayed"
  case delivered = "texts delivered"
  case failed = "texts reported as failed"
  case reopened = "sessions re-opened"
}

/// How often each of them was met.
struct Tally {
  private(set) var counts: [Sight: Int] = [:]

  mutating func met(_ sight: Sight) { counts[sight, default: 0] += 1 }

  /// What this run never met.
  var missed: [Sight] { Sight.allCases.filter { counts[$0] == nil } }

  var summary: [String] {
    Sight.allCases.map { sight in
      let count = String(counts[sight] ?? 0)
      return String(repeating: " ", count: max(0, 8 - count.count)) + count + "  " + sight.rawValue
    }
  }
}
