// A whole node, its conversations above all, among peers of three users who may say anything, and a host that asks for anything.
// Nothing traps, the limits hold, every request gets one answer, and no text is shown twice.

import Chord

@testable import Chat
@testable import NodeKit

struct EngineTarget {
  private var engine: Engine
  private var now = Fixture.start
  private var ringSpeech = PeerSpeech()
  private var chatSpeech = ChatSpeech()
  /// Requests of the host's, and whether they were answered.
  private var tickets: [Ticket: Bool] = [:]
  /// The last text that was shown of each user's present session.
  private var shown: [User: UInt64] = [:]
  private var hasLeft = false

  /// Of every kind of length.
  private static let texts = [1, 0, 2, 30_000, ChatMessage.maximumTextBytes + 1].map {
    String(repeating: "x", count: $0)
  }

  static func run(_ bytes: [UInt8]) throws(Fault) {
    var input = FuzzInput(bytes)
    let traits = input.byte()
    let asks = traits & 16 != 0
    let fixture: EngineFixture = asks ? .asking : .trusting
    var target = EngineTarget(engine: traits & 1 != 0 ? fixture.fresh : fixture.alone)
    while !input.isEmpty { try target.step(&input) }
    // To withdraw a record costs four signatures, more than all the rest: not every time.
    if traits & 14 == 14 { try target.end() }
  }

  private init(engine: Engine) {
    self.engine = engine
  }

  private mutating func step(_ input: inout FuzzInput) throws(Fault) {
    switch input.choice(16) {
    case 0...5:
      guard let (message, person) = chatSpeech.next(&input) else { return }
      try handle(.received(message, from: person.peer, key: person.identity.publicKey))
    case 6: try goOn(to: engine.nextDeadline)
    case 7: try goOn(to: now.monotonic + .milliseconds(1 << input.choice(16)))
    case 8, 9: try ask(&input)
    case 10: try handle(.linked(EngineFixture.person(&input).peer.id))
    case 11: try handle(.lost(EngineFixture.person(&input).peer.id))
    case 12:
      let peer = EngineFixture.person(&input).peer
      try handle(input.element(of: [.unreachable(peer), .departed(peer.id)]))
    case 13:
      guard let (message, peer) = ringSpeech.next(&input) else { return }
      try handle(.ring(.received(message, from: peer)))
    case 14:
      let events: [ChordNode.Event] = [.start, .nobodyFound, .introduced(PeerSpeech.peer(&input)), .everybodyFound]
      try handle(.ring(input.element(of: events)))
    default:
      switch input.byte() {
      case 0xFF: try handle(.leave)
      case let port: try handle(.relocated(Fixture.endpoint(UInt16(port) + 1)))
      }
    }
  }

  private mutating func ask(_ input: inout FuzzInput) throws(Fault) {
    let user = input.element(of: EngineFixture.users)
    let byte = input.byte()
    if byte >= 0xE0 { return try handle(.chat(byte < 0xF0 ? .accept(user) : .ignore(user))) }
    let ticket = Ticket(tickets.count + 1)
    tickets[ticket] = false
    switch byte % 4 {
    case 0: try handle(.chat(.find(user, ticket)))
    case 1: try handle(.chat(.open(user, ticket)))
    case 2:
      try handle(.chat(.send(user, input.element(of: Self.texts), ticket)))
    default: try handle(.chat(.close(user, ticket)))
    }
  }

  private mutating func goOn(to instant: Instant?) throws(Fault) {
    guard let instant else { return }
    now = Fixture.later(now, by: instant - now.monotonic)
    for _ in 0..<16 {
      try handle(.tick)
      guard let next = engine.nextDeadline, next <= now.monotonic else { return }
    }
    throw Fault(text: "time stands still")
  }

  private mutating func end() throws(Fault) {
    try handle(.leave)
    let latest = now.monotonic + .seconds(4)
    var turns = 0
    while !hasLeft, let next = engine.nextDeadline, next <= latest {
      try goOn(to: next)
      turns += 1
      try hold(turns < 1_000, "it is busier leaving than it should be")
    }
    try hold(hasLeft, "it does not leave")
    try hold(tickets.values.allSatisfy { $0 }, "a request was never answered")
  }

  // MARK: One event

