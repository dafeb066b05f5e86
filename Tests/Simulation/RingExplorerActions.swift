// What may happen next in a moment, as far as the scenario and the assumptions of the proof allow; see RingExplorerWorld for the list.

import Chord

extension RingExplorer {
  mutating func actions(in moment: Moment) -> [RingAction] {
    var result: [RingAction] = []
    deliveries(in: moment, &result)
    for node in 0..<scenario.nodes {
      switch moment.life(node) {
      case .live:
        operations(of: node, in: moment, &result)
        endings(of: node, in: moment, &result)
      case .leaving:
        result.append(.gone(UInt8(node)))
      case .absent:
        joins(of: node, in: moment, &result)
      case .dead:
        if moment.left(.restart) > 0 { result.append(.restart(UInt8(node))) }
      }
    }
    return result
  }

  private mutating func deliveries(in moment: Moment, _ result: inout [RingAction]) {
    var lastPair: UInt32 = .max
    for word in moment.messages where word >> 20 != lastPair {
      lastPair = word >> 20
      let message = Parcel(word: word)
      if !scenario.hearsLate && moment.isOwed(message.to, of: message.from) { continue }
      result.append(.deliver(from: UInt8(message.from), to: UInt8(message.to)))
    }
    for node in 0..<scenario.nodes where moment.answers(node) {
      for other in 0..<scenario.nodes where other != node {
        let mayHear =
          switch moment.life(other) {
          case .absent: false
          case .live: moment.isOwed(node, of: other)
          case .leaving: true
          case .dead: moment.isQuiet(from: other, to: node)
          }
        guard mayHear else { continue }
        if moment.isOwed(node, of: other) || world.matters(.failed(other), to: node, in: moment) {
          result.append(.hear(UInt8(node), endOf: UInt8(other)))
        }
      }
    }
  }

  private mutating func operations(of node: Int, in moment: Moment, _ result: inout [RingAction]) {
    let machine = world.machines[Int(moment.machine(node))]
    if moment.rounds(node) > 0, world.matters(.stabilize, to: node, in: moment) {
      result.append(.stabilize(UInt8(node)))
    }
    if !machine.isMember || scenario.lonersJoin { joins(of: node, in: moment, &result) }
    guard moment.left(.hint) > 0, machine.isMember else { return }
    let oracle = world.oracle(of: moment)
    let places = oracle.members.map { world.node($0.peer.id) }
    guard let own = places.firstIndex(of: node) else { return }
    for (place, other) in places.enumerated() where other != node {
      guard scenario.hintsAnyone || oracle.cycleReached[place] != oracle.cycleReached[own] else { continue }
      if world.matters(.consider(other), to: node, in: moment) { result.append(.consider(UInt8(node), UInt8(other))) }
    }
  }

  private mutating func joins(of node: Int, in moment: Moment, _ result: inout [RingAction]) {
    guard moment.left(.join) > 0 else { return }
    for member in 0..<scenario.nodes where member != node && moment.answers(member) {
      let machine = world.machines[Int(moment.machine(member))]
      let id = world.peers[member].id
      guard machine.isMember, between(id, world.peers[node].id, machine.successors.first?.id ?? id) else { continue }
      if world.matters(.join(member), to: node, in: moment) {
        result.append(.join(UInt8(node), through: UInt8(member)))
      }
    }
  }

  private mutating func endings(of node: Int, in moment: Moment, _ result: inout [RingAction]) {
    guard moment.left(.crash) > 0 || moment.left(.leave) > 0, mayEnd(node, in: moment) else { return }
    if moment.left(.crash) > 0 {
      result.append(.crash(UInt8(node), losingItsMessages: false))
      if moment.messages.contains(where: { Parcel(word: $0).from == node }) {
        result.append(.crash(UInt8(node), losingItsMessages: true))
      }
    }
    if moment.left(.leave) > 0, world.machines[Int(moment.machine(node))].isMember {
      result.append(.leave(UInt8(node)))
    }
  }

  /// Whether the assumptions of the proof hold if `node` dies now.
  private func mayEnd(_ node: Int, in moment: Moment) -> Bool {
    let after = world.oracle(of: moment, without: node)
    let before = world.oracle(of: moment)
    let id = world.peers[node].id
    guard before.members.contains(where: { $0.peer.id == id }) else { return true }
    if after.members.isEmpty || !after.stranded.isEmpty { return false }
    if moment.wasLarge, before.principals.contains(id), before.principals.count <= scenario.capacity + 1 {
      return false
    }
    let isLive = { (peer: Peer) in after.members.contains { $0.peer.id == peer.id } }
    for word in moment.messages {
      let message = Parcel(word: word)
      guard message.kind == .reply, message.to != node else { continue }
      let view = world.views[Int(message.view)]
      let list = [world.peers[message.from]] + view.successors
      // A joiner takes the member that answered as its predecessor, so it stands on the rest alone, unless there is none.
      let relied = moment.doing(message.to) == .joining && !view.successors.isEmpty ? Array(list.dropFirst()) : list
      if !relied.prefix(scenario.capacity).contains(where: isLive) { return false }
    }
    return true
  }
}
