// A node as others know it: its identifier and where it listens. The identifier is a hash of the node's public key, so
// whoever dials the address can check that the right node answers.
//
// On the wire:   identifier 20 bytes · endpoint 7 or 19 bytes

/// Another node, or this one as others see it.
public struct Peer: Hashable, Sendable {
  /// The node's place on the ring.
  public var id: Identifier
  /// Where it listens.
  public var endpoint: Endpoint

  public init(id: Identifier, endpoint: Endpoint) {
    self.id = id
    self.endpoint = endpoint
  }

  /// Whether it is this node: at this address, or at any if none is given.
  func matches(_ id: Identifier, at endpoint: Endpoint?) -> Bool {
    self.id == id && (endpoint == nil || self.endpoint == endpoint)
  }
}

extension ByteWriter {
  public mutating func write(_ peer: Peer) {
    write(peer.id)
    write(peer.endpoint)
  }

  /// One byte of count, then the peers. There must be at most 255.
  public mutating func write(_ peers: [Peer]) {
    write(UInt8(peers.count))
    for peer in peers { write(peer) }
  }
}

extension ByteReader {
  /// A peer that one could dial.
  @_lifetime(self: copy self)
  public mutating func peer() throws(Malformed) -> Peer {
    let peer = Peer(id: try identifier(), endpoint: try endpoint())
    guard peer.endpoint.isDialable else { throw .invalid(.address) }
    return peer
  }

  /// One byte of count, then that many peers, of which at most `limit` are allowed.
  @_lifetime(self: copy self)
  public mutating func peers(atMost limit: Int) throws(Malformed) -> [Peer] {
    let count = Int(try byte())
    guard count <= limit else { throw .invalid(.count) }
    var peers: [Peer] = []
    for _ in 0..<count { peers.append(try peer()) }
    return peers
  }

  /// A byte 0 for none, or 1 and a peer.
  @_lifetime(self: copy self)
  public mutating func optionalPeer() throws(Malformed) -> Peer? {
    try bool() ? try peer() : nil
  }
}

extension ByteWriter {
  /// A byte 0 for none, or 1 and the peer.
  public mutating func write(_ peer: Peer?) {
    write(peer != nil)
    if let peer { write(peer) }
  }
}
