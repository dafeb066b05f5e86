// The loop as an executor of Swift's concurrency: an actor can live on it.
//
//     actor Room {
//       let loop: EventLoop
//       nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
//     }
//
// Callbacks of the loop may then use `assumeIsolated`. A hop costs about a microsecond: the hot path stays plain code in
// callbacks, async is the outer layer. Jobs enqueued after the loop has ended never run, so a task that hops to an actor on
// an ended loop waits for ever: end the tasks first.

import Glibc

extension EventLoop: SerialExecutor, TaskExecutor {
  /// Runs a job of Swift's on the loop. After the end of the loop the job never runs.
  public func enqueue(_ job: consuming ExecutorJob) {
    _ = inbox.put(.executor(UnownedJob(job)))
  }

  /// For an actor's `unownedExecutor`; the actor must keep the loop alive.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// For a task's executor preference.
  public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
    UnownedTaskExecutor(ordinary: self)
  }

  /// Stops the program if called elsewhere than on the loop.
  public func checkIsolated() {
    precondition(isCurrent, "not on the event loop's thread")
  }

  /// Whether the caller is on the loop.
  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  func runExecutorJob(_ job: UnownedJob) {
    job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
  }

  /// Whether this loop is running on the calling thread; any thread.
  public var isCurrent: Bool {
    CurrentLoop.opaque == Unmanaged.passUnretained(self).toOpaque()
  }

  /// Handles belong to the loop's thread; before `run`, to whoever sets the loop up.
  func requireCurrent() {
    precondition(isCurrent || phase != .running && phase != .stopping, "not on the event loop's thread")
  }
}

/// Which loop runs on this thread.
enum CurrentLoop {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let result = pthread_key_create(&key, nil)
    precondition(result == 0, "no key for thread-local storage")
    return key
  }()

  static var opaque: UnsafeMutableRawPointer? { pthread_getspecific(key) }

  /// Notes the loop, answers with the one before: a loop may run inside a job of another.
  static func enter(_ loop: EventLoop) -> UnsafeMutableRawPointer? {
    let outer = opaque
    pthread_setspecific(key, Unmanaged.passUnretained(loop).toOpaque())
    return outer
  }

  static func leave(to outer: UnsafeMutableRawPointer?) {
    pthread_setspecific(key, outer)
  }
}
