// What a link says to the table it belongs to, and asks of it.

import Chord
import UVRuntime

/// Hears about links; the table of links.
protocol LinkOwner: AnyObject {
  /// Whether so many keys and signatures have been worked out in this turn of the loop that the next had better wait.
  var isBusyChecking: Bool { get }
  /// One more is worked out: for a message of a handshake, or a frame with something signed.
  func checks()
  func linkEstablished(_ link: Link)
  /// False if the frame has no place here: the link then ends.
  func linkReceived(_ type: UInt8, _ payload: RawSpan, on link: Link) throws(LinkFailure)
  /// The peer will say nothing new on this link; what was under way still comes.
  func linkSaidGoodbye(_ link: Link, _ goodbye: Goodbye)
  /// Exactly once, last.
  func linkEnded(_ link: Link)
}
