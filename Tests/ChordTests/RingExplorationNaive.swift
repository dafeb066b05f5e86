// Rings that are wrong on purpose, to show that the explorer finds what is wrong. Each breaks one rule of the ring that ships.
//
//   trusting     adopts its successor's predecessor unasked, as the published Chord does (Stoica et al., ToN 2003, figure 6)
//   careless     applies an answer even if others were shown its state since the question
//   straight     adopts a candidate whose own successor stands before the candidate

import Chord
import Simulation

/// What a wrong ring does wrong.
protocol RingMistake {
  static var trustsUnasked: Bool { get }
  static var appliesThoughShown: Bool { get }
  static var skipsCloser: Bool { get }
}

enum Trusting: RingMistake {
  static let trustsUnasked = true
  static let appliesThoughShown = false
  static let skipsCloser = false
}

enum Careless: RingMistake {
  static let trustsUnasked = false
  static let appliesThoughShown = true
  static let skipsCloser = false
}

enum Straight: RingMistake {
  static let trustsUnasked = false
  static let appliesThoughShown = false
  static let skipsCloser = true
}

enum Faultless: RingMistake {
  static let trustsUnasked = false
  static let appliesThoughShown = false
  static let skipsCloser = false
}

/// A second, shorter machine by the same rules, but for one mistake.
struct NaiveRing<Mistake: RingMistake>: RingMachine {
  private enum Asking: Hashable {
    case joining, head
    case candidate(before: Identifier?)
  }

  private let me: Peer
  private let capacity: Int
  private(set) var isMember = false
  private(set) var predecessor: Peer?
  private(set) var successors: [Peer] = []
  private var asked: Peer?
  private var asking = Asking.head
  private var wasShown = false
  private var rectifying: Peer?

  init(me: Peer, capacity: Int) {
    self.me = me
    self.capacity = capacity
  }

  var isBusy: Bool { asked != nil }
  var brokenInvariant: String? { nil }

  mutating func startAlone() { isMember = true }

  mutating func show() -> View {
    wasShown = true
    return View(isMember: isMember, predecessor: predecessor, successors: successors)
  }

  mutating func join(through member: Peer) -> [Ring.Step] {
    isBusy || isMember ? [] : ask(member, .joining)
  }

  mutating func stabilize() -> [Ring.Step] {
    guard isMember, !isBusy else { return [] }
    if let head = successors.first { return ask(head, .head) }
    return predecessor.map { ask($0, .candidate(before: nil)) } ?? []
  }

  mutating func consider(_ peer: Peer) -> [Ring.Step] {
    isMember && !isBusy && isCloser(peer) ? ask(peer, .candidate(before: successors.first?.id)) : []
  }

  mutating func answered(by peer: Peer, _ view: View) -> [Ring.Step] {
    guard asked?.id == peer.id else { return [] }
    asked = nil
    guard view.isMember else { return asking == .joining ? [.again] : failed(peer.id) }
    switch asking {
    case .joining:
      let list = view.successors.filter { $0.id != me.id }
      guard between(peer.id, me.id, list.first?.id ?? peer.id), commit(list.isEmpty ? [peer] : list, ifHeadIs: nil)
      else {
        return [.again]
      }
      isMember = true
      predecessor = peer
      return []
    case .head:
      guard commit([peer] + view.successors, ifHeadIs: peer.id) else { return [.again] }
      if Mistake.trustsUnasked, let candidate = view.predecessor, isCloser(candidate) {
        successors = Array(([candidate] + successors).prefix(capacity))
        return [.notify(candidate)]
      }
      if let candidate = view.predecessor, isCloser(candidate) { return ask(candidate, .candidate(before: peer.id)) }
      if let candidate = view.successors.first, isCloser(candidate) {
        return ask(candidate, .candidate(before: peer.id))
      }
      return [.notify(peer)]
    case .candidate(let head):
      if !Mistake.skipsCloser, let closer = view.successors.first, between(me.id, closer.id, peer.id) {
        return ask(closer, .candidate(before: head))
      }
      guard commit([peer] + view.successors, ifHeadIs: head) else { return [.again] }
      return [.notify(peer)]
    }
  }

  mutating func notified(by q: Peer) -> [Ring.Step] {
    guard isMember else { return [] }
    guard let current = predecessor, current.id != q.id, !between(current.id, q.id, me.id) else {
      predecessor = q
      return []
    }
    rectifying = q
    return [.ping(current)]
  }

  mutating func isAlive(_ peer: Identifier) {
    if predecessor?.id == peer { rectifying = nil }
  }

  mutating func failed(_ peer: Identifier) -> [Ring.Step] {
    let lostHead = successors.first?.id == peer
    let wasAsked = asked?.id == peer
    successors.removeAll { $0.id == peer }
    if rectifying?.id == peer { rectifying = nil }
    if predecessor?.id == peer {
      predecessor = rectifying
      rectifying = nil
    }
    if wasAsked { asked = nil }
    if wasAsked && asking == .joining { return [.again] }
    return wasAsked || lostHead ? successors.first.map { [.notify($0)] } ?? [] : []
  }

  private func isCloser(_ peer: Peer) -> Bool {
    between(me.id, peer.id, successors.first?.id ?? me.id)
  }

  private mutating func ask(_ peer: Peer, _ question: Asking) -> [Ring.Step] {
    asked = peer
    asking = question
    wasShown = false
    return [.query(peer)]
  }

  private mutating func commit(_ candidates: [Peer], ifHeadIs head: Identifier?) -> Bool {
    var list: [Peer] = []
    for peer in candidates.prefix(capacity) {
      guard between(list.last?.id ?? me.id, peer.id, me.id) else { break }
      list.append(peer)
    }
    if list == successors { return true }
    guard !wasShown || Mistake.appliesThoughShown, successors.first?.id == head else { return false }
    successors = list
    return true
  }
}
