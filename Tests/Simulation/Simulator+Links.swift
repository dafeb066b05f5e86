// The links of simulated nodes: what NodeKit's `Links` does, with the very rules that ship (`LinkRules`), over simulated connections.
//
//   Engine ──send, disconnect, renew, doubt──> LinkRules ──write, dial, ping, close, end──> connections (Simulator+Connections.swift)
//     └<──linked, lost, departed, unreachable─────┘ └<──established, answered, saidGoodbye, ended──┘
//
// As there, `perform` never tells the rules anything itself: what comes up meanwhile waits in `linkInbox`, and for the engine in
// `inbox`. What is absent: strangers and their limits, the paces of what peers may say, and the ledger of dials on somebody's word.

import Chat
import Chord

extension Simulator {
  /// As in NodeKit's `Links`: a link over which nothing comes for this long, though we asked, carries nothing.
  private static let doubtPatience = Duration.seconds(3)
  /// A link that has brought something this lately is a working one, only slow.
  private static let hushPatience = Duration.seconds(1)
  /// How often it is looked whether a link is idle, if one may be.
  private static let sweepPeriod = Duration.seconds(8)

  // MARK: The rules

  /// Gives a node's rules an event and does what they say.
  mutating func tellRules(_ host: Int, _ event: LinkRules.Event) {
    guard !isRuling else { return linkInbox.append(event) }
    isRuling = true
    handle(host, event)
    var next = 0
    while next < linkInbox.count {
      handle(host, linkInbox[next])
      next += 1
    }
    linkInbox.removeAll(keepingCapacity: true)
    isRuling = false
  }

  private mutating func handle(_ host: Int, _ event: LinkRules.Event) {
    var effects: [LinkRules.Effect] = []
    swap(&effects, &linkEffects)
    if configuration.checksPromises, case .send(let frame, let peer, let number, _) = event {
      sendNumbered(frame, from: host, to: peer, dialling: number, into: &effects)
    } else {
      hosts[host].rules.handle(event, at: now, into: &effects)
    }
    for effect in effects { perform(effect, of: host) }
    effects.removeAll(keepingCapacity: true)
    swap(&effects, &linkEffects)
  }

  private mutating func perform(_ effect: LinkRules.Effect, of host: Int) {
    switch effect {
    case .write(let frame, let number):
      put(.frame(frame, loss: lastLoss(host, on: number)), on: number, from: host)
    case .dial(let peer, let number, _): dial(peer, number, from: host)
    case .ping(let number):
      guard ping(number, at: host, within: LinkRules.answerPatience) else {
        return tellRules(host, .answered(number, isAlive: false))
      }
      hosts[host].ends[number]?.isAsked = true
    case .close(let number, let goodbye): close(number, at: host, goodbye)
    case .end(let number): end(number, at: host)
    case .linked(let id, let number):
      guard let end = hosts[host].ends[number] else { return }
      feed(host, .ring(.seen(id, at: hosts[Int(end.other)].endpoint.host)))
      feed(host, .linked(id))
    case .lost(let id):
      toldOfLoss(host, id)
      feed(host, .lost(id))
    case .parted(let id): feed(host, .ring(.parted(id)))
    case .departed(let id):
      toldOfLoss(host, id)
      feed(host, .departed(id))
    case .unreachable(let peer):
      toldOfLoss(host, peer.id)
      feed(host, .unreachable(peer))
    }
  }

  // MARK: Sending

  mutating func send(_ message: Message, from host: Int, to peer: Peer) {
    let frame = frame { message.encode(into: &$0) }
    if !lostRequests.isEmpty { countIfWatched(message, frame.count + Self.frameHeader, from: host, to: peer.id) }
    send(frame, from: host, to: peer)
  }

  mutating func send(_ message: ChatMessage, from host: Int, to peer: Peer) {
    send(frame { message.encode(into: &$0) }, from: host, to: peer)
  }

  private mutating func send(_ frame: [UInt8], from host: Int, to peer: Peer) {
    messageCount += 1
    byteCount += frame.count + Self.frameHeader
    tellRules(host, .send(frame, to: peer, dialling: nextNumber()))
  }

  /// The length, which nobody needs here: what comes is never cut in pieces.
  private static let frameHeader = 2

  /// The type and the payload, as they lie in a message, in just as much memory as they take.
  private mutating func frame(_ encode: (inout ByteWriter) -> Void) -> [UInt8] {
    draft.bytes.removeAll(keepingCapacity: true)
    encode(&draft)
    return draft.bytes.withUnsafeBytes { [UInt8]($0) }
  }

  mutating func nextNumber() -> LinkRules.Number {
    lastNumber += 1
    return lastNumber
  }

