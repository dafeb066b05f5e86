// Nobody fills a member's store alone, and nobody who sends what is honest is kept out by that.

import Testing

@testable import Chord

@Suite("Shares of a store")
struct RecordSharesTests {
  static let utc: UInt64 = 1_790_000_000_000

  static func source(_ peer: UInt32, _ host: UInt32) -> RecordSource {
    RecordSource(peer: Identifier(fraction: peer), host: .v4(host))
  }

  /// Offers the records of these names from there; how many were taken until the store had enough.
  static func fill(_ store: inout RecordStore, _ names: ClosedRange<UInt8>, from source: RecordSource?) -> Int {
    var taken = 0
    for name in names {
      let record = RecordSigner(name: name, writer: 1).record(number: utc, content: [name])
      switch store.offer(record, from: source, at: utc) {
      case .stored: taken += 1
      case .full: break
      case let outcome: Issue.record("\(outcome)")
      }
    }
    return taken
  }

  @Test("a link may fill a quarter of a store, and others still have room")
  func links() {
    var store = RecordStore(network: "chord-chat", capacity: 32)
    #expect(Self.fill(&store, 1...20, from: Self.source(1, 0x0808_0808)) == 8)
    #expect(Self.fill(&store, 21...40, from: Self.source(2, 0x0909_0909)) == 8)
    #expect(Self.fill(&store, 41...44, from: nil) == 4)
    #expect(store.count == 20)
  }

  @Test("those of one address prefix may fill half of a store together")
  func prefixes() {
    var store = RecordStore(network: "chord-chat", capacity: 32)
    var taken = 0
    for peer in 1...8 as ClosedRange<UInt8> {
      let names = (peer * 8)...(peer * 8 + 7)
      taken += Self.fill(&store, names, from: Self.source(UInt32(peer), 0x0808_0800 + UInt32(peer)))
    }
    #expect(taken == 16)
    #expect(Self.fill(&store, 100...107, from: Self.source(99, 0x0808_0901)) == 8)
    let six = { (peer: UInt32, high: UInt64) in
      RecordSource(peer: Identifier(fraction: peer), host: .v6(high, UInt64(peer)))
    }
    var other = RecordStore(network: "chord-chat", capacity: 16)
    taken = 0
    for peer in 1...4 as ClosedRange<UInt8> {
      let names = (peer * 8)...(peer * 8 + 7)
      taken += Self.fill(&other, names, from: six(UInt32(peer), 0x2001_0DB8_0001_0000 + UInt64(peer)))
    }
    #expect(taken == 8)
    #expect(Self.fill(&other, 100...107, from: six(50, 0x2001_0DB8_0002_0000)) == 4)
  }

  @Test("in loopback and private networks only links are counted", arguments: [0x7F00_0001, 0x0A01_0101, 0xC0A8_0001])
  func nearby(host: UInt32) {
    var store = RecordStore(network: "chord-chat", capacity: 16)
    for peer in 1...4 as ClosedRange<UInt8> {
      #expect(Self.fill(&store, (peer * 8)...(peer * 8 + 7), from: Self.source(UInt32(peer), host)) == 4)
    }
    #expect(store.count == 16)
    #expect(Self.fill(&store, 100...101, from: nil) == 0)
  }

  @Test("what replaces or extends a record needs no room, and what has gone makes some")
  func replaced() {
    var store = RecordStore(network: "chord-chat", capacity: 8)
    let (mine, others) = (Self.source(1, 0x0808_0808), Self.source(2, 0x0909_0909))
    let signer = RecordSigner(name: 9, writer: 1)
    let first = signer.record(number: Self.utc, content: [1])
    #expect(store.offer(first, from: others, at: Self.utc) == .stored)
    #expect(Self.fill(&store, 1...3, from: mine) == 2)
    let second = signer.record(number: Self.utc + 1, content: [2])
    #expect(store.offer(second, from: mine, at: Self.utc) == .stored)
    #expect(store.count == 3)
    let renewal = signer.renewal(of: second, until: second.expiry + 60_000)
    #expect(store.extend(renewal, at: Self.utc) == .stored)
    // It still counts against whoever brought the first: else a writer could shift what it has put to a neighbour's account.
    #expect(Self.fill(&store, 11...12, from: others) == 1 && Self.fill(&store, 21...21, from: mine) == 0)
    store.expire(at: second.expiry)
    #expect(store.count == 1 && !store.shares.isEmpty)
    store.expire(at: second.expiry + 60_000)
    #expect(store.count == 0 && store.shares.isEmpty)
  }

