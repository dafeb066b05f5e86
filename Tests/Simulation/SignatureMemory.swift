// What the simulator knows of signatures. In a ring each holder and each reader checks a record for itself, eight and more of them the
// same one, and in a simulation all of them are one process: nineteen checks out of twenty have been made before, and one takes as long
// as ten events. So what was worked out once is remembered, with the whole of what it was worked out from: the key,
// the signature and every byte that is signed. A record that differs in one bit is another one, and is checked.
//
//   check ──┬─ these very bytes, key and signature have been here ──> what was found then
//           └─ otherwise ──> Ed25519 ──> remembered
//
// Nothing that a machine does depends on what is remembered; Tests/ChordTests/SignatureMemoryTests.swift holds it to that.

import Chord
import Synchronization

/// Answers of `SignatureCheck.ed25519`, remembered. Copies of a simulator share one: what has been found out is the same in all.
final class SignatureMemory: Sendable {
  private struct Question: Hashable {
    var signature: [UInt8]
    var bytes: [UInt8]
    var publicKey: [UInt8]
  }

  private let answers = Mutex<[Question: Bool]>([:])
  private let limit: Int

  /// 16,384 of some 400 bytes each are 8 MiB. A story of 32 users has a few hundred, and a ring of a thousand writes as many in its
  /// first minutes; beyond that everything is forgotten, since what was asked for long ago is not asked for again.
  static let limit = 16_384

  init(limit: Int = SignatureMemory.limit) {
    precondition(limit > 0, "a memory remembers something")
    self.limit = limit
  }

  /// How many answers are remembered.
  var count: Int { answers.withLock { $0.count } }

  /// Says what Ed25519 says.
  var check: SignatureCheck {
    SignatureCheck { signature, bytes, publicKey in
      let question = Question(signature: signature, bytes: bytes, publicKey: publicKey)
      if let known = self.answers.withLock({ $0[question] }) { return known }
      let answer = SignatureCheck.ed25519.holds(signature, over: bytes, by: publicKey)
      self.answers.withLock { answers in
        if answers.count >= self.limit { answers.removeAll() }
        answers[question] = answer
      }
      return answer
    }
  }
}
