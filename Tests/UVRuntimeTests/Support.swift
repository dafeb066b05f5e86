// What the tests of the runtime share: a loop that must end clean, and a handler that notes what it hears.

import CLibUV
import Glibc
import Testing

@testable import UVRuntime

/// Sets a loop up, runs it on this thread until somebody stops it, and checks that nothing is left. A test that hangs is
/// stopped after the limit and fails. (`run` itself insists that `uv_loop_close` succeeds.)
func withLoop(limit: Duration = .seconds(30), _ body: (EventLoop) throws -> Void) throws {
  let kept = Kept()
  try Kept.$current.withValue(kept) {
    try withLoop(limit: limit, keeping: kept, body)
  }
}

private func withLoop(limit: Duration, keeping kept: Kept, _ body: (EventLoop) throws -> Void) throws {
  let loop = try EventLoop()
  var isLate = false
  let end = Deadline(on: loop) {
    isLate = true
    loop.stop()
  }
  end.set(loop.now + limit)
  var problem: (any Error)?
  do {
    try body(loop)
  } catch {
    problem = error
    loop.stop()
  }
  loop.run()
  kept.deadlines = [:]
  if let problem { throw problem }
  #expect(!isLate, "the loop was still waiting after \(limit)")
  #expect(loop.openHandles == 0)
  #expect(loop.openConnections == 0)
}

/// Calls once after a delay.
func after(_ delay: Duration, on loop: EventLoop, _ body: @escaping () -> Void) {
  let kept = Kept.current
  let number = kept.next
  kept.next += 1
  let deadline = Deadline(on: loop) {
    kept.deadlines[number] = nil
    body()
  }
  kept.deadlines[number] = deadline
  deadline.set(loop.now + delay)
}

/// Calls once as soon as the condition holds; it is looked at every millisecond.
func when(
  _ condition: @autoclosure @escaping () -> Bool, on loop: EventLoop, _ body: @escaping () -> Void
) {
  after(.milliseconds(1), on: loop) {
    if condition() { body() } else { when(condition(), on: loop, body) }
  }
}

/// What `after` waits for: a deadline lives only as long as somebody holds it. Let go with the loop of the test.
final class Kept: @unchecked Sendable {
  @TaskLocal static var current = Kept()
  var next = 0
  var deadlines: [Int: Deadline] = [:]
}

/// A handler made of closures that keeps what it received and how it ended. Closures and `kept` are let go after `closed`, so
/// that a test may capture whatever it likes without leaking.
final class Recorder: TCPConnectionHandler {
  var bytes: [UInt8] = []
  var keepsBytes = true
  var count = 0
  var wasConnected = false
  var writables = 0
  var endeds = 0
  var closeds = 0
  var error: UVError?
  var onConnected: (TCPConnection) -> Void = { _ in }
  var onReceived: (TCPConnection) -> Void = { _ in }
  var onWritable: (TCPConnection) -> Void = { _ in }
  var onDraftLeaves: (TCPConnection) -> Void = { $0.close() }
  var onEnded: (TCPConnection) -> Void = { _ in }
  var onClosed: (TCPConnection) -> Void = { _ in }
  var kept: AnyObject?

  var text: String { String(decoding: bytes, as: UTF8.self) }

  func connected(_ connection: TCPConnection) {
    #expect(!wasConnected && closeds == 0)
    wasConnected = true
    onConnected(connection)
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    #expect(closeds == 0)
    count += bytes.byteCount
    if keepsBytes { bytes.withUnsafeBytes { self.bytes += $0 } }
    onReceived(connection)
  }

  func draftLeaves(_ connection: TCPConnection) {
    #expect(closeds == 0)
    onDraftLeaves(connection)
  }

  func writable(_ connection: TCPConnection) {
    #expect(closeds == 0)
    writables += 1
    onWritable(connection)
  }

  func ended(_ connection: TCPConnection) {
    #expect(closeds == 0 && endeds == 0)
    endeds += 1
    onEnded(connection)
  }

