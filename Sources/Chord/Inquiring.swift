// Driving an inquiry in time, and answering those of others: question `nearest`, which goes to one member and no further.
//
//   inquire ──> starts ──ask──> answered ──┬─> records: told at once; whether they hold, and are enough, is the client's to say
//                  ▲  └ late ─> the next    └─> more members to ask ──┐
//                  └──────────────────────────────────────────────────┘──> over: everybody near the key was heard
//
// A read takes the quick way first, from hop to hop, and comes here when that brought nothing that proves itself. So does a lookup of
// our own that named an owner much further after the key than members stand apart here.

/// A question of an inquiry that one member has.
struct Ask: Sendable {
  /// The inquiry, by its number.
  var inquiry: UInt32
  /// Whom, by its place among the candidates.
  var place: Int
  var peer: Peer
  let askedAt: Instant
  /// Until it counts as late, and then until it has failed.
  var deadline: Instant

  /// A dial and a round trip between two continents.
  static let promptness = Duration.milliseconds(600)
  /// As long as a dial is given.
  static let patience = Duration.seconds(3)
}

extension Inquiry {
  /// So many at once: each knows a few hundred members at most times, and 32 MB would be the worst that liars can make of them all.
  static let limit = 256
  /// With the two seconds that the quick way is given it is over before people give up (ten seconds).
  static let patience = Duration.milliseconds(7500)
  /// An owner this many mean distances after its key is doubted. Distances are exponential, and their mean is estimated from the r of
  /// our own list, so of honest answers (1 + 12/r)^-r are: one in 7,700. Somebody who is not near the key but claims
  /// it is believed with 12 members' share of the ring: one in eighty at 1000.
  static let doubtInSpacings = 12.0
}

extension ChordNode {
  /// The mean distance between neighbouring members, as a share of the circle, from our own list; nil if that is the whole ring.
  var spacing: Double? {
    guard ring.isMember, let last = ring.successors.last, !ring.isRound else { return nil }
    return me.id.distance(to: last.id).fractionOfCircle / Double(ring.successors.count)
  }

  /// Whether nobody honest is likely to stand as far after a key as this owner does.
  func isTooSparse(_ owner: Identifier, after key: Identifier) -> Bool {
    guard let spacing else { return false }
    return key.distance(to: owner).fractionOfCircle > spacing * Inquiry.doubtInSpacings
  }

  // MARK: Asking

  mutating func inquire(
    _ purpose: Inquiry.Purpose, _ key: Identifier, _ client: Ticket,
    doubting doubted: (owner: Peer, view: View, path: [Identifier])? = nil
  ) {
    guard ring.isMember || configuration.isObserver && !contacts.isEmpty else {
      return effects.append(.failed(client, .notInRing))
    }
    guard inquiries.count < Inquiry.limit else {
      let found = doubted.map { Effect.found(client, owner: $0.owner, view: $0.view, path: $0.path) }
      return effects.append(found ?? .failed(client, .full))
    }
    let starts = ring.isMember ? ring.successors + [ring.predecessor].compactMap(\.self) + fingerPeers : contacts
    let number = newTicket()
    var inquiry = Inquiry(
      ticket: client, key: key, purpose: purpose, me: ring.isMember ? me : nil, starts: starts, spacing: spacing,
      holders: 1 + copiesBesides, giveUpAt: now.monotonic + Inquiry.patience)
    inquiry.doubted = doubted
    inquiries[number] = inquiry
    deadlines.insert(number, at: inquiry.giveUpAt)
    goOn(number)
  }

  /// Asks whom there is to ask, and sees whether that was all.
  private mutating func goOn(_ number: UInt32) {
    guard var inquiry = inquiries[number] else { return }
    if inquiry.isOver { return finish(number, inquiry) }
    while let (place, peer) = inquiry.next() {
      let ticket = newTicket()
      // Where somebody we point at can be dialled, nobody need tell us.
      let peer = pointer(to: peer.id) ?? peer
      let ask = Ask(
        inquiry: number, place: place, peer: peer, askedAt: now.monotonic, deadline: now.monotonic + Ask.promptness)
      asks[ticket] = ask
      deadlines.insert(ticket, at: ask.deadline)
      let request = Request(ticket: ticket, key: inquiry.key, hopsLeft: 0, claim: .none, question: .nearest)
      send(.request(request), to: peer)
    }
    inquiries[number] = inquiry
    if inquiry.isOver { finish(number, inquiry) }
  }

  // MARK: What comes back

  mutating func inquiryAnswered(_ ask: Ask, _ ticket: UInt32, _ answer: Reply.Answer, by peer: Peer) {
    guard ask.peer.id == peer.id, inquiries[ask.inquiry] != nil else { return }
    guard case .nearest(let records, let peers) = answer else { return failAsk(ask, ticket) }
    asks[ticket] = nil
    let me = me.id
    inquiries[ask.inquiry]?.answered(ask.place, naming: peers, me: me)
    guard let inquiry = inquiries[ask.inquiry] else { return }
    let wanted = records.filter { $0.key == inquiry.key }
    if inquiry.purpose == .records, !wanted.isEmpty {
      effects.append(.inquired(inquiry.ticket, wanted, hops: inquiry.path(to: ask.place).count, isOver: false))
    }
    goOn(ask.inquiry)
  }

