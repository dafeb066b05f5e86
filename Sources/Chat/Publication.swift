// Keeping our user's record in the directory while the session lives, and taking it out when it ends.
//
//   joined ──▶ putting ── answered ──▶ stored ── it is time ──▶ extending ── answered ──▶ stored …
//                ▲ ▲ └── failed, or no answer ──▶ pausing ──┐        │
//                │ └─────────── pause is over ──────────────┘        │
//                └──────────── failed, or no answer ─────────────────┘
//
//   The whole record is written once, and again when the node has joined anew or its addresses have changed; everything periodic is an
//   extension of its life. The first ones come 10 s, 20 s, 40 s … after joining: whoever joins is often in a ring that is being mended,
//   and the holders of that moment may be gone, or elsewhere, when it is whole. An extension looks after all of that by itself: the owner
//   hands it to every holder, one that lacks the record is sent it, and an owner that lacks it says so. Whatever is wrong, an extension
//   that fails is followed at once by the whole record, which a holder that has it merely confirms; and then by 10 s, 20 s … again.
//
//   leave: the same with a tombstone, until it is stored or a second is over. Whatever happens, the host is told then, and others go on with it.

import Chord

/// The record of our user, on its way into the directory.
struct Publication {
  enum Phase: Equatable {
    /// Nothing to write: not in a ring, or without an address.
    case idle
    /// The record, or an extension of it, is on its way.
    case putting(Ticket, until: Instant)
    case pausing(until: Instant)
    case stored(until: Instant)
  }

  var writer: DirectoryWriter
  var phase = Phase.idle
  /// Our addresses, as the host last gave them.
  var endpoints: [Endpoint] = []
  /// Whether the host has been told that the record is stored since it last joined.
  var isAnnounced = false
  /// Puts that failed in a row.
  var failures = 0
  /// What was put or extended last. Nil: the next one is written anew.
  var record: Record?
  /// Whether the record is stored as far as we know: then it is enough to extend it.
  var isHeld = false
  /// How often it was confirmed since it was written, or since somebody was found not to have it.
  var confirmations = 0

  var deadline: Instant? {
    switch phase {
    case .idle: nil
    case .putting(_, let until), .pausing(let until), .stored(let until): until
    }
  }
}

/// The end of the node's time in the network.
struct Departure {
  /// Those who asked for it.
  var tickets: [Ticket]
  var until: Instant
  var isOver = false
}

extension Conversations {
  mutating func joined(_ endpoints: [Endpoint], at now: Time, into effects: inout [Effect]) {
    guard departure == nil else { return }
    isInRing = true
    publication?.endpoints = endpoints
    publication?.isAnnounced = false
    publication?.failures = 0
    publishAnew(at: now, into: &effects)
  }

  mutating func putAnswered(_ ticket: Ticket, copies: Int?, at now: Time, into effects: inout [Effect]) {
    guard let publication, case .putting(ticket, _) = publication.phase else { return }  // an answer to an older put
    guard copies ?? 0 > 0 else { return putFailed(at: now, into: &effects) }
    if departure != nil {
      self.publication?.phase = .idle
      return depart(into: &effects)
    }
    self.publication?.failures = 0
    let pause = min(limits.renewal, limits.firstRenewal * (1 << min(publication.confirmations, 16)))
    self.publication?.isHeld = true
    self.publication?.confirmations += 1
    self.publication?.phase = .stored(until: now.monotonic + generator.jittered(pause))
    if !publication.isAnnounced { effects.append(.published) }
    self.publication?.isAnnounced = true
  }

  /// A holder has a newer record of ours, from an earlier life: then this one has to be newer still.
  mutating func putOutdated(_ ticket: Ticket, _ lookup: Lookup, at now: Time, into effects: inout [Effect]) {
    guard case .records(let records, _) = lookup, case .putting(ticket, _)? = publication?.phase else { return }
    guard publication?.writer.follow(records) == true else { return putFailed(at: now, into: &effects) }
    publishAnew(at: now, into: &effects)
  }

