// Sessions end because somebody says so, because the other side has started anew as somebody else, or because nobody could
// bring them back. Whatever still waits for the session fails then.
//
// A closed session leaves the name of its stream behind for as long as the other side may still try to bring it back: it is
// told that the session was closed, instead of opening a new one by mistake and showing its last texts twice. If our user writes to
// them again meanwhile, it may also go on, in the new session: from where it was, for the same reason.

import Chord

/// A stream that we closed a moment ago.
struct ClosedStream {
  var user: User
  /// Its name, and how far it had been shown.
  var incoming: Incoming
  var until: Instant
}

extension Conversations {
  mutating func close(_ user: User, _ ticket: Ticket, at now: Instant, into effects: inout [Effect]) {
    if departure != nil { return effects.append(.failed(ticket, .stopped)) }
    guard let slot = table.slot(of: user) else { return effects.append(.failed(ticket, .noSession)) }
    hangUp(slot, at: now, into: &effects)
    effects.append(.closed(ticket))
  }

  /// Ends a session because our user says so.
  mutating func hangUp(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    let session = table[slot]
    if let theirs = session.theirs, let peer = session.peer {
      effects.append(.send(.close(session: theirs, .closed), to: peer))
    }
    if session.incoming.epoch != 0 {
      closedStreams.removeAll { $0.until <= now }
      if closedStreams.count >= limits.closedStreams { closedStreams.removeFirst() }
      closedStreams.append(
        ClosedStream(user: session.user, incoming: session.incoming, until: now + limits.persistence))
    }
    end(slot, .closedHere, failing: .noSession, into: &effects)
  }

  mutating func receivedClose(
    _ number: UInt32, _ ending: ChatMessage.Ending, from peer: Peer, into effects: inout [Effect]
  ) {
    guard let slot = table.slot(numbered: number), table[slot].node == peer.id else { return }
    let reason: CloseReason =
      switch ending {
      case .closed: .closedByPeer
      case .left: .left
      }
    end(slot, reason, failing: .noSession, into: &effects)
  }

  /// Whether this stream was closed so recently that the other side may not know it.
  func wasClosed(_ user: User, epoch: UInt64, at now: Instant) -> Bool {
    closedStream(of: user, epoch: epoch, at: now) != nil
  }

  /// If this stream was closed so recently, the session takes it up where it was, and it is closed no longer.
  mutating func takeUp(_ slot: Int, epoch: UInt64, at now: Instant) {
    guard table[slot].incoming.epoch == 0, let index = closedStream(of: table[slot].user, epoch: epoch, at: now)
    else { return }
    table[slot].incoming = closedStreams.remove(at: index).incoming
  }

  private func closedStream(of user: User, epoch: UInt64, at now: Instant) -> Int? {
    closedStreams.firstIndex { $0.incoming.epoch == epoch && $0.until > now && $0.user == user }
  }

  /// Forgets a session; whoever waits for it hears `failure`.
  mutating func end(_ slot: Int, _ reason: CloseReason, failing failure: Failure, into effects: inout [Effect]) {
    for ticket in table[slot].openers.compactMap(\.ticket) { effects.append(.failed(ticket, failure)) }
    while let ticket = table[slot].outgoing.discard() { effects.append(.failed(ticket, failure)) }
    if table[slot].isAnnounced { effects.append(.session(table[slot].user, open: false, reason: reason)) }
    table.remove(slot)
  }
}
