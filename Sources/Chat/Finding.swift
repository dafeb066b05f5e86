// Looking a user up in the directory. All who look for the same user at the same time (people who typed `find`, and the
// user's session) share one lookup.
//
//   get ──┬─ a record that proves itself, and is no older than records get ──────────────────> found
//         └─ none, an old one, or no answer within two seconds ──> inquire ──┬─ one that does ──> found
//                                                                           └─ over ──> the best there was, or nobody
//
// The quick answer comes through members any of which may lie. None of them can forge a record, but each can hide it, or show one of
// before the user moved; so such an answer is only the beginning (Chord/Inquiring.swift). No record that proves itself when all were
// asked: the user is not there, and that is an answer. No answer: people's requests are tried again until their time is over; a
// session is told at once, for it has its own pauses and perhaps an address to fall back on.

import Chord

/// A search for one user.
struct Finding {
  enum Phase: Equatable {
    /// Until then the quick answer is waited for.
    case asking(until: Instant)
    /// Both ways are open.
    case inquiring(until: Instant)
    case pausing(until: Instant)
  }

  /// What has come so far: the end of a record hides the record, in whichever order they come.
  var reader: DirectoryReader
  var phase: Phase
  /// What is open.
  var get: Ticket?
  var inquiry: Ticket?
  var failures = 0
  /// In the order of their deadlines.
  var waiters: [(ticket: Ticket, deadline: Instant)] = []
  /// The number of the session that waits for the result.
  var session: UInt32?

  var user: User { reader.user }

  var deadline: Instant {
    let own =
      switch phase {
      case .asking(let until), .inquiring(let until), .pausing(let until): until
      }
    return min(own, waiters.first?.deadline ?? own)
  }
}

extension Conversations {
  mutating func find(_ user: User, _ ticket: Ticket, at now: Instant, into effects: inout [Effect]) {
    if departure != nil { return effects.append(.failed(ticket, .stopped)) }
    guard isInRing else { return effects.append(.failed(ticket, .notInRing)) }
    guard let index = finding(for: user, at: now, into: &effects), findings[index].waiters.count < limits.waitersEach
    else {
      return effects.append(.failed(ticket, .busy))
    }
    findings[index].waiters.append((ticket, now + limits.findPatience))
  }

  /// Looks the session's user up, and tells it by `located` or `attemptFailed`.
  mutating func search(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
    table[slot].phase = .searching
    guard let index = finding(for: table[slot].user, at: now, into: &effects) else {
      return attemptFailed(slot, .busy, at: now, into: &effects)
    }
    findings[index].session = table[slot].number
  }

  mutating func getAnswered(_ ticket: Ticket, _ lookup: Lookup, at now: Time, into effects: inout [Effect]) {
    guard let index = findings.firstIndex(where: { $0.get == ticket }) else {
      return putOutdated(ticket, lookup, at: now, into: &effects)  // or an answer that came too late
    }
    findings[index].get = nil
    if case .records(let records, let hops) = lookup,
      take(records, for: index, at: now),
      let entry = provenEntry(index, isOver: false, at: now)
    {
      return found(index, entry, hops: hops, at: now.monotonic, into: &effects)
    }
    if findings[index].inquiry == nil { inquire(index, at: now.monotonic, into: &effects) }
  }

  /// An inquiry has brought records, or is over.
  mutating func inquired(
    _ ticket: Ticket, _ lookup: Lookup, isOver: Bool, at now: Time, into effects: inout [Effect]
  ) {
    guard let index = findings.firstIndex(where: { $0.inquiry == ticket }) else { return }
    if isOver { findings[index].inquiry = nil }
    switch lookup {
    case .failed:
      // Better an old record than none: whoever is not at that address any more cannot be impersonated there.
      guard let entry = provenEntry(index, isOver: true, at: now) else {
        return getFailed(index, at: now.monotonic, into: &effects)
      }
      found(index, entry, hops: 0, at: now.monotonic, into: &effects)
    case .records(let records, let hops):
      let hasNews = take(records, for: index, at: now)
      if hasNews || isOver, let entry = provenEntry(index, isOver: isOver, at: now) {
        found(index, entry, hops: hops, at: now.monotonic, into: &effects)
      } else if isOver {
        found(index, nil, hops: 0, at: now.monotonic, into: &effects)
      }
    }
  }

  private mutating func take(_ records: [Record], for index: Int, at now: Time) -> Bool {
    findings[index].reader.take(records, utc: now.utcMilliseconds)
  }

