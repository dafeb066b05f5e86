// The kinds of misbehaviour, in the order of their coming closer: strangers, peers that have proved a key, members that lie.

import Chat
import Chord
import Foundation
import NodeKit
import RawPeers
import UVRuntime

extension Attack {
  static let all: [Attack] = strangers + handshakes + peers + floods + liars + members

  /// For a node that may have few descriptors open.
  static let descriptors = always("out of descriptors") { campaign in
    for _ in 0..<2 where campaign.peers.count < 400 { campaign.connect() }
  }

  /// The same again and again.
  private static func always(_ name: String, _ goOn: @escaping @Sendable (Campaign) -> Void) -> Attack {
    Attack(name: name, goOn: goOn)
  }

  static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    Frame.encoded { writer in
      writer.write(type)
      writer.write(payload)
    }
  }

  private static func frame(_ message: Message) -> [UInt8] { Frame.encoded { message.encode(into: &$0) } }

  // MARK: Strangers

  private static let strangers: [Attack] = [
    always("garbage") { campaign in
      for _ in 0..<2 { campaign.connect()?.write(Randomness.bytes(1000)) }
    },
    always("flood of connections") { campaign in
      for _ in 0..<10 { campaign.connect() }
    },
    Attack(
      name: "slow loris on all slots",
      begin: { campaign in for _ in 0..<700 { campaign.connect() } },
      goOn: { campaign in
        guard campaign.turn.isMultiple(of: 50) else { return }
        for peer in campaign.peers where !peer.isOver { peer.write([campaign.turn == 50 ? 0 : 32]) }
      }),
    always("half-open ends") { campaign in
      campaign.connect()?.connection.shutdown()
      campaign.connect()?.connection.closeAfterFlush(deadline: .zero)
    },
  ]

  // MARK: Handshakes

  private static let handshakes: [Attack] = [
    always("a bit of each handshake byte") { campaign in
      for _ in 0..<3 {
        let place = campaign.peers.count
        campaign.link()?.meddle = { number, message in
          guard number == place % 2 else { return message }
          var bent = message
          bent[2 + (place / 2) % (message.count - 2)] ^= 1 << UInt8(place % 8)
          return bent
        }
      }
    },
    Attack(
      name: "a replayed handshake",
      begin: { campaign in campaign.link(as: campaign.identity) },
      goOn: { campaign in
        guard let first = campaign.peers.first, first.isEstablished else { return }
        let peer = campaign.link(as: campaign.identity)
        peer?.meddle = { number, message in number == 1 ? first.lastSealed : message }
      }),
    always("the wrong static key") { campaign in
      let hello = Hello(
        publicKey: campaign.identity.publicKey, life: Randomness.bytes(Hello.lifeLength),
        listens: campaign.target.address,
        sees: campaign.target.address)
      campaign.link(as: .random(), saying: hello.frame)
    },
    always("another network") { campaign in campaign.link(network: "elsewhere") },
    always("one key again and again") { campaign in campaign.link(as: campaign.identity) },
    Attack(
      name: "one key at two places",
      goOn: { campaign in
        guard campaign.turn % 10 == 1 else { return }
        for port in [UInt16(9), 10] {
          campaign.link(as: campaign.identity, listens: true, port: port)?.answersPings = true
        }
      }),
  ]

  // MARK: Peers who have proved a key

  private static func withLink(_ name: String, _ body: @escaping @Sendable (Campaign, RawPeer) -> Void) -> Attack {
    Attack(
      name: name,
      goOn: { campaign in
        if let peer = campaign.linked { body(campaign, peer) } else if campaign.turn % 10 == 1 { campaign.link() }
      })
  }

  private static let peers: [Attack] = [
    withLink("replayed messages") { campaign, peer in
      campaign.say(.ping(1), by: peer)
      peer.writeRaw(peer.lastSealed)
    },
    withLink("oversized frames") { campaign, peer in
      campaign.say([[0xFF, 0xFF, 0x43] + Array(repeating: 0, count: 60_000)], by: peer)
    },
    withLink("unknown and malformed frames") { campaign, peer in
      campaign.say([frame(UInt8(campaign.turn & 255), Randomness.bytes(20))], by: peer)
    },
    Attack(
      name: "messages byte by byte",
      begin: { campaign in for _ in 0..<200 { campaign.link() } },
      goOn: { campaign in
        for peer in campaign.peers where peer.isEstablished && !peer.isOver {
          peer.writeRaw(campaign.turn.isMultiple(of: 2) ? [0xF0] : [0xF1])
        }
      }),
    withLink("goodbyes without an end") { campaign, peer in
      campaign.say((0..<100).map { frame(0x03, [UInt8($0 % 5)]) }, by: peer)
      for _ in 0..<2 { campaign.link() }
    },
    withLink("an observer as a member") { campaign, peer in
      campaign.say(.notify(1), by: peer)
      campaign.say(.changed, by: peer)
    },
    withLink("a reader that never reads") { campaign, peer in
      peer.connection.pauseReading()
      campaign.say((0..<200).map { _ in frame(.query(1)) }, by: peer)
    },
  ]

  // MARK: Floods

  private static let floods: [Attack] = [
    withLink("flood of pings") { campaign, peer in
      campaign.say((0..<1000).map { _ in frame(0x04, []) }, by: peer)
    },
    Attack(
      name: "flood of queries",
      begin: { campaign in campaign.link(listens: true) },
      goOn: { campaign in
        guard let peer = campaign.linked else { return }
        let messages: [Message] = [.query(1), .notify(2), .ping(3), .changed]
        campaign.say((0..<200).map { frame(messages[$0 % 4]) }, by: peer)
      }),
    withLink("flood of lookups") { campaign, peer in
      campaign.say((0..<400).map { frame(request(.findSuccessor, UInt32($0))) }, by: peer)
    },
    withLink("flood of searches") { campaign, peer in
      campaign.say((0..<400).map { frame(request(.get, UInt32($0))) }, by: peer)
    },
    Attack(
      name: "flood of records",
      begin: { campaign in campaign.link(listens: true) },
      goOn: { campaign in
        for _ in 0..<4 {
          guard let record = record(network: campaign.target.network, utc: now) else { return }
          campaign.say(
            .request(Request(ticket: 1, key: record.key, hopsLeft: 32, claim: .none, question: .put(record))))
          campaign.say(.replicate(2, record))
        }
      }),
    Attack(
      name: "forged, stale and foreign records",
      begin: { campaign in campaign.link(listens: true) },
      goOn: { campaign in
        guard var forged = record(network: campaign.target.network, utc: now),
          let stale = record(network: campaign.target.network, utc: now - 7_200_000),
          let foreign = record(network: "elsewhere", utc: now)
        else { return }
        forged.content[0] ^= 1
        for record in [forged, stale, foreign] {
          for ticket in UInt32(0)..<10 { campaign.say(.replicate(ticket, record)) }
          campaign.say(
            .request(Request(ticket: 99, key: record.key, hopsLeft: 32, claim: .owner, question: .put(record))))
        }
      }),
    Attack(
      name: "flood of sessions",
      goOn: { campaign in
        for _ in 0..<2 { campaign.link() }
        for peer in campaign.peers.suffix(50) where peer.isEstablished {
          campaign.say((0..<5).map { _ in frame(0x40, opening(campaign.target, as: campaign.identity)) }, by: peer)
        }
      }),
    Attack(
      name: "flood of texts",
      begin: { campaign in campaign.link(as: campaign.identity) },
      goOn: { campaign in
        guard let peer = campaign.linked else { return }
        if campaign.turn % 50 == 1 {
          campaign.say([frame(0x40, opening(campaign.target, as: campaign.identity))], by: peer)
        }
        for number in UInt32(0)..<100 {
          let bytes: [UInt8] = [UInt8(number >> 24), 0, UInt8(number >> 8), UInt8(number & 255)]
          campaign.say([frame(0x43, bytes + [0, 0, 0, 0, 0, 0, 0, 1] + [0, 4] + Array("spam".utf8))], by: peer)
        }
      }),
  ]

  // MARK: Members that lie

  private static let liars: [Attack] = [
    Attack(
      name: "answers nobody asked for",
      begin: { campaign in campaign.link(listens: true) },
      goOn: { campaign in
        let liar = Peer(id: campaign.target.node.advanced(by: Identifier(1)), endpoint: campaign.target.address)
        let view = View(isMember: true, predecessor: liar, successors: [liar])
        for ticket in UInt32(0)..<50 {
          campaign.say(.view(ticket, view))
          campaign.say(.reply(Reply(ticket: ticket, path: [], answer: .owner(liar, view))))
          campaign.say(.replicated(ticket, isKept: true))
          campaign.say(.notified(ticket, isPredecessor: false))
        }
      }),
    Attack(
      name: "living nodes at wrong addresses",
      begin: { $0.linkAndWaitForVisitors() },
      goOn: { campaign in
        guard let address = campaign.listener?.address else { return }
        let moved = campaign.target.others.map { Peer(id: $0.id, endpoint: Endpoint(address)) }
        for peer in moved { campaign.say(.hint(peer)) }
        campaign.say(.view(1, View(isMember: true, predecessor: moved.last, successors: moved)))
        campaign.say(.leaving(predecessor: moved.last, successors: moved))
      }),
    Attack(
      name: "a victim's address advertised",
      begin: { $0.linkAndWaitForVisitors() },
      goOn: { campaign in
        guard let address = campaign.listener?.address else { return }
        let id = campaign.target.node.advanced(by: Identifier(UInt32(campaign.turn) + 1))
        campaign.say(.hint(Peer(id: id, endpoint: Endpoint(address))))
        campaign.say(.leaving(predecessor: nil, successors: [Peer(id: id, endpoint: Endpoint(address))]))
      }),
  ]

  // MARK: What they say

  private static var now: UInt64 { UInt64(max(0, Date().timeIntervalSince1970 * 1000)) }

  private static func request(_ question: Request.Question, _ ticket: UInt32) -> Message {
    let key = Identifier(hashing: Randomness.bytes(8), label: "attack")
    return .request(Request(ticket: ticket, key: key, hopsLeft: 32, claim: .none, question: question))
  }

  /// A record as anybody can make one.
  private static func record(network: String, utc: UInt64) -> Record? {
    guard let name = try? UserName("mallory") else { return nil }
    let identity = Identity.random()
    var writer = DirectoryWriter(user: User(name: name, identity: identity), identity: identity, network: network)
    return writer.record(endpoints: [Endpoint(host: .v4(0x7F00_0001), port: 9)], at: utc)
  }

  /// The payload of an `open` to the target, by a user of this identity.
  private static func opening(_ target: Target, as identity: Identity) -> [UInt8] {
    guard let name = try? UserName("mallory") else { return [] }
    var writer = ByteWriter()
    func write(_ user: User) {
      writer.writeShort(Array(user.name.text.utf8))
      writer.write(user.id.symbols)
    }
    write(User(name: name, identity: identity))
    writer.write(identity.salt)
    write(target.user)
    writer.write(UInt32(7))
    for number in [UInt64(11), 1, 0, 0] { writer.write(number) }
    return writer.bytes
  }
}
