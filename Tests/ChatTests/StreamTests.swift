import Chord
import Testing

@testable import Chat

@Suite("Streams of texts")
struct StreamTests {
  static func outgoing(_ texts: [String]) -> Outgoing {
    var outgoing = Outgoing(epoch: 1)
    for (index, text) in texts.enumerated() {
      outgoing.append(text, UInt64(index) + 100, at: Instant(nanoseconds: Int64(index)))
    }
    return outgoing
  }

  @Test("texts go in runs of as many as a message takes, and the window bounds them")
  func runs() {
    var outgoing = Self.outgoing((1...600).map { "\($0)" })
    var sent: [(first: UInt64, count: Int)] = []
    while let next = outgoing.next(windowTexts: 550, windowBytes: 1 << 20) {
      sent.append((next.first, next.texts.count))
    }
    #expect(sent.map(\.first) == [1, 257, 513] && sent.map(\.count) == [256, 256, 38])
    #expect(outgoing.inFlight == 550 && !outgoing.canSend(windowTexts: 550, windowBytes: 1 << 20))

    var long = Self.outgoing([String](repeating: String(repeating: "x", count: 20_000), count: 5))
    sent = []
    while let next = long.next(windowTexts: 9, windowBytes: 70_000) { sent.append((next.first, next.texts.count)) }
    #expect(sent.map(\.first) == [1, 2, 3] && sent.map(\.count) == [1, 1, 1] && long.inFlight == 3)
    var longest = Self.outgoing([String](repeating: String(repeating: "x", count: 32_768), count: 2))
    sent = []
    while let next = longest.next(windowTexts: 9, windowBytes: 1) { sent.append((next.first, next.texts.count)) }
    #expect(sent.map(\.count) == [1], "one text always fits, and no more")
  }

  @Test("what is acknowledged leaves with its tickets, and what is not is sent again as it was")
  func acknowledged() {
    let texts = (1...300).map { "text \($0)" }
    var outgoing = Self.outgoing(texts)
    while outgoing.next(windowTexts: 300, windowBytes: 1 << 20) != nil {}
    let shown = outgoing.acknowledge(upTo: 130)
    #expect(shown?.first == 1 && shown?.tickets == Array(100..<230))
    #expect(outgoing.first == 131 && outgoing.waiting == 170 && outgoing.inFlight == 170)
    let (twice, neverSent) = (outgoing.acknowledge(upTo: 130), outgoing.acknowledge(upTo: 301))
    #expect(twice == nil && neverSent == nil)
    outgoing.rewind()
    var again: [String] = []
    while let next = outgoing.next(windowTexts: 300, windowBytes: 1 << 20) {
      #expect(next.first == 131 + UInt64(again.count))
      again += Array(next.texts)
    }
    #expect(again == Array(texts[130...]))
    let rest = outgoing.acknowledge(upTo: 300)
    #expect(rest?.tickets.count == 170)
    #expect(outgoing.isEmpty && outgoing.waitingBytes == 0 && outgoing.inFlight == 0 && outgoing.first == 301)
  }

  @Test("a queue that is filled and emptied for long keeps its order and its count of bytes")
  func longLife() {
    var outgoing = Outgoing(epoch: 1)
    var generator = Generator(seed: 5)
    var (written, acknowledged, received) = (UInt64(0), UInt64(0), UInt64(0))
    for _ in 0..<2_000 {
      for _ in 0..<Int(generator.next() % 40) {
        written += 1
        outgoing.append(
          String(repeating: "\(written)·", count: 1 + Int(generator.next() % 60)), written, at: Instant(nanoseconds: 0))
      }
      if generator.next() % 10 == 0 {
        outgoing.rewind()
        received = acknowledged
      }
      while let next = outgoing.next(windowTexts: 90, windowBytes: 50_000) {
        #expect(next.first == received + 1)
        for text in next.texts {
          received += 1
          #expect(text.hasPrefix("\(received)·"))
        }
      }
      #expect(outgoing.inFlight <= 90 && outgoing.waiting == Int(written - acknowledged))
      let upTo = acknowledged + generator.next() % (received - acknowledged + 1)
      if let shown = outgoing.acknowledge(upTo: upTo) {
        #expect(shown.tickets == Array(acknowledged + 1...upTo))
        acknowledged = upTo
      }
    }
    #expect(written > 30_000 && acknowledged > 10_000)
  }

  @Test("of a run that was shown in part the rest is shown, and a run before its turn is not")
  func partial() {
    var incoming = Incoming()
    _ = incoming.begin(epoch: 7, first: 11)
    let runs: [(sequence: UInt64, count: Int, verdict: Incoming.Verdict, received: UInt64)] = [
      (12, 3, .gap, 10), (11, 4, .show(skipping: 0), 14), (11, 4, .duplicate, 14), (13, 5, .show(skipping: 2), 17),
      (18, 1, .show(skipping: 0), 18),
    ]
    for run in runs {
      let verdict = incoming.accept(run.sequence, count: run.count)
      #expect(verdict == run.verdict && incoming.received == run.received)
    }
    #expect(Array(TextRun(["a", "bc", "d"]).dropping(1)) == ["bc", "d"])
  }

  @Test("of texts given up one after the other the other side is told twice a second, and they do not come back")
  func givenUpOneByOne() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    world.give(alice, .open(world.user(bob), 0))
    world.run(for: .seconds(1))
    world.drops = { if case .texts = $0 { true } else { false } }
    for ticket in UInt64(1)...7_000 {
      if ticket == 6_000 { world.sent = [] }
      world.give(alice, .send(world.user(bob), "\(ticket)", ticket))
      world.run(for: .milliseconds(5))
    }
    // Five seconds in which a thousand texts were given up.
    let openings = world.sent.count { if case .open = $0 { true } else { false } }
    #expect((5...12).contains(openings), "\(openings)")
    let failed = world.told(alice).answers.count - 1
    #expect((900...1_001).contains(failed), "none was given up early, or more than half a second late: \(failed)")
    world.drops = { _ in false }
    world.run(for: .seconds(4))
    let shown = world.told(bob).texts.compactMap { UInt64($0.text) }
    let lost = UInt64(world.told(alice).answers.count { if case .failed = $0.effect { true } else { false } })
    #expect(shown.count > 5_000 && shown == Array(lost + 1...7_000))
    #expect(world.told(alice).delivered.count == shown.count)
  }

  @Test("texts that are given together leave in one message and are acknowledged by one")
  func together() throws {
    let world = World()
    let (alice, bob) = (try world.add("alice"), try world.add("bob"))
    world.give(alice, .open(world.user(bob), 0))
    world.run(for: .seconds(1))
    world.sent = []
    let user = world.user(bob)
    world.give(alice, .send(user, "one", 1), .send(user, "two", 2), .send(user, "three", 3))
    world.run(for: .seconds(1))
    #expect(
      world.told(bob).texts.map(\.text) == ["one", "two", "three"] && world.told(bob).texts.map(\.id) == [1, 2, 3])
    #expect(world.told(alice).delivered == [1, 2, 3])
    #expect(world.sent.count == 2)
  }
}
