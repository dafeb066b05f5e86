// Two nodes that run `LinkRules`, and the TCP connections between them: in each direction an ordered queue of what is under way. Each
// end of a connection does what NodeKit's `Link` does:
//
//   dialling ──connected──┐                                    ┌──> closing ──closed──> gone       ended by us
//                         ├──> established ──goodbye──> draining ──both have ended──> gone
//   handshaking ──hello───┘                                    └──> gone                           the other side ended, or it broke
//
// The dialler is through as soon as it is connected; the other end not before the hello that follows. A drained end is `deaf` where
// nobody hears what still comes. Time-outs fire where what they wait for cannot come any more, or, as an allowance, in haste.

import Chord

/// A moment between two nodes: 0 has the smaller identifier.
struct LinkWorld: Hashable {
  enum Item: Hashable { case hello, frame(Int), goodbye(Goodbye), ping, pong, end }

  enum Phase: Hashable { case dialling, handshaking, established, closing, gone }

  struct End: Hashable {
    var phase: Phase
    /// Goodbye was said, by either side.
    var isDraining = false
    var isDeaf = false
    var isAsked = false
    /// What the other side said when it said goodbye.
    var farewell: Goodbye?
    /// Nothing more goes, and the other side hears so.
    var hasEnded = false
    /// What is under way to this end.
    var coming: [Item] = []
  }

  struct Connection: Hashable {
    var number: Int
    var ends: [End]
    /// Carries nothing any more.
    var isDead = false
    /// One end was closed without being read to its end: what is under way to the other may be dropped there.
    var isReset = false
  }

  struct Said: Hashable {
    /// How often its sender had been told of a loss when it went.
    var life: Int
    var isHeard = false
    var isToldLost = false
  }

  struct Node: Hashable {
    var rules: LinkRules
    var life = 0
    var said: [Said] = []
    var hasLeft = false
  }

  var nodes: [Node]
  var connections: [Connection] = []
  var left: [Int]
  private var now = Instant(nanoseconds: 0)
  private var lastNumber = 0
  /// What is wrong with this moment, or was with one before.
  private(set) var wrong: String?
  let settings: Settings

  /// What never changes.
  struct Settings: Hashable {
    var addresses: Int
    var expectsLink: Bool
    var endsAtOnce: Bool
    var ids: [Identifier]
  }

  init(_ scenario: LinkScenario) {
    let ids = [Identifier(fraction: 1 << 30), Identifier(fraction: 1 << 31)]
    settings = Settings(
      addresses: scenario.addresses, expectsLink: scenario.expectsLink, endsAtOnce: scenario.mistake == .endsAtOnce,
      ids: ids)
    // Whoever takes itself for the smaller one keeps what it has dialled.
    let keepsItsOwn = scenario.mistake == .keepsItsOwn
    nodes = ids.map { Node(rules: LinkRules(me: keepsItsOwn ? Identifier(fraction: 0) : $0)) }
    left = LinkAllowance.allCases.map { scenario.allowances[$0] ?? 0 }
  }

  // MARK: The rules and what they say

  mutating func tell(_ node: Int, _ event: LinkRules.Event) {
    var inbox = [event]
    while !inbox.isEmpty {
      var effects: [LinkRules.Effect] = []
      nodes[node].rules.handle(inbox.removeFirst(), at: now, into: &effects)
      for effect in effects { perform(effect, at: node, &inbox) }
    }
  }

  private mutating func perform(_ effect: LinkRules.Effect, at node: Int, _ inbox: inout [LinkRules.Event]) {
    switch effect {
    case .dial(_, let number, _): dial(number, from: node)
    case .write(let frame, let number):
      nodes[node].said[Int(frame[0])].life = nodes[node].life
      put(.frame(Int(frame[0])), number, from: node)
    case .ping(let number):
      guard let place = standing(number, node) else { return inbox.append(.answered(number, isAlive: false)) }
      guard !connections[place].ends[node].isAsked else { return }
      connections[place].ends[node].isAsked = true
      put(.ping, number, from: node)
    case .close(let number, let goodbye):
      guard let place = standing(number, node) else { return }
      put(.goodbye(goodbye), number, from: node)
      drain(place, node, isDeaf: !goodbye.isHeardOut, &inbox)
    case .end(let number): close(number, node)
    case .linked, .parted: break
    case .lost(let id), .departed(let id): toldOfLoss(node, id)
    case .unreachable(let peer): toldOfLoss(node, peer.id)
    }
  }

