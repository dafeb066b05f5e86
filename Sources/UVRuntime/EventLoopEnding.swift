// How a loop begins and ends.
//
//     made ──run──► running ──stop──► stopping ──last handle freed──► closing ──► ended
//
// Stopping: listeners and watchers close, connections and output streams close too, or first say what they have to say if
// there is patience for it; no new handles are made. Jobs still run: an actor on the loop can finish. When no handle is left
// and no name is being looked up the door of the inbox closes, what is in it runs, the loop's own handles close and `uv_run`
// returns.
// `uv_loop_close` must then succeed: anything else is a leak, and a bug of ours.

import CLibUV
import Glibc

extension EventLoop {
  /// Makes a loop and runs it on a thread of its own, so named (the system keeps 15 bytes of it).
  /// Throws what libuv or the thread library say.
  public static func start(threadName: String) throws(UVError) -> EventLoop {
    let loop = try EventLoop()
    let start = Unmanaged.passRetained(ThreadStart(loop: loop, name: threadName))
    var thread = pthread_t()
    let result = pthread_create(&thread, nil, loopThread, start.toOpaque())
    guard result == 0 else {
      start.release()
      throw UVError(errno: result)
    }
    pthread_detach(thread)
    return loop
  }

  /// Runs the loop on the calling thread, once, until `stop`; there is nothing else that ends it. SIGPIPE is blocked on this
  /// thread meanwhile, so that a write to a closed peer is an error and not the end of the process.
  public func run() {
    precondition(phase == .made, "an event loop runs once")
    phase = .running
    let outer = CurrentLoop.enter(self)
    let mask = SignalMask.blockPipe()
    uv_run(uv, UV_RUN_DEFAULT)
    let left = openHandleNames
    let result = uv_loop_close(uv)
    precondition(result == 0 && openHandles == 0, "an event loop ended with open handles: \(left)")
    state.pointee.deadlines.removeAll()
    forgetWork()
    phase = .ended
    mask.restore()
    CurrentLoop.leave(to: outer)
    inbox.end()
  }

  /// Ends the loop; any thread, any number of times, also before `run` (which then returns soon).
  ///
  /// With some patience connections get that long to send what is pending and output streams to write it; without, all is
  /// closed at once. Dials under way fail with `canceled`. Name lookups that already run cannot be stopped: the end waits for
  /// them.
  public func stop(drainingFor patience: Duration = .zero) {
    post { self.beginStop(drainingFor: patience) }
  }

  /// Blocks until the loop has ended; any thread but its own. For ever, if it is never run.
  public func waitUntilClosed() {
    precondition(!isCurrent, "a loop cannot wait for its own end")
    inbox.waitForEnd()
  }

  /// Waits until the loop has ended. Not from an actor on the loop: jobs do not run any more by then.
  public func waitUntilClosed() async {
    await inbox.waitForEnd()
  }

  private func beginStop(drainingFor patience: Duration) {
    guard phase == .running || phase == .stopping else { return }
    phase = .stopping
    for lookup in lookups.values { lookup.cancel() }
    forEachHandle { $0.owner?.loopStops(drainingFor: patience) }
  }

  /// Goes on to the end if nothing is in the way. Called after each batch of jobs and whenever something has gone.
  func advanceStop() {
    guard phase == .stopping, openHandles == 0, lookups.isEmpty, !hasJobs else { return }
    phase = .closing
    state.pointee.deadlines.removeAll()
    runLastJobs()
    closeOwnHandles()
  }
}

/// What a new thread needs to know.
private final class ThreadStart {
  let loop: EventLoop
  let name: String

  init(loop: EventLoop, name: String) {
    self.loop = loop
    self.name = name
  }
}

private func loopThread(_ data: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let data else { return nil }
  let start = Unmanaged<ThreadStart>.fromOpaque(data).takeRetainedValue()
  nameThread(start.name)
  start.loop.run()
  return nil
}

/// Through the file system: `pthread_setname_np` is hidden from Swift. A thread without its name works as well.
private func nameThread(_ name: String) {
  let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard file >= 0 else { return }
  let bytes = Array(name.utf8.prefix(15))
  _ = write(file, bytes, bytes.count)
  close(file)
}

/// The signal mask of the loop's thread, to be put back at the end.
private struct SignalMask {
  private var pipe = sigset_t()
  private var before = sigset_t()

  static func blockPipe() -> SignalMask {
    var mask = SignalMask()
    sigemptyset(&mask.pipe)
    sigaddset(&mask.pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &mask.pipe, &mask.before)
    return mask
  }

  /// Takes out what is pending first: it would be delivered the moment it is let through.
  func restore() {
    var (pipe, before) = (pipe, before)
    if sigismember(&before, SIGPIPE) == 0 {
      var noWait = timespec()
      while sigtimedwait(&pipe, nil, &noWait) == SIGPIPE {}
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
