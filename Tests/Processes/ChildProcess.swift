// A child process with pipes, or with a terminal, and without a way to be left behind.
//
//     write ──► standard input │ child │ standard output ──► reader thread ──► received(bytes)
//                              │       │ standard error  ──►               ──► kept
//                                  └──── waitpid by the same thread, so there are no zombies
//
// Every descriptor is closed on exec, so no child holds another's pipes open. A child goes with its object (SIGKILL in
// `deinit`), with this process (an exit handler), and with a crash of this process too: its standard input ends then, which
// `node` takes for `quit`; a child that was stopped is woken by the kernel, because it has a process group of its own that
// becomes orphaned; a child with a terminal gets SIGHUP when the other end of it goes.

import Foundation

/// Why a child could not be started or did not do what was waited for.
public struct ProcessError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// How a process ended.
public enum Ending: Hashable, Sendable {
  /// It returned this code.
  case exited(Int32)
  /// It was killed by this signal.
  case killed(Int32)
}

/// One running child.
public final class ChildProcess: @unchecked Sendable {
  /// What stands on the other end of its standard input and output.
  public enum Connection: Sendable {
    case pipes
    /// A terminal of that size; standard error goes there too.
    case terminal(columns: UInt16, rows: UInt16)
  }

  private struct State {
    var errors: [UInt8] = []
    var ending: Ending?
    var isReaped = false
    var input: Int32?
  }

  /// Standard error beyond this is dropped: a child gone wild must not take this process along.
  static let maximumErrors = 16 << 20

  public let id: pid_t
  private let state: Gate<State>

  /// Starts it. `received` is called on a thread of its own with each piece of standard output, and with nothing at its end.
  public init(
    _ executable: String, _ arguments: [String], environment: [String: String] = ProcessInfo.processInfo.environment,
    directory: String? = nil, connection: Connection = .pipes,
    received: @escaping @Sendable (ArraySlice<UInt8>, ContinuousClock.Instant) -> Void
  ) throws {
    try Census.enter()
    do {
      let channels = try Channels(connection)
      defer { channels.closeTheirs() }
      id = try Self.spawn(
        executable, arguments, environment: environment, directory: directory, channels: channels)
      Census.register(id)
      let state = Gate(State(input: channels.input))
      self.state = state
      let (id, output, errors) = (id, channels.output, channels.errors)
      let thread = Thread {
        Self.read(output: output, errors: errors, into: state, received: received)
        Self.reap(id, state)
      }
      thread.stackSize = 1 << 20
      thread.start()
    } catch {
      Census.leave()
      throw error
    }
  }

  deinit {
    closeInput()
    signal(SIGKILL)
    // A child must not outlive its object by much: whoever starts the next one finds this one's port free.
    _ = ending(within: .seconds(10))
  }

  // MARK: Talking to it