  mutating func askExpired(_ ask: Ask, _ ticket: UInt32) {
    let end = ask.askedAt + Ask.patience
    guard now.monotonic < end else { return failAsk(ask, ticket) }
    asks[ticket]?.deadline = end
    deadlines.insert(ticket, at: end)
    inquiries[ask.inquiry]?.isLate(ask.place)
    goOn(ask.inquiry)
  }

  /// A node cannot be reached, or its link broke; with an endpoint, it cannot be reached there.
  mutating func failAsks(to id: Identifier, at endpoint: Endpoint?) {
    for ticket in asks.keys.sorted() {
      if let ask = asks[ticket], ask.peer.matches(id, at: endpoint) { failAsk(ask, ticket) }
    }
  }

  private mutating func failAsk(_ ask: Ask, _ ticket: UInt32) {
    asks[ticket] = nil
    inquiries[ask.inquiry]?.failed(ask.place)
    goOn(ask.inquiry)
  }

  // MARK: The end

  private mutating func finish(_ number: UInt32, _ inquiry: Inquiry) {
    // Nobody at all has answered, or so many named others that there was no end: that says nothing of what is there. A member that
    // stands alone is everybody.
    let isHeard = inquiry.answerCount > 0 || inquiry.candidates.count == 1 && ring.isMember
    guard isHeard, inquiry.isConclusive else { return failInquiry(number, .unreachable) }
    drop(number)
    switch inquiry.purpose {
    case .records:
      // Our own copy comes last: whoever has left may have told others of it, but not yet us.
      let own = store.records(under: inquiry.key, at: now.utcMilliseconds)
      effects.append(.inquired(inquiry.ticket, own, hops: 0, isOver: true))
    case .owner: effects.append(foundOwner(inquiry) ?? .failed(inquiry.ticket, .unreachable))
    }
  }

  /// The first that has answered at or after the key; or the one that was doubted, if nobody nearer has.
  private func foundOwner(_ inquiry: Inquiry) -> Effect? {
    let heard = inquiry.heard
    if let doubted = inquiry.doubted {
      let after = inquiry.key.distance(to: doubted.owner.id)
      let isContradicted = heard.first.map { inquiry.key.distance(to: $0.id) < after } ?? false
      if !isContradicted {
        return .found(inquiry.ticket, owner: doubted.owner, view: doubted.view, path: doubted.path)
      }
    }
    guard let owner = heard.first else { return nil }
    let view = View(
      isMember: true, predecessor: heard.last { $0.id != owner.id },
      successors: Array(heard.dropFirst().prefix(ring.capacity)))
    let path = owner.id == me.id ? [] : inquiry.place(of: owner).map(inquiry.path(to:)) ?? [owner.id]
    return .found(inquiry.ticket, owner: owner, view: view, path: path)
  }

  mutating func inquiryExpired(_ number: UInt32) {
    guard let inquiry = inquiries[number] else { return }
    finish(number, inquiry)
  }

  mutating func failInquiry(_ number: UInt32, _ refusal: Refusal) {
    guard let inquiry = inquiries[number] else { return }
    drop(number)
    let found = inquiry.doubted != nil && phase != .leaving ? foundOwner(inquiry) : nil
    effects.append(found ?? .failed(inquiry.ticket, refusal))
  }

  /// The client wants no more of it.
  mutating func endInquiries(of client: Ticket) {
    for number in inquiries.keys.sorted() where inquiries[number]?.ticket == client { drop(number) }
  }

  private mutating func drop(_ number: UInt32) {
    inquiries[number] = nil
    for ticket in asks.keys.sorted() where asks[ticket]?.inquiry == number { asks[ticket] = nil }
  }

  // MARK: Answering

  /// The members we know nearest to the key, and what we hold under it. One message for one, whoever asks.
  mutating func tellNearest(_ request: Request, to peer: Peer) {
    let answer: Reply.Answer =
      ring.isMember
      ? .nearest(
        store.records(under: request.key, at: now.utcMilliseconds), nearest(to: request.key, besides: peer.id))
      : .failure(.notInRing)
    send(.reply(Reply(ticket: request.ticket, path: [me.id], answer: answer)), to: peer)
  }

  /// Half of them before the key and half after it.
  private func nearest(to key: Identifier, besides asker: Identifier) -> [Peer] {
    var seen: Set<Identifier> = [asker, me.id]
    let known = (ring.successors + [ring.predecessor].compactMap(\.self) + fingerPeers + askers)
      .filter { seen.insert($0.id).inserted && roundTrips[$0.id]?.isSuspect != true }
      .sorted { key.distance(to: $0.id) < key.distance(to: $1.id) }
    guard known.count > MessageLimit.nearest else { return known }
    return known.prefix(MessageLimit.nearest / 2) + known.suffix(MessageLimit.nearest / 2)
  }
}
