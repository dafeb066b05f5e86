import Glibc
import Testing

@testable import UVRuntime

/// What an input brought.
private final class Input {
  var bytes: [UInt8] = []
  var ends: [UVError?] = []
  var stream: UVRuntime.InputStream?
  var onReceived: () -> Void = {}

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Reads to the end, then calls.
  init(on loop: EventLoop, _ descriptor: Int32, _ ended: @escaping (Input) -> Void) throws {
    stream = try UVRuntime.InputStream(
      on: loop, descriptor: descriptor,
      { [self] bytes in
        #expect(ends.isEmpty)
        bytes.withUnsafeBytes { self.bytes += $0 }
        onReceived()
      },
      { [self] error in
        ends.append(error)
        #expect(ends.count == 1)
        ended(self)
        onReceived = {}
      })
  }
}

@Suite struct InputStreamTests {
  @Test("a pipe is read to its end")
  func pipe() throws {
    let (reading, writing) = try makePipe()
    let before = Identity(reading)
    try withLoop { loop in
      let input = try Input(on: loop, reading) {
        #expect($0.text == "one two" && $0.ends == [nil])
        loop.stop()
      }
      #expect(input.stream?.isTerminal == false)
      #expect(throws: UVError.notSupported) { try input.stream?.setRaw(true) }
      #expect(write(writing, "one", 3) == 3)
      input.onReceived = { [unowned input] in
        guard input.text == "one" else { return }
        #expect(write(writing, " two", 4) == 4)
        close(writing)
      }
    }
    #expect(Identity(reading) != before)
  }

  @Test("a file is read to its end, in pieces, and may be paused between them")
  func file() throws {
    let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let file = try makeFile(content)
    let before = Identity(file)
    try withLoop { loop in
      let input = try Input(on: loop, file) {
        let isWhole = $0.bytes == content
        #expect(isWhole && $0.ends == [nil])
        loop.stop()
      }
      input.onReceived = { [unowned input] in
        input.stream?.pause()
        after(.milliseconds(1), on: loop) { input.stream?.resume() }
      }
    }
    #expect(Identity(file) != before)
  }

  @Test("an empty file and /dev/null end at once")
  func empty() throws {
    for descriptor in [try makeFile(), open("/dev/null", O_RDONLY | O_CLOEXEC)] {
      try withLoop { loop in
        _ = try Input(on: loop, descriptor) {
          #expect($0.bytes.isEmpty && $0.ends == [nil])
          loop.stop()
        }
      }
    }
  }

  @Test("a terminal is read line by line, or key by key in raw mode")
  func terminal() throws {
    let (master, slave) = try makeTerminal()
    let before = Identity(slave)
    try withLoop { loop in
      let input = try Input(on: loop, slave) {
        #expect($0.text == "line\nx" && $0.ends == [nil])
        loop.stop()
      }
      #expect(input.stream?.isTerminal == true)
      #expect(write(master, "lin", 3) == 3)
      #expect(write(master, "e\n", 2) == 2)
      input.onReceived = { [unowned input] in
        if input.text == "line\n" {
          #expect(throws: Never.self) { try input.stream?.setRaw(true) }
          #expect(write(master, "x", 1) == 1)
        } else {
          #expect(input.text == "line\nx")
          #expect(throws: Never.self) { try input.stream?.setRaw(false) }
          #expect(write(master, "\u{4}", 1) == 1)  // Ctrl-D: the end of the input
        }
      }
    }
    #expect(Identity(slave) != before)
    close(master)
  }

