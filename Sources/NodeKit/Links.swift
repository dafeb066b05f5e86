// All links of a node: at most one to each other node, dialled when something is to be said.
//
//   send(frame, to: peer) ──> link? ──> write
//                              └ no ──> dialling? ──> wait in its queue ──established──> write
//                                          └ no ──> dial ──failed──> `unreachable`, the queue is dropped
//
// A dial is to one address. Two that name one node at two addresses have us dial both, so that whoever lies cannot hold up the other.
//
// When two nodes dial each other at the same time there are two connections. Both ends keep the one that the smaller identifier
// dialled, and drain the other: what was said on it is read before the one that stays is read, so that nothing is overtaken. A
// second connection dialled by the same side, or by either when the first has stood for a while, means that the other side gave
// up the first (we may not have heard of that: the way between may swallow everything): the first is pinged, and stays only if
// it answers.

import CSodium
import Chat
import Chord
import Noise
import UVRuntime

/// What the links tell the node they belong to.
protocol LinksOwner: AnyObject {
  /// A link to a node stands; its other end is `at` that host, and sees us as `seenAs`.
  func linked(_ remote: RemoteNode, at host: Endpoint.Host, seenAs: Endpoint?)
  func received(_ type: UInt8, _ payload: RawSpan, from remote: RemoteNode) throws(LinkFailure)
  /// The link broke without a word.
  func lost(_ id: Identifier)
  /// The node has left for good.
  func departed(_ id: Identifier)
  /// It could not be dialled at this address.
  func unreachable(_ peer: Peer)
  /// Some link ended, for the log.
  func linkEnded(_ failure: LinkFailure)
}

/// The links of one node.
final class Links: LinkOwner {
  /// Frames that wait while a node is dialled; more than a session's window would ever put there.
  private static let queueLimit = 1024
  /// At most this many dials at once, so that a burst leaves descriptors for those who come to us.
  private static let dialLimit = 256
  /// A dial across the world takes a third of a second; a host that swallows packets shows after this.
  static let dialTimeout = Duration.seconds(3)
  /// A second connection that comes within this time of the first may have been dialled at the same moment; after it the other
  /// side had the first link when it dialled, and would have used it.
  static let sameMoment = Duration.seconds(2)
  /// A link nobody used for this long is closed: a dial costs less than keeping it warm for ever.
  private static let idleLimit = Duration.seconds(300)

  /// Messages of handshakes that are opened in one turn: each costs about 0.1 ms, for which everybody else waits.
  private static let handshakesPerTurn = 8

  /// How often it is looked whether a link is idle, or brings a message too slowly.
  private static let sweepPeriod = Duration.seconds(8)

  private struct Dial {
    var link: Link
    var waiting: [[UInt8]]
    /// Who has just named the address.
    var advertiser: Identifier?
  }

  let loop: EventLoop
  let identity: Identity
  let network: String
  let limits: LinkLimits
  weak var owner: (any LinksOwner)?
  private let key: KeyPair
  private let life = Randomness.bytes(Hello.lifeLength)
  private var admission: Admission
  private var ledger: DialLedger
  /// Where this node can be dialled, as its hello says.
  var listens = Endpoint(host: .v4(0), port: 0)
  /// Whether somebody who sees us at this host could dial us there: a socket on 0.0.0.0 hears no IPv6.
  func canListen(at host: Endpoint.Host) -> Bool { listens.covers(host) }

  /// How often links ended, by reason.
  private(set) var failures: [LinkFailure: Int] = [:]