  private mutating func toldOfLoss(_ node: Int, _ id: Identifier) {
    guard id == settings.ids[1 - node] else { return wrong = "told of somebody else" }
    nodes[node].life += 1
    for place in nodes[node].said.indices { nodes[node].said[place].isToldLost = true }
  }

  // MARK: Connections

  mutating func dial(_ number: Int, from node: Int) {
    lastNumber = max(lastNumber, number)
    var ends = [End(phase: .handshaking), End(phase: .handshaking)]
    ends[node].phase = .dialling
    connections.append(Connection(number: number, ends: ends))
  }

  private func place(_ number: Int) -> Int? { connections.firstIndex { $0.number == number } }

  /// One that is established at this end, and not being drained.
  private func standing(_ number: Int, _ node: Int) -> Int? {
    guard let place = place(number), connections[place].ends[node].phase == .established,
      !connections[place].ends[node].isDraining
    else { return nil }
    return place
  }

  private mutating func put(_ item: Item, _ number: Int, from node: Int) {
    if let place = standing(number, node) { put(item, place: place, from: node) }
  }

  private mutating func put(_ item: Item, place: Int, from node: Int) {
    guard !connections[place].isDead, connections[place].ends[1 - node].phase != .gone,
      connections[place].ends[1 - node].phase != .closing
    else { return }
    connections[place].ends[1 - node].coming.append(item)
  }

  /// Goodbye was said: nothing more is sent.
  private mutating func drain(_ place: Int, _ node: Int, isDeaf: Bool, _ inbox: inout [LinkRules.Event]) {
    connections[place].ends[node].isDraining = true
    connections[place].ends[node].isDeaf = isDeaf
    if isDeaf || settings.endsAtOnce || connections[place].ends[node].farewell != nil { end(place, node) }
    guard connections[place].ends[node].isAsked else { return }
    connections[place].ends[node].isAsked = false
    inbox.append(.answered(connections[place].number, isAlive: false))
  }

  private mutating func end(_ place: Int, _ node: Int) {
    guard !connections[place].ends[node].hasEnded else { return }
    connections[place].ends[node].hasEnded = true
    put(.end, place: place, from: node)
  }

  /// Ends a connection at once; that it has ended is heard later.
  private mutating func close(_ number: Int, _ node: Int, withReset: Bool = false) {
    guard let place = place(number), connections[place].ends[node].phase != .gone else { return }
    if !withReset { end(place, node) }
    connections[place].isReset = true
    connections[place].ends[node].phase = .closing
    connections[place].ends[node].coming = []
  }

  /// One end is gone, and its node hears of it.
  private mutating func gone(_ place: Int, _ node: Int, isHeardOut: Bool = false) {
    let number = connections[place].number
    let end = connections[place].ends[node]
    connections[place].ends[node] = End(phase: .gone)
    if connections[place].isDead || end.phase == .dialling, connections[place].ends[1 - node].phase == .handshaking {
      connections[place].ends[1 - node] = End(phase: .gone)
    }
    if connections[place].ends[1 - node].phase == .gone { connections.remove(at: place) }
    if end.isAsked { tell(node, .answered(number, isAlive: false)) }
    if end.phase != .handshaking { tell(node, .ended(number, isHeardOut: isHeardOut)) }
  }

  // MARK: What happens

