// From what the user wrote to the addresses of a node: where it binds, what it tells others, and what it believes of itself
// until others have told it what they see.

import Chord
import UVRuntime

/// The addresses of a node that has just been started.
struct Listening {
  /// Where the socket listens.
  var bound: Endpoint
  /// What others are told, if that is known for certain: given by the user, or a listening host that is not "every address".
  var advertised: Endpoint?
  /// What the node goes by until others have said how they see it.
  var initial: Endpoint

  static func open(_ configuration: NodeConfiguration, _ links: Links) throws(NodeError) -> Listening {
    let advertise = try configuration.advertise.map { text throws(NodeError) in try numeric(text, zeroPort: false) }
    let wanted = try numeric(configuration.listen, zeroPort: true)
    guard configuration.role == .member else {
      return Listening(bound: wanted, advertised: nil, initial: Endpoint(host: .v4(0x7F00_0001), port: 0))
    }
    let bound: Endpoint
    do throws(UVError) {
      bound = try listen(at: wanted, links)
    } catch {
      throw .cannotListen(configuration.listen, why: why(error))
    }
    let known = advertise ?? (bound.isUnspecified ? nil : bound)
    return Listening(
      bound: bound, advertised: known, initial: known ?? Endpoint(host: .v4(0x7F00_0001), port: bound.port))
  }

  private static func listen(at wanted: Endpoint, _ links: Links) throws(UVError) -> Endpoint {
    do throws(UVError) {
      return Endpoint(try links.listen(at: wanted.socketAddress))
    } catch {
      guard wanted.host == .v6(0, 0), error != .addressInUse else { throw error }
      return Endpoint(try links.listen(at: Endpoint(host: .v4(0), port: wanted.port).socketAddress))
    }
  }

  /// Listening is local: a numeric host, or `localhost`.
  static func numeric(_ text: String, zeroPort: Bool) throws(NodeError) -> Endpoint {
    let numeric = text.hasPrefix("localhost:") ? "127.0.0.1" + text.dropFirst("localhost".count) : text
    guard let endpoint = Endpoint(numeric) else {
      throw .badAddress(text, why: "write a numeric address and a port, for example 0.0.0.0:7401 or [::1]:7401")
    }
    guard zeroPort || endpoint.isDialable else {
      throw .badAddress(
        text, why: "others must be able to dial it: give a host that is not 0.0.0.0 and a port that is not 0")
    }
    return endpoint
  }

  private static func why(_ error: UVError) -> String {
    switch error {
    case .addressInUse: "another program listens there: choose another port, or 0 for any"
    case .addressNotAvailable: "this machine has no such address: use one of its own, or 0.0.0.0 for all of them"
    case .permissionDenied: "that needs more rights: choose a port above 1023"
    default: error.text
    }
  }
}
