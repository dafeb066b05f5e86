// All that can happen next in a small ring: the machines that ship, a network of links that keep their order, and an environment
// that joins, crashes, leaves and hints as far as its budget goes.
//
//   stabilize, join, consider   may start whenever the machine would do something; a join goes through any member m that
//                               stands before the joiner now, a hint names any member of another cycle that would be closer
//   deliver                     takes the first message of one link
//   crash                       a node is gone at once, with the messages on their way to it, and with or without its own
//   hear                        a link to a dead node breaks, at any time later: `failed`. A question to it ends that way too.
//   leave                       the node answers still, as one that is in no ring, and others may hear of its end; then it is gone
//
// Pings are shortened: the proof of life is sent off as soon as one asks, and a crash may lose it. Pinging the predecessor out of
// the blue is left out: a dead one is heard of at any time, and a live one's answer tells nothing.
//
// Machines and views are interned, and every reaction of a machine is computed once: a moment is a handful of numbers.

import Chord

/// A machine that the explorer can drive: the one that ships, and those that tests compare it with.
public protocol RingMachine: Hashable {
  init(me: Peer, capacity: Int)
  var isMember: Bool { get }
  var isBusy: Bool { get }
  var predecessor: Peer? { get }
  var successors: [Peer] { get }
  var brokenInvariant: String? { get }
  mutating func startAlone()
  mutating func show() -> View
  mutating func join(through member: Peer) -> [Ring.Step]
  mutating func stabilize() -> [Ring.Step]
  mutating func consider(_ peer: Peer) -> [Ring.Step]
  mutating func answered(by peer: Peer, _ view: View) -> [Ring.Step]
  mutating func notified(by q: Peer) -> [Ring.Step]
  mutating func isAlive(_ peer: Identifier)
  mutating func failed(_ peer: Identifier) -> [Ring.Step]
}

extension Ring: RingMachine {}

/// One thing that happens. Nodes are numbers from 0 on, clockwise.
public enum RingAction: Hashable, Sendable {
  case deliver(from: UInt8, to: UInt8)
  case hear(UInt8, endOf: UInt8)
  case stabilize(UInt8)
  case join(UInt8, through: UInt8)
  case consider(UInt8, UInt8)
  case crash(UInt8, losingItsMessages: Bool)
  case leave(UInt8)
  case gone(UInt8)
  case restart(UInt8)
}

struct World<Machine: RingMachine> {
  enum Event {
    case startAlone, show, stabilize
    case join(Int), consider(Int), notified(Int), alive(Int), failed(Int)
    case answered(Int, UInt16)

    var word: UInt64 {
      switch self {
      case .startAlone: 0
      case .show: 1
      case .stabilize: 2
      case .join(let node): 3 | UInt64(node) << 4
      case .consider(let node): 4 | UInt64(node) << 4
      case .notified(let node): 5 | UInt64(node) << 4
      case .alive(let node): 6 | UInt64(node) << 4
      case .failed(let node): 7 | UInt64(node) << 4
      case .answered(let node, let view): 8 | UInt64(node) << 4 | UInt64(view) << 8
      }
    }
  }

  struct Reaction {
    var machine: UInt16
    var steps: [Ring.Step]
    var view: UInt16
  }

  let count: Int
  let capacity: Int
  let peers: [Peer]
  /// The first machines of the table are the fresh ones, by node.
  private(set) var machines: [Machine] = []
  private(set) var views: [View] = []
  private var machineNumbers: [Machine: UInt16] = [:]
  private var viewNumbers: [View: UInt16] = [:]
  private var reactions: [UInt64: Reaction] = [:]

  init(count: Int, capacity: Int) {
    precondition((1...5).contains(count), "five nodes fit the words of a moment")
    self.count = count
    self.capacity = capacity
    peers = (0..<count).map {
      Peer(id: Identifier(UInt32($0 + 1) * 10), endpoint: Endpoint(host: .v4(1), port: UInt16($0 + 1)))
    }
    for peer in peers { _ = number(of: Machine(me: peer, capacity: capacity)) }
  }

  func node(_ id: Identifier) -> Int { peers.firstIndex { $0.id == id }! }

