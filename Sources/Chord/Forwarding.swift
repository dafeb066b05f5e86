// find_successor, and everything else that travels to the owner of a key: recursively over links that are already warm, each hop
// acknowledged, the answer unwinding along the same way. Every member on the way keeps a `Forward` until the answer passes.
//
//   asker ──request──> a ──request──> b ──request──> owner          a: closest known member before the key
//      <──accepted──     <──accepted──                              b: has the owner in its successor list: claim "you own it"
//      <───reply──────── <───reply─────── <───reply────
//                                                                   no `accepted` in time, or a broken link: the next best
//   The distance still to go shrinks at every hop. If the owner knows of a member between (`redirect`), that one is asked.
//
// Only the successor list decides who owns a key; when the first member after the key does not answer, the next one is asked
// to answer in its place (`insist`), since it holds the copies of the records. That would name a wrong owner if the first were only
// slow, so it is given the time of a dial; those after it are looked at meanwhile, should it be dead and they as well.

/// A request on its way, as one member on the way sees it.
struct Forward: Sendable {
  enum Origin: Hashable, Sendable {
    /// Somebody outside the machine.
    case client(Ticket)
    /// Another member, and its ticket.
    case peer(Peer, UInt32)
    case join
    case merge(Peer)
    case finger(Int)
    /// A record that belongs elsewhere.
    case upkeep(Identifier)
    /// A record that others are to see to when we are gone.
    case farewell

    /// Whether nobody else has asked us.
    var isOurs: Bool { if case .peer = self { false } else { true } }
  }

  var origin: Origin
  var key: Identifier
  var question: Request.Question
  var hopsLeft: UInt8
  /// The first hop, when it is not ours to choose.
  var via: Peer?
  var claim = Request.Claim.none
  /// The hop that has the request now.
  var hop: Identifier?
  /// Where it was dialled, and whether it has been sent the request again because the link broke.
  var hopEndpoint: Endpoint?
  var isSentAgain = false
  /// It is to be sent the request again as soon as it says anything.
  var isOwed = false
  /// All that had it.
  var tried: [Identifier] = []
  /// Members that only redirected us: they count as hops.
  var detour: [Identifier] = []
  /// The same, while whom they named has not answered: then they are to answer in its place, not whoever comes after them.
  var redirectedBy: [Peer] = []
  /// Members of our list found dead meanwhile: the views of those who have not noticed bring them back into it.
  var foundDead: [Peer] = []
  var isAccepted = false
  let begunAt: Instant
  var sentAt: Instant
  /// For the hop at first, then for the answer.
  var deadline: Instant
  /// Until then nobody else is asked, if the hop says nothing.
  var hopUntil = Instant(nanoseconds: 0)
  /// Unless there is a sign of life from further along the way.
  var giveUpAt: Instant
  /// When the hop last said that it has the request.
  var heardAt = Instant(nanoseconds: 0)
  /// When whoever asked was last told that the request is being worked on.
  var reassuredAt: Instant
  var attemptsLeft: Int
  /// Members that answered that they could not.
  var failures = 0

  /// An answer takes a round trip a hop; three seconds are ten slow ones.
  static let patience = Duration.seconds(3)
  /// A member that has a request for this long, and a hop that works on it, or others to ask, says so to whoever waits; and so
  /// on along the way. Well within their patience.
  static let reassurance = Duration.seconds(1)
  /// A hop that says for so long that it is at work may be saying nothing else: whoever asks for itself tries another way besides. With half of
  /// all members dead one lookup in ten takes longer.
  static let impatience = Duration.seconds(6)
  /// For one hop, however often it was silent before: with `reassurance` still below `patience`.
  static let hopPatience = Duration.milliseconds(1500)
  /// For one that owns the key, unless it is dead, and may have to be dialled: as long as a dial is given.
  static let ownerPatience = Duration.seconds(3)
  /// With half of all members dead at once one lookup in a thousand meets twenty of them, at up to 750 ms each. And as long as a
  /// text is tried to be delivered.
  static let longest = Duration.seconds(30)
  /// Whoever asks for itself tries this often from the start.
  static let attempts = 3
  /// After so many failures from behind, a failure is passed on.
  static let failures = 2
  /// Open requests a member keeps for others: 4096 at three seconds each are over a thousand a second, and at the longest a hundred.
  static let limit = 4096
  /// How many dead a request remembers: two lists of the longest.
  static let deadLimit = 2 * MessageLimit.successors
  /// So that others never take all.
  static let limitForOthers = limit / 8 * 7

  /// Whether it is a record that this node's user writes.
  var isOwnPut: Bool { if case .client = origin, case .put = question { true } else { false } }
  /// Whether it does no harm to have it answered twice.
  var mayGoTwoWays: Bool { claim == .none && via == nil && (question == .findSuccessor || question == .get) }