  /// The entry that proves itself; before all have been asked only one that a holder who tells the truth would show now.
  private func provenEntry(_ index: Int, isOver: Bool, at now: Time) -> DirectoryEntry? {
    guard let (entry, record) = findings[index].reader.best else { return nil }
    let age = UInt64(max(0, limits.oldestUnrenewed.inMilliseconds))
    return isOver || record.renewedAt &+ age >= now.utcMilliseconds ? entry : nil
  }

  /// A search is over: here the user is, or nowhere.
  private mutating func found(
    _ index: Int, _ entry: DirectoryEntry?, hops: Int, at now: Instant, into effects: inout [Effect]
  ) {
    let finding = findings.remove(at: index)
    if let inquiry = finding.inquiry { effects.append(.enough(inquiry)) }
    for waiter in finding.waiters {
      let found = entry.map { Effect.found(waiter.ticket, finding.user, peer: $0.peer, hops: hops) }
      effects.append(found ?? .failed(waiter.ticket, .userNotFound))
    }
    guard let slot = searchingSlot(finding.session) else { return }
    if let entry {
      located(slot, entry, at: now, into: &effects)
    } else {
      attemptFailed(slot, .userNotFound, at: now, into: &effects)
    }
  }

  mutating func tickFindings(at now: Instant, into effects: inout [Effect]) {
    for index in findings.indices.reversed() where findings[index].deadline <= now {
      while let waiter = findings[index].waiters.first, waiter.deadline <= now {
        findings[index].waiters.removeFirst()
        effects.append(.failed(waiter.ticket, .timeout))
      }
      switch findings[index].phase {
      case .asking(let until): if until <= now { inquire(index, at: now, into: &effects) }
      case .inquiring(let until): if until <= now { getFailed(index, at: now, into: &effects) }
      case .pausing(let until):
        if findings[index].waiters.isEmpty, findings[index].session == nil {
          findings.remove(at: index)
        } else if until <= now {
          ask(index, at: now, into: &effects)
        }
      }
    }
  }

  /// When a search needs attention.
  var findingsDeadline: Instant? { findings.lazy.map(\.deadline).min() }

  /// The search for this user, begun if there is none; nil when there are too many.
  private mutating func finding(for user: User, at now: Instant, into effects: inout [Effect]) -> Int? {
    if let index = findings.firstIndex(where: { $0.user == user }) { return index }
    guard findings.count < limits.findings else { return nil }
    let reader = DirectoryReader(user: user, network: configuration.network, check: configuration.check)
    findings.append(Finding(reader: reader, phase: .pausing(until: now)))
    ask(findings.count - 1, at: now, into: &effects)
    return findings.count - 1
  }

  private mutating func ask(_ index: Int, at now: Instant, into effects: inout [Effect]) {
    let ticket = newTicket()
    findings[index].phase = .asking(until: now + limits.quickPatience)
    findings[index].get = ticket
    effects.append(.get(findings[index].reader.key.ringKey, ticket))
  }

  private mutating func inquire(_ index: Int, at now: Instant, into effects: inout [Effect]) {
    let ticket = newTicket()
    findings[index].phase = .inquiring(until: now + limits.getPatience)
    findings[index].inquiry = ticket
    effects.append(.inquire(findings[index].reader.key.ringKey, ticket))
  }

  private mutating func getFailed(_ index: Int, at now: Instant, into effects: inout [Effect]) {
    if let inquiry = findings[index].inquiry { effects.append(.enough(inquiry)) }
    findings[index].inquiry = nil
    findings[index].get = nil
    let slot = searchingSlot(findings[index].session)
    findings[index].session = nil
    if findings[index].waiters.isEmpty {
      findings.remove(at: index)
    } else {
      let pause = pause(after: findings[index].failures, first: limits.firstPause, longest: limits.longestPause)
      findings[index].failures += 1
      findings[index].phase = .pausing(until: now + pause)
    }
    guard let slot else { return }
    if table[slot].endpoints.isEmpty {
      attemptFailed(slot, .timeout, at: now, into: &effects)
    } else {
      knock(slot, attempt: 0, at: now, into: &effects)  // where it was last
      settle(slot)
    }
  }

  private func searchingSlot(_ number: UInt32?) -> Int? {
    guard let number, let slot = table.slot(numbered: number), table[slot].phase == .searching else { return nil }
    return slot
  }
}
