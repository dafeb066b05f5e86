// A search round a key that the asker drives itself, for answers that nobody on the way can spoil: it asks members directly whom they
// know nearest to the key, merges what they say, and goes on whatever any one of them does.
//
//   starts: successors, predecessor, fingers                          key
//        s ──whom do you know?──> finger ──names──> a, b, c …    b  a  │ h0 h1 h2 … h7        h: where the records are
//                                                   └──── asked in turn, nearest first, until those round the key have answered
//
// Who lies can hide and mislead, but not answer in another's name: identifiers follow from keys and links prove them. So a liar can
// name liars, or members that do not exist, or real ones at wrong addresses. Against that (S/Kademlia, ICPADS 2007, in spirit):
//   - of those that one member names `chargeLimit` are asked on its account, one at first, and more when that one has answered;
//   - an advertiser whose members keep us waiting comes after all others;
//   - every second question goes to the lane that has had fewest: a lane is all that descends from one start, so that a chain of
//     liars, each naming others, costs its own lane's questions and no more;
//   - a question that is not answered soon does not hold up the next.
// It ends when the nearest on both sides have answered, no nearer one is left to be asked, and they stand as close together as members
// do (liars alone stand further apart); or when nobody is left, or at a limit.
//
// This is the shortlist alone: who is to be asked next, and whether that is enough. Inquiring.swift asks.

/// What one asker knows of the neighbourhood of a key.
struct Inquiry: Sendable {
  enum Purpose: Hashable, Sendable {
    /// All records under the key, as they come.
    case records
    /// The first member at or after the key.
    case owner
  }

  /// A member somebody has named, at one address.
  struct Candidate: Sendable {
    enum State: Hashable, Sendable {
      case named, asked
      /// Asked, and slow.
      case late
      case answered, silent
    }

    let peer: Peer
    /// How far it stands before the key, or, if it may be a holder, on whichever side it is nearer.
    let gap: Identifier
    /// How far it stands after the key.
    let after: Identifier
    /// Whether it stands where the holders of the key must be.
    let mayHold: Bool
    /// The start it descends from.
    let lane: Int
    var state = State.named
    /// Who named it, by place, the first ones only; none: a start.
    var advertisers: [Int] = []
    /// As an advertiser: how many of those it named were asked on its account, and what came of that.
    var charged = 0
    var good = 0
    var bad = 0
    /// On whose account it was asked.
    var account: Int?

    /// Whether another may be asked on its account: one more than have proved good may be open.
    var hasCredit: Bool { charged - good - bad <= good }
  }

  /// Whoever asked.
  let ticket: Ticket
  let key: Identifier
  let purpose: Purpose
  /// How far apart members stand on average, as a share of the circle; nil: in so small a ring everybody may be a holder.
  let spacing: Double?
  /// How many holders a record has.
  let holders: Int
  let giveUpAt: Instant
  /// The owner that was named before, and its view and the path to it: better than none, unless somebody nearer answers.
  var doubted: (owner: Peer, view: View, path: [Identifier])?
  private(set) var candidates: [Candidate] = []
  private var places: [Peer: Int] = [:]
  /// Nodes that are being asked: not at another address at the same time.
  private var isEngaged: Set<Identifier> = []
  private var hasAnswered: Set<Identifier> = []
  private var laneQuestions = [Int](repeating: 0, count: Self.lanes + 1)
  private var isFairTurn = false
  private(set) var questionCount = 0
  private(set) var answerCount = 0
  /// Questions that are open, and of them those that are not late.
  private(set) var openCount = 0
  private(set) var promptCount = 0