  /// There was a sign of life: nobody need give up yet.
  mutating func extend(from now: Instant) {
    giveUpAt = min(now + Forward.patience, begunAt + Forward.longest)
  }
}

extension ChordNode {
  /// Answers a question here if it is ours, and hands it on if not.
  mutating func serve(
    _ question: Request.Question, key: Identifier, for origin: Forward.Origin,
    hopsLeft: UInt8 = Request.limit, claim: Request.Claim = .none, via: Peer? = nil
  ) {
    if via == nil {
      guard ring.isMember || isAskingThroughContacts(origin) else { return conclude(origin, .failure(.notInRing)) }
      if isUncertain, held.count < Self.heldLimit {
        held.append(
          Held(
            question: question, key: key, origin: origin, hopsLeft: hopsLeft, claim: claim,
            until: now.monotonic + Held.patience))
        return
      }
      if let answer = answerHere(question, key: key, origin: origin, claim: claim) { return conclude(origin, answer) }
      if isKeptHere(question, key: key, origin: origin, claim: claim) { return }
    }
    guard hopsLeft > 0 else { return conclude(origin, .failure(.tooManyHops)) }
    guard forwards.count < (origin.isOurs ? Forward.limit : Forward.limitForOthers) else {
      return conclude(origin, .failure(.busy))
    }
    if case .peer(let asker, _) = origin, !burden.takes(from: asker.id, at: now.monotonic) {
      return conclude(origin, .failure(.busy))
    }
    let forward = Forward(
      origin: origin, key: key, question: question, hopsLeft: hopsLeft, via: via,
      claim: via == nil ? claimOfCopies(question, key: key, claim: claim) : claim, begunAt: now.monotonic,
      sentAt: now.monotonic, deadline: now.monotonic, giveUpAt: now.monotonic + Forward.patience,
      reassuredAt: now.monotonic, attemptsLeft: origin.isOurs ? Forward.attempts : 1)
    let ticket = newTicket()
    forwards[ticket] = forward
    advance(ticket)
  }

  mutating func requested(_ request: Request, by peer: Peer) {
    if request.question == .nearest { return tellNearest(request, to: peer) }
    let before = forwards.count + held.count + puts.count
    serve(
      request.question, key: request.key, for: .peer(peer, request.ticket),
      hopsLeft: request.hopsLeft, claim: request.claim)
    if forwards.count + held.count + puts.count > before { send(.accepted(request.ticket), to: peer) }
  }

  private func isAskingThroughContacts(_ origin: Forward.Origin) -> Bool {
    guard configuration.isObserver, case .client = origin else { return false }
    return !contacts.isEmpty
  }

  // MARK: Answering

  /// The answer, if this member is the one to give it now.
  private mutating func answerHere(
    _ question: Request.Question, key: Identifier, origin: Forward.Origin, claim: Request.Claim
  ) -> Reply.Answer? {
    guard ring.isMember else { return nil }
    if case .join(let joiner) = question {
      let next = ring.successors.first { $0.id != joiner.id }?.id ?? me.id
      return between(me.id, key, next) ? .joinPoint(me) : nil
    }
    if case .replica(let further) = claim, question == .get {
      let records = store.records(under: key, at: now.utcMilliseconds)
      return records.isEmpty && further > 0 && !ring.successors.isEmpty ? nil : .records(records)
    }
    if claim == .none, question == .get, let records = vouchedCopies(of: key) { return .records(records) }
    guard isOurs(key, claim) else { return claim == .owner ? ring.predecessor.map { .redirect($0) } : nil }
    switch question {
    case .findSuccessor:
      // Who asks for exactly us is ourselves, looking for another ring: that our list has not changed need not be carried all the way.
      let successors = key == me.id ? [] : ring.successors
      return .owner(me, View(isMember: true, predecessor: ring.predecessor, successors: successors))
    case .get:
      let records = store.records(under: key, at: now.utcMilliseconds)
      return (records.isEmpty || isInMotion) && !ring.successors.isEmpty ? nil : .records(records)
    case .put, .extend, .join, .nearest: return nil
    }
  }

  /// A put to its owner, or an extension, is answered when the copies are acknowledged.
  private mutating func isKeptHere(
    _ question: Request.Question, key: Identifier, origin: Forward.Origin, claim: Request.Claim
  ) -> Bool {
    guard isOurs(key, claim) else { return false }
    switch question {
    case .put(let record):
      // One that names another place came here to be stored where nobody would look for it.
      if record.key == key { keepAsOwner(record, for: origin) } else { conclude(origin, .failure(.refused)) }
    case .extend(let renewal): extendAsOwner(renewal, for: origin)
    case .findSuccessor, .join, .get, .nearest: return false
    }
    return true
  }

