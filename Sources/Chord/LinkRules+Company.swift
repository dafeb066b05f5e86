// Two connections to one node, and the ends of connections. The rules are drawn in LinkRules.swift; here they are said.
//
// Whenever the link goes, for whatever reason, the oldest contender takes its place at once; only a link that we gave up has its end
// waited for, so that `lost` is told before `linked`. After every event what waits is sent, if the order allows it (`goOn`).

extension LinkRules {
  mutating func established(_ new: Standing, _ id: Identifier, at now: Instant, into effects: inout [Effect]) {
    ends[new.number] = id
    change(id, &effects) { company, rules, effects in
      // Whether or not it becomes the link, what waits for any dial goes over the one that does.
      company.waiting += rules.takeWaiting(for: id)
      company.contenders.append(new)
      if company.current == nil {
        company.promote(id, rules.me < id, at: now, into: &effects)
      } else {
        company.resolve(rules.me < id, at: now, into: &effects)
      }
    }
  }

  mutating func answered(_ number: Number, _ isAlive: Bool, at now: Instant, into effects: inout [Effect]) {
    guard let id = ends[number] else { return }
    change(id, &effects) { company, rules, effects in
      // About one that is no longer the link nobody asks any more.
      guard let current = company.current, current.number == number, current.isAsked else { return }
      company.current?.isAsked = false
      guard !company.contenders.isEmpty else { return }
      if isAlive {
        for contender in company.contenders { company.drain(contender, .replaced, into: &effects) }
        company.contenders = []
      } else {
        // Whatever was under way on it is lost, and whoever sent it should know.
        effects.append(.end(number))
        company.current = nil
        effects.append(.lost(id))
        company.promote(id, rules.me < id, at: now, into: &effects)
      }
    }
  }

  mutating func saidGoodbye(_ number: Number, _ goodbye: Goodbye, at now: Instant, into effects: inout [Effect]) {
    guard let id = ends[number] else { return }
    change(id, &effects) { company, rules, effects in
      var drained = Drained(number: number)
      if let place = company.drained.firstIndex(where: { $0.number == number }) {
        drained = company.drained.remove(at: place)
      } else if let place = company.contenders.firstIndex(where: { $0.number == number }) {
        company.contenders.remove(at: place)
      } else if let current = company.current, current.number == number {
        drained.isSpokenOn = current.isSpokenOn
        company.current = nil
      } else {
        return  // we gave it up before
      }
      drained.isHeard = true
      drained.isTold = !goodbye.isHeardOut
      company.drained.append(drained)
      switch goodbye {
      case .leaving: effects.append(.departed(id))
      case .fault: effects.append(.lost(id))
      case .idle, .replaced:
        // The other side hears out what we said, but what waits here has no link to go over.
        let hasNone = company.current == nil && company.contenders.isEmpty && company.givenUp.isEmpty
        if hasNone && !company.waiting.isEmpty { effects.append(.lost(id)) }
      }
      company.promote(id, rules.me < id, at: now, into: &effects)
    }
  }

  mutating func ended(_ number: Number, _ isHeardOut: Bool, at now: Instant, into effects: inout [Effect]) {
    guard let id = ends.removeValue(forKey: number) else {
      guard let peer = dials.first(where: { $0.value.number == number })?.key else { return }
      dials[peer] = nil
      return effects.append(.unreachable(peer))
    }
    change(id, &effects) { company, rules, effects in
      if let place = company.drained.firstIndex(where: { $0.number == number }) {
        let drained = company.drained.remove(at: place)
        guard !drained.isTold else { return }
        guard !(drained.isHeard && isHeardOut) else {
          let isLast = company.current == nil && company.contenders.isEmpty && company.drained.isEmpty
          if isLast { effects.append(.parted(id)) }
          return
        }
        // What we said on it may not have been heard. The other side finds the same for what it said.
        effects.append(.lost(id))
        if let current = company.current { effects.append(.linked(id, current.number)) }
        return
      } else if let place = company.contenders.firstIndex(where: { $0.number == number }) {
        company.contenders.remove(at: place)
        return
      } else if let place = company.givenUp.firstIndex(of: number) {
        company.givenUp.remove(at: place)
      } else if company.current?.number == number {
        company.current = nil
      } else {
        return  // ended by us, and told
      }
      effects.append(.lost(id))
      company.promote(id, rules.me < id, at: now, into: &effects)
    }
  }
}

extension LinkRules.Company {
  // MARK: Two connections

  /// The oldest contender takes the place of a link that is gone.
  fileprivate mutating func promote(
    _ id: Identifier, _ ownIsSmaller: Bool, at now: Instant, into effects: inout [LinkRules.Effect]
  ) {
    guard current == nil, givenUp.isEmpty, !contenders.isEmpty else { return }
    let new = contenders.removeFirst()
    if contenders.isEmpty { contenders = [] }  // gives back their memory: most links never see another one come
    current = new
    effects.append(.linked(id, new.number))
    resolve(ownIsSmaller, at: now, into: &effects)
  }

  /// The link against those that came after it. `ownIsSmaller`: our identifier is the smaller one.
  fileprivate mutating func resolve(_ ownIsSmaller: Bool, at now: Instant, into effects: inout [LinkRules.Effect]) {
    for new in contenders {
      guard let old = current, old.isDialled != new.isDialled else { continue }
      if new.isDialled == ownIsSmaller {
        drain(old, .replaced, into: &effects)
        current = new
      } else if now - old.since < LinkRules.sameMoment {
        drain(new, .replaced, into: &effects)
      } else {
        continue
      }
      contenders.removeAll { $0.number == new.number }
    }
    guard let current, !contenders.isEmpty, !current.isAsked else { return }
    self.current?.isAsked = true
    effects.append(.ping(current.number))
  }

  // MARK: In order

  /// What becomes of a frame that is to be sent.
  enum Saying { case said(on: LinkRules.Number), waits, dropped, noLink }

  /// The caller writes what is said, and dials if there is no link. Changed in place: this is done for every frame.
  mutating func say(_ frame: [UInt8], limit: Int) -> Saying {
    if mustWait {
      guard waiting.count < limit else { return .dropped }
      waiting.append(frame)
      return .waits
    }
    guard let link = current?.number else { return .noLink }
    current?.isSpokenOn = true
    return .said(on: link)
  }

  fileprivate mutating func drain(
    _ standing: LinkRules.Standing, _ goodbye: Goodbye, into effects: inout [LinkRules.Effect]
  ) {
    drained.append(LinkRules.Drained(number: standing.number, isSpokenOn: standing.isSpokenOn))
    effects.append(.close(standing.number, goodbye))
  }

  /// What waits to be said goes over the link as soon as it may.
  mutating func goOn(into effects: inout [LinkRules.Effect]) {
    guard !mustWait else { return }
    if let current {
      for frame in waiting { effects.append(.write(frame, on: current.number)) }
      if !waiting.isEmpty { self.current?.isSpokenOn = true }
    } else if !givenUp.isEmpty {
      return
    }
    // With no link to take it, it is part of what was lost.
    waiting = []
  }

  // MARK: Ends of ours

  mutating func giveUp(into effects: inout [LinkRules.Effect]) {
    guard let old = current else { return }
    current = nil
    givenUp.append(old.number)
    effects.append(.end(old.number))
  }

  mutating func idle(into effects: inout [LinkRules.Effect]) {
    guard let old = current, drained.isEmpty, waiting.isEmpty, contenders.isEmpty else { return }
    current = nil
    drain(old, .idle, into: &effects)
  }
}
