// What a listener does when the system cannot accept: a descriptor that it keeps for when there are none left.
//
// Out of descriptors, libuv usually accepts and closes the backlog itself with a spare descriptor. Without that spare it
// calls back EMFILE for ever inside one poll. We keep a spare of our own for that: given up, it lets libuv accept once more,
// the listener does not take the connection, and libuv stops. A deadline later we try to get the spare back, and only then go on.
// If even that does not help (another thread took the descriptor, or the kernel is out of memory) we slow libuv's circle
// down, and after a while have the listener close rather than hang.

import Glibc

/// The spare descriptor of one listener, and what is done about errors of its accepting.
final class SpareDescriptor {
  /// How long to wait after having run out of descriptors.
  private static let firstBackOff = Duration.milliseconds(100)
  private static let longestBackOff = Duration.seconds(2)
  /// Errors without a pause between, a millisecond each, after which the listener gives up.
  private static let patience = 200

  private let loop: EventLoop
  private var descriptor: Int32
  private var backOff = SpareDescriptor.firstBackOff
  private var errorsInARow = 0
  private var deadline: Deadline?
  /// Called when there is one again, after there was none.
  var isBack: () -> Void = {}
  /// How often there was none left.
  private(set) var shortages = 0

  init(on loop: EventLoop) throws(UVError) {
    self.loop = loop
    descriptor = Self.take()
    guard descriptor >= 0 else { throw UVError(errno: errno) }
  }

  private static func take() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

  /// Whether connections may be taken.
  var isThere: Bool { descriptor >= 0 }

  /// The listener has closed.
  func close() {
    deadline?.cancel()
    giveUp()
  }

  /// libuv has a connection.
  func connectionCame() { errorsInARow = 0 }

  /// The listener has taken it.
  func connectionTaken() { backOff = Self.firstBackOff }

  /// libuv could not accept, and will try again at once. False if that has come to nothing for so long that the listener must close.
  func mayGoOn(after error: UVError) -> Bool {
    errorsInARow += 1
    switch error {
    case .tooManyOpenFiles, .fileTableOverflow:
      guard isThere else { return slowsDown() }
      shortages += 1
      giveUp()
      wait()
      return true
    case .connectionAborted: return true  // the peer has gone again
    default: return slowsDown()
    }
  }

  private func slowsDown() -> Bool {
    usleep(1000)
    return errorsInARow < Self.patience
  }

  private func giveUp() {
    guard isThere else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }

  private func wait() {
    if deadline == nil { deadline = Deadline(on: loop) { [unowned self] in tryAgain() } }
    deadline?.set(loop.now + backOff)
    backOff = min(backOff * 2, Self.longestBackOff)
  }

  private func tryAgain() {
    descriptor = Self.take()
    guard isThere else { return wait() }
    isBack()
  }
}