  @Test("a socket is read to its end")
  func socket() throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    #expect(write(ends[0], "socket", 6) == 6)
    close(ends[0])
    try withLoop { loop in
      _ = try Input(on: loop, ends[1]) {
        #expect($0.text == "socket" && $0.ends == [nil])
        loop.stop()
      }
    }
  }

  @Test("a descriptor that is not open, and a directory, are errors")
  func impossible() throws {
    try withLoop { loop in
      #expect(throws: UVError.badDescriptor) { try Input(on: loop, 9_999_999) { _ in } }
      let directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      #expect(throws: UVError.notSupported) { try Input(on: loop, directory) { _ in } }
      #expect(close(directory) == 0)
      loop.stop()
    }
  }

  @Test("closing ends the calls, also in the middle of a read")
  func closing() throws {
    let (reading, writing) = try makePipe()
    let file = try makeFile([UInt8](repeating: 1, count: 1_000_000))
    let (readingBefore, fileBefore) = (Identity(reading), Identity(file))
    try withLoop { loop in
      var received = 0
      for descriptor in [reading, file] {
        let input = try Input(on: loop, descriptor) { _ in Issue.record("ended") }
        input.onReceived = { [unowned input] in
          received += 1
          input.stream?.close()
          input.stream?.close()
          input.stream?.resume()
        }
      }
      let unread = try Input(on: loop, try makeFile([1, 2, 3])) { _ in Issue.record("ended") }
      unread.onReceived = { Issue.record("received") }
      unread.stream?.close()
      #expect(write(writing, "x", 1) == 1)
      when(received == 2, on: loop) {
        after(.milliseconds(5), on: loop) {
          #expect(received == 2)
          loop.stop()
        }
      }
    }
    #expect(Identity(reading) != readingBefore && Identity(file) != fileBefore)
    close(writing)
  }
}

@Suite struct OutputStreamTests {
  private func readAll(_ descriptor: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while case let count = read(descriptor, &piece, piece.count), count > 0 { all += piece[..<count] }
    return all
  }

  @Test("a file gets everything, in order")
  func file() throws {
    let file = try makeFile()
    let before = Identity(file)
    let copy = dup(file)
    defer { close(copy) }
    var expected: [UInt8] = []
    try withLoop { loop in
      let output = try UVRuntime.OutputStream(on: loop, descriptor: file) { Issue.record($0) }
      for index in 0..<2000 {
        let line = Array("line \(index)\n".utf8)
        output.write(line)
        expected += line
      }
      #expect(output.pendingBytes == expected.count)
      output.whenFlushed { error in
        #expect(error == nil && output.pendingBytes == 0)
        output.write("the end")
        output.closeAfterFlush(deadline: .seconds(10))
        output.write("dropped")
        output.whenFlushed { _ in loop.stop() }
      }
    }
    lseek(copy, 0, SEEK_SET)
    let isWhole = readAll(copy) == expected + Array("the end".utf8)
    #expect(isWhole)
    #expect(Identity(file) != before)
  }

  @Test("a slow pipe does not block the loop and gets everything, in order")
  func slowPipe() throws {
    let (reading, writing) = try makePipe()
    _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
    try withLoop { loop in
      let output = try UVRuntime.OutputStream(on: loop, descriptor: writing) { Issue.record($0) }
      output.write(content)
      var flushed: [String] = []
      output.whenFlushed { _ in flushed.append("content") }
      var all: [UInt8] = []
      func readSome() {
        all += readAll(reading)
        if all.count < content.count {
          #expect(flushed.isEmpty || output.pendingBytes == 0)
          return after(.milliseconds(1), on: loop, readSome)
        }
        output.whenFlushed { error in
          #expect(error == nil)
          flushed.append("all")
          #expect(flushed == ["content", "all"])
          loop.stop()
        }
      }
      when(output.pendingBytes < content.count, on: loop) {  // the pipe is full
        #expect(output.pendingBytes > 0 && flushed.isEmpty)
        readSome()
      }
    }
    close(reading)
  }

  @Test("a pipe that nobody reads any more: broken pipe, once")
  func brokenPipe() throws {
    let (reading, writing) = try makePipe()
    close(reading)
    let before = Identity(writing)
    try withLoop { loop in
      var errors: [UVError] = []
      var waited: [UVError?] = []
      let output = try UVRuntime.OutputStream(on: loop, descriptor: writing) { error in
        errors.append(error)
        after(.milliseconds(5), on: loop) {
          #expect(errors == [.brokenPipe])
          #expect(waited == [.brokenPipe, .canceled])
          loop.stop()
        }
      }
      output.write("lost")
      output.whenFlushed { error in
        waited.append(error)
        output.write("also lost")
        output.whenFlushed { waited.append($0) }
        output.close()
      }
    }
    #expect(Identity(writing) != before)
  }

