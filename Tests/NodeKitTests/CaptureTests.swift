// What somebody sees who records everything that nodes say to each other.

import RawPeers
import Testing
import UVRuntime

@testable import Chat
@testable import Chord
@testable import NodeKit

/// Stands between a node and all who dial it, passes everything on, and keeps a copy.
private final class Wire: TCPConnectionHandler {
  private(set) var address = SocketAddress.loopback4(port: 0)
  private(set) var recorded: [UInt8] = []
  private let loop: EventLoop
  private var listener: TCPListener?
  private var destination: Endpoint?
  private var others: [ObjectIdentifier: TCPConnection] = [:]

  init(on loop: EventLoop) throws {
    self.loop = loop
    let listener = try TCPListener(on: loop, address: address) { [weak self] in self?.accept($0) }
    self.listener = listener
    address = listener.address
  }

  func lead(to endpoint: Endpoint) { destination = endpoint }

  func close() {
    listener?.close()
    for connection in others.values { connection.close() }
  }

  private func accept(_ near: TCPConnection) {
    guard let destination,
      let far = try? TCPConnection(on: loop, to: destination.socketAddress, timeout: .seconds(3), handler: self)
    else { return }
    near.handler = self
    others[ObjectIdentifier(near)] = far
    others[ObjectIdentifier(far)] = near
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    bytes.withUnsafeBytes { recorded += $0 }
    others[ObjectIdentifier(connection)]?.write(bytes.bytes)
  }

  func ended(_ connection: TCPConnection) { others[ObjectIdentifier(connection)]?.shutdown() }

  func closed(_ connection: TCPConnection, error: UVError?) {
    others.removeValue(forKey: ObjectIdentifier(connection))?.closeAfterFlush(deadline: .seconds(1))
  }
}

@Suite("What is on the wire")
struct CaptureTests {
  @Test("a recorded session shows no name, id, text, record or identity key: from the first search to the last word")
  func capture() async throws {
    try await withRig { rig in
      let names = ["Albertina", "Bartholomew", "Cassiopeia"]
      let wires = try names.map { _ in try Wire(on: rig.loop) }
      var members: [Member] = []
      for (name, wire) in zip(names, wires) {
        let known = members.isEmpty ? [] : ["\(wires[0].address)"]
        let member = try rig.start(name) {
          $0.advertise = "\(wire.address)"
          $0.bootstraps = known
        }
        wire.lead(to: Endpoint(try #require(member.node.links.listeningAddresses.first)))
        members.append(member)
        try await rig.until("\(name) is ready") { member.isReady }
      }
      try await rig.formed(members)
      let texts = ["a secret for Bartholomew", "an answer for Albertina"]
      try await rig.talk(members[0], members[1], texts[0])
      try await rig.talk(members[1], members[0], texts[1])
      guard let cassiopeia = members[2].node.user else { return }
      _ = try await rig.answer("she is found") { members[1].node.find(cassiopeia, $0) }
      var secrets = (names + texts).map { Array($0.utf8) }
      for member in members {
        guard let user = member.node.user else { continue }
        let identity = member.node.identity
        let directory = DirectoryKey(user: user, network: "test")
        let written = "\(user.id)"
        secrets += [
          Array(written.utf8), Array(written.replacing("-", with: "").utf8), user.id.symbols, user.name.folded,
          identity.publicKey, identity.salt, directory.nameKey, directory.encryptionKey,
          identity.nodeID.bytes, directory.ringKey.bytes,
        ]
      }
      try await rig.leave(members)
      let recorded = wires.map(\.recorded)
      for wire in wires { wire.close() }
      let bytes = recorded.flatMap { $0 }
      // Nodes know each other by the wires' addresses alone; the last to start has dialled the others.
      if bytes.count < 5_000 { Issue.record("only \(bytes.count) bytes went over the wires") }
      if !Self.contains(bytes + secrets[0], secrets[0]) { Issue.record("the search finds nothing at all") }
      for secret in secrets where Self.contains(bytes, secret) {
        Issue.record("in the clear: \(String(decoding: secret, as: UTF8.self)) \(secret)")
      }
    }
  }

  private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    return bytes.indices.contains { bytes[$0] == first && bytes[$0...].starts(with: part) }
  }
}
