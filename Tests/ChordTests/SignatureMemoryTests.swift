// What is remembered of signatures must be what is worked out: else the simulator would test other nodes than those that ship.

import CSodium
import Chord
import Testing

@testable import Simulation

@Suite("What the simulator remembers of signatures")
struct SignatureMemoryTests {
  private struct Question {
    var signature: [UInt8]
    var bytes: [UInt8]
    var publicKey: [UInt8]

    /// What libsodium says, asked directly.
    var isRight: Bool { crypto_sign_verify_detached(signature, bytes, UInt64(bytes.count), publicKey) == 0 }
    func isHeld(by check: SignatureCheck) -> Bool { check.holds(signature, over: bytes, by: publicKey) }
  }

  private static func signed(_ number: UInt8) -> Question {
    var publicKey = [UInt8](repeating: 0, count: 32)
    var secretKey = [UInt8](repeating: 0, count: 64)
    crypto_sign_seed_keypair(&publicKey, &secretKey, Array(repeating: number, count: 32))
    let bytes = (0..<number).map { $0 &* number }
    var signature = [UInt8](repeating: 0, count: 64)
    crypto_sign_detached(&signature, nil, bytes, UInt64(bytes.count), secretKey)
    return Question(signature: signature, bytes: bytes, publicKey: publicKey)
  }

  /// Right ones; each with one bit of its signature, its bytes or its key turned; and each with a part of another.
  private static let questions: [Question] = (1...12).flatMap { (number: UInt8) -> [Question] in
    let right = signed(number)
    let other = signed(number + 1)
    var questions = [right]
    for bit in stride(from: Int(number), to: 64 * 8, by: 97) {
      var wrong = right
      wrong.signature[bit / 8] ^= 1 << (bit % 8)
      questions.append(wrong)
    }
    for place in right.bytes.indices {
      var wrong = right
      wrong.bytes[place] ^= 1
      questions.append(wrong)
    }
    for place in stride(from: 0, to: 32, by: 5) {
      var wrong = right
      wrong.publicKey[place] ^= 0x40
      questions.append(wrong)
    }
    questions.append(Question(signature: other.signature, bytes: right.bytes, publicKey: right.publicKey))
    questions.append(Question(signature: right.signature, bytes: other.bytes, publicKey: right.publicKey))
    questions.append(Question(signature: right.signature, bytes: right.bytes, publicKey: other.publicKey))
    return questions
  }

  @Test("it says of every signature what libsodium says, the first time and from then on")
  func saysTheSame() {
    let memory = SignatureMemory()
    #expect(Self.questions.count { $0.isRight } == 12)
    for _ in 0..<3 {
      for question in Self.questions { #expect(question.isHeld(by: memory.check) == question.isRight) }
      for question in Self.questions.reversed() { #expect(question.isHeld(by: memory.check) == question.isRight) }
    }
    #expect(memory.count == Self.questions.count)
  }

  @Test("one that is full forgets, and is right all the same")
  func forgets() {
    let memory = SignatureMemory(limit: 5)
    for question in Self.questions + Self.questions {
      #expect(question.isHeld(by: memory.check) == question.isRight)
      #expect(question.isHeld(by: memory.check) == question.isRight)
      #expect(memory.count <= 5)
    }
  }

  @Test("a signature or a key of another length never holds, and is nothing to remember")
  func lengths() {
    let memory = SignatureMemory()
    let right = Self.signed(7)
    for check in [memory.check, .ed25519] {
      #expect(!check.holds(Array(right.signature.dropLast()), over: right.bytes, by: right.publicKey))
      #expect(!check.holds(right.signature + [0], over: right.bytes, by: right.publicKey))
      #expect(!check.holds(right.signature, over: right.bytes, by: Array(right.publicKey.dropLast())))
      #expect(!check.holds(right.signature, over: right.bytes, by: right.publicKey + [0]))
      #expect(!check.holds([], over: [], by: []))
    }
    #expect(memory.count == 0)
  }
}
