// How long a link waits for what, each with its reason.

extension Link {
  /// A peer has this long to say who it is.
  static let handshakePatience = Duration.seconds(5)
  /// Messages of a handshake come whole. Who sends one in pieces, of which each would cost a turn, is read this seldom.
  static let pauseAfterPart = Duration.milliseconds(10)
  /// A text or a record is on its way within a second; a link that is closed does not wait longer for its last bytes.
  static let farewellPatience = Duration.seconds(1)
  /// What was sent and is not acknowledged for so long: the link is broken. Longer than any hiccup of a network, and short of the 30 s
  /// for which a text is tried, so that there is time for another link. It also ends a link whose other end takes nothing for so long.
  static let unanswered = Duration.seconds(9)
  /// An idle link is probed after this; if its other end has silently gone, it breaks within `unanswered` more.
  static let idleUntilProbed = Duration.seconds(15)
  /// A message that has begun must be whole after this: its 64 KiB at 2 KiB a second, which no working link is slower than. Otherwise a
  /// peer could have us hold pieces of messages for ever.
  static let messagePatience = Duration.seconds(32)
}
