// Finding somebody who may be in a ring: all bootstrap addresses at once, or one at a time for a member that only looks whether
// there is another ring. Any one suffices, none is special, and our own address among them is no answer.
//
//   seek ──> each address: resolve ──> dial ──> hello ──┬─ a node: `introduced`
//                                                       └─ a failure: told once, until it works or fails otherwise
//   all have answered or failed, or `patience` is over: `everybodyFound`, or `nobodyFound`

import Chord
import UVRuntime

/// What the bootstrapper tells the node.
protocol BootstrapperOwner: AnyObject {
  func introduced(_ peer: Peer)
  func nobodyFound()
  func everybodyFound()
  func bootstrapFailed(_ address: String, _ failure: LinkFailure)
}

/// The bootstrap addresses of one node and what became of them.
final class Bootstrapper {
  /// After this a bootstrap that does not answer no longer holds up a new ring.
  private static let patience = Duration.seconds(3)

  private struct Bootstrap {
    var text: String
    var address: HostAndPort
    var isTrying = false
    /// Who was there last; asked again over its link, if that stands.
    var known: Peer?
    var failure: LinkFailure?
  }

  private let loop: EventLoop
  private let links: Links
  weak var owner: (any BootstrapperOwner)?
  private var bootstraps: [Bootstrap]
  private var next = 0
  private lazy var deadline = Deadline(on: loop) { [weak self] in self?.endRound() }
  private var isRound = false
  /// Somebody was found in this round.
  private var hasFound = false
  /// The round is being begun: it does not end before all addresses have had their turn.
  private var isBeginning = false

  /// Throws the first address that is not HOST:PORT.
  init(_ addresses: [String], links: Links) throws(NodeError) {
    self.links = links
    loop = links.loop
    var bootstraps: [Bootstrap] = []
    for text in addresses {
      guard let address = HostAndPort(text), address.port != 0 else {
        throw .badAddress(
          text, why: "a bootstrap is written HOST:PORT, for example 192.0.2.7:7401 or [2001:db8::7]:7401")
      }
      if !bootstraps.contains(where: { $0.address == address }) {
        bootstraps.append(Bootstrap(text: text, address: address))
      }
    }
    self.bootstraps = bootstraps
  }

  /// The addresses that do not work at present.
  var failures: [(address: String, reason: LinkFailure)] {
    bootstraps.compactMap { bootstrap in bootstrap.failure.map { (bootstrap.text, $0) } }
  }

  /// Tries all addresses, or the next one in turn.
  func seek(all: Bool) {
    guard !bootstraps.isEmpty else {
      owner?.nobodyFound()
      return
    }
    if all {
      if !isRound {
        isRound = true
        hasFound = false
        deadline.set(loop.now + Self.patience)
      }
      isBeginning = true
      for place in bootstraps.indices { attempt(place) }
      isBeginning = false
      endRoundIfOver()
    } else {
      next = (next + 1) % bootstraps.count
      attempt(next)
    }
  }

  func stop() {
    deadline.cancel()
    isRound = false
    bootstraps = []
  }

  private func attempt(_ place: Int) {
    guard !bootstraps[place].isTrying, bootstraps[place].failure != .ourselves else { return }
    if let known = bootstraps[place].known, links.isLinked(known.id) { return found(place, known) }
    bootstraps[place].isTrying = true
    let address = bootstraps[place].address
    loop.resolve(host: address.host, port: address.port) { [weak self] result in
      switch result {
      case .success(let addresses): self?.dial(place, addresses[...])
      case .failure: self?.failed(place, .notResolved)
      }
    }
  }

  /// One address of a name after the other.
  private func dial(_ place: Int, _ addresses: ArraySlice<SocketAddress>) {
    guard place < bootstraps.count else { return }
    guard let first = addresses.first else { return failed(place, .unreachable) }
    links.introduce(Endpoint(first)) { [weak self] result in
      switch result {
      case .success(let remote): self?.found(place, remote.peer)
      case .failure(let failure):
        if addresses.count > 1 {
          self?.dial(place, addresses.dropFirst())
        } else {
          self?.failed(place, failure)
        }
      }
    }
  }

  private func found(_ place: Int, _ peer: Peer) {
    guard place < bootstraps.count else { return }
    bootstraps[place].isTrying = false
    bootstraps[place].known = peer
    bootstraps[place].failure = nil
    hasFound = true
    owner?.introduced(peer)
    endRoundIfOver()
  }

  private func failed(_ place: Int, _ failure: LinkFailure) {
    guard place < bootstraps.count else { return }
    let isNews = bootstraps[place].failure != failure
    bootstraps[place].isTrying = false
    bootstraps[place].failure = failure
    if isNews, failure != .ourselves { owner?.bootstrapFailed(bootstraps[place].text, failure) }
    endRoundIfOver()
  }

  private func endRoundIfOver() {
    if !isBeginning, !bootstraps.contains(where: \.isTrying) { endRound() }
  }

  private func endRound() {
    guard isRound else { return }
    isRound = false
    deadline.cancel()
    hasFound ? owner?.everybodyFound() : owner?.nobodyFound()
  }
}
