// A member of the ring that does what it wants with what it is trusted with. It ground a key until its place was just before the node's
// successor, has let itself be taken into the node's list as every newcomer is, keeps the ring happy, and lies about the rest.
//
//   node ── most of the way to the successor ──> false member ──> successor        whatever the node looks up there is the liar's

import Chat
import Chord
import NodeKit
import RawPeers
import UVRuntime

/// A false member. On the attacker's loop only.
final class FalseMember {
  enum Lie: Sendable {
    /// It owns everything, there are no records, and everything is stored.
    case everythingIsMine
    /// Somebody else owns it, who is there, but not at the address it names.
    case askElsewhere
  }

  private let campaign: Campaign
  private let lie: Lie
  private let identity: Identity
  private let listener: TCPListener
  private var link: RawPeer?
  private var me: Peer { Peer(id: identity.nodeID, endpoint: Endpoint(listener.address)) }

  init(_ campaign: Campaign, _ lie: Lie) throws {
    self.campaign = campaign
    self.lie = lie
    let identity = Self.ground(for: campaign.target)
    self.identity = identity
    let visitors = Visitors()
    listener = try TCPListener(on: campaign.loop, address: .loopback4(port: 0)) { visitors.come($0) }
    visitors.come = { [weak self] connection in self?.take(connection) }
    link = campaign.link(as: identity, listens: true, port: listener.address.port)
    link?.answersPings = true
    link?.onMessage = { [weak self] peer, message in self?.answer(message, peer) }
  }

  private final class Visitors {
    var come: (TCPConnection) -> Void = { _ in }
  }

  /// Of three hundred keys that stand between the node and its successor, the one that stands nearest to the successor. (In a large ring
  /// that takes longer: as many keys as there are members, for each one that fits.)
  private static func ground(for target: Target) -> Identity {
    guard let head = target.others.first?.id else { return .random() }
    var best: Identity?
    var fitting = 0
    for _ in 0..<20_000 where fitting < 300 {
      let identity = Identity.random()
      guard between(target.node, identity.nodeID, head) else { continue }
      fitting += 1
      if let other = best?.nodeID, !between(other, identity.nodeID, head) { continue }
      best = identity
    }
    return best ?? .random()
  }

  private func take(_ connection: TCPConnection) {
    let peer = campaign.take(connection, as: identity, listens: me.endpoint)
    peer?.answersPings = true
    peer?.onMessage = { [weak self] peer, message in self?.answer(message, peer) }
  }

  /// Says once more that it is there.
  func goOn() {
    guard let link, link.isEstablished else { return }
    campaign.say(.hint(me), by: link)
    campaign.say(.changed, by: link)
  }

  func close() { listener.close() }

  private func answer(_ message: Message, _ peer: RawPeer) {
    switch message {
    case .query(let ticket), .queryAgain(let ticket, _): campaign.say(.view(ticket, view), by: peer)
    case .notify(let ticket): campaign.say(.notified(ticket, isPredecessor: true), by: peer)
    case .ping(let ticket), .chosen(let ticket): campaign.say(.pong(ticket, isMember: true), by: peer)
    case .replicate(let ticket, _), .extend(let ticket, _): campaign.say(.replicated(ticket, isKept: true), by: peer)
    case .request(let request):
      campaign.visitors += 1
      campaign.say(.reply(Reply(ticket: request.ticket, path: [me.id], answer: answer(to: request))), by: peer)
    case .view, .notified, .pong, .changed, .hint, .leaving, .accepted, .reply, .replicated, .before, .askBefore,
      .unchanged:
      break
    }
  }

  private var view: View {
    View(
      isMember: true, predecessor: Peer(id: campaign.target.node, endpoint: campaign.target.address),
      successors: lie == .askElsewhere ? misnamed : campaign.target.others)
  }

  /// The others, where nobody is.
  private var misnamed: [Peer] {
    campaign.target.others.map { Peer(id: $0.id, endpoint: Endpoint(host: .v4(0x7F00_0001), port: 9)) }
  }

  private func answer(to request: Request) -> Reply.Answer {
    switch (lie, request.question) {
    case (.everythingIsMine, .findSuccessor): .owner(me, view)
    case (.everythingIsMine, .join): .joinPoint(me)
    case (.everythingIsMine, .get): .records([])
    case (.everythingIsMine, .put), (.everythingIsMine, .extend): .stored(copies: 8)
    case (.everythingIsMine, .nearest): .nearest([], [me])
    case (.askElsewhere, .nearest): .nearest([], misnamed)
    case (.askElsewhere, .findSuccessor), (.askElsewhere, .join), (.askElsewhere, .get), (.askElsewhere, .put),
      (.askElsewhere, .extend):
      misnamed.first.map { .redirect($0) } ?? .failure(.notInRing)
    }
  }
}

extension Attack {
  static let members = [
    member("a member that claims all", .everythingIsMine), member("a member that sends astray", .askElsewhere),
  ]

  private static func member(_ name: String, _ lie: FalseMember.Lie) -> Attack {
    Attack(
      name: name,
      begin: { campaign in campaign.falseMember = try? FalseMember(campaign, lie) },
      goOn: { campaign in if campaign.turn.isMultiple(of: 20) { campaign.falseMember?.goOn() } })
  }
}
