// Links that have fallen silent. A connection can stand for minutes after it has stopped carrying anything: a router has forgotten it, an
// address has changed, a host was switched off. Whoever owes us an answer is asked for a sign of life; a link without one ends as lost.

import Chord
import UVRuntime

extension Links {
  /// A link over which nothing comes for this long, though we asked, carries nothing: ten slow round trips.
  private static let doubtPatience = Duration.seconds(3)
  /// A link that has brought something this lately is a working one, only slow.
  private static let hushPatience = Duration.seconds(1)

  /// Closes the link to a node that is dead as far as we know. The owner hears that it is lost.
  func disconnect(_ id: Identifier) {
    guard isLinked(id) else { return }
    step(.giveUp(id))
    doubtTheQuiet()
  }

  /// The same for a link over which nothing has come of late, though its node owes us something: the next frame dials anew.
  func renew(_ id: Identifier) {
    guard let link = link(to: id), loop.now - link.lastHeard > Self.hushPatience else { return }
    disconnect(id)
  }

  /// Ends the link to a node, as lost, if nothing at all comes over it any more.
  func doubt(_ id: Identifier) {
    guard let link = link(to: id), !link.isDraining else { return }
    let asked = loop.now
    link.ping(within: Self.doubtPatience) { [weak self, weak link] isAlive in
      // Asked twice it is answered twice: only the first answer ends it.
      guard let self, let link, self.link(to: id) === link, !link.isDraining, !isAlive, link.lastHeard < asked else {
        return
      }
      link.end(.silent)
      doubtTheQuiet()
    }
  }

  /// Where one link has fallen silent others may have, and for the same reason: our address has changed, or a router between has
  /// forgotten us. To find that out link by link, as each is needed, would take a verdict's time for each.
  private func doubtTheQuiet() {
    guard !isClosing else { return }
    for id in linked {
      guard let link = link(to: id), loop.now - link.lastHeard > Self.doubtPatience else { continue }
      doubt(id)
    }
  }
}