  /// Writes all of it to standard input.
  public func write(_ bytes: some Collection<UInt8>, within limit: Duration = Patience.answer) throws {
    guard let input = state.with({ $0.input }) else { throw ProcessError("standard input is closed") }
    let bytes = Array(bytes)
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: limit)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { buffer in
        withoutBrokenPipeSignal { Glibc.write(input, buffer.baseAddress, buffer.count) }
      }
      if count > 0 {
        done += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        let left = Int32(clamping: Int(clock.now.duration(to: end).milliseconds))
        guard left > 0 else { throw ProcessError("process \(id) does not take its input") }
        var waiting = pollfd(fd: input, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, left)
      default: throw ProcessError("cannot write to process \(id): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// Gives its terminal another size, as somebody who drags the window's edge does.
  public func resize(columns: UInt16, rows: UInt16) {
    state.with { state in
      guard let input = state.input else { return }
      var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
      _ = ioctl(input, UInt(TIOCSWINSZ), &size)
    }
  }

  /// Whether its terminal hands on single keys without echo; nil if it has no terminal.
  public var terminalIsRaw: Bool? {
    state.with { state in
      var settings = termios()
      guard let input = state.input, tcgetattr(input, &settings) == 0 else { return nil }
      return settings.c_lflag & tcflag_t(ICANON | ECHO) == 0
    }
  }

  /// Ends its standard input.
  public func closeInput() {
    state.with { state in
      guard let input = state.input else { return }
      close(input)
      state.input = nil
    }
  }

  /// Sends a signal; nothing if it has ended.
  public func signal(_ signal: Int32) {
    state.with { state in
      if !state.isReaped { kill(id, signal) }
    }
  }

  /// Standard error so far.
  public var standardError: String {
    state.with { String(decoding: $0.errors, as: UTF8.self) }
  }

  /// Waits for its end; nil if it still runs when the limit has passed.
  public func ending(within limit: Duration) -> Ending? {
    state.wait(within: limit) { $0.ending }
  }

  // MARK: The reader thread

  private static func read(
    output: Int32, errors: Int32?, into state: Gate<State>,
    received: (ArraySlice<UInt8>, ContinuousClock.Instant) -> Void
  ) {
    var open = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
    if let errors { open.append(pollfd(fd: errors, events: Int16(POLLIN), revents: 0)) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !open.isEmpty {
      guard poll(&open, nfds_t(open.count), -1) > 0 || errno == EINTR else { break }
      for index in open.indices.reversed() where open[index].revents != 0 {
        let descriptor = open[index].fd
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count > 0 {
          let bytes = buffer[..<count]
          if descriptor == output {
            received(bytes, .now)
          } else {
            state.with { if $0.errors.count < maximumErrors { $0.errors.append(contentsOf: bytes) } }
          }
        } else if count == 0 || (errno != EINTR && errno != EAGAIN) {  // a terminal ends with EIO
          if descriptor == output { received([], .now) }
          close(descriptor)
          open.remove(at: index)
        }
      }
    }
  }

  /// Waits without taking the process identifier back, so that nobody signals a stranger; then takes it under the lock.
  private static func reap(_ id: pid_t, _ state: Gate<State>) {
    var information = siginfo_t()
    while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    state.with { state in
      var status: Int32 = 0
      while waitpid(id, &status, 0) < 0, errno == EINTR {}
      Census.unregister(id)
      state.isReaped = true
      state.ending = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
    }
  }

  // MARK: Starting

  private static func spawn(
    _ executable: String, _ arguments: [String], environment: [String: String], directory: String?,
    channels: Channels
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let directory { _ = GNU.changeDirectory?(&actions, directory) }
    if let terminal = channels.terminal {
      // The leader of a new session that opens a terminal gets it as its own.
      posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
      posix_spawn_file_actions_adddup2(&actions, 0, 1)
      posix_spawn_file_actions_adddup2(&actions, 0, 2)
    } else {
      for (target, source) in channels.theirs.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
      }
    }
    _ = GNU.closeFrom?(&actions, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let group = channels.terminal == nil ? Int(POSIX_SPAWN_SETPGROUP) : GNU.setSession
    posix_spawnattr_setflags(&attributes, Int16(Int(POSIX_SPAWN_SETSIGMASK) | Int(POSIX_SPAWN_SETSIGDEF) | group))

    var argumentVector = ([executable] + arguments).map { strdup($0) } + [nil]
    var environmentVector = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in argumentVector + environmentVector { free(pointer) } }
    var id = pid_t()
    let result = posix_spawn(&id, executable, &actions, &attributes, &argumentVector, &environmentVector)
    guard result == 0 else { throw ProcessError("cannot start \(executable): \(String(cString: strerror(result)))") }
    return id
  }
}

// MARK: - Descriptors

/// Both ends of what connects a child.
private struct Channels {
  var input: Int32
  var output: Int32
  var errors: Int32?
  var theirs: [Int32]
  /// The path of the child's side of the terminal.
  var terminal: String?

  init(_ connection: ChildProcess.Connection) throws {
    switch connection {
    case .pipes:
      let pipes = try [Self.pipe(), Self.pipe(), Self.pipe()]
      (input, output, errors) = (pipes[0].write, pipes[1].read, pipes[2].read)
      theirs = [pipes[0].read, pipes[1].write, pipes[2].write]
    case .terminal(let columns, let rows):
      var (master, slave): (Int32, Int32) = (-1, -1)
      var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
      var name = [CChar](repeating: 0, count: 128)
      guard openpty(&master, &slave, &name, nil, &size) == 0 else {
        throw ProcessError("no terminal to be had: \(String(cString: strerror(errno)))")
      }
      for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
      let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // Ours is held open until the child has its own, else the first read says that nobody is there.
      theirs = [slave]
      (input, output, errors) = (fcntl(master, F_DUPFD_CLOEXEC, 3), master, nil)
      terminal = path
    }
    _ = fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK)
  }

  func closeTheirs() {
    for descriptor in theirs { close(descriptor) }
  }

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { throw ProcessError("no pipe: \(String(cString: strerror(errno)))") }
    for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// What glibc (2.34 and later) offers beyond POSIX, and Swift's Glibc module therefore does not show.
private enum GNU {
  typealias ChangeDirectory = @convention(c) (UnsafeMutableRawPointer, UnsafePointer<CChar>) -> Int32
  typealias CloseFrom = @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32

  static let changeDirectory = symbol("posix_spawn_file_actions_addchdir_np", as: ChangeDirectory.self)
  static let closeFrom = symbol("posix_spawn_file_actions_addclosefrom_np", as: CloseFrom.self)
  /// POSIX_SPAWN_SETSID
  static let setSession = 0x80

  private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(nil, name).map { unsafeBitCast($0, to: type) }
  }
}

/// Writes without being killed by the other side's end, and without changing what this process thinks of SIGPIPE.
private func withoutBrokenPipeSignal(_ write: () -> Int) -> Int {
  var pipe = sigset_t()
  var before = sigset_t()
  sigemptyset(&pipe)
  sigaddset(&pipe, SIGPIPE)
  pthread_sigmask(SIG_BLOCK, &pipe, &before)
  let result = write()
  let error = errno
  if result < 0, error == EPIPE {
    var now = timespec()
    sigtimedwait(&pipe, nil, &now)
  }
  pthread_sigmask(SIG_SETMASK, &before, nil)
  errno = error
  return result
}

// MARK: - Counting

/// Every child alive: there are never too many, and none outlives this process.
private enum Census {
  /// More than the largest test needs, few enough that a mistake does not bring the machine down.
  static let maximum = 160

  private static let living = Gate<(count: Int, ids: Set<pid_t>)>((0, []))
  private static let killAllAtExit: Void = {
    atexit { Census.living.with { for id in $0.ids { kill(id, SIGKILL) } } }
  }()

  static func enter() throws {
    _ = killAllAtExit
    try living.with { living in
      guard living.count < maximum else { throw ProcessError("\(maximum) processes run already") }
      living.count += 1
    }
  }

  static func leave() { living.with { $0.count -= 1 } }
  static func register(_ id: pid_t) { living.with { _ = $0.ids.insert(id) } }

  static func unregister(_ id: pid_t) {
    living.with { living in
      living.count -= 1
      living.ids.remove(id)
    }
  }
}