  var established: [Identifier: Link] = [:]
  private var dials: [Peer: Dial] = [:]
  private var strangers: [ObjectIdentifier: Link] = [:]
  /// Those who dialled us and may still be strangers, in the order in which they came.
  private var arrivals: [ObjectIdentifier] = []
  private var draining: [ObjectIdentifier: Link] = [:]
  /// Links that we gave up and that are about to end: then they are lost.
  var givenUp: [ObjectIdentifier: Link] = [:]
  /// Of nodes that came again over a new link while they had one: what is to be sent, until it is clear which of the two lives.
  private var inQuestion: [Identifier: [[UInt8]]] = [:]
  /// What to tell whoever dialled an address without knowing who is there.
  private var introductions: [ObjectIdentifier: (Result<RemoteNode, LinkFailure>) -> Void] = [:]
  private var listeners: [TCPListener] = []
  private lazy var sweep = Deadline(on: loop) { [weak self] in self?.closeIdle() }
  private(set) var isClosing = false
  /// How many messages of handshakes were opened in this turn of the loop.
  private var shaken = (turn: UInt64(0), count: 0)
  /// Connections that others have opened and that have not ended.
  private var acceptedCount = 0

  init(on loop: EventLoop, identity: Identity, network: String, limits: LinkLimits = LinkLimits()) {
    self.loop = loop
    self.identity = identity
    self.network = network
    self.limits = limits
    key = KeyPair(ed25519Seed: identity.seed)
    admission = Admission(limits)
    ledger = DialLedger(limit: limits.vainDialsPerAdvertiser)
  }

  var count: Int { established.count }
  var remotes: [RemoteNode] { established.keys.sorted().compactMap { established[$0]?.remote } }

  func isLinked(_ id: Identifier) -> Bool { established[id] != nil }

  // MARK: Listening and dialling

  /// Listens at an address; answers the one that was had.
  @discardableResult
  func listen(at address: SocketAddress) throws(UVError) -> SocketAddress {
    let listener = try TCPListener(on: loop, address: address) { [weak self] in self?.accept($0) }
    listeners.append(listener)
    sweep.set(loop.now + Self.sweepPeriod)
    return listener.address
  }

  /// Where it listens, whatever others are told.
  var listeningAddresses: [SocketAddress] { listeners.map(\.address) }

  private func accept(_ connection: TCPConnection) {
    guard let address = connection.remoteAddress.map({ Endpoint($0) }), !isClosing else { return }
    guard acceptedCount < limits.arrivals, admission.arrives(from: address.host, at: loop.now) else {
      return count(.full)  // nobody takes the connection, so it closes
    }
    if strangers.count >= limits.strangers { makeRoom() }
    let link = Link(
      on: loop, accepted: connection, from: address, limits: limits,
      channel: channel(to: address, isDialler: false, expected: nil), owner: self)
    acceptedCount += 1
    strangers[ObjectIdentifier(link)] = link
    arrivals.append(ObjectIdentifier(link))
  }

  /// The stranger who has been silent longest goes: those who mean to say who they are have done so by then.
  private func makeRoom() {
    for place in arrivals.indices {
      guard let link = strangers[arrivals[place]], link.remote == nil else { continue }
      arrivals.removeSubrange(...place)
      return link.end(.full)
    }
    arrivals = []
  }

  /// Dials an address to see who is there.
  func introduce(_ endpoint: Endpoint, _ done: @escaping (Result<RemoteNode, LinkFailure>) -> Void) {
    do throws(UVError) {
      let link = try dial(endpoint, expected: nil)
      strangers[ObjectIdentifier(link)] = link
      introductions[ObjectIdentifier(link)] = done
    } catch {
      done(.failure(.unreachable))
    }
  }

  private func dial(_ endpoint: Endpoint, expected: Identifier?) throws(UVError) -> Link {
    try Link(
      on: loop, to: endpoint, timeout: Self.dialTimeout, limits: limits,
      channel: channel(to: endpoint, isDialler: true, expected: expected), owner: self)
  }

  private func channel(to address: Endpoint, isDialler: Bool, expected: Identifier?) -> SecureChannel {
    let hello = Hello(publicKey: identity.publicKey, life: life, listens: listens, sees: address)
    let party = SecureChannel.Party(network: network, key: key, hello: hello, address: address, expected: expected)
    return SecureChannel(isDialler: isDialler, party, ephemeralSecret: Randomness.secret(), at: loop.now)
  }

  // MARK: Sending