  private mutating func handle(_ event: Engine.Event) throws(Fault) {
    var effects: [Engine.Effect] = []
    engine.handle(event, at: now, into: &effects)
    try hold(effects.count <= 512, "\(effects.count) effects of one event")
    for effect in effects { try perform(effect) }
    try check()
  }

  private mutating func perform(_ effect: Engine.Effect) throws(Fault) {
    switch effect {
    case .send(let message, let peer):
      try MemberTarget.checkSendable(message)
      ringSpeech.heard(message, by: peer)
    case .sendChat(let message, let peer):
      try hold(peer.id != engine.ring.me.id, "it talks to itself")
      try check(sent: message)
      chatSpeech.heard(message)
    case .chat(let effect): try perform(effect)
    case .notInRing(let ticket): try answered(ticket)
    case .left: hasLeft = true
    case .ring: break
    }
  }

  private mutating func perform(_ effect: Conversations.Effect) throws(Fault) {
    switch effect {
    case .found(let ticket, _, _, _), .opened(let ticket, _), .closed(let ticket), .failed(let ticket, _):
      try answered(ticket)
    case .delivered(let tickets, _):
      try hold(!tickets.isEmpty, "nothing was delivered")
      for ticket in tickets { try answered(ticket) }
    case .session(let user, let isOpen, _): if isOpen { shown[user] = 0 } else { shown[user] = nil }
    case .messages(let user, let texts, let id):
      guard let last = shown[user] else { throw Fault(text: "a text without a session") }
      try hold(id > last, "a text is shown twice, or out of order")
      shown[user] = id + UInt64(texts.count) - 1
    case .put, .extend, .get, .inquire, .enough, .send, .withdrawn: throw Fault(text: "\(effect) is not the host's")
    case .requested(let user): try hold(shown[user] == nil, "somebody with a session asks for one")
    case .published, .doubt, .awaited: break
    }
  }

  private mutating func answered(_ ticket: Ticket) throws(Fault) {
    try hold(tickets.updateValue(true, forKey: ticket) == false, "a request was answered twice, or nobody asked")
  }

  private func check(sent message: ChatMessage) throws(Fault) {
    var writer = ByteWriter()
    message.encode(into: &writer)
    try hold(writer.bytes.count <= Frame.maximumLength, "a message too long to be sent")
    let read = try? ChatMessage(type: writer.bytes[0], payload: writer.bytes.span.bytes.extracting(1...))
    try hold(read == message, "a message that no peer can read: \(message)")
  }

  private func check() throws(Fault) {
    try hold(engine.ring.ring.brokenInvariant == nil, engine.ring.ring.brokenInvariant ?? "")
    guard let conversations = engine.conversations else { return }
    let limits = EngineFixture.limits
    try hold(conversations.table.count <= limits.sessions, "too many sessions")
    try hold(conversations.table.incomingCount <= limits.incomingSessions, "too many sessions of others")
    try hold(conversations.findings.count <= limits.findings, "too many searches")
    try hold(conversations.findings.allSatisfy { $0.waiters.count <= limits.waitersEach }, "too many wait for a search")
    try hold(conversations.brokenInvariant == nil, conversations.brokenInvariant ?? "")
    try hold(conversations.consent.requests.count <= limits.requests, "too many requests")
    try hold(conversations.consent.accepted.count <= limits.acceptedUsers, "too many accepted users")
    try hold(conversations.consent.ignored.count <= limits.ignoredUsers, "too many ignored users")
    try hold(conversations.closedStreams.count <= limits.closedStreams, "too many closed streams")
    for slot in conversations.table.taken {
      let session = conversations.table[slot]
      try hold(!conversations.consent.ignored.contains(session.user), "a session with one who is ignored")
      try hold(session.openers.count <= limits.waitersEach, "too many wait for a session")
      try hold(session.outgoing.waiting <= limits.waitingTexts, "too many texts")
      try hold(session.outgoing.waitingBytes <= limits.waitingBytes, "too long texts")
      try hold(session.outgoing.inFlight <= limits.windowTexts, "too many texts in flight")
      try hold((1...DirectoryEntry.maximumEndpoints).contains(max(session.endpoints.count, 1)), "too many addresses")
    }
  }
}