  /// A get that comes to its owner and finds nothing asks the holders of copies: the owner may be new. So it does, whatever it
  /// finds, while the ring around the owner is in motion: two members may own a key then, and what came to the other, such as
  /// the end of a record, is known to those after both.
  private func claimOfCopies(_ question: Request.Question, key: Identifier, claim: Request.Claim) -> Request.Claim {
    guard question == .get else { return .none }
    if case .replica = claim { return claim }
    return isOurs(key, claim) ? .replica(Self.copiesAsked) : .none
  }

  /// How many copies a new owner asks before it says that there is no record.
  private static var copiesAsked: UInt8 { 3 }

  private func isOurs(_ key: Identifier, _ claim: Request.Claim) -> Bool {
    claim == .insist || (ring.owns(key) ?? (claim == .owner))
  }

  /// Brings an answer to whoever asked.
  mutating func conclude(_ origin: Forward.Origin, path: [Identifier] = [], _ answer: Reply.Answer) {
    switch origin {
    case .peer(let peer, let ticket):
      let path = Array(([me.id] + path).prefix(MessageLimit.path))
      send(.reply(Reply(ticket: ticket, path: path, answer: answer)), to: peer)
    case .client(let ticket): effects.append(effect(for: ticket, path, answer))
    case .join: joinAnswered(answer)
    case .merge(let via): mergeAnswered(answer, via: via)
    case .finger(let place): fingerAnswered(place, answer)
    case .upkeep(let key): moveEnded(key, answer)
    case .farewell: leaveWhenHandedOver()
    }
  }

  private func effect(for ticket: Ticket, _ path: [Identifier], _ answer: Reply.Answer) -> Effect {
    switch answer {
    case .owner(let owner, let view): .found(ticket, owner: owner, view: view, path: path)
    case .records(let records): .got(ticket, records, hops: path.count)
    case .stored(let copies): .stored(ticket, copies: Int(copies))
    case .failure(let refusal): .failed(ticket, refusal)
    case .joinPoint, .redirect, .nearest: .failed(ticket, .unreachable)
    }
  }

  // MARK: Handing on

  /// Sends a request to the best member that has not had it yet.
  mutating func advance(_ ticket: UInt32) {
    guard var forward = forwards[ticket] else { return }
    guard let (hop, claim) = nextHop(forward) else { return giveUp(ticket, forward, .unreachable) }
    dispatch(ticket, &forward, to: hop, claim)
  }

  mutating func dispatch(_ ticket: UInt32, _ forward: inout Forward, to hop: Peer, _ claim: Request.Claim) {
    if case .peer = forward.origin, !burden.hands(to: hop.id, at: now.monotonic) { return fail(ticket, forward, .busy) }
    if forward.hop != hop.id { forward.isSentAgain = false }
    forward.isOwed = false
    forward.hop = hop.id
    forward.hopEndpoint = hop.endpoint
    forward.claim = claim
    if !forward.tried.contains(hop.id) { forward.tried.append(hop.id) }
    forward.isAccepted = false
    forward.sentAt = now.monotonic
    forward.extend(from: now.monotonic)
    reassure(&forward)
    let roundTrip = roundTrips[hop.id]
    let isKnown = roundTrip?.isKnown == true
    let usual = min(Forward.hopPatience, max(roundTrip?.patience ?? .zero, isKnown ? .zero : RoundTrip.firstAnswer))
    forward.hopUntil = now.monotonic + usual
    if Self.decidesOwnership(forward.question, claim) {
      // Those behind one that is dead have been looked at meanwhile.
      let isWarm = claim == .insist ? isKnown : roundTrip?.isWarm == true
      forward.hopUntil = now.monotonic + (isWarm ? Forward.hopPatience : Forward.ownerPatience)
      // Those behind it are looked at when it is late, and then have the same time.
      if configuration.routing.isBothWays { forward.hopUntil = forward.hopUntil + usual }
    }
    // Before another one is asked it is looked which of them answer.
    let isEarly = configuration.routing.isBothWays && claim == .none
    forward.deadline = min(forward.giveUpAt, now.monotonic + (isEarly ? usual / 2 : usual))
    forwards[ticket] = forward
    deadlines.insert(ticket, at: forward.deadline)
    send(
      .request(
        Request(
          ticket: ticket, key: forward.key, hopsLeft: forward.hopsLeft - 1, claim: claim, question: forward.question)),
      to: hop)
  }

  /// Waits for the answer of a hop that works on it.
  mutating func wait(_ ticket: UInt32, _ forward: Forward) {
    var forward = forward
    forward.deadline = forward.giveUpAt
    if case .peer = forward.origin {
      forward.deadline = min(forward.deadline, forward.reassuredAt + Forward.reassurance)
    } else if forward.mayGoTwoWays {
      forward.deadline = min(forward.deadline, max(now.monotonic, forward.sentAt + Forward.impatience))
    }
    forwards[ticket] = forward
    deadlines.insert(ticket, at: forward.deadline)
  }

