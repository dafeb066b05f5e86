// Tests of processes take turns, on a thread of their own.
//
// They block (on a pipe, on a condition), which no thread of Swift's small common pool may do: other tests would starve
// meanwhile. And a ring of 27 processes wants the machine for itself. So all of them run on one thread, one after the other,
// whatever else the test run does in parallel.

import Foundation
import Testing

/// The suite that holds every test of this target.
@Suite(.serialized, .onOwnThread) struct RealProcesses {}

extension Trait where Self == OwnThread {
  /// Runs the test on the thread that tests of processes share.
  static var onOwnThread: OwnThread { OwnThread() }
}

/// See `onOwnThread`.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func scopeProvider(for test: Test, testCase: Test.Case?) -> OwnThread? {
    testCase == nil ? nil : self
  }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(TurnsThread.shared) { try await function() }
  }
}

/// One thread that runs jobs in the order of their coming.
final class TurnsThread: TaskExecutor, @unchecked Sendable {
  static let shared = TurnsThread()

  private let condition = NSCondition()
  private var jobs: [UnownedJob] = []
  private var thread: pthread_t?

  /// Whether the caller runs on it.
  var isCurrent: Bool { condition.withLock { thread == pthread_self() } }

  private init() {
    let thread = Thread { self.run() }
    thread.stackSize = 8 << 20
    thread.start()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    condition.lock()
    jobs.append(job)
    condition.signal()
    condition.unlock()
  }

  private func run() {
    condition.withLock { thread = pthread_self() }
    while true {
      condition.lock()
      while jobs.isEmpty { condition.wait() }
      let job = jobs.removeFirst()
      condition.unlock()
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
