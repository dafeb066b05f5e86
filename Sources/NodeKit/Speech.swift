// What kinds of frames there are, as far as it matters for what a peer may say and how often. The types are those of Frame.swift.

import Chat
import UVRuntime

/// What a frame is for.
enum Speech {
  /// A lookup, and what rides on it.
  case request
  /// A question of the ring's maintenance, or news of it.
  case maintenance
  /// A copy of a record.
  case copy
  /// The beginning or the end of a session.
  case session
  /// Texts.
  case texts
  /// The word that texts were shown.
  case acknowledgement
  /// An answer to what we have asked, or nothing that we know, which ends the link.
  case answer

  init(_ type: UInt8) {
    switch type {
    case 0x19: self = .request
    case 0x04, 0x10, 0x12, 0x14, 0x16, 0x17, 0x18, 0x1F, 0x20, 0x21: self = .maintenance
    case 0x1C, 0x1E: self = .copy
    case 0x40...0x42, 0x45...0x47: self = .session
    case 0x43: self = .texts
    case 0x44: self = .acknowledgement
    default: self = .answer
    }
  }

  /// What taking a frame costs, in units of two microseconds: a request is handed on, a copy has its signatures checked, of texts sixteen
  /// are shown in a unit, and 1.5 KiB of long ones opened and copied.
  func weight(of payload: RawSpan) -> Int {
    switch self {
    case .acknowledgement, .answer: 1
    case .texts: 2 + ChatMessage.textCount(in: payload) / 16 + payload.byteCount / 1536
    case .maintenance: 4
    case .request: 16
    case .session, .copy: 32
    }
  }

  /// What is taken of one peer in one turn of the loop: half a millisecond, for which the others wait. The rest of what it has said comes
  /// in the next turns. A frame is taken whole: the longest run of texts is a tenth of it.
  static let portion = 256

  /// Whether a frame of that type and length has signatures or names to be checked: hundreds of links may bring one each in the same turn.
  static func isCostly(_ type: UInt8, _ length: Int) -> Bool {
    switch Speech(type) {
    case .session, .copy: true
    case .request: length > longestLookup
    case .maintenance, .texts, .acknowledgement, .answer: false
    }
  }

  /// What is longer carries a record.
  private static let longestLookup = 100

  /// Whether we would answer at once. Who does not take our answers is not asked to take more of them.
  static func isQuestion(_ type: UInt8) -> Bool {
    switch type {
    case 0x04, 0x10, 0x12, 0x14, 0x19, 0x1C, 0x1E, 0x20, 0x21, 0x40: true
    default: false
    }
  }
}

/// What may still be taken of one peer in this turn of the loop, in which its socket may be read many times.
struct Portion {
  private var turn: UInt64 = 0
  private var left = Speech.portion

  /// The turn of that number begins.
  mutating func begin(_ turn: UInt64) { (self.turn, left) = (turn, Speech.portion) }

  /// Counts a frame of that weight; false if the portion is used up.
  mutating func take(_ weight: Int, in turn: UInt64) -> Bool {
    if turn > self.turn { begin(turn) }
    left -= weight
    return left > 0
  }
}

/// What one peer may still say.
struct Allowance {
  private var requests: TokenBucket
  private var maintenance: TokenBucket
  private var copies: TokenBucket
  private var sessions: TokenBucket
  private var texts: TokenBucket

  init(_ limits: LinkLimits, at now: LoopTime) {
    requests = TokenBucket(limits.requests, at: now)
    maintenance = TokenBucket(limits.maintenance, at: now)
    copies = TokenBucket(limits.copies, at: now)
    sessions = TokenBucket(limits.sessions, at: now)
    texts = TokenBucket(limits.texts, at: now)
  }

  /// Counts a frame of that weight; answers until when the peer must be silent, if it has said too much.
  mutating func charge(_ speech: Speech, weight: Int, at now: LoopTime) -> LoopTime? {
    switch speech {
    case .request: requests.charge(at: now)
    case .maintenance: maintenance.charge(at: now)
    case .copy: copies.charge(at: now)
    case .session: sessions.charge(at: now)
    case .texts, .acknowledgement, .answer: texts.charge(Double(weight), at: now)
    }
  }
}

extension LoopTime {
  /// A moment that is past. One of now is kept to the millisecond, in which there are many turns.
  static let nextTurn = LoopTime(nanoseconds: 0)
}
