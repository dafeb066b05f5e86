// Texts on a standing session: sent in order within a window, shown once, acknowledged up to a number.
//
// This is the way every text goes, so it does little: a session is an index into an array, a text a place in a queue, and an
// acknowledgement a comparison.

import Chord

extension Conversations {
  mutating func send(_ text: String, to user: User, _ ticket: Ticket, at now: Instant, into effects: inout [Effect]) {
    let bytes = text.utf8.count
    if bytes == 0 { return effects.append(.failed(ticket, .emptyText)) }
    if bytes > ChatMessage.maximumTextBytes { return effects.append(.failed(ticket, .messageTooLarge)) }
    let slot: Int
    do { slot = try session(with: user, at: now) } catch { return effects.append(.failed(ticket, error)) }
    let isNew = !table[slot].isWanted
    guard table[slot].outgoing.waiting < limits.waitingTexts,
      table[slot].outgoing.waitingBytes + bytes <= limits.waitingBytes
    else { return effects.append(.failed(ticket, .busy)) }
    table[slot].outgoing.append(
      Outgoing.Item(text: text, bytes: bytes, ticket: ticket, deadline: now + limits.persistence))
    if isNew { return begin(slot, at: now, into: &effects) }
    pump(slot, at: now, into: &effects)
    settle(slot)
  }

  /// Sends what the window has room for.
  mutating func pump(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    guard let theirs = table[slot].theirs, !table[slot].isComparing, let peer = table[slot].peer else { return }
    if table[slot].outgoing.inFlight == 0 { table[slot].lastProgress = now }
    while let next = table[slot].outgoing.next(windowTexts: limits.windowTexts, windowBytes: limits.windowBytes) {
      effects.append(.send(.text(session: theirs, sequence: next.sequence, text: next.text), to: peer))
    }
  }

  mutating func receivedText(
    _ number: UInt32, _ sequence: UInt64, _ text: String, from peer: Peer, into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id, let theirs = table[slot].theirs else {
      return effects.append(.send(.unknown(session: number), to: peer))
    }
    switch table[slot].incoming.accept(sequence) {
    case .gap: return
    case .show: effects.append(.message(table[slot].user, text: text, id: sequence))
    case .duplicate: break  // our acknowledgement was lost
    }
    effects.append(.send(.acknowledge(session: theirs, sequence: table[slot].incoming.received), to: peer))
  }

  mutating func receivedAcknowledgement(
    _ number: UInt32, _ sequence: UInt64, from peer: Peer, at now: Instant, into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id, table[slot].isStanding else { return }
    acknowledge(slot, upTo: sequence, at: now, into: &effects)
    pump(slot, at: now, into: &effects)
    settle(slot)
  }

  /// The other side has shown everything up to `sequence`. What was never sent cannot have been shown, whatever a peer says.
  mutating func acknowledge(_ slot: Int, upTo sequence: UInt64, at now: Instant, into effects: inout [Effect]) {
    while let delivered = table[slot].outgoing.acknowledge(upTo: sequence) {
      effects.append(.delivered(delivered.ticket, id: delivered.id))
      table[slot].lastProgress = now
    }
  }

  /// Asks what the other side has, and tells what we gave up; nothing is sent until it answers.
  mutating func compare(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    guard let peer = table[slot].peer, let opening = opening(slot) else { return }
    table[slot].isComparing = true
    table[slot].lastProgress = now
    effects.append(.send(.open(opening), to: peer))
  }
}
