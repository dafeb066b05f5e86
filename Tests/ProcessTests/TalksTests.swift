// All conversations together: what they may take, and who makes room for whom.

import NodeKit
import Testing

@testable import node

@Suite("The conversations of a screen")
struct TalksTests {
  private static let budget = 64 << 20

  private func user(_ name: String) throws -> User { User(name: try UserName(name), identity: .random()) }

  private func entry(_ kind: Entry.Kind, _ text: String) -> Entry {
    Entry(kind: kind, text: text, time: LocalTime(clock: "20:01", day: "Saturday, 28 November 2026"))
  }

  private func bytes(_ talk: Talk) -> Int {
    talk.scrollback.numbers.reduce(0) { $0 + talk.scrollback[$1].text.utf8.count }
  }

  private func bytes(_ talks: Talks) -> Int { talks.all.reduce(0) { $0 + bytes($1) } }

  @Test("a stranger of a thousand names takes bounded memory, and nothing from those we have written to")
  func strangers() throws {
    var talks = Talks()
    let text = String(repeating: "x", count: 32_768)
    let bob = talks.index(with: try user("bob"))
    for number in 0..<100 { talks.append(entry(.text(from: "bob"), "\(number) \(text)"), to: bob) }
    talks.append(entry(.own(.arrived), "hi"), to: bob)
    for number in 1..<900 {
      let index = talks.index(with: try user("a\(number)"))
      for _ in 0..<8 { talks.append(entry(.text(from: "a"), text), to: index) }
    }
    #expect(bytes(talks) <= Self.budget && bytes(talks) > Self.budget / 2)
    #expect(talks[bob].scrollback.numbers == 0..<101)
    #expect(talks.all.dropFirst().allSatisfy { !$0.scrollback.numbers.isEmpty }, "the last text of each is there")
  }

  @Test("without strangers the longest conversation makes room, from its beginning on")
  func longest() throws {
    var talks = Talks()
    let text = String(repeating: "x", count: 32_768)
    let bob = talks.index(with: try user("bob"))
    talks.append(entry(.own(.arrived), "hi"), to: bob)
    for number in 1...20 {
      let index = talks.index(with: try user("friend \(number)"))
      talks.append(entry(.own(.arrived), "hi"), to: index)
      for _ in 0..<126 { talks.append(entry(.text(from: "friend"), text), to: index) }
    }
    #expect(bytes(talks) <= Self.budget && bytes(talks) > Self.budget * 3 / 4)
    #expect(talks[bob].scrollback.numbers == 0..<1)
    let numbers = talks.all[(bob + 1)...].map(\.scrollback.numbers)
    #expect(numbers.allSatisfy { $0.upperBound == 127 && $0.count > 32 })
  }

  @Test("short texts count for what they take")
  func shortTexts() throws {
    var talks = Talks()
    for number in 1...100 {
      let index = talks.index(with: try user("a\(number)"))
      for _ in 0..<10_000 { talks.append(entry(.text(from: "a"), "x"), to: index) }
    }
    #expect(talks.all.reduce(0) { $0 + $1.scrollback.numbers.count } <= Self.budget / 100)
  }

  @Test("one day is one string, however many entries it has")
  func day() {
    var talks = Talks()
    for _ in 0..<2 {
      let day = String(decoding: Array("Saturday, 28 November 2026".utf8), as: UTF8.self)
      talks.append(Entry(kind: .notice, text: "", time: LocalTime(clock: "20:01", day: day)), to: 0)
    }
    let places = [0, 1].map { number in
      talks[0].scrollback[number].time.day.utf8.withContiguousStorageIfAvailable { $0.baseAddress }
    }
    #expect(places[0] != nil && places[0] == places[1])
  }

  @Test("of too many conversations a stranger's goes first, and of those we have written to the open one last")
  func tooMany() throws {
    var talks = Talks()
    let open = try user("open"), closed = try user("closed"), unread = try user("unread")
    for user in [open, closed, unread] {
      let index = talks.index(with: user)
      talks.append(entry(.own(.arrived), "hi"), to: index)
      talks[index].isOpen = user == open
    }
    talks.append(entry(.text(from: "unread"), "hi"), to: talks.index(with: unread))
    /// Strangers whose sessions are open, and each of whom has said something.
    func crowd(_ count: Int) throws {
      for number in 0..<count {
        let index = talks.index(with: try user("a\(number)"))
        talks[index].isOpen = true
        talks.append(entry(.text(from: "a"), "hi"), to: index)
      }
    }
    try crowd(Talks.limit)
    let over = try #require(talks.all.last?.user)
    talks[talks.index(with: over)].isOpen = false
    try crowd(1)
    #expect(talks.all.count == Talks.limit && talks.index(of: over) == nil, "over, though unread")
    for user in [open, closed, unread] { #expect(talks.index(of: user) != nil, "\(user)") }
    // Now all have been written to.
    for index in talks.all.indices.dropFirst() { talks.append(entry(.own(.arrived), "hi"), to: index) }
    try crowd(1)
    #expect(talks.index(of: closed) == nil && talks.index(of: unread) != nil)
    talks.append(entry(.own(.arrived), "hi"), to: talks.all.count - 1)
    try crowd(1)
    #expect(talks.index(of: unread) == nil && talks.index(of: open) != nil)
  }
}
