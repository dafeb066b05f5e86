// Those who wait for an answer: a place in an array each, found by its ticket without a search, and used again when the answer has come.
// A text needs one for as long as it is under way, and there may be a million a second.
//
//   ticket   number of the request 38 bits · place 24 bits
//
// The number tells a place from what it was used for before: a ticket that is answered twice finds nobody the second time.

import Chat
import Chord

/// Who waits for what.
struct Answers {
  private struct Place {
    var number: UInt64
    var answer: LoopNode.Answer?
  }

  private static let placeBits: UInt64 = 24
  private static let numberMask: UInt64 = 1 << 38 - 1
  /// More than all sessions together let texts wait.
  static let limit = 1 << Int(placeBits)

  private var places: [Place] = []
  private var free: [Int] = []
  private var lastNumber: UInt64 = 0

  /// Notes somebody who waits; nil if too many do.
  mutating func insert(_ answer: LoopNode.Answer) -> Ticket? {
    lastNumber += 1
    if let place = free.popLast() {
      places[place] = Place(number: lastNumber, answer: answer)
      return ticket(place)
    }
    guard places.count < Self.limit else { return nil }
    places.append(Place(number: lastNumber, answer: answer))
    return ticket(places.count - 1)
  }

  /// Who waits for the answer to this request; nobody waits for it any more.
  mutating func take(_ ticket: Ticket) -> LoopNode.Answer? {
    let place = Int(ticket & (1 << Self.placeBits - 1))
    guard places.indices.contains(place), self.ticket(place) == ticket, let answer = places[place].answer else {
      return nil
    }
    places[place].answer = nil
    free.append(place)
    return answer
  }

  /// All who wait, in the order in which they asked.
  var open: [Ticket] {
    let taken = places.indices.filter { places[$0].answer != nil }
    return taken.sorted { places[$0].number < places[$1].number }.map(ticket)
  }

  private func ticket(_ place: Int) -> Ticket {
    (places[place].number & Self.numberMask) << Self.placeBits | UInt64(place)
  }
}