  @Test("whom a record counts against is seen on the link, not told by the peer")
  func seen() {
    var node = ChordNode(
      me: Peer(id: Identifier(7), endpoint: Endpoint(host: .v4(0x0707_0707), port: 1)), configuration: .init(), seed: 1,
      at: Time(monotonic: Instant(nanoseconds: 0), utcMilliseconds: Self.utc))
    node.store = RecordStore(network: "chord-chat", capacity: 16)
    let now = Time(monotonic: Instant(nanoseconds: 0), utcMilliseconds: Self.utc)
    var effects: [ChordNode.Effect] = []
    var name: UInt8 = 0
    for number in 1...4 as ClosedRange<UInt32> {
      // Each says that it is on this machine, and all are in one network.
      let peer = Peer(id: Identifier(fraction: number), endpoint: Endpoint(host: .v4(0x7F00_0001), port: 9))
      node.handle(.seen(peer.id, at: .v4(0x0808_0800 + number)), at: now, into: &effects)
      for _ in 1...4 {
        name += 1
        let record = RecordSigner(name: name, writer: 1).record(number: Self.utc, content: [1])
        node.handle(.received(.replicate(1, record), from: peer), at: now, into: &effects)
      }
    }
    #expect(node.recordCount == 8)
    let answers = effects.map { if case .send(.replicated(1, let isKept), _) = $0 { isKept } else { false } }
    #expect(answers == Array(repeating: true, count: 8) + Array(repeating: false, count: 8))
    for number in 1...4 as ClosedRange<UInt32> {
      let id = Identifier(fraction: number)
      node.handle(number.isMultiple(of: 2) ? .lost(id) : .parted(id), at: now, into: &effects)
    }
    #expect(node.hosts.isEmpty)
  }

  @Test("four links at least are needed to fill a store, and an honest neighbour's two hundred records fit in easily")
  func sizes() {
    #expect(RecordStore.capacity / 4 >= 20 * 200)
  }
}

@Suite("Reach of hosts")
struct ReachTests {
  @Test("a host tells from how far it can be reached, and which network it is in")
  func reach() {
    let hosts: [(Endpoint.Host, Reach)] = [
      (.v4(0), .nowhere), (.v6(0, 0), .nowhere), (.v4(0x7F12_3456), .loopback), (.v6(0, 1), .loopback),
      (.v4(0x0A00_0001), .nearby), (.v4(0xAC10_0001), .nearby), (.v4(0xAC20_0001), .everywhere),
      (.v4(0xC0A8_0001), .nearby), (.v4(0xA9FE_0001), .nearby), (.v6(0xFD00_0000_0000_0000, 1), .nearby),
      (.v6(0xFE80_0000_0000_0000, 1), .nearby), (.v6(0x2001_0DB8_0000_0000, 1), .everywhere),
      (.v4(0x0808_0808), .everywhere),
    ]
    for (host, reach) in hosts { #expect(host.reach == reach, "\(Endpoint(host: host, port: 1))") }
    #expect(Endpoint.Host.v4(0x0808_0801).prefix == Endpoint.Host.v4(0x0808_08FE).prefix)
    #expect(Endpoint.Host.v4(0x0808_0801).prefix != Endpoint.Host.v4(0x0808_0901).prefix)
    #expect(Endpoint.Host.v6(0x2001_0DB8_0001_0000, 5).prefix == Endpoint.Host.v6(0x2001_0DB8_0001_FFFF, 6).prefix)
    #expect(Endpoint.Host.v6(0x2001_0DB8_0001_0000, 5).prefix != Endpoint.Host.v6(0x2001_0DB8_0002_0000, 5).prefix)
    #expect(Endpoint.Host.v6(8 << 16, 5).prefix != Endpoint.Host.v4(8 << 8).prefix)
  }
}
