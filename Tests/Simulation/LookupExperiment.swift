// Lookups one at a time, all from the same tables; before them a share of all members may die at once and silently, and nothing is
// repaired (Chord, ToN 2003, Table II).
//
//   exact ring ──> at rest ──> the victims die ──┬─> one lookup ──> back to here
//                                                ├─> one lookup ──> back to here     nobody learns from the others, unless they are to
//                                                └─> …
//
// Only those act by themselves whom the lookup passes; all others answer what they are asked, and no more.

import Chord

/// A ring in which keys are looked up.
public struct LookupExperiment {
  /// As it is before the first lookup.
  public let ring: Simulator
  private var work: Simulator
  private let seed: UInt64
  /// Whether what nodes learn from a lookup stays for the next ones.
  private let isWarm: Bool
  private let load: Load

  /// Which keys are asked for, and by whom.
  public enum Load: Sendable {
    /// Every time another key and another member.
    case even
    /// So many keys, the one of rank k in proportion to 1/k (Zipf), and so many members.
    case skewed(keys: Int, askers: Int)
  }

  /// No lookup takes longer: three tries of three seconds, and what the dials of all hops add.
  public static let patience = Duration.seconds(60)

  /// `ring` should be exact and have full fingers.
  public init(
    _ ring: consuming Simulator, failing share: Double = 0, isWarm: Bool = false, load: Load = .even, seed: UInt64
  ) {
    self.seed = seed
    self.isWarm = isWarm
    self.load = load
    ring.comeToRest()
    var generator = Generator(seed: seed)
    let victims = ring.living.shuffled(using: &generator).prefix(Int((share * Double(ring.living.count)).rounded()))
    for victim in victims { ring.crash(victim, silently: true) }
    ring.news = []
    self.ring = ring
    work = ring
    work.watchHosts()
  }

  /// Looks up so many random keys from random living members. `progress` is told how many are done.
  public mutating func run(lookups: Int, progress: (Int) -> Void = { _ in }) -> LookupTally {
    var tally = LookupTally()
    for number in 0..<lookups {
      let (asker, key) = question(number)
      look(up: key, from: asker, into: &tally)
      progress(number + 1)
    }
    return tally
  }

  /// The asker and the key of the lookup of that number.
  public func question(_ number: Int) -> (asker: Identifier, key: Identifier) {
    var generator = Generator(seed: seed ^ UInt64(number) << 20)
    _ = generator.next()
    let drawn = generator.next()
    guard case .skewed(let keys, let askers) = load else {
      return (ring.living[Int(drawn % UInt64(ring.living.count))], key(number))
    }
    // Spread over the ring: neighbours would know the same.
    let place = Int(drawn % UInt64(askers)) * ring.living.count / askers
    return (ring.living[place], key(Self.rank(among: keys, generator.next())))
  }

  private func key(_ number: Int) -> Identifier {
    Identifier(hashing: Array("key \(number) of \(seed)".utf8), label: "failures")
  }

  /// A rank from 1 on, drawn by its popularity.
  private static func rank(among keys: Int, _ word: UInt64) -> Int {
    let popularities = (1...keys).map { 1 / Double($0) }
    var left = Double(word >> 11) / 0x1p53 * popularities.reduce(0, +)
    for (index, popularity) in popularities.enumerated() {
      left -= popularity
      if left < 0 { return index + 1 }
    }
    return keys
  }

  /// Looks up one key, and returns the way to the node named, which is last; with `trace`, every event of it is told.
  @discardableResult
  public mutating func look(
    up key: Identifier, from asker: Identifier, into tally: inout LookupTally,
    trace: (@Sendable (String) -> Void)? = nil
  ) -> [Identifier]? {
    if !isWarm { work.rewind(to: ring) }
    work.trace = trace
    work.watch(key)
    let asked = work.now
    work.tell(asker, .lookUp(key, 0))
    let answer = answer(to: asker, until: asked + Self.patience)
    let timeouts = work.lostRequests[key] ?? 0
    var lookup = LookupTally.Lookup(.failed, hops: nil, timeouts: timeouts, time: work.now - asked)
    if let answer {
      lookup.outcome = answer.owner == ring.owner(of: key) ? .right : .wrong
      lookup.hops = answer.path.count
      lookup.direct = ring.roundTrip(asker, answer.owner)
    }
    lookup.messages = work.watchedMessageCount
    lookup.bytes = work.watchedByteCount
    lookup.isDoubted = work.inquiryCount > 0
    tally.add(lookup)
    tally.pings += work.lostPings
    return answer?.path
  }

  /// What the asker is told; nil if nothing comes of it.
  private mutating func answer(to asker: Identifier, until end: Instant) -> (owner: Identifier, path: [Identifier])? {
    while work.step(until: end) {
      guard !work.news.isEmpty else { continue }
      for told in work.news where told.node == asker {
        switch told.news {
        case .ring(.found(_, let owner, _, let path)): return (owner.id, path)
        case .ring(.failed), .notInRing: return nil
        case .ring, .chat: continue
        }
      }
      work.news = []
    }
    return nil
  }
}
