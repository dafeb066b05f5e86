// What the targets have in common: a few identities and addresses that are the same in every run.

import CSodium

@testable import Chat
@testable import Chord

enum Fixture {
  static let network = "fuzz"
  static let utc: UInt64 = 1_790_000_000_000
  static let start = Time(monotonic: Instant(nanoseconds: 1_000_000_000), utcMilliseconds: utc)

  /// The same number gives the same identity.
  static func identity(_ number: UInt64) -> Identity {
    var generator = Generator(seed: number)
    while true {
      let seed = (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let salt = (0..<16).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      if let identity = Identity(seed: seed, salt: salt) { return identity }
    }
  }

  static func endpoint(_ port: UInt16) -> Endpoint { Endpoint(host: .v4(0x7F00_0001), port: port) }

  static func user(_ name: String, _ identity: Identity) -> User {
    guard let name = try? UserName(name) else { preconditionFailure("the names of the fixtures are names") }
    return User(name: name, identity: identity)
  }

  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
    return digest
  }

  /// The time `duration` later, on both clocks.
  static func later(_ now: Time, by duration: Duration) -> Time {
    let nanoseconds = max(duration.inNanoseconds, 0)
    return Time(
      monotonic: now.monotonic + .nanoseconds(nanoseconds),
      utcMilliseconds: now.utcMilliseconds + UInt64(nanoseconds / 1_000_000))
  }
}