  /// A frame comes to whom it is for.
  mutating func heard(_ frame: [UInt8], by host: Int, from other: Int) throws(Malformed) {
    guard let type = frame.first else { throw .truncated }
    let payload = frame.span.bytes.extracting(1..<frame.count)
    guard Message.types.contains(type) else {
      let message = try ChatMessage(type: type, payload: payload)
      return feed(host, .received(message, from: hosts[other].peer, key: hosts[other].key))
    }
    let message = try Message(type: type, payload: payload)
    if let lines = puppeteer?(hosts[host].me.id, message) {
      for (line, pause) in lines { schedule(host, .line(line, to: other), after: pause) }
      return
    }
    wakeIfWatched(host, by: message)
    feed(host, .ring(.received(message, from: hosts[other].peer)))
  }

  // MARK: Silence

  /// A node gives up another one, or its link.
  mutating func disconnect(_ host: Int, _ id: Identifier) {
    guard hosts[host].rules.link(to: id) != nil else { return }
    tellRules(host, .giveUp(id))
    doubtTheQuiet(host)
  }

  /// The same for a link over which nothing has come of late.
  mutating func renew(_ host: Int, _ id: Identifier) {
    guard let link = link(host, to: id), now - link.lastHeard > Self.hushPatience else { return }
    disconnect(host, id)
  }

  /// A node asks its link whether another one is still there.
  mutating func doubt(_ host: Int, _ id: Identifier) {
    guard let number = hosts[host].rules.link(to: id), ping(number, at: host, within: Self.doubtPatience) else {
      return
    }
    hosts[host].ends[number]?.isDoubted = true
  }

  /// Nothing has come over a doubted link.
  mutating func foundSilent(_ number: LinkRules.Number, to other: Int, at host: Int) {
    guard hosts[host].rules.link(to: hosts[other].me.id) == number else { return }
    end(number, at: host)
    doubtTheQuiet(host)
  }

  /// Where one link has fallen silent others may have, for the same reason.
  private mutating func doubtTheQuiet(_ host: Int) {
    let quiet = hosts[host].ends.all.filter { now - $0.lastHeard > Self.doubtPatience }
    for end in quiet {
      let id = hosts[Int(end.other)].me.id
      if hosts[host].rules.link(to: id) == end.number { doubt(host, id) }
    }
  }

  private func link(_ host: Int, to id: Identifier) -> ConnectionEnd? {
    hosts[host].rules.link(to: id).flatMap { hosts[host].ends[$0] }
  }

  // MARK: Idleness

  mutating func startSweeping(_ host: Int) {
    guard !hosts[host].isSweeping else { return }
    hosts[host].isSweeping = true
    schedule(host, .sweep, after: configuration.idleLimit + Self.sweepPeriod / 2)
  }

  /// Closes the links that nobody has used for long, and looks again when the next one may be idle.
  mutating func sweep(_ host: Int) {
    hosts[host].isSweeping = false
    let idle = hosts[host].ends.all.filter { now - $0.lastUsed > configuration.idleLimit }
    for end in idle {
      let id = hosts[Int(end.other)].me.id
      guard hosts[host].rules.link(to: id) == end.number else { continue }
      idleCount += 1
      tellRules(host, .idle(id))
    }
    guard let oldest = hosts[host].ends.all.lazy.map(\.lastUsed).min() else { return }
    hosts[host].isSweeping = true
    let next = max(oldest + configuration.idleLimit, now) + Self.sweepPeriod / 2
    push(host, .sweep, at: next)
  }

  // MARK: Seeking

  /// As the bootstrap addresses are dialled: who answers is introduced.
  mutating func seek(_ host: Int, all: Bool) {
    let others = bootstraps.compactMap { numbers[$0.id] }.filter { $0 != host }
    var found = others.filter { isReachable($0, from: host) }
    if !all, !found.isEmpty { found = [found[Int(generator.next() % UInt64(found.count))]] }
    let introductions = found.map { (other: $0, delay: delay(host, $0) * 4) }
    for (other, delay) in introductions {
      let isLinked = hosts[host].rules.link(to: hosts[other].me.id) != nil
      schedule(host, .introduced(other, by: isLinked ? nil : nextNumber()), after: delay)
    }
    guard all || found.isEmpty else { return }
    let rest = others.filter { !isReachable($0, from: host) }
    let isTold = rest.allSatisfy { !hosts[$0].isAlive && !hosts[$0].isSilent && reaches(host, $0) }
    let patience = isTold ? delay(host, host) * 2 : configuration.dialTimeout
    let end = max(patience, introductions.map(\.delay).max() ?? .zero) + .nanoseconds(1)
    schedule(host, .event(.ring(found.isEmpty ? .nobodyFound : .everybodyFound)), after: end)
  }

  /// Whoever has looked at an address is through, and knows who is there. Where there was a link, it was not dialled.
  mutating func introduced(_ host: Int, _ other: Int, by number: LinkRules.Number?) {
    guard isReachable(other, from: host) else { return }
    if let number { establish(number, from: host, to: other) }
    feed(host, .ring(.introduced(hosts[other].peer)))
  }

  // MARK: Leaving

  /// A node says goodbye on all its links and is gone.
  mutating func depart(_ host: Int) {
    tellRules(host, .leave)
    bury(host)
  }
}
