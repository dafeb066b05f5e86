// What the links and the bootstrap addresses tell a node: events for its machine, decoded here and nowhere else.

import Chat
import Chord
import Logging
import UVRuntime

extension LoopNode: LinksOwner {
  /// Only who was dialled there has shown that it can be; whoever dials us may claim any address.
  func dialled(_ peer: Peer, isThere: Bool) {
    if isThere { hearsay.confirmed(peer) } else { hearsay.failed(peer) }
  }

  func linked(_ remote: RemoteNode, at host: Endpoint.Host, seenAs: Endpoint?) {
    step(.ring(.seen(remote.peer.id, at: host)))
    if let seenAs { learnAddress(seenAs, from: host) }
    step(.linked(remote.peer.id))
  }

  func received(_ type: UInt8, _ payload: RawSpan, from remote: RemoteNode) throws(LinkFailure) {
    do throws(Malformed) {
      if Message.types.contains(type) {
        let message = try Message(type: type, payload: payload)
        guard remote.listens || message.isForAnyone else { throw Malformed.invalid(.kind) }
        if message.showsState, remote.peer.id == engine.ring.ring.successors.first?.id { stabilizedAt = loop.now }
        step(.ring(.received(message, from: remote.peer)))
      } else if ChatMessage.types.contains(type) {
        let message = try ChatMessage(type: type, payload: payload)
        if case .texts = message, !takesTexts { return }
        step(.received(message, from: remote.peer, key: remote.publicKey))
      } else {
        throw .invalid(.kind)
      }
    } catch {
      throw error == .invalid(.kind) ? .unexpected : .malformed
    }
  }

  func lost(_ id: Identifier) { step(.lost(id)) }
  func parted(_ id: Identifier) { step(.ring(.parted(id))) }
  func departed(_ id: Identifier) { step(.departed(id)) }
  func unreachable(_ peer: Peer) {
    hearsay.failed(peer)
    step(.unreachable(peer))
  }

  func linkEnded(_ failure: LinkFailure) {
    configuration.logger.debug("a link ended", metadata: ["reason": "\(failure.rawValue)"])
  }

  func listening(failed error: UVError?) {
    guard let error else { return configuration.logger.notice("others can connect again") }
    configuration.logger.error("nobody can connect; trying again", metadata: ["reason": "\(error)"])
  }

  /// A node that listens on every address of its machine learns its own from those it talks to.
  private func learnAddress(_ seenAs: Endpoint, from host: Endpoint.Host) {
    guard advertised == nil, configuration.role == .member, links.canListen(at: seenAs.host),
      observed.vote(seenAs.host, by: host)
    else { return }
    let endpoint = Endpoint(host: seenAs.host, port: links.listens.port)
    if endpoint != engine.ring.me.endpoint { step(.relocated(endpoint)) }
  }
}

extension LoopNode: BootstrapperOwner {
  func introduced(_ peer: Peer) { step(.ring(.introduced(peer))) }

  func nobodyFound() { step(.ring(.nobodyFound)) }

  func everybodyFound() { step(.ring(.everybodyFound)) }

  func bootstrapFailed(_ address: String, _ failure: LinkFailure) {
    report(.bootstrapFailed(address: address, reason: failure))
  }

  /// Nobody was there. Someone who was started at the same moment may be about to say the same; whoever gets the first bootstrap
  /// address has the ring, and the other finds it there.
  func startedAlone() {
    guard configuration.standsInForBootstrap, let first = configuration.bootstraps.first,
      let endpoint = Endpoint(first)
    else { return report(.startedNewRing(listening: nil)) }
    do throws(UVError) {
      try links.listen(at: endpoint.socketAddress)
      report(.startedNewRing(listening: endpoint))
    } catch {
      standIn.set(loop.now + .seconds(2))
    }
  }

  func reportNewRing() {
    if engine.ring.ring.isAlone { report(.startedNewRing(listening: nil)) }
  }
}

extension Message {
  /// Whether it tells how its sender stands.
  fileprivate var showsState: Bool {
    switch self {
    case .view, .unchanged: true
    default: false
    }
  }

  /// What an observer, which is no member and cannot be dialled, may send.
  fileprivate var isForAnyone: Bool {
    switch self {
    case .query, .ping: return true
    case .request(let request): return [.findSuccessor, .get, .nearest].contains(request.question)
    default: return false
    }
  }
}