  /// Questions that are open and not late: enough to get on while some of them are dialled.
  static let parallel = 8
  /// Open questions in all: those to addresses where nobody is wait for the end of a dial.
  static let openLimit = 24
  /// Of 1000 members, 300 of them liars, nearly every inquiry is over before this.
  static let questionLimit = 128
  /// After so many there is no hurry any more, and it is enough if those near the key stand further apart than most: each lane has had
  /// several by then.
  private static let searching = 64
  /// Of the members that one member has named: the rule that nobody can make us dial more than four addresses.
  static let chargeLimit = 4
  /// Members one answer may name: twice the holders of a record, on either side.
  static let named = MessageLimit.nearest
  /// As many who named a candidate are remembered; more add nothing.
  private static let advertisersEach = 4
  /// A start for each of the longest fingers; what is left shares one more.
  private static let lanes = 8
  /// How many before the key must have answered: each of them, if it is honest, knows all the holders.
  private static let before = 8
  /// At the least, where members stand far apart.
  private static let few = 4
  /// The holders of a key stand within so many mean distances after it: the eighth is further with one key in ten thousand.
  private static let reach = 24.0
  /// Eight on either side stand within so many mean distances of the key, or there may be others who were kept from us. Of honest
  /// members 28 are expected there and 16 are missed once in a hundred times, which costs questions; of liars, a fifth of all, 16 are
  /// met in one place of ten thousand.
  private static let dense = 14.0

  /// `starts` are the asker's own pointers; `me` counts as one that has answered.
  init(
    ticket: Ticket, key: Identifier, purpose: Purpose, me: Peer?, starts: [Peer], spacing: Double?, holders: Int,
    giveUpAt: Instant
  ) {
    self.ticket = ticket
    self.key = key
    self.purpose = purpose
    self.spacing = spacing.flatMap { $0 * Self.reach < 0.5 ? $0 : nil }
    self.holders = holders
    self.giveUpAt = giveUpAt
    if let me {
      add(me, lane: Self.lanes)
      candidates[0].state = .answered
      hasAnswered.insert(me.id)
    }
    let nearestFirst = starts.map { ($0, gap(of: $0.id)) }.sorted { ($0.1, $0.0.id) < ($1.1, $1.0.id) }
    for (peer, _) in nearestFirst where places[peer] == nil {
      add(peer, lane: min(candidates.count - (me == nil ? 0 : 1), Self.lanes))
    }
  }

  // MARK: Whom to ask

  /// The next member to ask now; nil: none, until something happens.
  mutating func next() -> (place: Int, peer: Peer)? {
    let parallel = questionCount < Self.searching ? Self.parallel : Self.parallel / 2
    guard promptCount < parallel, openCount < Self.openLimit, questionCount < Self.questionLimit,
      let place = isFairTurn ? nearest(in: poorestLane) : nearest(in: nil)
    else { return nil }
    isFairTurn.toggle()
    let account = account(of: place)
    if let account { candidates[account].charged += 1 }
    candidates[place].account = account
    candidates[place].state = .asked
    laneQuestions[candidates[place].lane] += 1
    isEngaged.insert(candidates[place].peer.id)
    questionCount += 1
    openCount += 1
    promptCount += 1
    return (place, candidates[place].peer)
  }

  /// Whether it may be asked, now or later.
  private func isLeft(_ place: Int) -> Bool {
    let candidate = candidates[place]
    guard candidate.state == .named, !hasAnswered.contains(candidate.peer.id) else { return false }
    return candidate.advertisers.isEmpty
      || candidate.advertisers.contains { candidates[$0].charged < Self.chargeLimit }
  }

  /// Whether it may be asked now.
  private func isReady(_ place: Int) -> Bool {
    isLeft(place) && !isEngaged.contains(candidates[place].peer.id)
      && (candidates[place].advertisers.isEmpty || account(of: place) != nil)
  }

  /// The advertiser on whose account a candidate would be asked: the one we trust most, who has some left.
  private func account(of place: Int) -> Int? {
    let rank = { (advertiser: Int) in (isDoubtful(advertiser) ? 1 : 0, candidates[advertiser].charged, advertiser) }
    return candidates[place].advertisers
      .filter { candidates[$0].charged < Self.chargeLimit && candidates[$0].hasCredit }.min { rank($0) < rank($1) }
  }

