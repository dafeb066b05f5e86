// What fuzzing has brought to light, each as a test that says what must not be.

import Testing

@testable import Chat
@testable import Chord
@testable import node

@Suite("What fuzzing found") struct FindingTests {
  @Test("a peer that puts one record after the other does not fill a member whose holders are slow")
  func openPuts() throws {
    var node = RingFixture.beginnings[0]
    let peer = RingFixture.peers[1]
    let name = SigningKey(seed: [UInt8](repeating: 1, count: 32))
    let writer = SigningKey(seed: [UInt8](repeating: 101, count: 32))
    let key = Record.key(ofName: name.publicKey)
    var answers: [Reply.Answer] = []
    var accepted = 0
    for count in 1...UInt32(PendingPut.limit + 2) {
      let number = Fixture.utc + UInt64(count)
      let signed = Record.signedBytes(
        network: Fixture.network, key: key, writerKey: writer.publicKey, number: number, expiry: number + 1000,
        content: [1])
      let record = Record(
        nameKey: name.publicKey, writerKey: writer.publicKey, number: number, expiry: number + 1000, content: [1],
        nameSignature: name.sign(signed), writerSignature: writer.sign(signed))
      let request = Request(ticket: count, key: key, hopsLeft: 1, claim: .insist, question: .put(record))
      var effects: [ChordNode.Effect] = []
      node.handle(.received(.request(request), from: peer), at: RingFixture.start, into: &effects)
      for case .send(.reply(let reply), _) in effects { answers.append(reply.answer) }
      accepted += effects.count { $0 == .send(.accepted(count), to: peer) }
    }
    #expect(node.puts.count == PendingPut.limit && accepted == PendingPut.limit)
    #expect(answers == [.failure(.busy), .failure(.busy)])
  }

  /// Were the time to grow with the square of the length, this would take many minutes instead of a second.
  @Test("a text of nothing but control characters is shown in a time that its length is worth", .timeLimit(.minutes(1)))
  func manyControlCharacters() {
    let shown = Display.line(String(repeating: "\u{1B}", count: 1_000_000))
    #expect(shown.unicodeScalars.count == 1_000_000)
  }
}
