import Testing

@testable import UVRuntime

@Suite struct DeadlineTests {
  @Test("deadlines fire in the order of their moments, equal ones in the order of setting")
  func order() throws {
    try withLoop { loop in
      var fired: [Int] = []
      let start = loop.now
      let delays = [5, 1, 3, 3, 2, 0, 5, 1]
      let deadlines = delays.indices.map { index in Deadline(on: loop) { fired.append(index) } }
      for (deadline, delay) in zip(deadlines, delays) { deadline.set(start + .milliseconds(delay)) }
      after(.milliseconds(6), on: loop) {
        #expect(fired == [5, 1, 7, 4, 2, 3, 0, 6])
        #expect(deadlines.allSatisfy { !$0.isSet })
        loop.stop()
      }
    }
  }

  @Test("a deadline never fires early, whatever the fraction of a millisecond")
  func neverEarly() throws {
    try withLoop { loop in
      var left = 200
      var deadline: Deadline?
      var asked = loop.now
      func next() {
        asked = LoopTime.current + .microseconds(left * 37 % 3000)
        deadline?.set(asked)
      }
      deadline = Deadline(on: loop) {
        #expect(LoopTime.current >= asked)
        #expect(loop.now >= asked)
        left -= 1
        if left > 0 { return next() }
        deadline = nil
        loop.stop()
      }
      next()
    }
  }

  @Test("a deadline set again within its callback, for a moment long past, lets the loop turn")
  func noSpinning() throws {
    try withLoop { loop in
      var fired = 0
      let count = Box(0)
      var deadline: Deadline?
      deadline = Deadline(on: loop) {
        fired += 1
        #expect(fired <= Int(loop.statistics.turns))
        deadline?.set(LoopTime(nanoseconds: 0))
        // Jobs get their turn although a deadline is always due.
        loop.post { count.value += 1 }
        guard count.value >= 50 else { return }
        deadline = nil
        loop.stop()
      }
      deadline?.set(LoopTime(nanoseconds: 0))
    }
  }

  @Test("a deadline cancelled by one that is due at the same moment does not fire")
  func cancelDue() throws {
    try withLoop { loop in
      let moment = loop.now + .milliseconds(1)
      var fired: [String] = []
      let second = Deadline(on: loop) { fired.append("second") }
      let moved = Deadline(on: loop) {
        fired.append("moved")
        after(.milliseconds(1), on: loop) {
          #expect(fired == ["first", "moved"])
          loop.stop()
        }
      }
      var dropped: Deadline? = Deadline(on: loop) { fired.append("dropped") }
      let first = Deadline(on: loop) {
        fired.append("first")
        second.cancel()
        second.cancel()
        moved.set(moment + .milliseconds(2))
        dropped = nil
      }
      first.set(moment)
      second.set(moment)
      moved.set(moment)
      dropped?.set(moment)
      after(.seconds(3600), on: loop) { _ = (first, dropped) }  // holds them
    }
  }

  @Test("an earlier moment replaces a later one, and the other way round")
  func moving() throws {
    try withLoop { loop in
      let start = loop.now
      var fired: [String] = []
      let sooner = Deadline(on: loop) { fired.append("sooner") }
      let later = Deadline(on: loop) { fired.append("later") }
      sooner.set(start + .seconds(3600))
      sooner.set(start + .milliseconds(2))
      later.set(start + .milliseconds(1))
      later.set(start + .milliseconds(5))
      after(.milliseconds(4), on: loop) {
        #expect(fired == ["sooner"])
        #expect(!sooner.isSet && later.isSet)
      }
      after(.milliseconds(8), on: loop) {
        #expect(fired == ["sooner", "later"])
        #expect(!later.isSet)
        loop.stop()
      }
    }
  }

  @Test("a hundred thousand deadlines are set, moved and cancelled, and the right ones fire in order")
  func many() throws {
    try withLoop { loop in
      var random: UInt64 = 88_172_645_463_325_252
      func next() -> UInt64 {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random
      }
      let start = loop.now
      var moments = [LoopTime?](repeating: nil, count: 100_000)
      var fired = 0
      var last = LoopTime(nanoseconds: 0)
      var deadlines: [Deadline] = []
      for index in moments.indices {
        deadlines.append(
          Deadline(on: loop) {
            fired += 1
            guard let moment = moments[index] else {
              Issue.record("a cancelled deadline fired")
              return
            }
            #expect(moment >= last)
            last = moment
            moments[index] = nil
          })
      }
      for round in 0..<3 {
        for index in moments.indices where round == 0 || next() % 3 == 0 {
          let moment = start + .microseconds(Int(next() % 50_000))
          moments[index] = moment
          deadlines[index].set(moment)
        }
        for index in moments.indices where next() % 4 == 0 {
          moments[index] = nil
          deadlines[index].cancel()
        }
      }
      let expected = moments.count { $0 != nil }
      #expect(loop.state.pointee.deadlines.count == expected + 1)  // and the limit of the test
      after(start + .milliseconds(51) - loop.now, on: loop) {
        #expect(fired == expected)
        #expect(moments.allSatisfy { $0 == nil })
        deadlines = []
        loop.stop()
      }
    }
  }

  @Test("deadlines that are still set when the loop ends do not fire, and can be used without effect afterwards")
  func afterTheEnd() throws {
    let loop = try EventLoop()
    let deadline = Deadline(on: loop) { Issue.record("fired") }
    deadline.set(loop.now + .seconds(3600))
    loop.stop()
    loop.run()
    #expect(!deadline.isSet)
    deadline.set(loop.now)
    deadline.cancel()
    #expect(!deadline.isSet)
  }
}
