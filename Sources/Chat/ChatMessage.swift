// What two nodes say to each other about their users' conversation, over the one link between them.
//
//   opener ── open ──────▶ other     who I am and who I want to talk to; which number you are to call this session by;
//   opener ◀───── opened ─ other     where my stream of texts stands and what I have of yours
//          ◀──── refused ─           or why not
//          ◀──── waiting ─           or that my user has not accepted you yet
//          ── texts ─────▶           in a run, numbered by the sender from 1
//          ◀─ acknowledge ─          everything up to this number has been shown
//          ── close ─────▶           the session ends
//          ◀───── unknown ─          I know no session of that number: open it again
//
// Both sides may open at once; both answers then say the same thing twice. After a lost link the session is opened again with
// the same epochs, each side says what it has, and what is missing is sent again.

import Chord

/// A message of the conversation.
public enum ChatMessage: Hashable, Sendable {
  case open(Opening)
  /// `answering` is the number that the `open` gave.
  case opened(Opening, answering: UInt32)
  /// `session` is the number that the `open` gave.
  case refused(session: UInt32, Refusal)
  /// `session` is the number the receiver gave, `sequence` that of the first text; the others follow it.
  case texts(session: UInt32, sequence: UInt64, TextRun)
  /// All texts up to `sequence` have been shown. `session` is the number the receiver gave.
  case acknowledge(session: UInt32, sequence: UInt64)
  /// `session` is the number the receiver gave.
  case close(session: UInt32, Ending)
  /// The receiver has used this number, which means nothing to the sender.
  case unknown(session: UInt32)
  /// The user has not accepted the other one yet. `session` is the number that the `open` gave.
  case waiting(session: UInt32)

  /// The longest text, in bytes of UTF-8.
  public static let maximumTextBytes = 32_768

  /// What one side says of itself when a session is opened, for the first time or again.
  public struct Opening: Hashable, Sendable {
    /// Who says it; proved by the link's public key together with `salt`.
    public var from: User
    /// The salt of the sender's id, 16 bytes.
    public var salt: [UInt8]
    /// Whom it is for.
    public var to: User
    /// What the receiver is to call this session by from now on.
    public var session: UInt32
    /// Names the sender's stream of texts; not 0. The same as long as the stream goes on.
    public var epoch: UInt64
    /// The lowest sequence number that the sender may still send; what came before is acknowledged or given up.
    public var first: UInt64
    /// The epoch of the receiver's stream as far as the sender knows it; 0 if it knows none.
    public var knownEpoch: UInt64
    /// The last text of that stream that the sender has shown.
    public var received: UInt64
  }

  /// Why a session was not opened.
  public enum Refusal: UInt8, Hashable, Sendable, CaseIterable {
    /// The user is not at this node.
    case noSuchUser = 1
    /// Too many sessions stand already.
    case full = 2
    /// This stream was closed a moment ago.
    case closed = 3
    /// The link's key does not prove the user.
    case unproved = 4
  }

  /// Why a session was ended.
  public enum Ending: UInt8, Hashable, Sendable, CaseIterable {
    /// The user closed it.
    case closed = 1
    /// The user left the network.
    case left = 2
  }
}
