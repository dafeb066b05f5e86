// The heap of deadlines that all machines share.

import Chord
import Testing

@Suite("The heap of deadlines")
struct DeadlineQueueTests {
  @Test("gives the earliest first, equal ones by their keys, and nothing before its time")
  func order() {
    var queue = DeadlineQueue<UInt32>()
    var generator = Generator(seed: 5)
    var expected: [(Int64, UInt32)] = []
    for _ in 0..<500 {
      let entry = (Int64(generator.next() % 100), UInt32(generator.next() % 50))
      expected.append(entry)
      queue.insert(entry.1, at: Instant(nanoseconds: entry.0))
    }
    expected.sort { $0 < $1 }
    var met: [(Int64, UInt32)] = []
    for now in 0..<100 as Range<Int64> {
      while let due = queue.popDue(at: Instant(nanoseconds: now)) {
        #expect(due.at.nanoseconds == now)
        met.append((due.at.nanoseconds, due.key))
      }
    }
    #expect(met.elementsEqual(expected, by: ==))
    #expect(queue.count == 0 && queue.first == nil)
  }
}
