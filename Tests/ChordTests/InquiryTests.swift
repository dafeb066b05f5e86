// Reads and lookups that the asker drives itself: whom it asks, how little one liar can do to it, and when it is over.

import Simulation
import Testing

@testable import Chord

@Suite("Inquiries")
struct InquiryTests {
  static let key = Identifier(fraction: 0x8000_0000)
  static let me = peer(0)

  /// The member that many hundredths of a member's share of the ring from the key, were there a thousand.
  static func peer(_ hundredths: Int, host: UInt32 = 0x0A00_0000) -> Peer {
    let id = Identifier(fraction: UInt32(bitPattern: Int32(truncatingIfNeeded: 0x8000_0000 + hundredths * 42_949)))
    return Peer(id: id, endpoint: Endpoint(host: .v4(host | UInt32(abs(hundredths) & 0xFFFF)), port: 7400))
  }

  static func inquiry(starts: [Peer], spacing: Double? = 0.001) -> Inquiry {
    Inquiry(
      ticket: 1, key: key, purpose: .records, me: nil, starts: starts, spacing: spacing, holders: 8,
      giveUpAt: Instant(nanoseconds: 0))
  }

  static let far = (1...12).map { peer(-20_000 - 100 * $0) }

  @Test("of those that one member names four are asked on its account, the second when the first has answered")
  func charges() {
    var inquiry = Self.inquiry(starts: [Self.peer(-5000)])
    let start = inquiry.next()!
    inquiry.answered(start.place, naming: (1...16).map { Self.peer(-10 * $0) }, me: Self.me.id)
    var asked: [Int] = []
    while let (place, _) = inquiry.next() { asked.append(place) }
    #expect(asked.count == 1)
    inquiry.answered(asked[0], naming: [], me: Self.me.id)
    while let (place, _) = inquiry.next() { asked.append(place) }
    #expect(asked.count == 3)
    for place in asked.dropFirst() { inquiry.answered(place, naming: [], me: Self.me.id) }
    while let (place, _) = inquiry.next() { asked.append(place) }
    #expect(asked.count == 4)
    inquiry.answered(asked[3], naming: [], me: Self.me.id)
    #expect(inquiry.next() == nil && inquiry.isOver && inquiry.brokenInvariant == nil)
  }

  @Test("whose members keep us waiting comes after everybody else, however near the key those stand that it names")
  func invented() {
    var inquiry = Self.inquiry(starts: [Self.peer(-3000)] + Self.far)
    let liar = inquiry.next()!
    #expect(liar.peer == Self.peer(-3000))
    inquiry.answered(liar.place, naming: (1...16).map { Self.peer(-$0) }, me: Self.me.id)
    var invented = 0
    while inquiry.answerCount < 1 + Self.far.count, let (place, peer) = inquiry.next() {
      if Self.far.contains(peer) {
        inquiry.answered(place, naming: [], me: Self.me.id)
      } else {
        invented += 1
        inquiry.isLate(place)
      }
    }
    #expect(invented == 1 && inquiry.answerCount == 1 + Self.far.count, "it is given the benefit of the doubt once")
    #expect(inquiry.next()?.peer == Self.peer(-2), "now there is nobody else")
  }

  @Test("a chain of liars, each naming others nearer to the key, costs the others no more than every second question")
  func lanes() {
    var inquiry = Self.inquiry(starts: [Self.peer(-9000)] + Self.far)
    var isLiar: Set<Identifier> = [Self.peer(-9000).id]
    var honest = 0
    for step in 1...20 {
      guard let (place, peer) = inquiry.next() else { break }
      if isLiar.contains(peer.id) {
        let next = (0..<4).map { Self.peer(-8000 + 40 * step + 2 * $0) }
        isLiar.formUnion(next.map(\.id))
        inquiry.answered(place, naming: next, me: Self.me.id)
      } else {
        honest += 1
        inquiry.answered(place, naming: [], me: Self.me.id)
      }
    }
    #expect(honest >= 8)
  }

