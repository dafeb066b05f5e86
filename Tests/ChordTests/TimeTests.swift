// Durations as whole nanoseconds.

import Chord
import Testing

@Suite("Time")
struct TimeTests {
  @Test(
    "a duration in whole nanoseconds, cut toward zero, and at the ends of 64 bits",
    arguments: [
      (.zero, 0), (.nanoseconds(1), 1), (.nanoseconds(-1), -1), (.milliseconds(1500), 1_500_000_000),
      (.seconds(-3), -3_000_000_000), (.nanoseconds(Int64.max), .max), (.nanoseconds(Int64.min), .min),
      (Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999), 1),
      (Duration(secondsComponent: 0, attosecondsComponent: -1_999_999_999), -1),
      (Duration(secondsComponent: 18, attosecondsComponent: 446_744_073_709_551_616), 18_446_744_073),
      (.seconds(9_223_372_036), 9_223_372_036_000_000_000), (.seconds(9_223_372_037), .max),
      (.seconds(-9_223_372_037), .min), (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
    ] as [(Duration, Int64)])
  func nanoseconds(duration: Duration, expected: Int64) {
    #expect(duration.inNanoseconds == expected)
  }
}
