// The texts on their way to one user: a queue whose front part is in flight.
//
//      first                  first + inFlight                 first + waiting
//        | in flight, sent on this link | waiting for the window    |
//
// A text's sequence number is its place in the queue, so nothing need be stored or looked up by number. Acknowledged texts
// leave at the front. All texts wait equally long, so those that are given up leave at the front too: what was never sent
// gives its number to the next, what was sent burns it, and the other side is told the new `first` before anything
// else, so that a text that was reported as failed is never shown because of a later attempt.

import Chord

/// Our stream of texts to one user.
struct Outgoing {
  /// A text that is not acknowledged yet.
  struct Item {
    var text: String
    var bytes: Int
    var ticket: Ticket
    var deadline: Instant
  }

  /// Names the stream; not 0.
  private(set) var epoch: UInt64
  /// The sequence number of the text at the front.
  private(set) var first: UInt64 = 1
  /// The highest sequence number that was ever sent.
  private(set) var highestSent: UInt64 = 0
  /// How many of the texts at the front are in flight on the present link.
  private(set) var inFlight = 0
  private(set) var waitingBytes = 0
  private var flightBytes = 0
  private var items: [Item] = []
  private var head = 0

  init(epoch: UInt64) {
    self.epoch = epoch
  }

  var waiting: Int { items.count - head }
  var isEmpty: Bool { head == items.count }
  /// When the text at the front is given up.
  var deadline: Instant? { isEmpty ? nil : items[head].deadline }

  mutating func append(_ item: Item) {
    items.append(item)
    waitingBytes += item.bytes
  }

  /// The next text to send, if the window has room for it.
  mutating func next(windowTexts: Int, windowBytes: Int) -> (sequence: UInt64, text: String)? {
    guard inFlight < waiting, inFlight < windowTexts else { return nil }
    let index = head + inFlight
    guard inFlight == 0 || flightBytes + items[index].bytes <= windowBytes else { return nil }
    let sequence = first + UInt64(inFlight)
    inFlight += 1
    flightBytes += items[index].bytes
    highestSent = max(highestSent, sequence)
    return (sequence, items[index].text)
  }

  /// Nothing is in flight any more: the link is gone, or the other side has said what it has.
  mutating func rewind() {
    inFlight = 0
    flightBytes = 0
  }

  /// Whether the other side can have everything up to this number.
  func canAcknowledge(_ sequence: UInt64) -> Bool { sequence <= highestSent }

  /// Takes out the front text if `sequence` covers it; call until nil.
  mutating func acknowledge(upTo sequence: UInt64) -> (ticket: Ticket, id: UInt64)? {
    guard !isEmpty, first <= sequence, canAcknowledge(sequence) else { return nil }
    let id = first
    first += 1
    return (removeFront().ticket, id)
  }

  /// Takes out the front text if its time is over; call until nil.
  mutating func expire(at now: Instant) -> Ticket? {
    guard let deadline, deadline <= now else { return nil }
    return discard()
  }

  /// Takes out the front text, whatever its time; call until nil.
  mutating func discard() -> Ticket? {
    guard !isEmpty else { return nil }
    if first <= highestSent { first += 1 }
    return removeFront().ticket
  }

  /// Begins a new stream with the texts that wait, none of which may have been sent.
  mutating func restart(epoch: UInt64) {
    self.epoch = epoch
    first = 1
    highestSent = 0
    rewind()
  }

  private mutating func removeFront() -> Item {
    let item = items[head]
    items[head].text = ""  // free the text now, the place later
    head += 1
    waitingBytes -= item.bytes
    if inFlight > 0 {
      inFlight -= 1
      flightBytes -= item.bytes
    }
    if head == items.count {
      items.removeAll(keepingCapacity: items.count <= 1_024)
      head = 0
    } else if head >= 1_024, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return item
  }
}
