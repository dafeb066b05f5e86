// A small world in memory for two or three conversation machines: a clock, a directory, and links that can be cut. Messages
// pass through their bytes, keep their order on a link, and vanish with it. Nothing sleeps: time jumps to the next event.

import Chord

@testable import Chat

/// What a member has been told, in order.
struct Told {
  var texts: [(from: User, text: String, id: UInt64)] = []
  var answers: [(ticket: UInt64, effect: Conversations.Effect)] = []
  var sessions: [(user: User, open: Bool, reason: Conversations.CloseReason?)] = []
  var isPublished = false
  /// Users who want to talk, and users who have not accepted ours yet.
  var requests: [User] = []
  var awaited: [User] = []

  func answer(_ ticket: UInt64) -> Conversations.Effect? { answers.first { $0.ticket == ticket }?.effect }
  func failure(_ ticket: UInt64) -> Conversations.Failure? {
    if case .failed(_, let failure) = answer(ticket) { failure } else { nil }
  }
  var delivered: [UInt64] {
    answers.compactMap { if case .delivered(_, let id) = $0.effect { id } else { nil } }
  }
}

/// One machine and what its host knows.
struct Member {
  var machine: Conversations
  var identity: Identity
  var endpoint: Endpoint
  var isUp = true
  var told = Told()

  var user: User { machine.user! }
  var id: Identifier { identity.nodeID }
}

final class World {
  enum Happening {
    case event(Int, Conversations.Event)
    case arrival(from: Int, to: Int, link: Int, bytes: [UInt8])
    case linked(Int, Int)
  }

  static let network = "test"
  var now = Time(monotonic: Instant(nanoseconds: 0), utcMilliseconds: 1_700_000_000_000)
  var members: [Member] = []
  var directory: [Identifier: [Record]] = [:]
  /// Answers of the directory; nil: it does not answer at all.
  var directoryWorks: Bool? = true
  /// What those on the quick way to a key make of it, when set; nil: they say nothing.
  var quickAnswer: ((Identifier) -> Conversations.Lookup?)?
  /// Inquiries that were begun, and how many of them were no longer wanted.
  var inquiries = (begun: 0, ended: 0)
  var latency = Duration.milliseconds(5)
  /// Every message that was sent, for counting.
  var sent: [ChatMessage] = []
  /// Set to lose messages although the link stands.
  var drops: (ChatMessage) -> Bool = { _ in false }
  private var links: [Set<Int>: Int] = [:]
  /// Links that swallow everything.
  private var silent: Set<Int> = []
  private var queued: [Set<Int>: [(from: Int, to: Int, bytes: [UInt8])]] = [:]
  private var dialling: Set<Set<Int>> = []
  private var lastLink = 0
  /// How often somebody asked for a record to live longer.
  private(set) var extensions = 0
  private var schedule: [(at: Instant, happening: Happening)] = []
  private var scheduleHead = 0

