// Members that lie about lookups and records, and know each other. Each has one way of lying and keeps to it; to whatever keeps the
// ring in order they answer truly, so that nobody finds them out. None can forge what it has no key for: a false record is one that
// was altered, or written by a liar who knows the name, or an older one of the user's own.

import Chord

/// A company of liars.
public struct Liars: Sendable {
  /// What a liar does with a request.
  public enum Way: Int, CaseIterable, Sendable {
    /// Nothing.
    case silent
    /// It says again and again that it works on it.
    case stalling
    /// It holds nothing and knows nobody, and owns every key.
    case denying
    /// It names other liars.
    case naming
    /// It has false and old records, and names other liars.
    case forging
    /// It names members that do not exist, all round the key.
    case inventing
    /// It names the right members, at addresses where they are not.
    case misdirecting
  }

  /// What liars show for the records under a key.
  public struct Falsehoods: Sendable {
    public var records: [Record]
    public init(records: [Record]) { self.records = records }
  }

  /// Their ways, by their identifiers.
  public let ways: [Identifier: Way]
  private let liars: [Peer]
  private let honest: [Peer]
  private let falsehoods: [Identifier: Falsehoods]

  /// A share of `members` become liars, drawn by `seed`; of one way, or of all ways evenly.
  public init(
    among members: [Peer], share: Double, way: Way? = nil, falsehoods: [Identifier: Falsehoods], seed: UInt64
  ) {
    var generator = Generator(seed: seed)
    let drawn = members.shuffled(using: &generator)
    let count = Int((share * Double(members.count)).rounded())
    liars = drawn.prefix(count).sorted { $0.id < $1.id }
    honest = drawn.dropFirst(count).sorted { $0.id < $1.id }
    var ways: [Identifier: Way] = [:]
    for (number, liar) in drawn.prefix(count).enumerated() {
      ways[liar.id] = way ?? Way.allCases[number % Way.allCases.count]
    }
    self.ways = ways
    self.falsehoods = falsehoods
  }

  public func contains(_ id: Identifier) -> Bool { ways[id] != nil }

  /// What a liar says to a message; nil: it says what it should.
  public func lines(of liar: Identifier, to message: Message) -> [(Message, after: Duration)]? {
    guard case .request(let request) = message, let way = ways[liar] else { return nil }
    switch way {
    case .silent: return []
    case .stalling: return (0..<30).map { (.accepted(request.ticket), after: .seconds($0)) }
    case .denying, .naming, .forging, .inventing, .misdirecting:
      let answer = answer(of: liar, way, to: request)
      return [(.reply(Reply(ticket: request.ticket, path: [liar], answer: answer)), after: .zero)]
    }
  }

  private func answer(of liar: Identifier, _ way: Way, to request: Request) -> Reply.Answer {
    let key = request.key
    let untrue = way == .forging ? falsehoods[key]?.records ?? [] : []
    switch request.question {
    case .nearest: return .nearest(untrue, named(by: liar, way, near: key))
    case .get:
      switch way {
      case .naming: return .redirect(Self.nearest(liars, to: key, 1)[0])
      case .inventing: return .redirect(invented(by: liar, near: key, 0))
      case .forging: return .records(untrue)
      case .silent, .stalling, .denying, .misdirecting: return .records([])
      }
    case .findSuccessor:
      let named = named(by: liar, way, near: key)
      let owner = named.first ?? liars.first { $0.id == liar } ?? liars[0]
      return .owner(owner, View(isMember: true, predecessor: named.last, successors: named))
    case .join, .put, .extend: return .failure(.refused)
    }
  }

  private func named(by liar: Identifier, _ way: Way, near key: Identifier) -> [Peer] {
    switch way {
    case .silent, .stalling, .denying: []
    case .naming, .forging: Self.nearest(liars, to: key, MessageLimit.nearest)
    case .inventing: (0..<MessageLimit.nearest).map { invented(by: liar, near: key, $0) }
    case .misdirecting:
      Self.nearest(honest, to: key, MessageLimit.nearest).enumerated().map { number, peer in
        Peer(id: peer.id, endpoint: invented(by: liar, near: key, number).endpoint)
      }
    }
  }

  /// So many of `members` round the key, half of them before it; the first is the first at or after it.
  private static func nearest(_ members: [Peer], to key: Identifier, _ count: Int) -> [Peer] {
    let place = members.firstIndex { !($0.id < key) } ?? 0
    let half = (count + 1) / 2
    return (0..<min(count, members.count)).map { step in
      members[(place + (step < half ? step : members.count - 1 - step + half)) % members.count]
    }
  }

  /// Somebody who does not exist, nearer to the key than anybody who does.
  private func invented(by liar: Identifier, near key: Identifier, _ number: Int) -> Peer {
    let spread = Identifier(hashing: liar.bytes + key.bytes + [UInt8(number)], label: "invented")
    var offset = Identifier(fraction: 0)
    for bit in 0..<128 where spread.bytes[bit / 8] >> UInt8(bit % 8) & 1 == 1 {
      offset = offset.advanced(by: .powerOfTwo(bit))
    }
    // Below 2^128: a four-millionth of the distance between two of a thousand members.
    let id = number % 2 == 0 ? key.advanced(by: offset) : offset.distance(to: key)
    let address = UInt32(spread.bytes[0]) << 16 | UInt32(spread.bytes[1]) << 8 | UInt32(number)
    return Peer(id: id, endpoint: Endpoint(host: .v4(0xC612_0000 | address & 0x1_FFFF), port: 7400))
  }
}