  private func isDoubtful(_ advertiser: Int) -> Bool { candidates[advertiser].bad > candidates[advertiser].good }

  /// Whether a candidate near the key is worth waiting for: a start, or named by two whom we do not doubt, or by one who has named others
  /// that answered. Whoever invents members is not to keep us from the end; nor who names some at wrong addresses, so that while a
  /// member is being asked at one, only what two say of another counts.
  private func isCredible(_ place: Int) -> Bool {
    let candidate = candidates[place]
    if candidate.advertisers.isEmpty { return true }
    let advertisers = candidate.advertisers.filter { !isDoubtful($0) }
    if advertisers.count >= 2 { return true }
    return !isEngaged.contains(candidate.peer.id) && advertisers.contains { candidates[$0].good > 0 }
  }

  private func nearest(in lane: Int?) -> Int? {
    var best: (isDoubtful: Bool, place: Int)?
    for (place, candidate) in candidates.enumerated() where lane.map({ $0 == candidate.lane }) ?? true {
      guard isReady(place) else { continue }
      let isDoubtful = account(of: place).map(isDoubtful) ?? false
      if let best {
        if isDoubtful && !best.isDoubtful { continue }
        let rival = candidates[best.place]
        // The same member at two addresses: where more say that it is.
        let isFurther = rival.gap < candidate.gap
        let isLessNamed = rival.gap == candidate.gap && rival.advertisers.count >= candidate.advertisers.count
        if isDoubtful == best.isDoubtful && (isFurther || isLessNamed) { continue }
      }
      best = (isDoubtful, place)
    }
    return best?.place
  }

  /// The lane with the fewest questions that has somebody to ask whom we do not doubt.
  private var poorestLane: Int? {
    var poorest: Int?
    for place in candidates.indices {
      let lane = candidates[place].lane
      if let best = poorest, (laneQuestions[best], best) <= (laneQuestions[lane], lane) { continue }
      if isReady(place), account(of: place).map(isDoubtful) != true { poorest = lane }
    }
    return poorest
  }

  // MARK: What comes back

  /// The member at this place has answered, and named these.
  mutating func answered(_ place: Int, naming peers: [Peer], me: Identifier) {
    guard close(place, .answered) else { return }
    answerCount += 1
    hasAnswered.insert(candidates[place].peer.id)
    if let account = candidates[place].account { candidates[account].good += 1 }
    for peer in peers.prefix(Self.named) where peer.id != me && peer.id != candidates[place].peer.id {
      if let known = places[peer] {
        guard !candidates[known].advertisers.isEmpty, candidates[known].advertisers.count < Self.advertisersEach,
          !candidates[known].advertisers.contains(place)
        else { continue }
        candidates[known].advertisers.append(place)
      } else {
        add(peer, lane: candidates[place].lane, by: place)
      }
    }
  }

  /// It has not answered yet: others are asked meanwhile.
  mutating func isLate(_ place: Int) {
    guard candidates[place].state == .asked else { return }
    candidates[place].state = .late
    promptCount -= 1
    if let account = candidates[place].account { candidates[account].bad += 1 }
  }

  /// It does not answer, or cannot be reached there.
  mutating func failed(_ place: Int) {
    let wasLate = candidates[place].state == .late
    guard close(place, .silent) else { return }
    if !wasLate, let account = candidates[place].account { candidates[account].bad += 1 }
  }

  private mutating func close(_ place: Int, _ state: Candidate.State) -> Bool {
    switch candidates[place].state {
    case .asked: promptCount -= 1
    case .late: if state == .answered, let account = candidates[place].account { candidates[account].bad -= 1 }
    case .named, .answered, .silent: return false
    }
    openCount -= 1
    isEngaged.remove(candidates[place].peer.id)
    candidates[place].state = state
    return true
  }