  static func identity(_ number: UInt64) -> Identity {
    var generator = Generator(seed: number)
    while true {
      let seed = (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let salt = (0..<16).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      if let identity = Identity(seed: seed, salt: salt) { return identity }
    }
  }

  static func endpoint(_ port: UInt16) -> Endpoint { Endpoint(host: .v4(0x7F00_0001), port: port) }

  /// Adds a member that has joined, and lets its record be stored.
  @discardableResult
  func add(
    _ name: String?, identity: Identity? = nil, seed: UInt64? = nil, limits: Conversations.Limits = .init(),
    joins: Bool = true, asks: Bool = false
  ) throws -> Int {
    let index = members.count
    let identity = identity ?? Self.identity(UInt64(index) + 1)
    var configuration = Conversations.Configuration(
      network: Self.network, identity: identity, name: try name.map { try UserName($0) })
    configuration.limits = limits
    configuration.asksBeforeAccepting = asks
    let machine = Conversations(configuration: configuration, seed: seed ?? UInt64(index) + 100, at: now)
    members.append(Member(machine: machine, identity: identity, endpoint: Self.endpoint(UInt16(7001 + index))))
    if joins {
      give(index, .joined(endpoints: [members[index].endpoint]))
      run(for: .milliseconds(100))
    }
    return index
  }

  func user(_ index: Int) -> User { members[index].user }
  func told(_ index: Int) -> Told { members[index].told }

  // MARK: Events and effects

  /// Gives a member an event, or several that come together.
  func give(_ index: Int, _ events: Conversations.Event...) {
    guard members[index].isUp else { return }
    var effects: [Conversations.Effect] = []
    for event in events { members[index].machine.handle(event, at: now, into: &effects) }
    if let at = members[index].machine.nextDeadline, at <= now.monotonic {
      members[index].machine.handle(.tick, at: now, into: &effects)
    }
    for effect in effects { perform(effect, of: index) }
  }

  private func perform(_ effect: Conversations.Effect, of index: Int) {
    switch effect {
    case .put(let record, let ticket):
      guard let directoryWorks else { return }
      if directoryWorks, record.isAuthentic(network: Self.network) {
        directory[record.key, default: []].removeAll { $0.writerKey == record.writerKey && $0.number < record.number }
        directory[record.key, default: []].append(record)
      }
      later(.event(index, .putAnswered(ticket, copies: directoryWorks ? 3 : nil)))
    case .extend(let renewal, let ticket):
      guard let directoryWorks else { return }
      later(.event(index, .putAnswered(ticket, copies: directoryWorks && extend(renewal) ? 3 : nil)))
    case .get(let key, let ticket):
      guard let directoryWorks else { return }
      let lookup: Conversations.Lookup = directoryWorks ? .records(directory[key] ?? [], hops: 2) : .failed
      if let answer = quickAnswer.map({ $0(key) }) ?? lookup { later(.event(index, .getAnswered(ticket, answer))) }
    case .inquire(let key, let ticket):
      inquiries.begun += 1
      guard let directoryWorks else { return }
      let lookup: Conversations.Lookup = directoryWorks ? .records(directory[key] ?? [], hops: 2) : .failed
      later(.event(index, .inquired(ticket, lookup, isOver: false)))
      later(.event(index, .inquired(ticket, directoryWorks ? .records([], hops: 0) : .failed, isOver: true)))
    case .enough: inquiries.ended += 1
    case .send(let message, let peer):
      sent.append(message)
      if !drops(message) { transmit(message, from: index, to: peer) }
    case .doubt(let id):
      guard let other = members.indices.last(where: { members[$0].id == id }), let link = links[[index, other]],
        silent.contains(link)
      else { return }
      links[[index, other]] = nil
      later(.event(index, .lost(id)))
    case .published: members[index].told.isPublished = true
    case .withdrawn(let ticket), .closed(let ticket), .found(let ticket, _, _, _), .opened(let ticket, _),
      .failed(let ticket, _):
      members[index].told.answers.append((ticket, effect))
    case .delivered(let tickets, let id):
      for (offset, ticket) in tickets.enumerated() {
        members[index].told.answers.append((ticket, .delivered([ticket], id: id + UInt64(offset))))
      }
    case .session(let user, let open, let reason): members[index].told.sessions.append((user, open, reason))
    case .requested(let user): members[index].told.requests.append(user)
    case .awaited(let user): members[index].told.awaited.append(user)
    case .messages(let user, let texts, let id):
      for (offset, text) in texts.enumerated() {
        members[index].told.texts.append((user, text, id + UInt64(offset)))
      }
    }
  }

  /// Lets a record that is there live longer; false if it is not there, or the extension does not hold.
  private func extend(_ renewal: Renewal) -> Bool {
    extensions += 1
    guard
      let place = directory[renewal.key]?.firstIndex(where: {
        $0.writerKey == renewal.writerKey && $0.number == renewal.number
      }), var record = directory[renewal.key]?[place]
    else { return false }
    record.extended = renewal.extended
    guard record.isAuthentic(network: Self.network) else { return false }
    directory[renewal.key]?[place] = record
    return true
  }

  // MARK: Links

  private func transmit(_ message: ChatMessage, from index: Int, to peer: Peer) {
    var writer = ByteWriter()
    message.encode(into: &writer)
    if let other = members.indices.last(where: { members[$0].id == peer.id && members[$0].isUp }) {
      let pair: Set = [index, other]
      if let link = links[pair], silent.contains(link) { return }
      if let link = links[pair] { return later(.arrival(from: index, to: other, link: link, bytes: writer.bytes)) }
      if members[other].endpoint == peer.endpoint {
        queued[pair, default: []].append((index, other, writer.bytes))
        if dialling.insert(pair).inserted { later(.linked(index, other)) }
        return
      }
    }
    later(.event(index, .unreachable(peer)))
  }

  /// Ends the link between two members; what was under way on it is gone.
  func cut(_ a: Int, _ b: Int) {
    guard links.removeValue(forKey: [a, b]) != nil else { return }
    give(a, .lost(members[b].id))
    give(b, .lost(members[a].id))
  }

  /// From now on the link between two members swallows everything; neither is told.
  func silence(_ a: Int, _ b: Int) {
    if let link = links[[a, b]] { silent.insert(link) }
  }

  /// Stops a member without a word.
  func kill(_ index: Int) {
    for other in members.indices where other != index { cut(index, other) }
    members[index].isUp = false
  }

  // MARK: Time

  private func later(_ happening: Happening) {
    let at = now.monotonic + latency
    let place = schedule[scheduleHead...].lastIndex { $0.at <= at }.map { $0 + 1 } ?? scheduleHead
    schedule.insert((at, happening), at: place)
  }

  func run(for duration: Duration) { run(for: duration) { false } }

  /// Lets time pass until the condition holds; false if it never does.
  @discardableResult
  func run(for duration: Duration, until condition: () -> Bool) -> Bool {
    let end = now.monotonic + duration
    while !condition() {
      let next = scheduleHead < schedule.count ? schedule[scheduleHead].at : nil
      let deadlines = members.filter(\.isUp).compactMap(\.machine.nextDeadline)
      guard let at = (deadlines + (next.map { [$0] } ?? [])).min(), at <= end else {
        advance(to: end)
        return condition()
      }
      advance(to: at)
      if let next, next <= at {
        let happening = schedule[scheduleHead].happening
        scheduleHead += 1
        if scheduleHead > 4096 {
          schedule.removeFirst(scheduleHead)
          scheduleHead = 0
        }
        happen(happening)
      } else {
        for index in members.indices where members[index].isUp {
          if let deadline = members[index].machine.nextDeadline, deadline <= at { give(index, .tick) }
        }
      }
    }
    return true
  }

  private func advance(to instant: Instant) {
    guard now.monotonic < instant else { return }
    let start = now.monotonic.nanoseconds / 1_000_000
    now.monotonic = instant
    now.utcMilliseconds += UInt64(instant.nanoseconds / 1_000_000 - start)
  }

  private func happen(_ happening: Happening) {
    switch happening {
    case .event(let index, let event): give(index, event)
    case .linked(let a, let b):
      dialling.remove([a, b])
      let waiting = queued.removeValue(forKey: [a, b]) ?? []
      guard members[a].isUp, members[b].isUp else {
        return give(a, .unreachable(Peer(id: members[b].id, endpoint: members[b].endpoint)))
      }
      lastLink += 1
      let link = lastLink
      links[[a, b]] = link
      for item in waiting { later(.arrival(from: item.from, to: item.to, link: link, bytes: item.bytes)) }
      give(a, .linked(members[b].id))
      give(b, .linked(members[a].id))
    case .arrival(let from, let to, let link, let bytes):
      guard links[[from, to]] == link, let message = try? ChatMessage(whole: bytes) else { return }
      let peer = Peer(id: members[from].id, endpoint: members[from].endpoint)
      give(to, .received(message, from: peer, key: members[from].identity.publicKey))
    }
  }
}

extension ChatMessage {
  /// From the type byte and the payload.
  init(whole bytes: [UInt8]) throws(Malformed) {
    guard let type = bytes.first else { throw .truncated }
    let payload = Array(bytes.dropFirst())
    self = try ChatMessage(type: type, payload: payload.span.bytes)
  }

  var whole: [UInt8] {
    var writer = ByteWriter()
    encode(into: &writer)
    return writer.bytes
  }
}