  /// In a process of its own where SIGPIPE has its deadly default.
  @Test("a broken pipe or connection does not kill the process")
  func deadlySignal() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      let (reading, writing) = try makePipe()
      close(reading)
      let loop = try EventLoop()
      let output = try UVRuntime.OutputStream(on: loop, descriptor: writing) { error in
        precondition(error == .brokenPipe)
        loop.stop()
      }
      output.write("lost")
      loop.run()
      _exit(0)
    }
  }

  @Test("a full disk is reported, once")
  func fullDisk() throws {
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(full >= 0)
    let before = Identity(full)
    try withLoop { loop in
      var errors: [UVError] = []
      let output = try UVRuntime.OutputStream(on: loop, descriptor: full) { error in
        errors.append(error)
        after(.milliseconds(5), on: loop) {
          #expect(errors == [.noSpace])
          loop.stop()
        }
      }
      output.write("too much")
      after(.milliseconds(1), on: loop) { output.write("more") }
    }
    #expect(Identity(full) != before)
  }

  @Test("/dev/null takes everything")
  func null() throws {
    try withLoop { loop in
      let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
      let output = try UVRuntime.OutputStream(on: loop, descriptor: null) { Issue.record($0) }
      output.write([UInt8](repeating: 0, count: 10_000_000))
      output.whenFlushed { error in
        #expect(error == nil)
        loop.stop()
      }
    }
  }

  @Test("a terminal gets the text and tells its size")
  func terminal() throws {
    let (master, slave) = try makeTerminal()
    let before = Identity(slave)
    var size = winsize(ws_row: 25, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    try #require(ioctl(slave, UInt(TIOCSWINSZ), &size) == 0)
    try withLoop { loop in
      let output = try UVRuntime.OutputStream(on: loop, descriptor: slave) { Issue.record($0) }
      #expect(output.isTerminal)
      #expect(output.terminalSize?.columns == 80 && output.terminalSize?.rows == 25)
      output.write("hello\n")
      output.whenFlushed { error in
        #expect(error == nil)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = read(master, &buffer, buffer.count)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "hello\r\n")
        loop.stop()
      }
    }
    #expect(Identity(slave) != before)
    close(master)
  }

  @Test("stopping with patience writes what is pending; without, it does not wait")
  func stopping() throws {
    for patience in [Duration.seconds(10), .zero] {
      let (reading, writing) = try makePipe()
      _ = fcntl(reading, F_SETFL, O_NONBLOCK)
      let total = 500_000
      var seen = 0
      try withLoop { loop in
        let output = try UVRuntime.OutputStream(on: loop, descriptor: writing) { Issue.record($0) }
        output.write([UInt8](repeating: 3, count: total))
        func readSome() {
          seen += readAll(reading).count
          if output.pendingBytes > 0 { after(.milliseconds(1), on: loop, readSome) }
        }
        after(.milliseconds(1), on: loop) {
          loop.stop(drainingFor: patience)
          readSome()
        }
      }
      seen += readAll(reading).count
      #expect((seen == total) == (patience > .zero))
      close(reading)
    }
  }
}

@Suite struct SignalWatcherTests {
  @Test("a signal of the process is an event of the loop, until the watcher closes")
  func signals() throws {
    try withLoop { loop in
      var arrived = 0
      var watcher: SignalWatcher?
      watcher = try SignalWatcher(on: loop, signal: SIGWINCH) {
        arrived += 1
        if arrived < 3 {
          kill(getpid(), SIGWINCH)
          return
        }
        watcher?.close()
        watcher?.close()
        watcher = nil
        kill(getpid(), SIGWINCH)  // ignored by default
        after(.milliseconds(5), on: loop) {
          #expect(arrived == 3)
          loop.stop()
        }
      }
      kill(getpid(), SIGWINCH)
    }
  }

  @Test("what is no signal, or cannot be caught, is an error")
  func impossible() throws {
    try withLoop { loop in
      #expect(throws: UVError.invalidArgument) { try SignalWatcher(on: loop, signal: 0) {} }
      #expect(throws: UVError.invalidArgument) { try SignalWatcher(on: loop, signal: SIGKILL) {} }
      #expect(throws: UVError.invalidArgument) { try SignalWatcher(on: loop, signal: 9999) {} }
      loop.stop()
    }
  }
}
