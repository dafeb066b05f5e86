// What may happen next in a moment between two nodes.

import Chord

/// Something that happens to one node, at one connection (by its place) or between them.
enum LinkAction: Hashable {
  case send(Int, address: Int)
  case look(Int)
  case giveUp(Int)
  case idle(Int)
  case leave(Int)
  case connected(Int, Int)
  case refused(Int, Int)
  case refusedByChance(Int, Int)
  case deliver(Int, to: Int)
  case closed(Int, Int)
  case broken(Int, Int)
  case unanswered(Int, Int)
  case unansweredInHaste(Int, Int)
  case unheard(Int, Int)
  case unheardInHaste(Int, Int)
  case die(Int)
  case wait

  /// What it uses up.
  var allowance: LinkAllowance? {
    switch self {
    case .send(let node, _): node == 0 ? .smallerSends : .largerSends
    case .look(let node): node == 0 ? .smallerLooks : .largerLooks
    case .giveUp: .givesUp
    case .idle: .idles
    case .leave: .leaves
    case .die: .death
    case .refusedByChance: .refusal
    case .unansweredInHaste, .unheardInHaste: .haste
    case .wait: .wait
    case .connected, .refused, .deliver, .closed, .broken, .unanswered, .unheard: nil
    }
  }

  /// Whether it may as well not happen.
  var isFree: Bool { allowance != nil }
}

extension LinkWorld {
  var actions: [LinkAction] {
    var result: [LinkAction] = []
    for place in connections.indices {
      for node in 0...1 { happenings(place, node, &result) }
    }
    let isHopeless = result.isEmpty
    for place in connections.indices {
      for node in 0...1 { timeouts(place, node, isHopeless, &result) }
      if !connections[place].isDead, may(.death) { result.append(.die(place)) }
      for node in 0...1 { haste(place, node, &result) }
    }
    for node in 0...1 where !nodes[node].hasLeft {
      if may(node == 0 ? .smallerSends : .largerSends) {
        for address in 0..<settings.addresses { result.append(.send(node, address: address)) }
      }
      if may(node == 0 ? .smallerLooks : .largerLooks) { result.append(.look(node)) }
      if may(.leaves) { result.append(.leave(node)) }
      guard nodes[node].rules.link(to: settings.ids[1 - node]) != nil else { continue }
      if may(.givesUp) { result.append(.giveUp(node)) }
      if may(.idles) { result.append(.idle(node)) }
    }
    if may(.wait), !connections.isEmpty { result.append(.wait) }
    return result
  }

  private func may(_ allowance: LinkAllowance) -> Bool { left[allowance.rawValue] > 0 }

  private func happenings(_ place: Int, _ node: Int, _ result: inout [LinkAction]) {
    let connection = connections[place]
    let end = connection.ends[node]
    let other = connection.ends[1 - node]
    if !end.coming.isEmpty { result.append(.deliver(place, to: node)) }
    switch end.phase {
    case .dialling:
      let isAnswered = !connection.isDead && !nodes[1 - node].hasLeft && other.phase == .handshaking
      result.append(isAnswered ? .connected(place, node) : .refused(place, node))
      if isAnswered, may(.refusal) { result.append(.refusedByChance(place, node)) }
    case .established:
      if connection.isDead || connection.isReset { result.append(.broken(place, node)) }
    case .closing: result.append(.closed(place, node))
    case .handshaking:
      // Nobody will say hello any more.
      if connection.isDead || end.coming.isEmpty && [.closing, .gone].contains(other.phase) {
        result.append(.closed(place, node))
      }
    case .gone: break
    }
  }
}

extension LinkWorld {
  /// Time-outs fire for what cannot come any more: on a connection that is dead, or where nothing else happens.
  private func timeouts(_ place: Int, _ node: Int, _ isHopeless: Bool, _ result: inout [LinkAction]) {
    let ends = connections[place].ends
    guard ends[node].phase == .established,
      isHopeless || connections[place].isDead
    else { return }
    if ends[node].isAsked { result.append(.unanswered(place, node)) }
    if ends[node].isDraining { result.append(.unheard(place, node)) }
  }

  /// As an allowance, they fire too early.
  private func haste(_ place: Int, _ node: Int, _ result: inout [LinkAction]) {
    let end = connections[place].ends[node]
    guard may(.haste), end.phase == .established else { return }
    if end.isAsked { result.append(.unansweredInHaste(place, node)) }
    if end.isDraining { result.append(.unheardInHaste(place, node)) }
  }
}

extension LinkAction: CustomStringConvertible {
  var description: String {
    switch self {
    case .send(let node, let address): "\(node) sends\(address == 0 ? "" : " to another address")"
    case .look(let node): "\(node) looks"
    case .giveUp(let node): "\(node) gives up"
    case .idle(let node): "\(node) is idle"
    case .leave(let node): "\(node) leaves"
    case .connected(let place, let node): "\(node) is connected by #\(place)"
    case .refused(let place, let node), .refusedByChance(let place, let node): "\(node) is refused #\(place)"
    case .deliver(let place, let node): "#\(place) delivers to \(node)"
    case .closed(let place, let node): "#\(place) closed at \(node)"
    case .broken(let place, let node): "#\(place) broken at \(node)"
    case .unanswered(let place, let node): "#\(place) unanswered at \(node)"
    case .unansweredInHaste(let place, let node): "#\(place) unanswered at \(node), in haste"
    case .unheard(let place, let node): "#\(place) unheard at \(node)"
    case .unheardInHaste(let place, let node): "#\(place) unheard at \(node), in haste"
    case .die(let place): "#\(place) dies"
    case .wait: "2 s pass"
    }
  }
}

extension LinkWorld: CustomStringConvertible {
  var description: String {
    let links = (0...1).map { node in
      nodes[node].rules.link(to: settings.ids[1 - node]).map { "\($0)" } ?? "-"
    }
    let all = connections.map { connection in
      let ends = connection.ends.map { end in
        "\(end.phase)\(end.isDraining ? " draining" : "")\(end.isDeaf ? " deaf" : "") \(end.coming.map { "\($0)" }.joined(separator: " "))"
      }
      return "\(connection.number)\(connection.isDead ? " dead" : ""): \(ends.joined(separator: " | "))"
    }
    return "links \(links.joined(separator: " ")); " + all.joined(separator: "; ")
  }
}
