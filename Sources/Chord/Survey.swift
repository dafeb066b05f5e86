// How fingers are found when any member of an interval will do: first somebody, then somebody near.
//
//   place by place, from the longest       fill      look up where the interval begins, and take one of those named
//                                          survey    look up a point of it; those named are pinged one after the other, and the nearest stays
//                                          later     now and then a few more
//
// The answer to one lookup names an owner and its successors: candidates for nothing. Only to ping them costs something, a dial mostly. So
// it is one in a second, sixteen for each place, and then hardly any. Who is linked already has been measured for nothing.
// A finger that dies leaves its place to be filled again at once, and where no other is missing those named with the new one are looked at
// without another lookup. Where none is missing nothing is looked up.

/// Which places have fingers, and what is being done about the others.
struct Survey: Hashable, Sendable {
  enum Stage: Int, Hashable, Comparable, Sendable {
    case empty, filled, surveyed
    static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }
  }

  /// Without a stage: empty.
  private var stages: [Int: Stage] = [:]
  /// A lookup for this place is under way.
  private(set) var asked: Int?
  /// When places without a finger were last asked for.
  private var askedAt: [Int: Instant] = [:]
  /// The members of this place's interval that are still to be looked at.
  private(set) var place: Int?
  private(set) var left: [Peer] = []
  /// The nearest of those that have been, if it is nearer than the finger.
  var best: Peer?
  /// Where the last of the later rounds was.
  private var last = 0

  /// Looked at in each of the later rounds.
  static let later = 2

  /// Whether everything has been looked at for the first time, or everything but one place.
  func isDone(from lowest: Int, to highest: Int, besides place: Int? = nil) -> Bool {
    (lowest...highest).allSatisfy { $0 == place || stages[$0] == .surveyed }
  }

  func stage(of place: Int) -> Stage { stages[place] ?? .empty }

  mutating func set(_ stage: Stage, of place: Int) {
    stages[place] = stage
    if asked == place { asked = nil }
  }

  /// The place to look at now, of those from the lowest to the highest: the longest that is least advanced, and in later rounds one after
  /// the other. One that stays empty is asked for now and then: whoever answers for it must not keep the others from being filled.
  mutating func next(from lowest: Int, to highest: Int, at now: Instant) -> Int? {
    guard asked == nil, lowest <= highest else { return nil }
    stages = stages.filter { $0.key >= lowest }
    askedAt = askedAt.filter { $0.key >= lowest && now - $0.value < Pace.survey }
    let places = (lowest...highest).reversed()
    asked = places.first { stage(of: $0) == .empty && askedAt[$0] == nil } ?? places.first { stage(of: $0) == .filled }
    if isDone(from: lowest, to: highest) {
      last = last > lowest && last <= highest ? last - 1 : highest
      asked = last
    }
    if let asked, stage(of: asked) == .empty { askedAt[asked] = now }
    return asked
  }

  /// The lookup came to nothing.
  mutating func failed(_ place: Int) { if asked == place { asked = nil } }

  /// These are to be looked at for that place.
  mutating func begin(_ place: Int, _ peers: [Peer]) {
    (asked, self.place, left, best) = (nil, place, peers, nil)
  }

  mutating func takeCandidate() -> Peer? { left.isEmpty ? nil : left.removeFirst() }

  mutating func end() { (place, left, best) = (nil, [], nil) }

  mutating func forget(_ id: Identifier, at endpoint: Endpoint?) {
    left.removeAll { $0.matches(id, at: endpoint) }
    if let peer = best, peer.matches(id, at: endpoint) { best = nil }
  }
}

extension ChordNode {
  private var highestPlace: Int { fingers.last }

  /// How far the successor list reaches.
  private var listReach: Identifier { ring.successors.last.map { me.id.distance(to: $0.id) } ?? .zero }

  /// The lowest place worth a finger; nil when the list goes round the whole ring.
  var lowestPlace: Int? {
    ring.isRound ? nil : fingers.place(at: listReach)
  }

