// All links of a node: the connections themselves. Which of them is THE link to a node, and what becomes of the others, is said by
// `LinkRules`; here it is done.
//
//   the node ──send──┐                                        ┌──> write, close, ping … ──> Link ──> socket
//   Link ──established, goodbye, ended──> step(event) ──> LinkRules ──> effects ──> perform
//                                                             ├──> dial, on somebody's word or our own
//                                                             └──> linked, lost, departed, unreachable ──> the node
//
// `perform` never calls `step`: what comes up meanwhile (a dial that fails at once, a node that answers) waits in `inbox`. Connections
// are numbered as they come; until it has said who it is, whoever comes is a stranger, which the rules know nothing of.

import CSodium
import Chat
import Chord
import Noise
import UVRuntime

/// What the links tell the node they belong to.
protocol LinksOwner: AnyObject {
  /// A dial has come to its end: this node was there, or it was not.
  func dialled(_ peer: Peer, isThere: Bool)
  /// A link to a node stands; its other end is `at` that host, and sees us as `seenAs`.
  func linked(_ remote: RemoteNode, at host: Endpoint.Host, seenAs: Endpoint?)
  func received(_ type: UInt8, _ payload: RawSpan, from remote: RemoteNode) throws(LinkFailure)
  /// The link broke without a word.
  func lost(_ id: Identifier)
  /// The last link to it has ended in good order.
  func parted(_ id: Identifier)
  /// The node has left for good.
  func departed(_ id: Identifier)
  /// It could not be dialled at this address.
  func unreachable(_ peer: Peer)
  /// Some link ended, for the log.
  func linkEnded(_ failure: LinkFailure)
  /// For the log as well: nobody can connect any more, or (nil) again.
  func listening(failed error: UVError?)
}

/// The links of one node.
final class Links: LinkOwner {
  /// A dial across the world takes a third of a second; a host that swallows packets shows after this.
  static let dialTimeout = Duration.seconds(3)
  /// A link nobody used for this long is closed: a dial costs less than keeping it warm for ever.
  private static let idleLimit = Duration.seconds(300)

  /// Messages of handshakes, records and openings of sessions that are taken in one turn of all who have come to us: each costs about
  /// 0.1 ms for its keys or signatures, for which everybody else waits.
  private static let checksPerTurn = 2

  /// How often it is looked whether a link is idle, or brings a message too slowly.
  private static let sweepPeriod = Duration.seconds(8)
  /// Whoever could not listen because the machine had no memory or descriptors left tries again this often.
  private static let pauseBeforeListening = Duration.seconds(2)

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