  @Test(
    "it is over when eight on either side have answered that stand as close as members do, and not when they do not")
  func covered() {
    for (distance, isEnough) in [(100, true), (300, false)] {
      let near = (1...8).flatMap { [Self.peer(distance * $0), Self.peer(-distance * $0)] }
      var inquiry = Self.inquiry(starts: near + Self.far)
      while inquiry.answerCount < near.count, let (place, peer) = inquiry.next() {
        inquiry.answered(place, naming: [], me: Self.me.id)
        if !near.contains(peer) { #expect(Self.far.contains(peer)) }
      }
      while !isEnough || !inquiry.isOver, let (place, _) = inquiry.next() {
        inquiry.answered(place, naming: [], me: Self.me.id)
      }
      #expect(inquiry.isOver && inquiry.isConclusive)
      #expect((inquiry.questionCount < near.count + Self.far.count) == isEnough)
    }
  }

  @Test("a member whose address was named wrongly is asked again at the right one")
  func misdirected() {
    let (wrong, right) = (Self.peer(50, host: 0x0B00_0000), Self.peer(50))
    var inquiry = Self.inquiry(starts: [Self.peer(-3000), Self.peer(-4000)])
    let liar = inquiry.next()!
    let honest = inquiry.next()!
    inquiry.answered(liar.place, naming: [wrong], me: Self.me.id)
    let first = inquiry.next()!
    #expect(first.peer == wrong)
    inquiry.answered(honest.place, naming: [right], me: Self.me.id)
    #expect(inquiry.next() == nil, "not at two addresses at once")
    inquiry.isLate(first.place)
    inquiry.failed(first.place)
    let second = inquiry.next()!
    #expect(second.peer == right)
    inquiry.answered(second.place, naming: [], me: Self.me.id)
    #expect(inquiry.heard.first == right)
    #expect(inquiry.path(to: second.place) == [Self.peer(-4000).id, right.id])
  }

  // MARK: In a ring

  static func settled(_ count: Int, seed: UInt64) -> Simulator {
    var ring = RingOfMachinesTests.ring(of: count, seed: seed)
    let isExact = ring.runUntilExact(.seconds(10))
    #expect(isExact, "\(ring.flaw ?? "")")
    ring.run(.seconds(10))
    return ring
  }

  /// Everything an inquiry brings, and whether it came to its end.
  static func inquire(_ key: Identifier, from id: Identifier, in ring: inout Simulator) -> (
    records: [Record], isOver: Bool
  ) {
    let before = ring.observed(id).count
    ring.tell(id, .inquire(key, 79))
    var records: [Record] = []
    _ = ring.run(.seconds(12)) { ring in
      ring.observed(id).dropFirst(before).contains { effect in
        switch effect {
        case .inquired(79, _, _, let isOver): isOver
        case .failed(79, _): true
        default: false
        }
      }
    }
    var isOver = false
    for case .inquired(79, let some, _, let isEnd) in ring.observed(id).dropFirst(before) {
      records += some
      isOver = isOver || isEnd
    }
    return (records, isOver)
  }

  @Test("all eight holders of a record are asked, whatever the size of the ring", arguments: [1, 2, 5, 20, 60, 120])
  func everyHolder(count: Int) {
    var ring = Self.settled(count, seed: 31)
    let signer = RecordSigner(name: 1, writer: 2)
    let record = signer.record(number: ring.time.utcMilliseconds, content: [42])
    #expect(RecordTests.put(record, from: ring.living[0], in: &ring) == min(8, count))
    for id in [ring.living[0], ring.living[count / 2], ring.living[count - 1]] {
      let (records, isOver) = Self.inquire(signer.key, from: id, in: &ring)
      #expect(records.count >= min(8, count) && records.allSatisfy { $0 == record } && isOver)
    }
    let (none, isOver) = Self.inquire(Identifier(5), from: ring.living[0], in: &ring)
    #expect(none.isEmpty && isOver)
  }

  /// Whoever has left may have told the others of it, but not yet the asker.
  @Test("an asker that holds a copy itself hears all others first")
  func ownCopy() throws {
    let ring = Self.settled(20, seed: 34)
    let signer = RecordSigner(name: 1, writer: 2)
    let record = signer.record(number: ring.time.utcMilliseconds, content: [42])
    let owner = try #require(ring.owner(of: signer.key))
    let other = try #require(ring.machine(owner)?.ring.successors.first)
    var machine = try #require(ring.machine(owner))
    var effects: [ChordNode.Effect] = []
    machine.handle(.received(.replicate(1, record), from: other), at: ring.time, into: &effects)
    #expect(machine.recordCount == 1)
    effects = []
    machine.handle(.inquire(signer.key, 1), at: ring.time, into: &effects)
    #expect(!effects.contains { if case .inquired = $0 { true } else { false } })
    #expect(effects.contains { if case .send(.request, _) = $0 { true } else { false } })
  }

  @Test("who is asked for the nearest answers itself, with its records and at most sixteen members")
  func nearest() {
    let ring = Self.settled(60, seed: 32)
    let (asked, asker) = (ring.living[10], ring.machine(ring.living[30])!.me)
    var machine = ring.machine(asked)!
    let key = ring.living[12]
    var effects: [ChordNode.Effect] = []
    let request = Request(ticket: 5, key: key, hopsLeft: 0, claim: .none, question: .nearest)
    machine.handle(.received(.request(request), from: asker), at: ring.time, into: &effects)
    guard effects.count == 1, case .send(.reply(let reply), let to) = effects[0],
      case .nearest(let records, let peers) = reply.answer
    else { return #expect(Bool(false), "\(effects)") }
    #expect(to == asker && reply.ticket == 5 && reply.path == [asked] && records.isEmpty)
    #expect(peers.count == MessageLimit.nearest && !peers.contains { [asked, asker.id].contains($0.id) })
    #expect((11...19).allSatisfy { place in peers.contains { $0.id == ring.living[place] } })
  }

  @Test(
    "a lookup is not deceived by members that claim to own what is far from them", arguments: [1, 2, 3] as [UInt64])
  func claims(seed: UInt64) {
    var ring = Self.settled(120, seed: seed)
    let members = ring.living.compactMap { ring.address(of: $0) }
    let liars = Liars(among: members, share: 0.1, way: .denying, falsehoods: [:], seed: seed)
    ring.puppeteer = { liars.lines(of: $0, to: $1) }
    let askers = ring.living.filter { !liars.contains($0) }
    var (asked, right) = (0, 0)
    for number in 0..<50 as Range<Ticket> {
      let key = Identifier(hashing: [UInt8(number)], label: "claims")
      guard let owner = ring.owner(of: key), !liars.contains(owner) else { continue }
      let asker = askers[Int(number) % askers.count]
      asked += 1
      ring.tell(asker, .lookUp(key, number))
      _ = ring.run(.seconds(12)) { ring in
        ring.observed(asker).contains { if case .found(number, _, _, _) = $0 { true } else { false } }
      }
      for case .found(number, let named, _, _) in ring.observed(asker) {
        right += 1
        // A liar that happens to be near is believed: whether nobody is nearer only its neighbours know.
        let places = { (id: Identifier) in ring.living.firstIndex(of: id)! }
        let distance = (places(named.id) - places(owner) + ring.living.count) % ring.living.count
        #expect(distance < 30)
      }
    }
    #expect(right == asked && asked > 30)
  }

  @Test("a lookup whose way is broken by members that say nothing is answered all the same")
  func stalled() {
    var ring = Self.settled(60, seed: 33)
    let members = ring.living.compactMap { ring.address(of: $0) }
    let liars = Liars(among: members, share: 0.2, way: .stalling, falsehoods: [:], seed: 5)
    ring.puppeteer = { liars.lines(of: $0, to: $1) }
    let asker = ring.living.first { !liars.contains($0) }!
    for number in 0..<10 as Range<Ticket> {
      let key = Identifier(hashing: [UInt8(number)], label: "stalled")
      guard let owner = ring.owner(of: key), !liars.contains(owner) else { continue }
      ring.tell(asker, .lookUp(key, number))
      #expect(
        ring.run(.seconds(45)) { ring in
          ring.observed(asker).contains {
            if case .found(number, let named, _, _) = $0 { named.id == owner } else { false }
          }
        }, "lookup \(number)")
    }
  }

  // MARK: Fingers

  @Test("of three fingers of one network the third is another member of its interval, if there is one")
  func prefixes() {
    let me = Identifier(0)
    func member(_ fraction: UInt32, _ host: UInt32) -> Peer {
      Peer(id: Identifier(fraction: fraction), endpoint: Endpoint(host: .v4(host), port: 1))
    }
    var fingers = Fingers()
    fingers.set(157, member(0x2000_0001, 0x0808_0801))
    fingers.set(158, member(0x4000_0001, 0x0808_0802))
    let (third, other) = (member(0x8000_0001, 0x0808_0803), member(0x8000_0002, 0x0909_0901))
    #expect(fingers.choose(159, among: [third, other], from: me) == other)
    #expect(fingers.choose(159, among: [third], from: me) == third, "better than none")
    #expect(fingers.choose(158, among: [third, other], from: me) == third, "out of its interval nothing is gained")
    let home = [member(0x8000_0001, 0x0A08_0803), other]
    fingers.set(157, member(0x2000_0001, 0x0A08_0801))
    fingers.set(158, member(0x4000_0001, 0x0A08_0802))
    #expect(fingers.choose(159, among: home, from: me) == home[0], "at home everybody is of one network")
  }

  @Test("a public address, its network, and what is neither public nor anybody's")
  func scopes() {
    #expect(Endpoint.Host.v4(0x0808_0808).reach == .everywhere && Endpoint.Host.v4(0xAC20_0001).reach == .everywhere)
    for local in [0x0A01_0203, 0xAC10_0001, 0xC0A8_0001, 0xA9FE_0001] as [UInt32] {
      #expect(Endpoint.Host.v4(local).reach == .nearby)
    }
    #expect(Endpoint.Host.v6(0xFD00_0000_0000_0000, 1).reach == .nearby)
    #expect(Endpoint.Host.v6(0xFE80_0000_0000_0000, 1).reach == .nearby)
    #expect(Endpoint.Host.v6(0x2001_0DB8_0000_0000, 1).reach == .everywhere)
    #expect(Endpoint.Host.v4(0x7F00_0001).reach == .loopback && Endpoint.Host.v6(0, 1).reach == .loopback)
    #expect(Endpoint.Host.v4(0).reach == .nowhere)
    #expect(Endpoint.Host.v4(0x0808_0801).prefix == Endpoint.Host.v4(0x0808_08FF).prefix)
    #expect(Endpoint.Host.v4(0x0808_0801).prefix != Endpoint.Host.v4(0x0808_0901).prefix)
    #expect(Endpoint.Host.v6(0x2001_0DB8_0001_0000, 1).prefix == Endpoint.Host.v6(0x2001_0DB8_0001_FFFF, 2).prefix)
    #expect(Endpoint.Host.v6(0x2001_0DB8_0001_0000, 1).prefix != Endpoint.Host.v6(0x2001_0DB8_0002_0000, 1).prefix)
  }
}