  func closed(_ connection: TCPConnection, error: UVError?) {
    #expect(closeds == 0)
    closeds += 1
    self.error = error
    onClosed(connection)
    onConnected = { _ in }
    onReceived = { _ in }
    onWritable = { _ in }
    onDraftLeaves = { _ in }
    onEnded = { _ in }
    onClosed = { _ in }
    kept = nil
  }
}

/// Two connected ends on one loop: a listener that accepts one connection for `server` and closes, and the dialled `client`.
/// Lives until both ends have closed.
final class Pair {
  let client = Recorder()
  let server = Recorder()
  private(set) var clientEnd: TCPConnection?
  private(set) var serverEnd: TCPConnection?
  private var listener: TCPListener?
  var onAccepted: (TCPConnection) -> Void = { _ in }
  var onBothClosed: () -> Void

  init(on loop: EventLoop, at address: SocketAddress = .loopback4(port: 0)) throws {
    onBothClosed = { loop.stop() }
    let listener = try TCPListener(on: loop, address: address) { [self] connection in
      connection.handler = server
      serverEnd = connection
      server.kept = self
      self.listener?.close()
      self.listener = nil
      onAccepted(connection)
    }
    self.listener = listener
    client.kept = self
    clientEnd = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: client)
  }

  /// To be called from `onClosed` of either end.
  func closedOne() {
    guard client.closeds + server.closeds == 2 else { return }
    onBothClosed()
    onBothClosed = {}
    onAccepted = { _ in }
  }

  /// When both ends have closed the loop stops, or whatever else `onBothClosed` is set to happens.
  func stopWhenBothClosed() {
    client.onClosed = { [self] _ in closedOne() }
    server.onClosed = { [self] _ in closedOne() }
  }
}

/// What many threads may hold; used on one at a time.
final class Box<Value>: @unchecked Sendable {
  var value: Value
  init(_ value: Value) { self.value = value }
}

/// A pipe, as (reading end, writing end), neither inherited by children.
func makePipe() throws -> (reading: Int32, writing: Int32) {
  var ends: [Int32] = [0, 0]
  try #require(pipe(&ends) == 0)
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  return (ends[0], ends[1])
}

/// A file that is gone once it is closed.
func makeFile(_ content: [UInt8] = []) throws -> Int32 {
  var template = Array("/tmp/uvruntime-test-XXXXXX".utf8CString)
  let file = mkstemp(&template)
  try #require(file >= 0)
  unlink(template)
  try #require(write(file, content, content.count) == content.count)
  try #require(lseek(file, 0, SEEK_SET) == 0)
  return file
}

/// A pseudo-terminal, as (controlling end, the end a program sees). `posix_openpt` and its like are hidden from Swift: these
/// are the system calls behind them (ioctl_tty(2): TIOCSPTLCK, TIOCGPTN).
func makeTerminal() throws -> (master: Int32, slave: Int32) {
  let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
  try #require(master >= 0)
  var unlocked: Int32 = 0
  try #require(ioctl(master, 0x4004_5431, &unlocked) == 0)
  var number: UInt32 = 0
  try #require(ioctl(master, 0x8004_5430, &number) == 0)
  let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
  try #require(slave >= 0)
  return (master, slave)
}

/// Which file a descriptor stands for. Its number alone says little after a close: another test may have it by then.
struct Identity: Equatable {
  private let device: UInt
  private let inode: UInt

  init?(_ descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }
}

/// Leaves the process without a descriptor to take, and libuv without the one that it keeps for that: then it would circle for ever. Answers
/// what to close. Only in a process of the test's own.
func takeAllDescriptors(besides loop: EventLoop) -> [Int32] {
  var filler: [Int32] = []
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = 64
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  while case let file = dup(0), file >= 0 { filler.append(file) }
  close(loop.uv.pointee.emfile_fd)
  filler.append(dup(0))
  loop.uv.pointee.emfile_fd = -1
  return filler
}