  mutating func apply(_ action: LinkAction) {
    if let allowance = action.allowance { left[allowance.rawValue] -= 1 }
    switch action {
    case .send(let node, let address):
      lastNumber += 1
      let host = Endpoint.Host.v4(UInt32(0x7F00_0003 - address))
      let peer = Peer(id: settings.ids[1 - node], endpoint: Endpoint(host: host, port: 1))
      nodes[node].said.append(Said(life: nodes[node].life))
      tell(node, .send([UInt8(nodes[node].said.count - 1)], to: peer, dialling: lastNumber))
    case .look(let node): dial(lastNumber + 1, from: node)
    case .connected(let place, let node):
      connections[place].ends[node].phase = .established
      put(.hello, place: place, from: node)
      tell(node, .established(connections[place].number, with: settings.ids[1 - node], isDialled: true))
    case .refused(let place, let node), .refusedByChance(let place, let node): gone(place, node)
    case .deliver(let place, let node): deliver(connections[place].ends[node].coming.removeFirst(), place, node)
    case .closed(let place, let node), .broken(let place, let node): gone(place, node)
    case .unanswered(let place, let node), .unansweredInHaste(let place, let node):
      connections[place].ends[node].isAsked = false
      tell(node, .answered(connections[place].number, isAlive: false))
    case .unheard(let place, let node), .unheardInHaste(let place, let node):
      close(connections[place].number, node, withReset: true)
    case .die(let place):
      connections[place].isDead = true
      for end in 0...1 {
        connections[place].ends[end].coming = []
        if connections[place].ends[end].phase == .handshaking { connections[place].ends[end] = End(phase: .gone) }
      }
      connections.removeAll { $0.ends.allSatisfy { $0.phase == .gone } }
    case .giveUp(let node):
      nodes[node].life += 1  // its own deed
      tell(node, .giveUp(settings.ids[1 - node]))
    case .idle(let node): tell(node, .idle(settings.ids[1 - node]))
    case .leave(let node): leave(node)
    case .wait: now = now + LinkRules.sameMoment
    }
    for node in 0...1 where wrong == nil {
      guard let number = nodes[node].rules.link(to: settings.ids[1 - node]), !nodes[node].hasLeft else { continue }
      if standing(number, node) == nil { wrong = "\(node)'s link \(number) does not stand" }
    }
  }

  private mutating func deliver(_ item: Item, _ place: Int, _ node: Int) {
    let number = connections[place].number
    let isDeaf = connections[place].ends[node].isDeaf
    switch item {
    case .hello:
      connections[place].ends[node].phase = .established
      tell(node, .established(number, with: settings.ids[1 - node], isDialled: false))
    case .frame(let frame): if !isDeaf { heard(frame, by: node) }
    case .goodbye(let goodbye):
      guard !isDeaf else { return }
      connections[place].ends[node].farewell = goodbye
      tell(node, .saidGoodbye(number, goodbye))
      guard standing(number, node) != nil else {
        if connections[place].ends[node].phase == .established { end(place, node) }
        return
      }
      if goodbye.isHeardOut { put(item, number, from: node) }
      var inbox: [LinkRules.Event] = []
      drain(place, node, isDeaf: !goodbye.isHeardOut, &inbox)
      for event in inbox { tell(node, event) }
    case .ping: put(.pong, number, from: node)
    case .pong:
      guard connections[place].ends[node].isAsked else { return }
      connections[place].ends[node].isAsked = false
      tell(node, .answered(number, isAlive: true))
    case .end:
      end(place, node)
      gone(place, node, isHeardOut: connections[place].ends[node].farewell?.isHeardOut == true)
    }
  }

  private mutating func heard(_ frame: Int, by node: Int) {
    let said = nodes[1 - node].said
    if said[frame].isHeard { wrong = "\(node) hears \(frame) twice" }
    for later in said[frame...].dropFirst() where later.isHeard && later.life == said[frame].life {
      wrong = "\(node) hears \(frame) too late"
    }
    nodes[1 - node].said[frame].isHeard = true
  }

  private mutating func leave(_ node: Int) {
    nodes[node].hasLeft = true
    tell(node, .leave)
    for connection in connections where [.dialling, .handshaking].contains(connection.ends[node].phase) {
      close(connection.number, node)
    }
  }

  // MARK: At rest

  /// What is wrong if nothing more happens.
  var wrongAtRest: String? {
    let links = (0...1).map { nodes[$0].rules.link(to: settings.ids[1 - $0]) }
    if links[0] != links[1] { return "the ends have links \(links)" }
    if connections.map(\.number) != [links[0]].compactMap(\.self) { return "connections are left over" }
    if connections.contains(where: { $0.ends.contains { !$0.coming.isEmpty } }) { return "something is not delivered" }
    if settings.expectsLink, links[0] == nil, nodes.contains(where: { !$0.said.isEmpty }) { return "no link is left" }
    for node in 0...1 where !nodes[node].hasLeft {
      if !nodes[node].rules.isAtRest { return "something waits at \(node)" }
      if let frame = nodes[node].said.firstIndex(where: { !$0.isHeard && !$0.isToldLost }) {
        return "\(frame) of \(node) has vanished"
      }
    }
    return nil
  }
}

extension LinkWorld.Item: CustomStringConvertible {
  var description: String {
    switch self {
    case .hello: "hello"
    case .frame(let number): "\(number)"
    case .goodbye(let goodbye): "goodbye(\(goodbye))"
    case .ping: "ping"
    case .pong: "pong"
    case .end: "end"
    }
  }
}
