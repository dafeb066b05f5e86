// Keeping our user's record in the directory while the session lives, and taking it out when it ends.
//
//   joined ──▶ putting ── answered ──▶ stored ── a check or the renewal is due ──▶ putting …
//                 ▲  └── failed, or no answer ──▶ pausing ──┐
//                 └─────────── pause is over ───────────────┘
//
//   A check puts the same record again, which a holder that has it merely confirms: whoever joins is often in a ring that is being mended, and
//   the holders of that moment may be gone, or elsewhere, when it is whole. Checks come after 10 s, 20 s, 40 s …
//
//   leave: the same with a tombstone, until it is stored or two seconds are over. Whatever happens, the host is told then.

import Chord

/// The record of our user, on its way into the directory.
struct Publication {
  enum Phase: Equatable {
    /// Nothing to write: not in a ring, or without an address.
    case idle
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
  /// What was put last, until when that is good, and how often it was put since we joined.
  var record: Record?
  var renewal: Instant?
  var checks = 0

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
    publication?.renewal = nil
    publication?.checks = 0
    putRecord(at: now, into: &effects)
  }

  mutating func putAnswered(_ ticket: Ticket, copies: Int?, at now: Time, into effects: inout [Effect]) {
    guard let publication, case .putting(ticket, _) = publication.phase else { return }  // an answer to an older put
    guard copies ?? 0 > 0 else { return putFailed(at: now) }
    if departure != nil {
      self.publication?.phase = .idle
      return depart(into: &effects)
    }
    self.publication?.failures = 0
    let renewal = publication.renewal ?? now.monotonic + generator.jittered(limits.renewal)
    let check = now.monotonic + generator.jittered(limits.firstCheck * (1 << min(publication.checks, 16)))
    self.publication?.renewal = renewal
    self.publication?.checks += 1
    self.publication?.phase = .stored(until: min(check, renewal))
    if !publication.isAnnounced { effects.append(.published) }
    self.publication?.isAnnounced = true
  }

  /// A holder has a newer record of ours, from an earlier life: then this one has to be newer still.
  mutating func putOutdated(_ ticket: Ticket, _ lookup: Lookup, at now: Time, into effects: inout [Effect]) {
    guard case .records(let records, _) = lookup, case .putting(ticket, _)? = publication?.phase else { return }
    guard publication?.writer.follow(records) == true else { return putFailed(at: now) }
    publication?.renewal = nil
    putRecord(at: now, into: &effects)
  }

  mutating func tickPublication(at now: Time, into effects: inout [Effect]) {
    if let departure, !departure.isOver, departure.until <= now.monotonic { return depart(into: &effects) }
    guard let publication, let deadline = publication.deadline, deadline <= now.monotonic else { return }
    switch publication.phase {
    case .idle: break  // has no deadline
    case .putting: putFailed(at: now)
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
      for waiter in finding.waiters { effects.append(.failed(waiter.ticket, .stopped)) }
    }
    findings = []
    departure = Departure(tickets: [ticket], until: now.monotonic + limits.leavePatience)
    publication?.failures = 0
    putRecord(at: now, into: &effects)
    if publication?.deadline == nil { depart(into: &effects) }  // nothing was ever written
  }

  /// When the record or the departure needs attention.
  var publicationDeadline: Instant? {
    guard let departure else { return publication?.deadline }
    if departure.isOver { return nil }
    return min(departure.until, publication?.deadline ?? departure.until)
  }

  private mutating func putRecord(at now: Time, into effects: inout [Effect]) {
    guard publication != nil else { return }
    let endpoints = publication?.endpoints ?? []
    // A host that was suspended may find its record expired before the renewal, which does not count that time, is due.
    let isGood = publication?.record.map { now.utcMilliseconds < $0.expiry } ?? false
    let isCheck = departure == nil && isGood && publication?.renewal.map { now.monotonic < $0 } ?? false
    if !isCheck {
      publication?.renewal = nil
      let record =
        departure == nil
        ? publication?.writer.record(endpoints: endpoints, at: now.utcMilliseconds)
        : publication?.writer.tombstone(at: now.utcMilliseconds)
      publication?.record = record
    }
    guard let record = publication?.record else {
      publication?.phase = .idle
      return
    }
    let ticket = newTicket()
    let until = now.monotonic + limits.putPatience
    publication?.phase = .putting(ticket, until: until)
    effects.append(.put(record, ticket))
  }

  private mutating func putFailed(at now: Time) {
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