  /// Sends a frame, dialling if there is no link. `advertiser` is who has just named the peer's address, if somebody has: then the
  /// dial is on that one's word.
  func send(_ frame: [UInt8], to peer: Peer, onWordOf advertiser: Identifier? = nil) {
    if let held = inQuestion[peer.id] {
      if held.count < Self.queueLimit { inQuestion[peer.id]?.append(frame) }
      return
    }
    if let link = established[peer.id] {
      link.send(frame)
      if link.isCongested { boundQueues() }
      return
    }
    if let waiting = dials[peer]?.waiting.count {
      if waiting < Self.queueLimit { dials[peer]?.waiting.append(frame) }
      return
    }
    do throws(UVError) {
      guard !isClosing, peer.endpoint.isDialable, dials.count < Self.dialLimit else { throw .canceled }
      if let advertiser {
        guard ledger.dials(onWordOf: advertiser, at: loop.now) else { throw .canceled }
      }
      dials[peer] = Dial(link: try dial(peer.endpoint, expected: peer.id), waiting: [frame], advertiser: advertiser)
    } catch {
      owner?.unreachable(peer)
    }
  }

  /// When more waits than all peers together may have wait, the one that takes least of it goes.
  private func boundQueues() {
    let congested = established.values.filter(\.isCongested)
    guard congested.reduce(0, { $0 + $1.pendingBytes }) > limits.allQueues else { return }
    congested.max { $0.pendingBytes < $1.pendingBytes }?.end(.slow)
  }

  /// Says goodbye to everyone and stops listening.
  func close() {
    isClosing = true
    sweep.cancel()
    for listener in listeners { listener.close() }
    listeners = []
    for id in established.keys.sorted() { established[id]?.close(.leaving) }
    for dial in dials.values { dial.link.end(.lost) }
    for link in strangers.values { link.end(.lost) }
    tellIfClosed()
  }

  /// Called once nothing is open any more.
  var whenClosed: (() -> Void)? {
    didSet { tellIfClosed() }
  }

  private func tellIfClosed() {
    guard isClosing, established.isEmpty, dials.isEmpty, strangers.isEmpty, draining.isEmpty, givenUp.isEmpty else {
      return
    }
    whenClosed?()
  }

  /// Closes at once what is still open.
  func abort() {
    close()
    for link in Array(established.values) + Array(draining.values) + Array(givenUp.values) { link.end(.lost) }
  }

  private func closeIdle() {
    for id in established.keys.sorted() {
      guard let link = established[id] else { continue }
      if link.dribbles(at: loop.now) {
        link.end(.dribbling)
      } else if loop.now - link.lastUsed > Self.idleLimit {
        established[id] = nil
        drain(link, .idle)
      }
    }
    sweep.set(loop.now + Self.sweepPeriod)
  }

  // MARK: What links say

  var isBusyShakingHands: Bool { shaken.turn == loop.statistics.turns && shaken.count >= Self.handshakesPerTurn }

  func shookHands() {
    shaken = (loop.statistics.turns, shaken.turn == loop.statistics.turns ? shaken.count + 1 : 1)
  }

  func linkEstablished(_ link: Link) {
    guard let remote = link.remote else { return }
    let id = remote.peer.id
    strangers[ObjectIdentifier(link)] = nil
    if let old = established[id], old !== link {
      resolve(old, link, id)
    } else {
      settle(link, remote)
    }
    introductions.removeValue(forKey: ObjectIdentifier(link))?(.success(remote))
  }

  /// The link is the one to this node from now on.
  private func settle(_ link: Link, _ remote: RemoteNode) {
    let id = remote.peer.id
    established[id] = link
    for dial in takeDials(to: id) {
      if dial.link !== link {
        strangers[ObjectIdentifier(dial.link)] = dial.link
      } else if let advertiser = dial.advertiser {
        ledger.wasRight(advertiser)
      }
      for frame in dial.waiting { link.send(frame) }
    }
    owner?.linked(remote, at: link.address.host, seenAs: link.seenAs)
  }

