// Where fingers stand: the intervals of a base, and the points at which their members are looked up.

import Testing

@testable import Chord

@Suite("Fingers")
struct FingersTests {
  @Test("in base 2 a place is a power of two", arguments: [0, 1, 31, 32, 95, 96, 158, 159])
  func classic(exponent: Int) {
    let fingers = Fingers()
    #expect(fingers.place(at: .powerOfTwo(exponent)) == exponent)
    #expect(fingers.start(of: exponent) == .powerOfTwo(exponent))
    #expect(fingers.last == 159 && fingers.place(at: .zero) == nil)
  }

  @Test("in base 8 there are seven places to three doublings, and each begins where the one before ends")
  func baseEight() {
    let fingers = Fingers(base: 8)
    #expect(fingers.last == 54 * 7 - 1)
    #expect(fingers.start(of: fingers.last) == Identifier(fraction: 7 << 29))
    #expect(fingers.start(of: fingers.last - 6) == Identifier(fraction: 1 << 29))
    #expect(fingers.start(of: fingers.last - 7) == Identifier(fraction: 7 << 26))
    for place in 100...fingers.last {
      let start = fingers.start(of: place)
      #expect(fingers.place(at: start) == place)
      #expect(fingers.place(at: start.advanced(by: Identifier(1))) == place)
      let before = Identifier(1).distance(to: start)
      #expect(fingers.place(at: before) == place - 1)
    }
  }

  @Test("every distance has a place, also the shortest", arguments: [2, 4, 8, 16])
  func all(base: Int) throws {
    let fingers = Fingers(base: base)
    var last = -1
    for exponent in 0..<Identifier.bitCount {
      let place = try #require(fingers.place(at: .powerOfTwo(exponent)))
      #expect(place > last && place <= fingers.last)
      last = place
    }
  }

  @Test("points of an interval stand in it, and leave room behind them for those that follow")
  func points() {
    let fingers = Fingers(base: 8)
    var generator = Generator(seed: 3)
    let rest = Identifier(fraction: 1 << 20)
    var starts: Set<Identifier> = []
    for _ in 0..<100 {
      let point = fingers.point(of: fingers.last, leaving: rest, using: &generator)
      #expect(fingers.place(at: point) == fingers.last && point.distance(to: .zero) >= rest)
      starts.insert(point)
      #expect(fingers.point(of: 200, leaving: rest, using: &generator) == fingers.start(of: 200))
    }
    #expect(starts.count == 100)
  }

  @Test(
    "what is looked at next: first the places without a finger, from the longest, then each once, then one after the other"
  )
  func stages() {
    var survey = Survey()
    var now = Instant(nanoseconds: 0)
    func next() -> Int? { survey.next(from: 7, to: 9, at: now) }
    var places: [Int?] = []
    for stage in [Survey.Stage.filled, .surveyed] {
      for _ in 0..<3 {
        let place = next()
        places.append(place)
        let second = next()
        #expect(second == nil, "one lookup at a time")
        if let place { survey.set(stage, of: place) }
      }
    }
    #expect(places == [9, 8, 7, 9, 8, 7] && survey.isDone(from: 7, to: 9))
    for wanted in [9, 8] {
      let place = next()
      #expect(place == wanted)
      survey.failed(wanted)
    }
    now = now + Pace.survey
    survey.set(.empty, of: 9)
    let refilled = next()
    #expect(refilled == 9, "a finger that is gone comes first")
  }

  @Test("a place that cannot be filled keeps no other from being filled, and is tried once in a while")
  func starved() {
    var survey = Survey()
    var now = Instant(nanoseconds: 0)
    var asked: [Int] = []
    for _ in 0..<60 {
      now = now + Pace.firstFingers
      guard let place = survey.next(from: 7, to: 9, at: now) else { continue }
      asked.append(place)
      if place == 9 { survey.failed(9) } else { survey.set(.surveyed, of: place) }
    }
    #expect(asked.prefix(3) == [9, 8, 7])
    #expect(asked.dropFirst(3).allSatisfy { $0 == 9 } && asked.count == 5, "three seconds: \(asked)")
  }
}
