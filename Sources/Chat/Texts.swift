// Texts on a standing session: sent in order within a window, shown once, acknowledged up to a number.
//
// This is the way every text goes, so it does little: a session is an index into an array, a text a place in a queue, and an
// acknowledgement a comparison.
//
//   send ──▶ queue      send ──▶ queue      acknowledged ──▶ the window has room
//               └──────────────────┴─────────────────────────────┴──▶ the session is ready
//                                                            tick ──▶ say: what may go, in runs of many texts
//
// A text is not sent when it is given but when the host has no more events at hand, so all that come together leave together, in
// one message, are shown by one event of the other side's and acknowledged by one number. Nothing waits for company: the host ticks a
// machine whose time has come, and a session that is ready has come.

import Chord

extension Conversations {
  mutating func send(_ text: String, to user: User, _ ticket: Ticket, at now: Instant, into effects: inout [Effect]) {
    let bytes = text.utf8.count
    if bytes == 0 { return effects.append(.failed(ticket, .emptyText)) }
    if bytes > ChatMessage.maximumTextBytes { return effects.append(.failed(ticket, .messageTooLarge)) }
    let slot: Int
    do { slot = try session(with: user, at: now) } catch { return effects.append(.failed(ticket, error)) }
    let isNew = !table[slot].isWanted
    let isFirst = table[slot].outgoing.isEmpty
    guard table[slot].outgoing.waiting < limits.waitingTexts,
      table[slot].outgoing.waitingBytes + bytes <= limits.waitingBytes
    else { return effects.append(.failed(ticket, .busy)) }
    table[slot].outgoing.append(text, ticket, at: now)
    if isNew { return begin(slot, at: now, into: &effects) }
    getReady(slot, at: now)
    if isFirst { settle(slot) }  // one that comes after others is given up after them
  }

  /// If texts may go, they are said with the next tick, which is due.
  mutating func getReady(_ slot: Int, at now: Instant) {
    if table[slot].maySay(limits: limits) { table.setReady(slot, at: now) }
  }

  /// Sends what the window has room for.
  mutating func say(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    guard table[slot].maySay(limits: limits), let theirs = table[slot].theirs, let peer = table[slot].peer else {
      return
    }
    if table[slot].outgoing.inFlight == 0 { table[slot].lastProgress = now }
    while let next = table[slot].outgoing.next(windowTexts: limits.windowTexts, windowBytes: limits.windowBytes) {
      effects.append(.send(.texts(session: theirs, sequence: next.first, next.texts), to: peer))
    }
    settle(slot)
  }

  mutating func receivedTexts(
    _ number: UInt32, _ sequence: UInt64, _ texts: TextRun, from peer: Peer, into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id, let theirs = table[slot].theirs else {
      return effects.append(.send(.unknown(session: number), to: peer))
    }
    switch table[slot].incoming.accept(sequence, count: texts.count) {
    case .gap: return
    case .show(let skipping):
      let user = table[slot].user
      effects.append(.messages(user, texts.dropping(skipping), id: sequence + UInt64(skipping)))
    case .duplicate: break  // our acknowledgement was lost
    }
    effects.append(.send(.acknowledge(session: theirs, sequence: table[slot].incoming.received), to: peer))
  }

  mutating func receivedAcknowledgement(
    _ number: UInt32, _ sequence: UInt64, from peer: Peer, at now: Instant, into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id, table[slot].isStanding else { return }
    acknowledge(slot, upTo: sequence, at: now, into: &effects)
    getReady(slot, at: now)
    settle(slot)
  }

  /// The other side has shown everything up to `sequence`. What was never sent cannot have been shown, whatever a peer says.
  mutating func acknowledge(_ slot: Int, upTo sequence: UInt64, at now: Instant, into effects: inout [Effect]) {
    guard let shown = table[slot].outgoing.acknowledge(upTo: sequence) else { return }
    effects.append(.delivered(shown.tickets, id: shown.first))
    table[slot].lastProgress = now
  }

  /// Asks what the other side has, and tells what we gave up; nothing is sent until it answers.
  mutating func compare(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    guard let peer = table[slot].peer, let opening = opening(slot) else { return }
    table[slot].isComparing = true
    table[slot].lastProgress = now
    effects.append(.send(.open(opening), to: peer))
  }
}
