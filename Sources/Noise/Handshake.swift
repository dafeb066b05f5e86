// The handshake of Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34): two who know nothing of each other end up with
// each other's static keys, and with two keys that nobody else has.
//
//     initiator                                  responder
//        │ ── e · payload ────────────────────────► │      in the clear
//        │ ◄── e, ee, s, es · payload ───────────── │      s and payload sealed: the responder is proved
//        │ ── s, se · payload ────────────────────► │      both are proved
//        └───────────────── split ──────────────────┘
//
//     e, s        a new public key, and the one that says who it is (sealed once there is a key)
//     ee, es, se  agreements between the initiator's key (first letter) and the responder's
//     payload     whatever the two want to say already: the first is seen by everybody, the second by whoever has asked, the
//                 third only by the one whose key was proved
//
// A state that has failed once is gone, with its keys: what is called later throws. Chance is an argument, the ephemeral secret.

/// One side of a handshake.
public struct Handshake: ~Copyable {
  /// Who speaks first.
  public enum Role: Hashable, Sendable {
    case initiator, responder
  }

  private enum Key {
    case e, s
  }

  private enum Token {
    case e, s, ee, es, se
  }

  static let protocolName: StaticString = "Noise_XX_25519_ChaChaPoly_SHA256"
  private static let pattern: [[Token]] = [[.e], [.e, .ee, .s, .es], [.s, .se]]

  /// What there is as long as nothing has failed.
  struct State: ~Copyable {
    var symmetric: SymmetricState
    let ephemeralKey: KeyPair
    var remoteEphemeralKey: [UInt8]?
    var remoteStaticKey: [UInt8]?
    /// How many messages have passed.
    var passed = 0
  }

  private let role: Role
  private let staticKey: KeyPair
  private(set) var state: State?

  /// `prologue` is what both sides must agree on without saying it; `ephemeralSecret` 32 bytes from a generator, for this handshake only.
  public init(_ role: Role, prologue: [UInt8], staticKey: KeyPair, ephemeralSecret: consuming Secret) {
    self.role = role
    self.staticKey = staticKey
    var symmetric = SymmetricState(protocolName: Self.protocolName)
    symmetric.mixHash(prologue)
    state = State(symmetric: symmetric, ephemeralKey: KeyPair(secret: ephemeralSecret))
  }

  /// The other side's static key, 32 bytes, once it is proved: the initiator has it after the second message, so that it can keep
  /// its own from a stranger, the responder after the third.
  public var remoteStaticKey: [UInt8]? {
    switch state {
    case let state?: state.remoteStaticKey
    case nil: nil
    }
  }

  /// Whether all three messages have passed, so that it can be `split`.
  public var isComplete: Bool {
    switch state {
    case let state?: state.passed == Self.pattern.count
    case nil: false
    }
  }

  /// The next message, with this payload in it. 65,535 bytes are the most a message may have: the payload may have 32 fewer in the first,
  /// 96 in the second, 64 in the third.
  public mutating func write(_ payload: [UInt8] = []) throws(NoiseError) -> [UInt8] {
    var state = try take(as: role)
    var message: [UInt8] = []
    for token in Self.pattern[state.passed] {
      switch token {
      case .e:
        message += state.ephemeralKey.publicKey
        state.symmetric.mixHash(state.ephemeralKey.publicKey)
      case .s: message += try state.symmetric.seal(staticKey.publicKey)
      case .ee: try agree(.e, .e, &state)
      case .es: try agree(.e, .s, &state)
      case .se: try agree(.s, .e, &state)
      }
    }
    message += try state.symmetric.seal(payload)
    guard message.count <= CipherState.maximumMessage else { throw .oversized }
    state.passed += 1
    self.state = consume state
    return message
  }

  /// The payload of the message that the other side has written.
  public mutating func read(_ message: RawSpan) throws(NoiseError) -> [UInt8] {
    var state = try take(as: role == .initiator ? .responder : .initiator)
    guard message.byteCount <= CipherState.maximumMessage else { throw .oversized }
    var rest = message
    for token in Self.pattern[state.passed] {
      switch token {
      case .e:
        let key = try Self.cut(KeyPair.keyBytes, from: &rest).withUnsafeBytes { Array($0) }
        state.symmetric.mixHash(key)
        state.remoteEphemeralKey = key
      case .s:
        let sealed = try Self.cut(KeyPair.keyBytes + state.symmetric.overhead, from: &rest)
        state.remoteStaticKey = try state.symmetric.open(sealed)
      case .ee: try agree(.e, .e, &state)
      case .es: try agree(.e, .s, &state)
      case .se: try agree(.s, .e, &state)
      }
    }
    let payload = try state.symmetric.open(rest)
    state.passed += 1
    self.state = consume state
    return payload
  }

  /// What follows the third message. The handshake ends with it, and its keys.
  public mutating func split() throws(NoiseError) -> Transport {
    guard let state = state.take() else { throw .ended }
    guard state.passed == Self.pattern.count, let remoteStaticKey = state.remoteStaticKey else { throw .outOfTurn }
    let hash = state.symmetric.hash
    return Transport(keys: state.symmetric.split(), role: role, handshakeHash: hash, remoteStaticKey: remoteStaticKey)
  }

  /// The state, if that side is the one to write now. Only who succeeds puts it back: what throws ends the handshake and its keys.
  private mutating func take(as writer: Role) throws(NoiseError) -> State {
    guard let state = state.take() else { throw .ended }
    let turn: Role = state.passed.isMultiple(of: 2) ? .initiator : .responder
    guard state.passed < Self.pattern.count, writer == turn else { throw .outOfTurn }
    return state
  }

  /// Mixes in what follows from these two keys.
  private func agree(_ initiator: Key, _ responder: Key, _ state: inout State) throws(NoiseError) {
    let (ours, theirs) = role == .initiator ? (initiator, responder) : (responder, initiator)
    let own = ours == .e ? state.ephemeralKey : staticKey
    guard let remote = theirs == .e ? state.remoteEphemeralKey : state.remoteStaticKey else {
      preconditionFailure("in the pattern, keys come before their agreements")
    }
    state.symmetric.mixKey(try own.sharedSecret(with: remote))
  }

  /// The first `count` bytes of what is left of a message.
  @_lifetime(copy rest)
  private static func cut(_ count: Int, from rest: inout RawSpan) throws(NoiseError) -> RawSpan {
    guard rest.byteCount >= count else { throw .truncated }
    let piece = rest.extracting(..<count)
    rest = rest.extracting(count...)
    return piece
  }
}