  mutating func tickPublication(at now: Time, into effects: inout [Effect]) {
    if let departure, !departure.isOver, departure.until <= now.monotonic {
      // Between two tries: the ring hands on what is under way when we go.
      if case .pausing = publication?.phase { putRecord(at: now, into: &effects) }
      return depart(into: &effects)
    }
    guard let publication, let deadline = publication.deadline, deadline <= now.monotonic else { return }
    switch publication.phase {
    case .idle: break  // has no deadline
    case .putting: putFailed(at: now, into: &effects)
    case .pausing, .stored: putRecord(at: now, into: &effects)
    }
  }

  /// Closes all sessions, fails all that waits, and withdraws the record.
  mutating func leave(_ ticket: Ticket, at now: Time, into effects: inout [Effect]) {
    guard departure == nil else {
      if departure?.isOver ?? true { return effects.append(.withdrawn(ticket)) }
      departure?.tickets.append(ticket)
      return
    }
    for slot in table.taken {
      if let theirs = table[slot].theirs, let peer = table[slot].peer {
        effects.append(.send(.close(session: theirs, .left), to: peer))
      }
      end(slot, .stopped, failing: .stopped, into: &effects)
    }
    for finding in findings {
      if let inquiry = finding.inquiry { effects.append(.enough(inquiry)) }
      for waiter in finding.waiters { effects.append(.failed(waiter.ticket, .stopped)) }
    }
    findings = []
    departure = Departure(tickets: [ticket], until: now.monotonic + limits.leavePatience)
    publication?.failures = 0
    publishAnew(at: now, into: &effects)
    if publication?.deadline == nil { depart(into: &effects) }  // nothing was ever written
  }

  /// When the record or the departure needs attention.
  var publicationDeadline: Instant? {
    guard let departure else { return publication?.deadline }
    if departure.isOver { return nil }
    return min(departure.until, publication?.deadline ?? departure.until)
  }

  /// Writes a new record, or when we leave a tombstone.
  private mutating func publishAnew(at now: Time, into effects: inout [Effect]) {
    publication?.record = nil
    putRecord(at: now, into: &effects)
  }

  private mutating func putRecord(at now: Time, into effects: inout [Effect]) {
    guard publication != nil else { return }
    let endpoints = publication?.endpoints ?? []
    let utc = now.utcMilliseconds
    let ticket = newTicket()
    let putting = Publication.Phase.putting(ticket, until: now.monotonic + limits.putPatience)
    // A host that was suspended may find its record expired: there is nothing to extend then.
    if departure == nil, let record = publication?.record, record.isAlive(at: utc) {
      publication?.phase = putting
      guard publication?.isHeld == true, let extended = publication?.writer.extended(record, at: utc),
        let renewal = extended.renewal
      else { return effects.append(.put(record, ticket)) }
      publication?.record = extended
      return effects.append(.extend(renewal, ticket))
    }
    let record =
      departure == nil
      ? publication?.writer.record(endpoints: endpoints, at: utc) : publication?.writer.tombstone(at: utc)
    publication?.record = record
    publication?.isHeld = false
    publication?.confirmations = 0
    guard let record else {
      publication?.phase = .idle
      return
    }
    publication?.phase = putting
    effects.append(.put(record, ticket))
  }

  private mutating func putFailed(at now: Time, into effects: inout [Effect]) {
    if publication?.isHeld == true, departure == nil {
      publication?.isHeld = false
      publication?.confirmations = 0
      return putRecord(at: now, into: &effects)
    }
    // Whatever is wrong with this one, the next is another one.
    publication?.record = nil
    let failures = publication?.failures ?? 0
    publication?.failures = failures + 1
    let until = now.monotonic + pause(after: failures, first: limits.firstPutPause, longest: limits.longestPutPause)
    publication?.phase = .pausing(until: until)
  }

  private mutating func depart(into effects: inout [Effect]) {
    for ticket in departure?.tickets ?? [] { effects.append(.withdrawn(ticket)) }
    departure?.tickets = []
    departure?.isOver = true
    publication?.phase = .idle
  }
}
