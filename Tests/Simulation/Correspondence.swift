// What everybody wrote, and what became of it: every text is answered once, said to be delivered only if it was shown, and shown
// once and in the order in which it was sent.

import Chat
import Chord

/// The oracle of texts.
struct Correspondence {
  /// One node, from its start to its end: after a restart with the same key it is another one.
  struct Writer: Hashable {
    var id: Identifier
    var life: Int
  }

  private struct Text {
    var from: Writer
    var to: User
    var number: Int
    var at: Instant
    var answer: Conversations.Effect?
  }

  private struct Way: Hashable {
    var from: Identifier
    var fromLife: Int
    var to: Writer
  }

  private var texts: [Ticket: Text] = [:]
  private var open: Set<Ticket> = []
  /// The last text shown of each writer at each reader.
  private var lastShown: [Way: Int] = [:]
  private var shown: Set<Ticket> = []
  private var lastTicket: Ticket = 0
  private(set) var delivered = 0
  private(set) var failed = 0
  /// Texts that were shown to their readers.
  var shownCount: Int { shown.count }

  /// What a text says: enough to know it again.
  private static func text(_ ticket: Ticket) -> String { "text \(ticket)" }

  mutating func write(from: Writer, to: User, at now: Instant) -> Engine.Event {
    lastTicket += 1
    texts[lastTicket] = Text(from: from, to: to, number: Int(lastTicket), at: now)
    open.insert(lastTicket)
    return .chat(.send(to, Self.text(lastTicket), lastTicket))
  }

  /// Takes in what a node told; what is wrong with that, if anything is.
  mutating func heard(_ effect: Conversations.Effect, at reader: Writer, now: Instant) -> String? {
    switch effect {
    case .messages(_, let run, _):
      for said in run { if let wrong = wasShown(said, at: reader) { return wrong } }
      return nil
    case .delivered(let tickets, let id):
      for (offset, ticket) in tickets.enumerated() {
        if !shown.contains(ticket) { return "text \(ticket) said to be delivered, but never shown" }
        delivered += 1
        let answer = Conversations.Effect.delivered([ticket], id: id + UInt64(offset))
        if let wrong = answered(ticket, answer, by: reader, now: now) { return wrong }
      }
      return nil
    case .failed(let ticket, _) where texts[ticket] != nil:
      failed += 1
      return answered(ticket, effect, by: reader, now: now)
    default: return nil
    }
  }

  private mutating func wasShown(_ said: String, at reader: Writer) -> String? {
    guard let ticket = Ticket(said.dropFirst(5)), let text = texts[ticket] else {
      return "a text nobody wrote: \(said)"
    }
    let way = Way(from: text.from.id, fromLife: text.from.life, to: reader)
    if let last = lastShown[way], last >= text.number {
      return "text \(ticket) shown after text \(last) of the same writer"
    }
    lastShown[way] = text.number
    shown.insert(ticket)
    return nil
  }

  /// The engine's own refusal of a text written before there was a ring.
  mutating func refused(_ ticket: Ticket, at writer: Writer, now: Instant) -> String? {
    guard texts[ticket] != nil else { return nil }
    failed += 1
    return answered(ticket, .failed(ticket, .notInRing), by: writer, now: now)
  }

  /// Thirty seconds, and ten more for a node that had no ring when it was asked.
  private static let patience = Duration.seconds(41)

  private mutating func answered(
    _ ticket: Ticket, _ effect: Conversations.Effect, by writer: Writer, now: Instant
  ) -> String? {
    guard let text = texts[ticket], text.from == writer else { return "an answer to somebody else's text \(ticket)" }
    if let answer = text.answer { return "text \(ticket) answered twice: \(answer), \(effect)" }
    texts[ticket]?.answer = effect
    open.remove(ticket)
    return nil
  }

  /// Whoever waits for an answer from a node that is no more waits in vain.
  mutating func ended(_ writer: Writer) {
    open = open.filter { texts[$0]?.from != writer }
  }

  /// A text that has waited too long for its answer, given who was asleep and for how long at most.
  func overdue(at now: Instant, allowing sleep: Duration) -> String? {
    let late = open.min().flatMap { ticket in texts[ticket].map { (ticket, now - $0.at) } }
    guard let (ticket, waited) = late, waited > Self.patience + sleep else { return nil }
    return "text \(ticket) not answered after \(waited)"
  }
}
