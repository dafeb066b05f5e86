// The texts on their way to one user: a queue whose front part is in flight.
//
//      first                  first + inFlight                 first + waiting
//        | in flight, sent on this link | waiting for the window    |
//   bytes: 2 · text · 2 · text · …      | 2 · text · …              |
//        front                         unsent
//
// A text's sequence number is its place in the queue, so nothing need be stored or looked up by number; its bytes lie behind those of
// the text before it, as a message has them (TextRun), so that what is sent together is copied together. Acknowledged texts
// leave at the front. All texts wait equally long, so those that are given up leave at the front too: what was never sent
// gives its number to the next, what was sent burns it, and the other side is told the new `first` before anything
// else, so that a text that was reported as failed is never shown because of a later attempt.

import Chord

/// Our stream of texts to one user.
struct Outgoing {
  /// What is kept of a text besides its bytes.
  private struct Item {
    var ticket: Ticket
    var since: Instant
  }

  /// What an empty queue keeps of its memory, in texts and in bytes, so that a burst does not ask for it again and again: 24 KiB for a
  /// session at rest that has had one.
  private static let keptTexts = 512
  private static let keptBytes = 16_384

  /// Names the stream; not 0.
  private(set) var epoch: UInt64
  /// The sequence number of the text at the front.
  private(set) var first: UInt64 = 1
  /// The highest sequence number that was ever sent.
  private(set) var highestSent: UInt64 = 0
  /// How many of the texts at the front are in flight on the present link.
  private(set) var inFlight = 0
  private var items: [Item] = []
  private var head = 0
  private var bytes: [UInt8] = []
  /// Where the text at the front begins, and the first that is not in flight.
  private var front = 0
  private var unsent = 0

  init(epoch: UInt64) {
    self.epoch = epoch
  }

  var waiting: Int { items.count - head }
  var isEmpty: Bool { head == items.count }
  /// Of the texts themselves.
  var waitingBytes: Int { bytes.count - front - waiting * TextRun.lengthBytes }
  private var flightBytes: Int { unsent - front - inFlight * TextRun.lengthBytes }
  /// Since when the text at the front has waited.
  var oldest: Instant? { isEmpty ? nil : items[head].since }

  mutating func append(_ text: String, _ ticket: Ticket, at now: Instant) {
    items.append(Item(ticket: ticket, since: now))
    TextRun.append(text, to: &bytes)
  }

  // MARK: Sending

  /// Whether the window has room for the next text, if there is one.
  func canSend(windowTexts: Int, windowBytes: Int) -> Bool {
    guard inFlight < waiting, inFlight < windowTexts else { return false }
    return inFlight == 0 || flightBytes + TextRun.length(in: bytes, at: unsent) <= windowBytes
  }

  /// The next texts to send, as many as go into one message and the window has room for, and the number of the first.
  mutating func next(windowTexts: Int, windowBytes: Int) -> (first: UInt64, texts: TextRun)? {
    let start = unsent
    let sequence = first + UInt64(inFlight)
    var count = 0
    while count < TextRun.maximumCount, canSend(windowTexts: windowTexts, windowBytes: windowBytes) {
      let end = unsent + TextRun.lengthBytes + TextRun.length(in: bytes, at: unsent)
      guard end - start <= TextRun.maximumBytes else { break }
      unsent = end
      inFlight += 1
      count += 1
    }
    guard count > 0 else { return nil }
    highestSent = max(highestSent, sequence + UInt64(count) - 1)
    return (sequence, TextRun(bytes[start..<unsent], count: count))
  }

  /// Nothing is in flight any more: the link is gone, or the other side has said what it has.
  mutating func rewind() {
    inFlight = 0
    unsent = front
  }

  // MARK: Leaving the queue

  /// Whether the other side can have everything up to this number.
  func canAcknowledge(_ sequence: UInt64) -> Bool { sequence <= highestSent }

  /// Takes out the texts up to this number; answers their tickets, and the number of the first.
  mutating func acknowledge(upTo sequence: UInt64) -> (tickets: [Ticket], first: UInt64)? {
    guard !isEmpty, first <= sequence, canAcknowledge(sequence) else { return nil }
    let id = first
    let count = Int(min(sequence - first + 1, UInt64(waiting)))
    let tickets = items[head..<(head + count)].map(\.ticket)
    first += UInt64(count)
    removeFront(count)
    return (tickets, id)
  }

  /// Takes out the front text; call until nil.
  mutating func discard() -> Ticket? {
    guard !isEmpty else { return nil }
    if first <= highestSent { first += 1 }
    let ticket = items[head].ticket
    removeFront(1)
    return ticket
  }

  /// Begins a new stream with the texts that wait, none of which may have been sent.
  mutating func restart(epoch: UInt64) {
    self.epoch = epoch
    first = 1
    highestSent = 0
    rewind()
  }

  private mutating func removeFront(_ count: Int) {
    for _ in 0..<count { front += TextRun.lengthBytes + TextRun.length(in: bytes, at: front) }
    head += count
    inFlight = max(0, inFlight - count)
    if inFlight == 0 { unsent = front }
    if isEmpty {
      Self.empty(&items, keeping: Self.keptTexts)
      Self.empty(&bytes, keeping: Self.keptBytes)
      (head, front, unsent) = (0, 0, 0)
    } else if head >= 1_024, head * 2 >= items.count {
      // What has left goes when it is half of all, so each text is moved once at most.
      items.removeFirst(head)
      head = 0
    }
    if front >= 65_536, front * 2 >= bytes.count {
      bytes.removeFirst(front)
      unsent -= front
      front = 0
    }
  }
  private static func empty<Element>(_ array: inout [Element], keeping capacity: Int) {
    guard array.capacity > capacity else { return array.removeAll(keepingCapacity: true) }
    array = []
    array.reserveCapacity(capacity)
  }
}
