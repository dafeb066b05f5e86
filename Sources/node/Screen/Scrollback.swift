// What has been said in one conversation, oldest first, and the rows that it takes on a screen of some width.
//
// Rows are made when they are looked at and kept until the width changes, so that a long past costs nothing while nobody reads it.

/// One thing said or told.
struct Entry: Equatable {
  enum Kind: Equatable {
    /// Somebody's text, under the name they are shown by.
    case text(from: String)
    /// A text of ours.
    case own(Delivery)
    case notice
    case error
  }

  /// What has become of a text of ours.
  enum Delivery: Equatable { case waiting, arrived, failed }

  var kind: Kind
  var text: String
  var time: LocalTime

  /// What it takes in memory, in bytes: its texts, and beside them itself, in an array that grows by doubling.
  var byteCount: Int {
    var count = text.utf8.count + 192
    if case .text(let sender) = kind { count += sender.utf8.count }
    return count
  }
}

/// The entries of one conversation.
struct Scrollback {
  /// More than anybody scrolls back.
  static let limit = 10_000
  /// What one conversation may take, in bytes: a stranger can send 32 KiB again and again. Talks.swift has what all may take.
  static let byteLimit = 4 << 20

  private struct Kept {
    var entry: Entry
    var rows: [Row]?
  }

  private var kept: [Kept] = []
  private(set) var byteCount = 0
  private var width = 0
  /// The number of the first entry that is still there: entries are numbered from 0 and keep their numbers.
  private(set) var first = 0

  var numbers: Range<Int> { first..<first + kept.count }
  subscript(number: Int) -> Entry { kept[number - first].entry }

  /// Adds an entry, and forgets the oldest if there are too many. Answers its number.
  @discardableResult
  mutating func append(_ entry: Entry) -> Int {
    kept.append(Kept(entry: entry))
    byteCount += entry.byteCount
    while kept.count > Self.limit || (byteCount > Self.byteLimit && kept.count > 1) { forgetOldest() }
    return first + kept.count - 1
  }

  /// Forgets some; there must be one.
  mutating func forgetOldest() {
    // Many at once: taking the first out of an array moves all the others.
    let count = max(1, kept.count / 8)
    byteCount -= kept[..<count].reduce(0) { $0 + $1.entry.byteCount }
    // A new array: the old one would keep its room.
    kept = Array(kept[count...])
    first += count
    if let next = kept.indices.first { kept[next].rows = nil }
  }

  /// Says what has become of a text of ours; nothing if it is forgotten by now.
  mutating func settle(_ number: Int, _ delivery: Entry.Delivery) {
    guard numbers.contains(number), case .own = kept[number - first].entry.kind else { return }
    kept[number - first].entry.kind = .own(delivery)
    kept[number - first].rows = nil
  }

  mutating func clear() {
    first += kept.count
    kept = []
    byteCount = 0
  }

  /// The rows of an entry, with the day before it where a new one begins.
  mutating func rows(of number: Int, width: Int) -> [Row] {
    if width != self.width {
      self.width = width
      for index in kept.indices where kept[index].rows != nil { kept[index].rows = nil }
    }
    let index = number - first
    if let rows = kept[index].rows { return rows }
    let entry = kept[index].entry
    let isNewDay = index == 0 || kept[index - 1].entry.time.day != entry.time.day
    let rows = (isNewDay ? [EntryRows.day(entry.time.day, width: width)] : []) + EntryRows.of(entry, width: width)
    kept[index].rows = rows
    return rows
  }
}

// MARK: - Looking at it

/// Where somebody looks: the row at the bottom of the window. Nil is the end, wherever that moves.
struct ScrollPlace: Equatable {
  var number: Int
  /// Of the rows of that entry.
  var row: Int
}

extension Scrollback {
  /// The rows that are seen in a window, the last one at its bottom.
  mutating func window(_ height: Int, width: Int, at place: ScrollPlace?) -> [Row] {
    var rows: [Row] = []
    guard var number = numbers.last else { return [] }
    var limit = Int.max
    if let place {
      number = min(max(place.number, first), number)
      limit = place.number == number ? place.row + 1 : Int.max
    }
    while rows.count < height, numbers.contains(number) {
      let own = self.rows(of: number, width: width)
      rows = Array(own.prefix(limit)) + rows
      limit = Int.max
      number -= 1
    }
    return Array(rows.suffix(height))
  }

  /// The place so many rows further up (or down, if negative); nil at the end. The first row never leaves the window's top.
  mutating func place(_ rows: Int, above place: ScrollPlace?, height: Int, width: Int) -> ScrollPlace? {
    guard let last = numbers.last else { return nil }
    var number = min(max(place?.number ?? last, first), last)
    var row = min(place?.row ?? Int.max, self.rows(of: number, width: width).count - 1)
    var left = rows
    while left > 0, row > 0 || number > first {
      left -= 1
      row -= 1
      if row < 0 {
        number -= 1
        row = self.rows(of: number, width: width).count - 1
      }
    }
    while left < 0 {
      left += 1
      row += 1
      guard row >= self.rows(of: number, width: width).count else { continue }
      guard number < last else { return nil }
      number += 1
      row = 0
    }
    return notAbove(ScrollPlace(number: number, row: row), height: height, width: width)
  }

  /// The place at which the very first row is at the top; nil if everything fits into the window.
  mutating func placeOfFirst(height: Int, width: Int) -> ScrollPlace? {
    guard let number = numbers.first else { return nil }
    return notAbove(ScrollPlace(number: number, row: 0), height: height, width: width)
  }

  /// The window is full as long as there is enough to fill it.
  private mutating func notAbove(_ place: ScrollPlace, height: Int, width: Int) -> ScrollPlace? {
    var above = place.row
    var number = place.number
    while above < height - 1, number > first {
      number -= 1
      above += self.rows(of: number, width: width).count
    }
    var (lowered, missing) = (place, height - 1 - above)
    while missing > 0 {
      missing -= 1
      lowered.row += 1
      guard lowered.row >= self.rows(of: lowered.number, width: width).count else { continue }
      guard lowered.number < numbers.upperBound - 1 else { return nil }
      lowered = ScrollPlace(number: lowered.number + 1, row: 0)
    }
    let isEnd = lowered.number == numbers.last && lowered.row == self.rows(of: lowered.number, width: width).count - 1
    return isEnd ? nil : lowered
  }
}
