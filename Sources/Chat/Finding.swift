// Looking a user up in the directory. All who look for the same user at the same time (people who typed `find`, and the
// user's session) share one lookup.
//
// No record that proves itself: the user is not there, and that is an answer. No answer: people's requests are tried again
// until their time is over; a session is told at once, for it has its own pauses and perhaps an address to fall back on.

import Chord

/// A search for one user.
struct Finding {
  enum Phase: Equatable {
    case asking(Ticket, until: Instant)
    case pausing(until: Instant)
  }

  let user: User
  let key: DirectoryKey
  var phase: Phase
  var failures = 0
  /// In the order of their deadlines.
  var waiters: [(ticket: Ticket, deadline: Instant)] = []
  /// The number of the session that waits for the result.
  var session: UInt32?

  var deadline: Instant {
    let own =
      switch phase {
      case .asking(_, let until), .pausing(let until): until
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
    let isAsked = { (finding: Finding) in if case .asking(ticket, _) = finding.phase { true } else { false } }
    guard let index = findings.firstIndex(where: isAsked) else {
      return putOutdated(ticket, lookup, at: now, into: &effects)  // or an answer that came too late
    }
    switch lookup {
    case .failed: getFailed(index, at: now.monotonic, into: &effects)
    case .records(let records, let hops):
      let finding = findings.remove(at: index)
      let entry = DirectoryReader.best(
        of: records, user: finding.user, key: finding.key, network: configuration.network, utc: now.utcMilliseconds)
      for waiter in finding.waiters {
        let found = entry.map { Effect.found(waiter.ticket, finding.user, peer: $0.peer, hops: hops) }
        effects.append(found ?? .failed(waiter.ticket, .userNotFound))
      }
      guard let slot = searchingSlot(finding.session) else { return }
      if let entry {
        located(slot, entry, at: now.monotonic, into: &effects)
      } else {
        attemptFailed(slot, .userNotFound, at: now.monotonic, into: &effects)
      }
    }
  }

  mutating func tickFindings(at now: Instant, into effects: inout [Effect]) {
    for index in findings.indices.reversed() where findings[index].deadline <= now {
      while let waiter = findings[index].waiters.first, waiter.deadline <= now {
        findings[index].waiters.removeFirst()
        effects.append(.failed(waiter.ticket, .timeout))
      }
      switch findings[index].phase {
      case .asking(_, let until): if until <= now { getFailed(index, at: now, into: &effects) }
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
    let key = DirectoryKey(user: user, network: configuration.network)
    findings.append(Finding(user: user, key: key, phase: .pausing(until: now)))
    ask(findings.count - 1, at: now, into: &effects)
    return findings.count - 1
  }

  private mutating func ask(_ index: Int, at now: Instant, into effects: inout [Effect]) {
    let ticket = newTicket()
    findings[index].phase = .asking(ticket, until: now + limits.getPatience)
    effects.append(.get(findings[index].key.ringKey, ticket))
  }

  private mutating func getFailed(_ index: Int, at now: Instant, into effects: inout [Effect]) {
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
