// Waiting with a limit. Nobody sleeps here: a waiter is woken by what it waits for, or by its limit.
//
// A pthread mutex (NSCondition) and not `Synchronization.Mutex`: the thread sanitizer does not understand the latter.

import Foundation

/// State behind a lock, with a way to wait until it is as one wants it.
final class Gate<State>: @unchecked Sendable {
  private let condition = NSCondition()
  private var state: State

  init(_ state: State) { self.state = state }

  /// Looks at the state or changes it; wakes whoever waits.
  func with<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    condition.lock()
    defer { condition.unlock() }
    defer { condition.broadcast() }
    return try body(&state)
  }

  /// Waits until the body gives an answer; nil when the limit has passed without one.
  func wait<Result>(within limit: Duration, for body: (inout State) throws -> Result?) rethrows -> Result? {
    let end = Date(timeIntervalSinceNow: limit.seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = try body(&state) { return result }
      guard condition.wait(until: end) else { return try body(&state) }
    }
  }
}

extension Duration {
  /// In seconds.
  public var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  /// In milliseconds.
  public var milliseconds: Double { seconds * 1000 }
}

/// How long the rig waits before it calls something a failure.
///
/// These are limits for tests, that also hold for a debug build or a sanitizer on two busy cores; what the engine promises on
/// a quiet machine is measured by the benchmarks. The environment variable `PATIENCE` multiplies all of them.
public enum Patience {
  /// From the environment; 1 if not set.
  public static let factor = max(1, ProcessInfo.processInfo.environment["PATIENCE"].flatMap(Int.init) ?? 1)

  /// One request over links that stand: milliseconds in truth.
  public static let answer: Duration = .seconds(10) * factor
  /// From starting a process to `ready`, all bootstraps answering: 100 ms in truth.
  public static let ready: Duration = .seconds(20) * factor
  /// From trouble to a ring that agrees with the oracle: 5 s is promised.
  public static let settling: Duration = .seconds(20) * factor
  /// Until a node that is not answered gives up on a bootstrap and stands alone.
  public static let standingAlone: Duration = .seconds(30) * factor
  /// From `quit`, or the end of input, to the end of the process.
  public static let quitting: Duration = .seconds(10) * factor
  /// A request that is tried again and again before it fails: `send` tries for 30 s.
  public static let retrying: Duration = .seconds(45) * factor
}

/// Asks again and again until the body gives an answer: for what nobody announces. Nil when the limit has passed.
///
/// Between two questions it yields to the processes asked.
public func eventually<Result>(within limit: Duration, _ body: () throws -> Result?) rethrows -> Result? {
  let clock = ContinuousClock()
  let end = clock.now.advanced(by: limit)
  while true {
    if let result = try body() { return result }
    guard clock.now < end else { return nil }
    poll(nil, 0, pauseBetweenQuestions)
  }
}

/// In milliseconds: rare enough not to be a load on what is being watched, often enough not to blur what is measured.
private let pauseBetweenQuestions: Int32 = 10