  private mutating func number(of machine: Machine) -> UInt16 {
    if let number = machineNumbers[machine] { return number }
    let number = UInt16(machines.count)
    machines.append(machine)
    machineNumbers[machine] = number
    return number
  }

  private mutating func number(of view: View) -> UInt16 {
    if let number = viewNumbers[view] { return number }
    let number = UInt16(views.count)
    views.append(view)
    viewNumbers[view] = number
    return number
  }

  mutating func reaction(of machine: UInt16, to event: Event) -> Reaction {
    let key = UInt64(machine) << 32 | event.word
    if let known = reactions[key] { return known }
    var changed = machines[Int(machine)]
    var reaction = Reaction(machine: machine, steps: [], view: 0)
    switch event {
    case .startAlone: changed.startAlone()
    case .show: reaction.view = number(of: changed.show())
    case .stabilize: reaction.steps = changed.stabilize()
    case .join(let node): reaction.steps = changed.join(through: peers[node])
    case .consider(let node): reaction.steps = changed.consider(peers[node])
    case .notified(let node): reaction.steps = changed.notified(by: peers[node])
    case .alive(let node): changed.isAlive(peers[node].id)
    case .failed(let node): reaction.steps = changed.failed(peers[node].id)
    case .answered(let node, let view): reaction.steps = changed.answered(by: peers[node], views[Int(view)])
    }
    reaction.machine = number(of: changed)
    reactions[key] = reaction
    return reaction
  }

  /// Whether an event would change anything at all.
  mutating func matters(_ event: Event, to node: Int, in moment: Moment) -> Bool {
    let machine = moment.machine(node)
    let reaction = reaction(of: machine, to: event)
    return reaction.machine != machine || !reaction.steps.isEmpty
  }

  // MARK: - What happens

  func perform(_ steps: [Ring.Step], of node: Int, in moment: inout Moment) {
    for step in steps {
      switch step {
      case .query(let peer):
        let other = self.node(peer.id)
        if moment.answers(other) { moment.send(Parcel(from: node, to: other, .request)) }
      case .notify(let peer):
        let other = self.node(peer.id)
        if moment.answers(other) { moment.send(Parcel(from: node, to: other, .notify)) }
      case .ping(let peer):
        let other = self.node(peer.id)
        if moment.answers(other) { moment.send(Parcel(from: other, to: node, .alive)) }
      case .again:
        giveBack(node, in: &moment)
      }
    }
  }

  /// What was charged for an attempt that came to nothing.
  private func giveBack(_ node: Int, in moment: inout Moment) {
    switch moment.doing(node) {
    case .nothing: break
    case .joining: moment.setLeft(.join, to: moment.left(.join) + 1)
    case .considering: moment.setLeft(.hint, to: moment.left(.hint) + 1)
    case .stabilizing:
      let rounds = moment.rounds(node)
      if rounds != Moment.unlimited { moment.setRounds(node, to: rounds + 1) }
    }
  }

  mutating func happen(_ event: Event, to node: Int, in moment: inout Moment, doing: Doing? = nil) {
    let reaction = reaction(of: moment.machine(node), to: event)
    moment.setMachine(node, to: reaction.machine)
    if let doing { moment.setDoing(node, to: doing) }
    perform(reaction.steps, of: node, in: &moment)
    if !machines[Int(reaction.machine)].isBusy { moment.setDoing(node, to: .nothing) }
  }

