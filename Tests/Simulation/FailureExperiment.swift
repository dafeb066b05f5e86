// A share of all members dies at once and silently, and before anything is repaired keys are looked up (Chord, ToN 2003, Table II).
//
//   exact ring ──> at rest ──> the victims die ──┬─ copy ──> one lookup
//                                                ├─ copy ──> one lookup        nobody learns from the others
//                                                └─ copy ──> …
//
// In a copy only those act by themselves whom the lookup passes; all others answer what they are asked, and no more.

import Chord

/// A ring in which a share of all members has died without notice.
public struct FailureExperiment {
  /// As it is at the moment of the failure.
  public let ring: Simulator
  private let seed: UInt64

  /// No lookup takes longer: three tries of three seconds, and what the dials of all hops add.
  public static let patience = Duration.seconds(60)

  /// `ring` should be exact and have full fingers.
  public init(_ ring: Simulator, failing share: Double, seed: UInt64) {
    var ring = ring
    self.seed = seed
    ring.comeToRest()
    var generator = Generator(seed: seed)
    let victims = ring.living.shuffled(using: &generator).prefix(Int((share * Double(ring.living.count)).rounded()))
    for victim in victims { ring.crash(victim, silently: true) }
    ring.news = []
    self.ring = ring
  }

  /// Looks up so many random keys from random living members, each in a copy of its own.
  public func run(lookups: Int) -> LookupTally {
    var tally = LookupTally()
    for number in 0..<lookups {
      let (asker, key) = question(number)
      look(up: key, from: asker, into: &tally)
    }
    return tally
  }

  /// The asker and the key of the lookup of that number.
  public func question(_ number: Int) -> (asker: Identifier, key: Identifier) {
    let key = Identifier(hashing: Array("key \(number) of \(seed)".utf8), label: "failures")
    var generator = Generator(seed: seed ^ UInt64(number) << 20)
    _ = generator.next()
    return (ring.living[Int(generator.next() % UInt64(ring.living.count))], key)
  }

  /// Looks up one key; with `trace`, every event of it is told.
  public func look(
    up key: Identifier, from asker: Identifier, into tally: inout LookupTally,
    trace: (@Sendable (String) -> Void)? = nil
  ) {
    var copy = ring
    copy.trace = trace
    copy.lostRequests = [key: 0]
    copy.lostPings = 0
    defer { tally.pings += copy.lostPings }
    let asked = copy.now
    let end = asked + Self.patience
    copy.tell(asker, .lookUp(key, 0))
    while copy.step(until: end) {
      guard !copy.news.isEmpty else { continue }
      let timeouts = copy.lostRequests[key] ?? 0
      for told in copy.news where told.node == asker {
        switch told.news {
        case .ring(.found(_, let owner, _, let path)):
          let isRight = owner.id == ring.owner(of: key)
          return tally.add(isRight ? .right : .wrong, hops: path.count, timeouts: timeouts, time: copy.now - asked)
        case .ring(.failed), .notInRing:
          return tally.add(.failed, hops: 0, timeouts: timeouts, time: copy.now - asked)
        case .ring, .chat: continue
        }
      }
      copy.news = []
    }
    tally.add(.failed, hops: 0, timeouts: copy.lostRequests[key] ?? 0, time: Self.patience)
  }
}