  private mutating func add(_ peer: Peer, lane: Int, by advertiser: Int? = nil) {
    let after = key.distance(to: peer.id)
    let mayHold = mayHold(after)
    places[peer] = candidates.count
    candidates.append(
      Candidate(
        peer: peer, gap: gap(of: peer.id), after: after, mayHold: mayHold, lane: lane,
        advertisers: advertiser.map { [$0] } ?? []))
  }

  private func gap(of id: Identifier) -> Identifier {
    let (before, after) = (id.distance(to: key), key.distance(to: id))
    return mayHold(after) ? min(before, after) : before
  }

  private func mayHold(_ after: Identifier) -> Bool {
    spacing.map { after.fractionOfCircle <= $0 * Self.reach } ?? true
  }

  // MARK: The end

  /// Whether all near the key have been heard, or nobody is left to ask.
  var isOver: Bool {
    isCovered(within: questionCount < Self.searching ? Self.dense : Self.reach) || isExhausted
  }

  private var isExhausted: Bool {
    openCount == 0 && (questionCount >= Self.questionLimit || !candidates.indices.contains(where: isLeft))
  }

  /// Whether what was heard is all there is: those near the key have answered; or nobody was left to ask, or there was no more time, and
  /// on either side a few have answered and nobody nearer is worth waiting for. (They may just stand far apart here.)
  var isConclusive: Bool {
    isCovered(within: Self.reach) || isExhausted && questionCount < Self.questionLimit
      || hasHeard(Self.few, after: true, within: 1)
        && (spacing == nil || hasHeard(Self.few, after: false, within: 1))
  }

  /// The nearest on both sides have answered, so many mean distances away at most, and nobody nearer is left.
  private func isCovered(within spacings: Double) -> Bool {
    let limit = spacing.map { $0 * spacings } ?? 1
    return hasHeard(holders, after: true, within: limit)
      && (spacing == nil || hasHeard(Self.before, after: false, within: limit))
  }

  private func hasHeard(_ wanted: Int, after isAfter: Bool, within limit: Double) -> Bool {
    let side = candidates.indices.filter { candidates[$0].mayHold == isAfter }
    let distance = isAfter ? \Candidate.after : \Candidate.gap
    var heard = 0
    for place in side.sorted(by: { candidates[$0][keyPath: distance] < candidates[$1][keyPath: distance] }) {
      switch candidates[place].state {
      case .answered: heard += 1
      case .asked: return false
      case .named: if isLeft(place), isCredible(place) { return false }
      // One holder of a record is as good as another, but only one member is the owner.
      case .late: if purpose == .owner { return false }
      case .silent: break
      }
      if heard == wanted { return candidates[place][keyPath: distance].fractionOfCircle <= limit }
    }
    return false
  }

  /// All that have answered, in ring order from the key on.
  var heard: [Peer] { candidates.filter { $0.state == .answered }.sorted { $0.after < $1.after }.map(\.peer) }

  /// By whose word a candidate was found: from a start to the candidate itself.
  func path(to place: Int) -> [Identifier] {
    var path = [candidates[place].peer.id]
    var account = candidates[place].account
    while let last = account, path.count < MessageLimit.path {
      path.insert(candidates[last].peer.id, at: 0)
      account = candidates[last].account
    }
    return path
  }

  func place(of peer: Peer) -> Int? { places[peer] }

  /// What is beyond its bound; nil when all is well.
  var brokenInvariant: String? {
    if candidates.count > Self.candidateLimit { return "\(candidates.count) candidates" }
    if questionCount > Self.questionLimit { return "\(questionCount) questions of one inquiry" }
    if openCount > Self.openLimit || promptCount > min(openCount, Self.parallel) {
      return "\(openCount) open questions"
    }
    return nil
  }

  /// Ourselves, all we point at, and what every answer may name.
  static let candidateLimit = 2 + MessageLimit.successors + Identifier.bitCount + questionLimit * named
}
