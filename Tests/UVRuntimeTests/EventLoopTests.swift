import CLibUV
import Glibc
import Testing

@testable import UVRuntime

/// An actor that lives on a loop.
private actor Room {
  let loop: EventLoop
  var visits = 0

  init(on loop: EventLoop) { self.loop = loop }

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  func visit() -> Int {
    #expect(loop.isCurrent)
    visits += 1
    return visits
  }

  nonisolated func visitFromCallback() {
    assumeIsolated { $0.visits += 1 }
  }
}

@Suite struct EventLoopTests {
  @Test("a loop that never ran goes away without a trace")
  func neverRun() throws {
    weak var gone: EventLoop?
    do {
      let loop = try EventLoop()
      gone = loop
      #expect(loop.openHandles == 0)
    }
    #expect(gone == nil)
  }

  @Test("a loop is let go after its end")
  func letGo() throws {
    weak var gone: EventLoop?
    do {
      let loop = try EventLoop()
      gone = loop
      loop.stop()
      loop.run()
      #expect(!loop.post {})
    }
    #expect(gone == nil)
  }

  @Test("jobs run in the order of posting, on the loop")
  func orderOfJobs() throws {
    let seen = Box<[Int]>([])
    try withLoop { loop in
      for index in 0..<100 {
        loop.post {
          #expect(loop.isCurrent)
          seen.value.append(index)
        }
      }
      loop.post { loop.post { loop.stop() } }
      #expect(!loop.isCurrent)
    }
    #expect(seen.value == Array(0..<100))
  }

  @Test("many threads post: nothing is lost, each thread's order is kept")
  func manyThreads() async throws {
    let loop = try EventLoop.start(threadName: "many-threads")
    let seen = Box([Int](repeating: 0, count: 8))
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<8 {
        group.addTask {
          for index in 0..<5000 {
            let accepted = loop.post {
              #expect(seen.value[thread] == index)
              seen.value[thread] += 1
            }
            #expect(accepted)
          }
        }
      }
    }
    loop.stop()
    await loop.waitUntilClosed()
    #expect(seen.value == [Int](repeating: 5000, count: 8))
    #expect(!loop.post {})
  }

  @Test("posting races with the end: what was accepted runs, what was refused does not")
  func postingRacesWithTheEnd() async throws {
    for _ in 0..<20 {
      let loop = try EventLoop.start(threadName: "race")
      let ran = Box(0)
      let accepted = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<3 {
          group.addTask {
            var accepted = 0
            while loop.post({ ran.value += 1 }) {
              accepted += 1
              if accepted == 40 { loop.stop() }
            }
            return accepted
          }
        }
        return await group.reduce(0, +)
      }
      await loop.waitUntilClosed()
      #expect(ran.value == accepted)
    }
  }

  @Test("a thread can wait for the end, also after it")
  func waiting() throws {
    let loop = try EventLoop.start(threadName: "a name that is longer than fifteen bytes")
    let name = Box("")
    loop.post {
      var buffer = [CChar](repeating: 0, count: 32)
      let file = open("/proc/thread-self/comm", O_RDONLY)
      _ = read(file, &buffer, buffer.count - 1)
      close(file)
      name.value = buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      loop.stop()
    }
    loop.waitUntilClosed()
    loop.waitUntilClosed()
    #expect(name.value == "a name that is \n")
    #expect(!loop.isCurrent)
  }

  @Test("a loop ends although somebody keeps posting, and is let go although something was still to be sent")
  func endsUnderLoad() throws {
    weak var gone: EventLoop?
    do {
      let loop = try EventLoop()
      gone = loop
      let posted = Box(0)
      @Sendable func again() {
        posted.value += 1
        loop.post(again)
      }
      let server = Recorder()
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { $0.handler = server }
      let client = Recorder()
      client.onConnected = { connection in
        again()
        connection.write([1])
        loop.stop()
      }
      client.onClosed = { $0.write([2]) }
      _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: client)
      loop.run()
      #expect(posted.value > 0)
      #expect(client.closeds == 1)
    }
    #expect(gone == nil)
  }

  @Test("stopping twice, and before the run, is stopping")
  func stopTwice() throws {
    let loop = try EventLoop()
    loop.stop()
    loop.stop(drainingFor: .seconds(1))
    loop.run()
    loop.stop()
  }

  @Test("a stopped loop makes no new handles")
  func noHandlesWhileStopping() throws {
    let loop = try EventLoop()
    let errors = Box<[UVError]>([])
    loop.stop()
    loop.post {
      do throws(UVError) {
        _ = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in }
      } catch {
        errors.value.append(error)
      }
    }
    loop.run()
    #expect(errors.value == [.canceled])
    #expect(throws: UVError.canceled) {
      try TCPConnection(on: loop, to: .loopback4(port: 1), timeout: .seconds(1), handler: Recorder())
    }
  }

  @Test("the time of a turn stands still within it and goes on with the next")
  func time() throws {
    try withLoop { loop in
      let first = Box(LoopTime(nanoseconds: 0))
      loop.post {
        first.value = loop.now
        for _ in 0..<1000 { #expect(loop.now == first.value) }
        loop.post {
          #expect(loop.now > first.value)
          loop.stop()
        }
      }
      #expect(loop.wallClockMilliseconds > 1_700_000_000_000)
    }
  }

  @Test("open handles are known by name")
  func names() throws {
    try withLoop { loop in
      let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { _ in }
      let watcher = try SignalWatcher(on: loop, signal: SIGURG) {}
      #expect(loop.openHandles == 2)
      #expect(loop.openHandleNames.sorted() == ["signal", "tcp"])
      listener.close()
      watcher.close()
      loop.stop()
    }
  }

  @Test("stopping closes everything that is still open")
  func stopClosesEverything() throws {
    let recorder = Recorder()
    let loop = try EventLoop()
    let listener = try TCPListener(on: loop, address: .loopback4(port: 0)) { $0.handler = recorder }
    _ = try SignalWatcher(on: loop, signal: SIGURG) {}
    let (reading, writing) = try makePipe()
    let before = Identity(reading)
    _ = try InputStream(on: loop, descriptor: reading, { _ in }, { _ in Issue.record("ended") })
    let output = try UVRuntime.OutputStream(on: loop, descriptor: try makeFile(), { _ in Issue.record("failed") })
    let client = Recorder()
    let box = Box(output)
    client.onConnected = { _ in
      box.value.write("never awaited")
      loop.post { loop.stop() }
    }
    _ = try TCPConnection(on: loop, to: listener.address, timeout: .seconds(10), handler: client)
    loop.run()
    #expect(client.closeds == 1 && client.error == nil)
    #expect(loop.openHandles == 0)
    #expect(Identity(reading) != before)
    close(writing)
  }

  @Test("an actor lives on a loop that runs on its own thread")
  func actorOnLoop() async throws {
    let loop = try EventLoop.start(threadName: "actor")
    let room = Room(on: loop)
    var last = 0
    for _ in 0..<100 { last = await room.visit() }
    #expect(last == 100)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { _ = await room.visit() } }
    }
    await withCheckedContinuation { continuation in
      loop.post {
        room.visitFromCallback()
        continuation.resume()
      }
    }
    #expect(await room.visits == 201)
    loop.stop()
    await loop.waitUntilClosed()
  }

  @Test("a task prefers the loop as its executor")
  func taskOnLoop() async throws {
    let loop = try EventLoop.start(threadName: "task")
    let task = Task(executorPreference: loop) { loop.isCurrent }
    #expect(await task.value)
    loop.stop()
    await loop.waitUntilClosed()
  }
}
