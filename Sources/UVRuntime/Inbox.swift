// The one door through which other threads reach a loop.
//
// Jobs are kept in order under a lock; the first into an empty inbox wakes the loop, the rest ride along. The door closes
// once, under the same lock, and what was inside by then is still run: whoever was told `true` sees the job run, and nobody
// can touch the waker (`uv_async_t`) after the loop has begun to close it.
//
// A pthread mutex, because the thread sanitizer does not understand `Synchronization.Mutex`.
//
// Unsafe code. Ownership: the mutex and the condition live in memory of this object; the waker belongs to the loop, which
// keeps it until long after the door has closed.

import CLibUV
import Glibc

final class Inbox: @unchecked Sendable {
  enum Job {
    case closure(@Sendable () -> Void)
    case executor(UnownedJob)
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let waker: UnsafeMutablePointer<uv_async_t>

  // All under the mutex.
  private var jobs: [Job] = []
  private var isOpen = true
  private var hasEnded = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(waker: UnsafeMutablePointer<uv_async_t>) {
    self.waker = waker
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Puts a job in and wakes the loop; false if the door is closed.
  func put(_ job: Job) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard isOpen else { return false }
    jobs.append(job)
    if jobs.count == 1 { uv_async_send(waker) }
    return true
  }

  /// Takes everything out, into an empty array whose storage is used again.
  func take(into batch: inout [Job]) {
    pthread_mutex_lock(mutex)
    swap(&jobs, &batch)
    pthread_mutex_unlock(mutex)
  }

  /// Closes the door for good and takes out what is still inside. It does not wait for an empty inbox: threads that go on
  /// posting could keep the loop from ever ending.
  func close(into batch: inout [Job]) {
    pthread_mutex_lock(mutex)
    isOpen = false
    swap(&jobs, &batch)
    pthread_mutex_unlock(mutex)
  }

  /// The loop has closed: lets everybody go who waits for it.
  func end() {
    pthread_mutex_lock(mutex)
    isOpen = false
    hasEnded = true
    let released = waiting
    waiting = []
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
    for continuation in released { continuation.resume() }
  }

  /// Blocks the calling thread until `end`.
  func waitForEnd() {
    pthread_mutex_lock(mutex)
    while !hasEnded { pthread_cond_wait(condition, mutex) }
    pthread_mutex_unlock(mutex)
  }

  /// Suspends the calling task until `end`.
  func waitForEnd() async {
    await withCheckedContinuation { continuation in
      if !keep(continuation) { continuation.resume() }
    }
  }

  private func keep(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if hasEnded { return false }
    waiting.append(continuation)
    return true
  }
}