  /// Whether every place beyond the successor list has a finger, unless nobody stands in its interval, and each was looked at.
  public func hasAllFingers(_ isAnybody: (_ start: Identifier, _ end: Identifier) -> Bool) -> Bool {
    guard let lowest = lowestPlace else { return true }
    return (lowest...highestPlace).allSatisfy { place in
      let start = max(fingers.start(of: place), listReach.advanced(by: Identifier(1)))
      let end = place == highestPlace ? me.id : me.id.advanced(by: fingers.start(of: place + 1))
      return survey.stage(of: place) == .surveyed
        && (fingers[place] != nil || !isAnybody(me.id.advanced(by: start), end))
    }
  }

  /// The next step: another candidate, or another place.
  mutating func surveyFingers() {
    guard let lowest = lowestPlace else {
      fingersAt = now.monotonic + generator.jittered(Pace.fingers)
      return
    }
    fingers.removeAll(below: lowest)
    var pace = Pace.survey
    let wasSurveying = survey.place != nil
    if let candidate = survey.takeCandidate() {
      measure(candidate, .survey)
    } else {
      endSurvey()
      let isDone = survey.isDone(from: lowest, to: highestPlace)
      if isDone { pace = Pace.laterSurvey }
      if !(isDone && wasSurveying), let place = survey.next(from: lowest, to: highestPlace, at: now.monotonic) {
        if survey.stage(of: place) == .empty { pace = Pace.firstFingers }
        let beyond = listReach.advanced(by: Identifier(1))
        let isEmpty = fingers[place] == nil
        let anywhere = fingers.point(of: place, leaving: listReach, using: &generator)
        let point = max(isEmpty ? fingers.start(of: place) : anywhere, beyond)
        serve(.findSuccessor, key: me.id.advanced(by: point), for: .finger(place))
      }
    }
    fingersAt = now.monotonic + generator.jittered(pace)
  }

  /// Members round a point of the interval of that place.
  mutating func foundCandidates(_ place: Int, _ peers: [Peer]) {
    let eligible = fingers.inInterval(place, of: peers, from: me.id).filter { peer in
      !fingers.isCrowded(peer, besides: place) && !ring.successors.contains { $0.id == peer.id }
    }
    let inInterval = eligible.filter { roundTrips[$0.id]?.isSuspect != true }
    switch survey.stage(of: place) {
    case .empty:
      guard let first = inInterval.min(by: { handOver(to: $0.id) < handOver(to: $1.id) }) else {
        if eligible.isEmpty && !isInMotion { return survey.set(.surveyed, of: place) }
        // All of them are silent just now, or the ring is being repaired: it is soon known who lives.
        survey.failed(place)
        fingersAt = now.monotonic + generator.jittered(Pace.survey)
        return
      }
      take(first, for: place)
      let isLast = lowestPlace.map { survey.isDone(from: $0, to: highestPlace, besides: place) } ?? false
      guard isLast, survey.place == nil else {
        survey.set(.filled, of: place)
        fingersAt = now.monotonic + generator.jittered(Pace.firstFingers)
        return
      }
      look(at: inInterval, for: place, besides: first, upTo: configuration.routing.candidates - 1)
    case .filled, .surveyed:
      guard let finger = fingers[place] else {
        if let first = inInterval.first { take(first, for: place) }
        return survey.set(.surveyed, of: place)
      }
      let isFirst = survey.stage(of: place) == .filled
      let limit = isFirst ? configuration.routing.candidates - 1 : Survey.later
      look(at: inInterval, for: place, besides: finger, upTo: limit)
    }
  }

  /// Finds out who of these is nearer than the finger: at once for those who have been measured, and of the others for as many as are left.
  private mutating func look(at peers: [Peer], for place: Int, besides finger: Peer, upTo limit: Int) {
    let others = peers.filter { $0.id != finger.id }
    let known = others.filter { roundTrips[$0.id]?.isMeasured == true }
    survey.set(.surveyed, of: place)
    survey.begin(place, Array(others.filter { !known.contains($0) }.prefix(max(limit - known.count, 0))))
    for peer in known { compare(peer, for: place) }
    fingersAt = now.monotonic + generator.jittered(Pace.survey)
  }