  mutating func apply(_ action: RingAction, to moment: inout Moment) {
    switch action {
    case .deliver(let from, let to):
      if let message = moment.takeFirst(from: Int(from), to: Int(to)) { deliver(message, in: &moment) }
    case .hear(let node, let dead):
      moment.setOwed(Int(node), of: Int(dead), to: false)
      happen(.failed(Int(dead)), to: Int(node), in: &moment)
    case .stabilize(let node):
      let rounds = moment.rounds(Int(node))
      if rounds != Moment.unlimited { moment.setRounds(Int(node), to: rounds - 1) }
      happen(.stabilize, to: Int(node), in: &moment, doing: .stabilizing)
    case .join(let node, let member):
      moment.setLeft(.join, to: moment.left(.join) - 1)
      moment.setLife(Int(node), to: .live)
      happen(.join(Int(member)), to: Int(node), in: &moment, doing: .joining)
    case .consider(let node, let peer):
      moment.setLeft(.hint, to: moment.left(.hint) - 1)
      happen(.consider(Int(peer)), to: Int(node), in: &moment, doing: .considering)
    case .crash(let node, let losing):
      moment.setLeft(.crash, to: moment.left(.crash) - 1)
      end(Int(node), losingItsMessages: losing, in: &moment)
    case .leave(let node):
      moment.setLeft(.leave, to: moment.left(.leave) - 1)
      moment.setLife(Int(node), to: .leaving)
    case .gone(let node):
      end(Int(node), losingItsMessages: false, in: &moment)
    case .restart(let node):
      restart(Int(node), in: &moment)
    }
  }

  private mutating func deliver(_ message: Parcel, in moment: inout Moment) {
    switch message.kind {
    case .request:
      var reaction = reaction(of: moment.machine(message.to), to: .show)
      moment.setMachine(message.to, to: reaction.machine)
      if moment.life(message.to) == .leaving {
        reaction.view = number(of: View(isMember: false, predecessor: nil, successors: []))
      }
      if moment.answers(message.from) {
        moment.send(Parcel(from: message.to, to: message.from, .reply, view: reaction.view))
      }
    case .reply: happen(.answered(message.from, message.view), to: message.to, in: &moment)
    case .notify: happen(.notified(message.from), to: message.to, in: &moment)
    case .alive: happen(.alive(message.from), to: message.to, in: &moment)
    }
  }

  private func end(_ node: Int, losingItsMessages: Bool, in moment: inout Moment) {
    let rounds = moment.rounds(node)
    moment.words[node] = UInt32(node)
    moment.setLife(node, to: .dead)
    if rounds == Moment.unlimited { moment.setRounds(node, to: rounds) }
    moment.loseMessages { $0.to == node || losingItsMessages && $0.from == node }
  }

  /// The same identity comes up anew, in no ring, after all that its former life said has arrived or is lost. Who still points to its former life will hear of the end of that one.
  private mutating func restart(_ node: Int, in moment: inout Moment) {
    moment.setLeft(.restart, to: moment.left(.restart) - 1)
    moment.setLife(node, to: .live)
    moment.loseMessages { $0.from == node }
    for other in 0..<count where other != node && moment.answers(other) {
      if matters(.failed(node), to: other, in: moment) { moment.setOwed(other, of: node, to: true) }
    }
  }
}

// MARK: - What an observer sees

extension World {
  /// The live members. One that leaves counts as gone.
  func oracle(of moment: Moment, without missing: Int? = nil) -> RingOracle {
    RingOracle(
      (0..<count).compactMap { node in
        let machine = machines[Int(moment.machine(node))]
        guard node != missing, moment.life(node) == .live, machine.isMember else { return nil }
        return RingOracle.Member(peers[node], predecessor: machine.predecessor, successors: machine.successors)
      })
  }

  func describe(_ moment: Moment) -> String {
    let nodes = (0..<count).map { node -> String in
      let machine = machines[Int(moment.machine(node))]
      let names = machine.successors.map { String(self.node($0.id)) }.joined(separator: " ")
      let predecessor = machine.predecessor.map { String(self.node($0.id)) } ?? "-"
      let life =
        switch moment.life(node) {
        case .absent: "absent"
        case .dead: "dead"
        case .leaving: "leaving \(predecessor)<\(node)>[\(names)]"
        case .live: machine.isMember ? "\(predecessor)<\(node)>[\(names)]" : "outside"
        }
      return life + (moment.doing(node) == .nothing ? "" : "*")
    }
    let messages = moment.messages.map { word -> String in
      let message = Parcel(word: word)
      return "\(message.kind) \(message.from)->\(message.to)"
    }
    return nodes.joined(separator: "  ") + (messages.isEmpty ? "" : "   | " + messages.joined(separator: ", "))
  }
}
