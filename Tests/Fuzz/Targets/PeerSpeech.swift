// What peers say to a machine under fuzz. Bytes alone would seldom meet a ticket that is open, so beside raw messages there are
// answers to what the machine has asked of late: of the right kind, but with any contents, and not always from whom was asked.

@testable import Chord

/// The questions a machine has asked, and what peers make of them.
struct PeerSpeech {
  private var asked: [(message: Message, peer: Peer)] = []
  private static let remembered = 16

  /// The machine has sent this.
  mutating func heard(_ message: Message, by peer: Peer) {
    switch message {
    case .query, .queryAgain, .notify, .ping, .chosen, .request, .replicate, .extend: break
    case .view, .notified, .pong, .changed, .hint, .leaving, .accepted, .reply, .replicated, .before, .askBefore,
      .unchanged:
      return
    }
    asked.append((message, peer))
    if asked.count > Self.remembered { asked.removeFirst() }
  }

  /// The next thing that some peer says; nil when it says nothing.
  func next(_ input: inout FuzzInput) -> (Message, from: Peer)? {
    let kind = input.byte()
    if kind & 7 == 0 {
      let peer = input.element(of: RingFixture.peers)
      let bytes = input.take(Int(input.byte()))
      guard let type = bytes.first, let message = try? Message(type: type, payload: bytes.span.bytes.extracting(1...))
      else { return nil }
      return (message, peer)
    }
    if kind & 1 == 0 { return (statement(&input), input.element(of: RingFixture.peers)) }
    guard !asked.isEmpty else { return nil }
    let question = asked[asked.count - 1 - Int(kind >> 3) % min(8, asked.count)]
    let peer = kind >> 6 == 3 ? input.element(of: RingFixture.peers) : question.peer
    return answer(question.message, &input).map { ($0, peer) }
  }

  private func statement(_ input: inout FuzzInput) -> Message {
    let choice = input.choice(9)
    let ticket = UInt32(input.byte())
    let isAboutLife = choice >= 6 && ticket & 0x80 != 0  // which of two, for the number of a question says nothing
    switch choice {
    case 0: return .query(ticket)
    case 1: return .notify(ticket)
    case 2: return .ping(ticket)
    case 3:
      if ticket & 0x80 != 0 { return ticket & 0x40 != 0 ? .askBefore : .before(Self.peers(&input)) }
      return ticket & 0x40 != 0 ? .chosen(ticket) : .changed
    case 4: return .hint(Self.peer(&input))
    case 5: return .leaving(predecessor: Self.optionalPeer(&input), successors: Self.peers(&input))
    case 6:
      if isAboutLife { return .extend(ticket, input.element(of: RingFixture.renewals)) }
      return .replicate(ticket, input.element(of: RingFixture.records))
    default:
      let record = input.element(of: RingFixture.records)
      let questions: [Request.Question] = [.findSuccessor, .join(Self.peer(&input)), .get, .put(record), .nearest]
      let question: Request.Question =
        isAboutLife ? .extend(input.element(of: RingFixture.renewals)) : input.element(of: questions)
      let claims: [Request.Claim] = [.none, .owner, .insist, .replica(3), .replica(0)]
      var key = record.key
      if case .join(let peer) = question { key = peer.id }
      if case .extend(let renewal) = question { key = renewal.key }
      return .request(
        Request(
          ticket: ticket, key: key, hopsLeft: input.byte() % (Request.limit + 1), claim: input.element(of: claims),
          question: question))
    }
  }

  private func answer(_ question: Message, _ input: inout FuzzInput) -> Message? {
    switch question {
    case .query(let ticket): return .view(ticket, Self.view(&input))
    case .queryAgain(let ticket, _): return input.bool() ? .unchanged(ticket) : .view(ticket, Self.view(&input))
    case .notify(let ticket): return .notified(ticket, isPredecessor: true)
    case .ping(let ticket), .chosen(let ticket): return .pong(ticket, isMember: !input.bool())
    case .replicate(let ticket, _), .extend(let ticket, _): return .replicated(ticket, isKept: !input.bool())
    case .request(let request):
      let path = (0..<input.choice(4)).map { RingFixture.peers[$0].id }
      let answer: Reply.Answer
      if request.question == .nearest, !input.bool() {
        let records = (0..<input.choice(3)).map { _ in input.element(of: RingFixture.records) }
        let nearest = Array(Self.peers(&input).prefix(MessageLimit.nearest))
        return .reply(Reply(ticket: request.ticket, path: path, answer: .nearest(records, nearest)))
      }
      switch input.choice(7) {
      case 0: return .accepted(request.ticket)
      case 1: answer = .owner(Self.peer(&input), Self.view(&input))
      case 2: answer = .joinPoint(Self.peer(&input))
      case 3: answer = .records((0..<input.choice(5)).map { _ in input.element(of: RingFixture.records) })
      case 4: answer = .stored(copies: input.byte())
      case 5: answer = .redirect(Self.peer(&input))
      default: answer = .failure(input.element(of: Refusal.allCases))
      }
      return .reply(Reply(ticket: request.ticket, path: path, answer: answer))
    case .view, .notified, .pong, .changed, .hint, .leaving, .accepted, .reply, .replicated, .before, .askBefore,
      .unchanged:
      return nil
    }
  }

  private static func view(_ input: inout FuzzInput) -> View {
    View(isMember: input.byte() % 4 != 3, predecessor: optionalPeer(&input), successors: peers(&input))
  }

  /// One of the peers, we ourselves, or somebody new.
  static func peer(_ input: inout FuzzInput) -> Peer {
    let choice = Int(input.byte())
    if choice < 32 { return RingFixture.peers[choice % RingFixture.peers.count] }
    if choice < 48 { return RingFixture.me }
    return Peer(id: Identifier(fraction: UInt32(choice) << 24), endpoint: Fixture.endpoint(UInt16(100 + choice)))
  }

  private static func optionalPeer(_ input: inout FuzzInput) -> Peer? { input.bool() ? nil : peer(&input) }

  /// In ring order from ours, or in any order.
  private static func peers(_ input: inout FuzzInput) -> [Peer] {
    let choice = input.byte()
    if choice & 0xC0 == 0xC0 { return (0..<Int(choice & 31)).map { _ in peer(&input) } }
    let fromUs = RingFixture.peers[2...] + RingFixture.peers[..<2]
    return fromUs.enumerated().filter { choice >> $0.offset & 1 == 1 }.map(\.element)
  }
}