  // Unchecked for the reasons of LoopNode's.
  @exclusivity(unchecked) private var rules: LinkRules
  @exclusivity(unchecked) private var inbox: [LinkRules.Event] = []
  @exclusivity(unchecked) private var effects: [LinkRules.Effect] = []
  private var isStepping = false
  /// Every connection that has not ended.
  @exclusivity(unchecked) private var links: [LinkRules.Number: Link] = [:]
  private var lastNumber = 0
  /// Those at whose other end nobody has proved a node yet, except where we have dialled one that we know.
  private var strangers: Set<LinkRules.Number> = []
  /// Those who dialled us and may still be strangers, in the order in which they came.
  private(set) var arrivals: [LinkRules.Number] = []
  /// Whom our dials to nodes that we know are for, until they answer.
  private var dials: [LinkRules.Number: Peer] = [:]
  /// On whose word a dial is.
  private var advertisers: [LinkRules.Number: Identifier] = [:]
  /// What to tell whoever dialled an address without knowing who is there.
  private var introductions: [LinkRules.Number: (Result<RemoteNode, LinkFailure>) -> Void] = [:]
  private var listeners: [TCPListener] = []
  /// Where it is to listen again.
  private var silenced: [SocketAddress] = []
  private lazy var listensAgain = Deadline(on: loop) { [weak self] in self?.listenAgain() }
  private lazy var sweep = Deadline(on: loop) { [weak self] in self?.closeIdle() }
  private(set) var isClosing = false
  /// How many messages of handshakes were opened in this turn of the loop.
  private var checked = (turn: UInt64(0), count: 0)
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
    rules = LinkRules(me: identity.nodeID)
  }

  var count: Int { rules.count }
  /// What waits to be taken by the others.
  var queuedBytes: Int { links.values.reduce(0) { $0 + $1.pendingBytes } }
  /// The nodes to which a link stands, in order.
  var linked: [Identifier] { rules.linked }
  var remotes: [RemoteNode] { linked.compactMap { link(to: $0)?.remote } }

  func isLinked(_ id: Identifier) -> Bool { rules.link(to: id) != nil }
  /// The link to a node, if one stands.
  func link(to id: Identifier) -> Link? { rules.link(to: id).flatMap { links[$0] } }

  // MARK: The rules

  /// Gives the rules an event and does what they say.
  func step(_ event: LinkRules.Event) {
    guard !isStepping else { return inbox.append(event) }
    isStepping = true
    handle(event)
    var next = 0
    while next < inbox.count {
      handle(inbox[next])
      next += 1
    }
    if next > 0 { inbox.removeAll(keepingCapacity: true) }
    isStepping = false
  }

  private func handle(_ event: LinkRules.Event) {
    var batch: [LinkRules.Effect] = []
    swap(&batch, &effects)  // its memory serves every event
    rules.handle(event, at: Instant(nanoseconds: Int64(clamping: loop.now.nanoseconds)), into: &batch)
    batch.reverse()
    while let effect = batch.popLast() { perform(effect) }
    swap(&batch, &effects)
  }

  private func perform(_ effect: LinkRules.Effect) {
    switch effect {
    case .write(let frame, let number):
      guard let link = links[number] else { return }
      link.send(frame)
      if link.isCongested { boundQueues() }
    case .dial(let peer, let number, let advertiser): dial(peer, number, onWordOf: advertiser)
    case .ping(let number):
      guard let link = links[number] else { return step(.answered(number, isAlive: false)) }
      link.ping(within: LinkRules.answerPatience) { [weak self] in self?.step(.answered(number, isAlive: $0)) }
    case .close(let number, let goodbye): links[number]?.close(goodbye)
    case .end(let number): links[number]?.end(.silent)
    case .linked(let id, let number):
      guard let link = links[number], let remote = link.remote, remote.peer.id == id else { return }
      owner?.linked(remote, at: link.address.host, seenAs: link.seenAs)
    case .lost(let id): owner?.lost(id)
    case .parted(let id): owner?.parted(id)
    case .departed(let id): owner?.departed(id)
    case .unreachable(let peer): owner?.unreachable(peer)
    }
  }

  // MARK: Listening and dialling

  /// Listens at an address; answers the one that was had.
  @discardableResult
  func listen(at address: SocketAddress) throws(UVError) -> SocketAddress {
    let listener = try TCPListener(on: loop, address: address) { [weak self] in self?.accept($0) }
    listeners.append(listener)
    listener.failed = { [weak self, weak listener] error in
      if let listener { self?.ended(listener, error) }
    }
    sweep.set(loop.now + Self.sweepPeriod)
    return listener.address
  }

  /// The system has no room for those who come.
  private func ended(_ listener: TCPListener, _ error: UVError) {
    listeners.removeAll { $0 === listener }
    silenced.append(listener.address)
    owner?.listening(failed: error)
    listensAgain.set(loop.now + Self.pauseBeforeListening)
  }

  /// For whatever reason it cannot be yet, there is another time.
  private func listenAgain() {
    silenced.removeAll { (try? listen(at: $0)) != nil }
    guard silenced.isEmpty else { return listensAgain.set(loop.now + Self.pauseBeforeListening) }
    owner?.listening(failed: nil)
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
    let number = nextNumber()
    add(link, number)
    strangers.insert(number)
    if arrivals.count > 2 * strangers.count + 64 { arrivals.removeAll { !strangers.contains($0) } }
    arrivals.append(number)
  }

  private func nextNumber() -> LinkRules.Number {
    lastNumber += 1
    return lastNumber
  }

  private func add(_ link: Link, _ number: LinkRules.Number) {
    link.number = number
    links[number] = link
  }

  /// The stranger who has been silent longest goes: those who mean to say who they are have done so by then.
  private func makeRoom() {
    for place in arrivals.indices {
      guard strangers.contains(arrivals[place]), let link = links[arrivals[place]] else { continue }
      arrivals.removeSubrange(...place)
      return link.end(.full)
    }
    arrivals = []
  }

  /// Dials an address to see who is there.
  func introduce(_ endpoint: Endpoint, _ done: @escaping (Result<RemoteNode, LinkFailure>) -> Void) {
    do throws(UVError) {
      let number = nextNumber()
      add(try dial(endpoint, expected: nil), number)
      strangers.insert(number)
      introductions[number] = done
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
    var party = SecureChannel.Party(network: network, key: key, hello: hello, address: address, expected: expected)
    party.bytesPerKey = limits.bytesPerKey
    return SecureChannel(isDialler: isDialler, party, ephemeralSecret: Randomness.secret(), at: loop.now)
  }

  private func dial(_ peer: Peer, _ number: LinkRules.Number, onWordOf advertiser: Identifier?) {
    do throws(UVError) {
      if let advertiser {
        guard ledger.dials(onWordOf: advertiser, at: loop.now) else { throw .canceled }
      }
      add(try dial(peer.endpoint, expected: peer.id), number)
      dials[number] = peer
      advertisers[number] = advertiser
    } catch {
      owner?.dialled(peer, isThere: false)
      step(.ended(number, isHeardOut: false))
    }
  }

  // MARK: Sending

  /// Sends a frame, dialling if there is no link. `advertiser` is who has just named the peer's address, if somebody has: then the
  /// dial is on that one's word.
  func send(_ frame: [UInt8], to peer: Peer, onWordOf advertiser: Identifier? = nil) {
    step(.send(frame, to: peer, dialling: nextNumber(), onWordOf: advertiser))
  }

  /// When more waits than all peers together may have wait, the one that takes least of it goes.
  private func boundQueues() {
    let congested = links.values.filter { $0.isCongested && !$0.isDraining }
    guard congested.reduce(0, { $0 + $1.pendingBytes }) > limits.allQueues else { return }
    congested.max { $0.pendingBytes < $1.pendingBytes }?.end(.slow)
  }

  /// Says goodbye to everyone and stops listening.
  func close() {
    isClosing = true
    sweep.cancel()
    listensAgain.cancel()
    for listener in listeners { listener.close() }
    listeners = []
    step(.leave)
    for number in links.keys.sorted() where links[number]?.remote == nil { links[number]?.end(.lost) }
    tellIfClosed()
  }

  /// Called once nothing is open any more.
  var whenClosed: (() -> Void)? {
    didSet { tellIfClosed() }
  }

  private func tellIfClosed() {
    guard isClosing, links.isEmpty else { return }
    whenClosed?()
  }

  /// Closes at once what is still open.
  func abort() {
    close()
    for number in links.keys.sorted() { links[number]?.end(.lost) }
  }

  private func closeIdle() {
    for id in linked {
      guard let link = link(to: id) else { continue }
      if link.dribbles(at: loop.now) {
        link.end(.dribbling)
      } else if loop.now - link.lastUsed > Self.idleLimit {
        step(.idle(id))
      }
    }
    sweep.set(loop.now + Self.sweepPeriod)
  }

  // MARK: What links say

  var isBusyChecking: Bool { checked.turn == loop.statistics.turns && checked.count >= Self.checksPerTurn }

  func checks() {
    checked = (loop.statistics.turns, checked.turn == loop.statistics.turns ? checked.count + 1 : 1)
  }

  func linkEstablished(_ link: Link) {
    guard let remote = link.remote else { return }
    let number = link.number
    strangers.remove(number)
    if let advertiser = advertisers.removeValue(forKey: number) { ledger.wasRight(advertiser) }
    dials[number] = nil
    if link.isDialled { owner?.dialled(Peer(id: remote.peer.id, endpoint: link.address), isThere: true) }
    step(.established(number, with: remote.peer.id, isDialled: link.isDialled))
    introductions.removeValue(forKey: number)?(.success(remote))
  }

  func linkReceived(_ type: UInt8, _ payload: RawSpan, on link: Link) throws(LinkFailure) {
    guard let remote = link.remote else { throw .unexpected }
    try owner?.received(type, payload, from: remote)
  }

  func linkEnded(_ link: Link) {
    let number = link.number
    let failure = link.failure ?? .lost
    links[number] = nil
    strangers.remove(number)
    advertisers[number] = nil
    if let peer = dials.removeValue(forKey: number) { owner?.dialled(peer, isThere: false) }
    if !link.isDialled {
      acceptedCount -= 1
      admission.left(link.address.host)
    }
    if link.farewell == nil && !isClosing { count(failure) }
    introductions.removeValue(forKey: number)?(.failure(failure))
    step(.ended(number, isHeardOut: link.isHeardOut))
    tellIfClosed()
  }

  func linkSaidGoodbye(_ link: Link, _ goodbye: Goodbye) {
    step(.saidGoodbye(link.number, goodbye))
  }

  private func count(_ failure: LinkFailure) {
    failures[failure, default: 0] += 1
    owner?.linkEnded(failure)
  }
}
