// A `ChordNode` among peers that may say anything, at any time. Whatever comes: nothing traps, the ring's invariant holds, what is
// kept and what is sent stays bounded, time always goes on, and who asked something from outside gets exactly one answer.

import NodeKit

@testable import Chord
@testable import NodeKit

struct MemberTarget {
  private var node: ChordNode
  private var now = RingFixture.start
  private var speech = PeerSpeech()
  /// Requests from outside, and whether they were answered.
  private var tickets: [Ticket: Bool] = [:]
  private var hasLeft = false

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    var target = MemberTarget(node: input.element(of: RingFixture.beginnings))
    while !input.isEmpty { try target.step(&input) }
    try target.end()
  }

  private init(node: ChordNode) {
    self.node = node
  }

  private mutating func step(_ input: inout FuzzInput) throws(Fault) {
    switch input.choice(16) {
    case 0...5:
      guard let (message, peer) = speech.next(&input) else { return }
      try handle(.received(message, from: peer))
    case 6: try goOn(to: node.nextDeadline)
    case 7: try goOn(to: now.monotonic + .milliseconds(1 << input.choice(16)))
    case 8: try handle(.lost(PeerSpeech.peer(&input).id))
    case 9: try handle(.unreachable(PeerSpeech.peer(&input)))
    case 10: try handle(.departed(PeerSpeech.peer(&input).id))
    case 11: try handle(.introduced(PeerSpeech.peer(&input)))
    case 12: try ask(&input)
    case 13:
      let seen = ChordNode.Event.seen(
        input.element(of: RingFixture.peers).id, at: .v4(0x0808_0000 | UInt32(input.byte())))
      try handle(
        input.element(of: [.nobodyFound, .start, .relocated(Fixture.endpoint(77)), .everybodyFound, seen]))
    case 14: if input.byte() == 0xFF { try handle(.leave) }
    default: try goOn(to: node.nextDeadline)
    }
  }

  private mutating func ask(_ input: inout FuzzInput) throws(Fault) {
    let ticket = Ticket(tickets.count)
    tickets[ticket] = false
    let record = input.element(of: RingFixture.records)
    switch input.choice(6) {
    case 0: try handle(.lookUp(Identifier(fraction: UInt32(input.byte()) << 24), ticket))
    case 1: try handle(.get(record.key, ticket))
    case 2: try handle(.put(record, ticket))
    case 4:
      try handle(.inquire(record.key, ticket))
      if input.byte() == 0xFF {
        tickets[ticket] = true
        try handle(.enough(ticket))
      }
    case 5: try handle(.extend(input.element(of: RingFixture.renewals), ticket))
    default: try handle(.look(input.element(of: RingFixture.peers), ticket))
    }
  }

  /// Time goes on, and the node is told when it wanted to be.
  private mutating func goOn(to instant: Instant?) throws(Fault) {
    guard let instant else { return }
    now = Fixture.later(now, by: instant - now.monotonic)
    for _ in 0..<8 {
      try handle(.tick)
      guard let next = node.nextDeadline, next <= now.monotonic else { return }
    }
    throw Fault(text: "time stands still")
  }

  /// It can always leave, and then owes nobody an answer.
  private mutating func end() throws(Fault) {
    try handle(.leave)
    let latest = now.monotonic + Pace.leave
    var turns = 0
    while !hasLeft, let next = node.nextDeadline, next <= latest {
      try goOn(to: next)
      turns += 1
      try hold(turns < 1_000, "it is busier leaving than it should be")
    }
    try hold(hasLeft, "it does not leave")
    try hold(tickets.values.allSatisfy { $0 }, "a request was never answered")
  }

  // MARK: One event

  private mutating func handle(_ event: ChordNode.Event) throws(Fault) {
    let most = 64 + 8 * (node.forwards.count + node.probes.count + node.held.count + node.store.count + node.asks.count)
    var effects: [ChordNode.Effect] = []
    node.handle(event, at: now, into: &effects)
    try hold(effects.count <= most, "\(effects.count) effects of one event, of which \(most) were expected at most")
    for effect in effects { try perform(effect) }
    try check()
  }

  private mutating func perform(_ effect: ChordNode.Effect) throws(Fault) {
    switch effect {
    case .send(let message, let peer):
      try hold(peer.id != node.me.id, "it talks to itself")
      try Self.checkSendable(message)
      speech.heard(message, by: peer)
    case .found(let ticket, _, _, _), .got(let ticket, _, _), .stored(let ticket, _), .failed(let ticket, _),
      .viewed(let ticket, _):
      try hold(tickets.updateValue(true, forKey: ticket) == false, "a request was answered twice, or nobody asked")
    case .inquired(let ticket, _, _, let isOver):
      try hold(tickets.updateValue(isOver, forKey: ticket) == false, "an inquiry brought more after its end")
    case .left: hasLeft = true
    case .disconnect(let id), .renew(let id): try hold(id != node.me.id, "it gives itself up")
    case .seek, .startedAlone, .settled: break
    }
  }

  /// A peer would take it: it fits into a frame, and can be read.
  static func checkSendable(_ message: Message) throws(Fault) {
    var writer = ByteWriter()
    message.encode(into: &writer)
    try hold(writer.bytes.count <= Frame.maximumLength, "a message too long to be sent")
    let read = try? Message(type: writer.bytes[0], payload: writer.bytes.span.bytes.extracting(1...))
    try hold(read == message, "a message that no peer can read: \(message)")
  }

  private func check() throws(Fault) {
    try hold(node.brokenInvariant == nil, node.brokenInvariant ?? "")
    try hold(node.store.count <= RecordStore.capacity, "too many records")
    let keys = node.store.keys { _, _ in true }
    let kept = keys.reduce(0) { $0 + node.store.records(under: $1, at: 0).count }
    try hold(node.store.count == kept, "the store has \(kept) records and counts \(node.store.count)")
    try hold(keys.count <= 3 && kept <= 6, "a record that does not hold is kept")
    try hold(node.store.shares.isEmpty || kept > 0, "what is gone is still counted")
    try hold(node.hosts.count <= RingFixture.peers.count, "hosts of those who are gone")
    try hold(node.forwards.count <= Forward.limit, "too many forwards")
    try hold(node.held.count <= ChordNode.heldLimit, "too many requests held back")
    try hold(max(node.contacts.count, node.askers.count, node.missing.count) <= 16, "too many nodes remembered")
    try hold(node.fingers.entries.count <= Identifier.bitCount, "too many fingers")
    // A question or two to each of those it points at or was told to look at, and the copies of what it keeps.
    let known = node.ring.successors.count + node.fingers.entries.count + tickets.count + 24
    try hold(node.probes.count <= 2 * known + 16 * (node.puts.count + kept + 1), "too many questions")
    try hold(
      node.puts.count <= min(PendingPut.limit, RingFixture.records.count + RingFixture.renewals.count), "too many puts")
    try hold(node.transfers.count <= RecordStore.capacity * (node.copiesBesides + 1), "too many transfers")
    try hold(node.forwards.values.allSatisfy { $0.detour.count <= Int(Request.limit) }, "too long a detour")
  }
}