  /// All dials to a node, in a certain order; they are nobody's any more.
  private func takeDials(to id: Identifier) -> [Dial] {
    let peers = dials.keys.filter { $0.id == id }.sorted { "\($0.endpoint)" < "\($1.endpoint)" }
    return peers.compactMap { dials.removeValue(forKey: $0) }
  }

  /// Two links to one node.
  private func resolve(_ old: Link, _ new: Link, _ id: Identifier) {
    if old.isDialled != new.isDialled {
      let ownIsSmaller = Identity.nodeID(of: identity.publicKey) < id
      let keepsNew = new.isDialled == ownIsSmaller
      if keepsNew { return replace(old, by: new, id) }
      if loop.now - old.establishedAt < Self.sameMoment { return replace(new, by: old, id) }
    }
    strangers[ObjectIdentifier(new)] = new
    inQuestion[id] = inQuestion[id] ?? []
    old.ping(within: .seconds(1)) { [weak self, weak old, weak new] isAlive in
      guard let self else { return }
      defer { release(id) }
      guard let new, new.failure == nil, !new.isDraining, let remote = new.remote else { return }
      strangers[ObjectIdentifier(new)] = nil
      if isAlive {
        drain(new, .replaced)
      } else if let current = established[id], current !== old {
        resolve(current, new, id)  // the older link was replaced meanwhile: then that one is asked
      } else {
        // Whatever was under way on the old link is lost, and whoever sent it should know.
        if let old, established[id] === old { old.end(.silent) }
        established[id] = new
        owner?.lost(id)
        settle(new, remote)
      }
    }
  }

  /// It is clear which link to a node is the living one: what waited for that goes there.
  private func release(_ id: Identifier) {
    guard let frames = inQuestion.removeValue(forKey: id) else { return }
    for frame in frames { established[id]?.send(frame) }
  }

  private func replace(_ old: Link, by new: Link, _ id: Identifier) {
    established[id] = new
    for dial in takeDials(to: id) {
      for frame in dial.waiting { new.send(frame) }
      if dial.link !== new, dial.link !== old { strangers[ObjectIdentifier(dial.link)] = dial.link }
    }
    new.isHeldBack = true
    drain(old, .replaced)
  }

  private func drain(_ link: Link, _ goodbye: Goodbye) {
    draining[ObjectIdentifier(link)] = link
    link.close(goodbye)
  }

  func linkReceived(_ type: UInt8, _ payload: RawSpan, on link: Link) throws(LinkFailure) {
    guard let remote = link.remote else { throw .unexpected }
    try owner?.received(type, payload, from: remote)
  }

  func linkEnded(_ link: Link) {
    let key = ObjectIdentifier(link)
    let failure = link.failure ?? .lost
    defer { tellIfClosed() }
    if !link.isDialled {
      acceptedCount -= 1
      admission.left(link.address.host)
    }
    if link.farewell == nil && !isClosing { count(failure) }
    strangers[key] = nil
    introductions.removeValue(forKey: key)?(.failure(failure))
    if givenUp.removeValue(forKey: key) != nil {
      if let id = link.remote?.peer.id { owner?.lost(id) }
      return
    }
    if let id = link.remote?.peer.id {
      if draining.removeValue(forKey: key) != nil { established[id]?.isHeldBack = false }
      guard established[id] === link else { return }
      established[id] = nil
      owner?.lost(id)
    } else if let peer = dials.first(where: { $0.value.link === link })?.key {
      dials[peer] = nil
      if established[peer.id] == nil { owner?.unreachable(peer) }
    }
  }

  func linkSaidGoodbye(_ link: Link, _ goodbye: Goodbye) {
    guard let id = link.remote?.peer.id, established[id] === link else { return }
    established[id] = nil
    draining[ObjectIdentifier(link)] = link
    switch goodbye {
    case .leaving: owner?.departed(id)
    case .fault: owner?.lost(id)
    case .idle, .replaced: break
    }
  }

  private func count(_ failure: LinkFailure) {
    failures[failure, default: 0] += 1
    owner?.linkEnded(failure)
  }
}
