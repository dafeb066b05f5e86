// A walk once round the ring, from a member to its first successor and on, until the beginning is met again. A pure state
// machine: it says whom to ask and is told what came of it.
//
//     begin at m0 ─► ask m0 ─► m0's first successor m1 ─► ask m1 ─► … ─► m0 again: done
//
// Each member's predecessor must be the one we come from, and on the way round nobody may be passed twice. A successor that does
// not answer is noted and the next of the list is tried. A ring that changes while we walk may look inconsistent: look again.

import NodeKit

/// One member met on the walk.
struct RingMember: Equatable {
  var peer: Peer
  var predecessor: Peer?
  /// Whether its predecessor is the member before it on the walk; nil until that is known.
  var isPredecessorRight: Bool?
}

/// A walk round the ring.
struct RingWalk {
  /// What to do next.
  enum Step: Equatable {
    case ask(Peer)
    case done
  }

  /// Enough for any ring one would print; keeps a walk among liars from going on for ever.
  static let limit = 10_000

  /// The members met, in the order of the walk.
  private(set) var members: [RingMember] = []
  /// What is not as it should be, in sentences. None: the ring is consistent.
  private(set) var problems: [String] = []

  private var asked: Peer
  /// Who else to try if `asked` does not answer.
  private var alternatives: [Peer] = []
  private var met: Set<Identifier> = []

  /// Begins at this member; ask it.
  init(at start: Peer) {
    asked = start
  }

  /// The member that was asked has shown its state.
  mutating func answered(_ view: View) -> Step {
    guard view.isMember else { return failed("is in no ring") }
    members.append(RingMember(peer: asked, predecessor: view.predecessor, isPredecessorRight: nil))
    met.insert(asked.id)
    guard members.count < Self.limit else { return end("the walk ended after \(Self.limit) members") }
    return go(on: view.successors)
  }

  /// The member that was asked gave no answer.
  mutating func failed(_ reason: String) -> Step {
    problems.append("\(asked.id) at \(asked.endpoint) \(reason)")
    return go(on: alternatives)
  }

  private mutating func go(on successors: [Peer]) -> Step {
    guard let first = members.first?.peer, let last = members.last?.peer else { return .done }
    guard let next = successors.first else {
      // Alone it is its own successor; in company it must name one.
      return members.count == 1 && problems.isEmpty ? end(nil) : end("\(last.id) names no successor that answers")
    }
    if next.id == first.id { return end(nil) }
    guard !met.contains(next.id) else { return end("\(last.id) leads back to \(next.id), which is not the beginning") }
    if !between(last.id, next.id, first.id) {
      return end("\(next.id), successor of \(last.id), lies beyond the beginning: the ring winds round more than once")
    }
    asked = next
    alternatives = Array(successors.dropFirst())
    return .ask(next)
  }

  /// Looks at all predecessors, now that the walk is over.
  private mutating func end(_ problem: String?) -> Step {
    if let problem { problems.append(problem) }
    let isClosed = problem == nil
    for index in members.indices {
      if index == 0, !isClosed { continue }
      let before = members[index == 0 ? members.count - 1 : index - 1].peer
      let expected = members.count == 1 ? nil : before.id
      let isRight = members[index].predecessor?.id == expected
      members[index].isPredecessorRight = isRight
      if !isRight {
        let named = members[index].predecessor.map { "\($0.id)" } ?? "none"
        problems.append(
          "\(members[index].peer.id) names \(named) as its predecessor, not \(expected.map { "\($0)" } ?? "none")")
      }
    }
    return .done
  }
}
