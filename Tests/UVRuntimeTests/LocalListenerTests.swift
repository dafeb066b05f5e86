// The Unix socket that tells how its program is, and the times of turns that it may tell.

import CLibUV
import Glibc
import Testing

@testable import UVRuntime

@Suite struct LocalListenerTests {
  private func temporaryPath() -> String { "/tmp/local-listener-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock" }

  /// A connected Unix socket, or the error.
  private func connect(_ path: String) throws(UVError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      let code = errno
      close(descriptor)
      throw UVError(errno: code)
    }
    return descriptor
  }

  @Test("everybody who connects gets the whole answer and then the end, and the file goes with the listener")
  func answers() throws {
    let path = temporaryPath()
    var asked = 0
    var heard: [String] = []
    try withLoop { loop in
      let listener = try LocalListener(on: loop, path: path) {
        asked += 1
        return Array("answer \(asked) \(String(repeating: "x", count: 300_000))".utf8)
      }
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
      var open = 3
      for _ in 0..<3 {
        var text: [UInt8] = []
        _ = try UVRuntime.InputStream(
          on: loop, descriptor: try connect(path), { bytes in bytes.withUnsafeBytes { text += $0 } },
          { error in
            #expect(error == nil)
            heard.append(String(decoding: text.prefix(8), as: UTF8.self) + " \(text.count)")
            open -= 1
            guard open == 0 else { return }
            listener.close()
            listener.close()
            loop.stop()
          })
      }
    }
    #expect(heard.sorted() == (1...3).map { "answer \($0) 300009" })
    #expect(access(path, F_OK) != 0)
  }

  @Test("whoever never takes the answer does not keep the loop, and who goes away harms nobody")
  func rude() throws {
    let path = temporaryPath()
    var held: Int32 = -1
    try withLoop { loop in
      let listener = try LocalListener(on: loop, path: path) { [UInt8](repeating: 120, count: 4 << 20) }
      close(try connect(path))
      held = try connect(path)
      when(loop.openHandles >= 2, on: loop) {
        listener.close()
        loop.stop()
      }
    }
    close(held)
  }

  /// In a process of its own, as with TCPListener: there, too, libuv's spare is taken away, without which it would circle for ever.
  @Test("out of descriptors the loop goes on, and whoever has connected is answered when there are some again")
  func outOfDescriptors() async {
    await #expect(processExitsWith: .success) {
      alarm(20)
      let loop = try EventLoop()
      let tests = LocalListenerTests()
      let path = tests.temporaryPath()
      let listener = try LocalListener(on: loop, path: path) { Array("here".utf8) }
      let connected = try tests.connect(path)
      let filler = takeAllDescriptors(besides: loop)
      after(.milliseconds(300), on: loop) {
        precondition(loop.turn < 100, "\(loop.turn) turns")
        for file in filler { close(file) }
        var text: [UInt8] = []
        let stream = try? UVRuntime.InputStream(
          on: loop, descriptor: connected, { bytes in bytes.withUnsafeBytes { text += $0 } },
          { _ in
            listener.close()
            _exit(text == Array("here".utf8) ? 0 : 1)
          })
        precondition(stream != nil, "no stream")
      }
      loop.run()
    }
  }

  @Test("what a dead process has left is replaced; a path that is too long, or in no directory, is an error")
  func paths() throws {
    let path = temporaryPath()
    let left = open(path, O_CREAT | O_WRONLY, 0o600)
    close(left)
    try withLoop { loop in
      #expect(throws: UVError.invalidArgument) {
        _ = try LocalListener(on: loop, path: "/tmp/" + String(repeating: "x", count: 200)) { [] }
      }
      #expect(throws: UVError.self) { _ = try LocalListener(on: loop, path: "/no/such/place.sock") { [] } }
      let listener = try LocalListener(on: loop, path: path) { [] }
      close(try connect(path))
      listener.close()
      loop.stop()
    }
    #expect(access(path, F_OK) != 0)
  }
}

@Suite struct WorkTimesTests {
  @Test("a turn is what lies between two sleeps, without the sleep; the longest is told once")
  func turns() {
    var work = WorkTimes()
    let at = { (milliseconds: UInt64) in LoopTime(nanoseconds: milliseconds * 1_000_000) }
    work.turnEnds(at: LoopTime(nanoseconds: 2_000_050_000), awakeSince: at(2000))  // 50 µs
    work.turnEnds(at: at(2030), awakeSince: at(2000))  // 30 ms
    work.turnEnds(at: at(2033), awakeSince: at(2032))  // 1 ms
    #expect(work.counts == [1, 1, 0, 0, 1, 0])
    #expect(work.total == .microseconds(31_050))
    #expect(work.takeLongest() == .milliseconds(30) && work.takeLongest() == .zero)
    // A clock that goes back does no harm.
    work.turnEnds(at: at(2031), awakeSince: at(2032))
    #expect(work.takeLongest() == .zero)
  }

  @Test("a callback that takes its time is seen")
  func busy() throws {
    var longest = Duration.zero
    try withLoop { loop in
      after(.milliseconds(20), on: loop) {
        let end = LoopTime.current + .milliseconds(30)
        while LoopTime.current < end {}
        after(.milliseconds(1), on: loop) {
          longest = loop.takeLongestTurn()
          loop.stop()
        }
      }
    }
    #expect(longest >= .milliseconds(30))
  }

  @Test("loopback is 127/8 and ::1, and nothing else")
  func loopback() throws {
    for text in ["127.0.0.1:1", "127.255.0.9:1", "[::1]:1"] { #expect(try #require(SocketAddress(text)).isLoopback) }
    for text in ["0.0.0.0:1", "128.0.0.1:1", "[::]:1", "[::2]:1", "192.0.2.1:1"] {
      #expect(try !#require(SocketAddress(text)).isLoopback)
    }
  }
}