  /// A candidate has answered.
  mutating func surveyed(_ peer: Peer) {
    guard let place = survey.place, fingers.place(at: me.id.distance(to: peer.id)) == place else { return }
    compare(peer, for: place)
  }

  /// Keeps in mind whoever is nearest.
  private mutating func compare(_ peer: Peer, for place: Int) {
    guard let finger = fingers[place], handOver(to: peer.id) < handOver(to: (survey.best ?? finger).id)
    else { return }
    survey.best = peer
  }

  private mutating func endSurvey() {
    if let place = survey.place, let best = survey.best, !fingers.isCrowded(best, besides: place) {
      take(best, for: place)
    }
    survey.end()
  }

  private mutating func take(_ peer: Peer, for place: Int) {
    fingers.set(place, peer)
    probe(peer, .choice)
  }

  /// Fingers that are gone leave places to be filled.
  mutating func lostFingers(_ places: [Int]) {
    guard configuration.routing.candidates > 1, !places.isEmpty, ring.isMember else { return }
    for place in places { survey.set(.empty, of: place) }
    let soon = now.monotonic + generator.jittered(Pace.firstFingers)
    fingersAt = min(fingersAt ?? soon, soon)
  }

  /// The successor list reaches less far, or further, than before: there may be places that were worth no finger until now.
  mutating func lookAtPlaces() {
    guard configuration.routing.candidates > 1, let lowest = lowestPlace, let at = fingersAt else { return }
    for place in lowest...highestPlace where fingers[place] == nil && survey.stage(of: place) == .surveyed {
      survey.set(.empty, of: place)
    }
    if !survey.isDone(from: lowest, to: highestPlace) { fingersAt = min(at, now.monotonic + Pace.survey) }
  }

  // MARK: Measuring

  /// Finds out how far away a member is. The first answer may have taken a dial, so the second one counts.
  mutating func measure(_ peer: Peer, _ reason: Probe.Reason) {
    if roundTrips[peer.id]?.isMeasured == true { return measured(peer, reason) }
    guard !probes.values.contains(where: { $0.peer.id == peer.id && $0.purpose == .distance(reason) }) else { return }
    probe(peer, .distance(reason))
  }

  mutating func measured(_ peer: Peer, _ reason: Probe.Reason) {
    guard roundTrips[peer.id]?.isMeasured == true else { return probe(peer, .distance(reason)) }
    switch reason {
    case .survey: surveyed(peer)
    case .inbound: welcome(peer)
    case .owner: break
    }
  }

  /// One neighbour now and then, whichever has been silent longest: links stay warm, and how far away everybody is stays known.
  mutating func keepWarm() {
    guard configuration.routing.isBothWays, ring.isMember, warmAt.map({ $0 <= now.monotonic }) ?? true else { return }
    var coldest: (peer: Peer, heard: Instant?, isFinger: Bool)?
    func weigh(_ peer: Peer, isFinger: Bool) {
      let roundTrip = roundTrips[peer.id]
      guard roundTrip?.isSuspect != true else { return }
      let heard = roundTrip?.isMeasured == true ? roundTrip?.lastHeard : nil
      if let heard, now.monotonic - heard < Pace.warmth { return }
      if let coldest {
        guard let since = coldest.heard, heard.map({ $0 < since }) ?? true else { return }
      }
      coldest = (peer, heard, isFinger)
    }
    for peer in ring.successors { weigh(peer, isFinger: false) }
    for peer in behind { weigh(peer, isFinger: false) }
    for entry in fingers.entries { weigh(entry.peer, isFinger: true) }
    guard let coldest else { return warmAt = now.monotonic + Pace.warmthLooks }
    if coldest.isFinger { probe(coldest.peer, .choice) } else { probeLife(of: coldest.peer) }
  }
}
