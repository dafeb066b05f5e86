// What the peers' users say: raw messages, and such as mention the sessions and streams that the node under fuzz has named.

@testable import Chat
@testable import Chord

struct ChatSpeech {
  /// Numbers by which the node is to be called, and names of its streams.
  private var sessions: [UInt32] = [0]
  private var epochs: [UInt64] = [1]
  private static let remembered = 8

  /// The node has sent this.
  mutating func heard(_ message: ChatMessage) {
    switch message {
    case .open(let opening), .opened(let opening, _):
      if sessions.last != opening.session { sessions.append(opening.session) }
      if epochs.last != opening.epoch { epochs.append(opening.epoch) }
      if sessions.count > Self.remembered { sessions.removeFirst() }
      if epochs.count > Self.remembered { epochs.removeFirst() }
    case .refused, .texts, .acknowledge, .close, .unknown, .waiting: break
    }
  }

  func next(_ input: inout FuzzInput) -> (ChatMessage, from: EngineFixture.Person)? {
    let person = EngineFixture.person(&input)
    let byte = input.byte()
    switch byte % 8 {
    case 0: return (.open(opening(&input, person)), person)
    case 1: return (.opened(opening(&input, person), answering: session(&input)), person)
    case 2: return (.refused(session: session(&input), input.element(of: ChatMessage.Refusal.allCases)), person)
    case 3:
      let texts = [String](repeating: "y", count: 1 + input.choice(4))
      let sequence = min(number(&input), 1 << 63 - 4)
      return (.texts(session: session(&input), sequence: sequence, TextRun(texts)), person)
    case 4: return (.acknowledge(session: session(&input), sequence: number(&input)), person)
    case 5: return (.close(session: session(&input), input.element(of: ChatMessage.Ending.allCases)), person)
    case 6:
      let session = session(&input)
      return (byte < 0x80 ? .unknown(session: session) : .waiting(session: session), person)
    default:
      let bytes = input.take(Int(input.byte()))
      guard let type = bytes.first,
        let message = try? ChatMessage(type: type, payload: bytes.span.bytes.extracting(1...))
      else { return nil }
      return (message, person)
    }
  }

  private func opening(_ input: inout FuzzInput, _ person: EngineFixture.Person) -> ChatMessage.Opening {
    let traits = input.byte()
    return ChatMessage.Opening(
      from: traits & 1 != 0 ? EngineFixture.person(&input).user : person.user,
      salt: traits & 2 != 0 ? [UInt8](repeating: 0, count: 16) : person.identity.salt,
      to: traits & 4 != 0 ? person.user : EngineFixture.us, session: UInt32(traits >> 5),
      epoch: traits & 8 != 0 ? UInt64(input.byte()) + 1 : 5, first: max(number(&input), 1),
      knownEpoch: traits & 16 != 0 ? 0 : epochs[epochs.count - 1 - input.choice(epochs.count)],
      received: number(&input))
  }

  /// The latest at 0.
  private func session(_ input: inout FuzzInput) -> UInt32 {
    sessions[sessions.count - 1 - input.choice(sessions.count)]
  }

  /// Small, or as large as there are.
  private func number(_ input: inout FuzzInput) -> UInt64 {
    let byte = input.byte()
    return byte < 0xF0 ? UInt64(byte) : (1 << 63) - 1 - UInt64(byte & 15)
  }
}