  /// Tells whoever waits for the answer, now and then, that somebody works on it.
  mutating func reassure(_ forward: inout Forward) {
    guard case .peer(let asker, let ticket) = forward.origin, now.monotonic - forward.reassuredAt >= Forward.reassurance
    else { return }
    forward.reassuredAt = now.monotonic
    send(.accepted(ticket), to: asker)
  }

  // MARK: What comes back

  /// A hop has the request, or says once more that it is being worked on.
  mutating func accepted(_ ticket: UInt32, by peer: Peer) {
    guard var forward = forwards[ticket], forward.hop == peer.id else { return }
    // More often than that nobody need say it, and each time costs a deadline.
    guard !forward.isAccepted || now.monotonic - forward.heardAt >= Forward.reassurance / 2 else { return }
    forward.heardAt = now.monotonic
    measure(forward)
    forward.isAccepted = true
    forward.extend(from: now.monotonic)
    reassure(&forward)
    wait(ticket, forward)
  }

  /// The first word of a hop comes after a round trip.
  private mutating func measure(_ forward: Forward) {
    guard let hop = forward.hop, !forward.isAccepted else { return }
    let taken = now.monotonic - forward.sentAt
    roundTrips.change(hop) { $0.sample(taken) }
  }

  mutating func replied(_ reply: Reply, by peer: Peer) {
    let ticket = reply.ticket
    if let ask = asks[ticket] { return inquiryAnswered(ask, ticket, reply.answer, by: peer) }
    guard var forward = forwards[ticket], forward.tried.contains(peer.id) else { return }
    if forward.hop == peer.id { measure(forward) }
    guard reply.answer.answers(forward.question) else { return fail(ticket, forward, .refused) }
    switch reply.answer {
    case .redirect(let before):
      forward.detour.append(peer.id)
      guard before.id != me.id, forward.detour.count < Int(Request.limit) else {
        return fail(ticket, forward, .tooManyHops)
      }
      // Who knows a single neighbour would know nobody any more if that one went.
      if ring.isMember, ring.successors.count == 1 { remember(missing: before) }
      if forward.tried.contains(before.id) || isFoundDead(before, forward) {
        dispatch(ticket, &forward, to: peer, .insist)
      } else {
        forward.redirectedBy.append(peer)
        dispatch(ticket, &forward, to: before, .owner)
      }
    case .failure(.refused), .failure(.full), .failure(.tooManyHops), .failure(.unknown):
      giveUp(ticket, forward, reply.answer.refusal ?? .refused)
    case .failure(let refusal):
      guard forward.hop == peer.id else { return }
      // Every member on the way tries others; if each tried all it knows, their number would multiply from hop to hop.
      forward.failures += 1
      if forward.failures >= Forward.failures { return giveUp(ticket, forward, refusal) }
      retry(ticket, forward, refusal)
    case .owner, .joinPoint, .records, .stored, .nearest:
      forwards[ticket] = nil
      if case .client(let client) = forward.origin, case .owner(let owner, let view) = reply.answer,
        isTooSparse(owner.id, after: forward.key)
      {
        return inquire(.owner, forward.key, client, doubting: (owner, view, forward.detour + reply.path))
      }
      if case .client = forward.origin, case .owner(let owner, let view) = reply.answer { met(owner, view) }
      if case .records(let records) = reply.answer, case .replica = forward.claim {
        let answer = Reply.Answer.records(adopt(records, under: forward.key, from: peer))
        return conclude(forward.origin, path: forward.detour + reply.path, answer)
      }
      conclude(forward.origin, path: forward.detour + reply.path, reply.answer)
    }
  }

  mutating func fail(_ ticket: UInt32, _ forward: Forward, _ refusal: Refusal) {
    forwards[ticket] = nil
    conclude(forward.origin, path: forward.detour, .failure(refusal))
  }

  mutating func retry(_ ticket: UInt32, _ forward: Forward, _ refusal: Refusal) {
    var forward = forward
    if let asked = forward.redirectedBy.popLast() { return dispatch(ticket, &forward, to: asked, .insist) }
    if forward.via == nil, nextHop(forward) != nil { return advance(ticket) }
    giveUp(ticket, forward, refusal)
  }

  mutating func giveUp(_ ticket: UInt32, _ forward: Forward, _ refusal: Refusal) {
    // An owner that looked for copies and reached none of them has only its own.
    guard case .replica = forward.claim else { return fail(ticket, forward, refusal) }
    forwards[ticket] = nil
    let own = store.records(under: forward.key, at: now.utcMilliseconds)
    conclude(forward.origin, path: forward.detour, .records(own))
  }
}
