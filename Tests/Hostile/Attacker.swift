// Somebody who means harm, on a thread of its own: begins an attack, goes on with it every ten milliseconds, and ends it.

import Chat
import Chord
import Foundation
import NodeKit
import RawPeers
import UVRuntime

/// One way to break the rules.
struct Attack: Sendable {
  var name: String
  /// Done once.
  var begin: @Sendable (Campaign) -> Void = { _ in }
  /// Done a hundred times a second.
  var goOn: @Sendable (Campaign) -> Void = { _ in }
}

/// An attack under way. On the attacker's loop only.
final class Campaign {
  let loop: EventLoop
  let target: Target
  private(set) var peers: [RawPeer] = []
  private(set) var turn = 0
  var messages = 0
  /// Connections that came to an address the attacker has advertised.
  var visitors = 0
  var listener: TCPListener?
  var falseMember: FalseMember?
  let identity = Identity.random()

  init(on loop: EventLoop, _ target: Target) {
    self.loop = loop
    self.target = target
  }

  /// Connects and says nothing by itself.
  @discardableResult
  func connect() -> RawPeer? {
    keep { try RawPeer(on: loop, to: target.address, nil, network: target.network, listens: false) }
  }

  /// Connects and proves an identity.
  @discardableResult
  func link(
    as identity: Identity = .random(), network: String? = nil, listens: Bool = false, port: UInt16 = 9
  ) -> RawPeer? {
    keep {
      try RawPeer(
        on: loop, to: target.address, identity, network: network ?? target.network, listens: listens, port: port)
    }
  }

  /// Links as a member, and counts who comes to a place that is to be advertised.
  func linkAndWaitForVisitors() {
    link(listens: true)
    // Without a descriptor left for it nobody can be lured, and the attack says nothing.
    listener = try? TCPListener(on: loop, address: .loopback4(port: 0)) { [unowned self] _ in visitors += 1 }
  }

  /// Proves a static key and says anything as its hello.
  @discardableResult
  func link(as identity: Identity, saying payload: [UInt8]) -> RawPeer? {
    keep { try RawPeer(on: loop, to: target.address, identity, network: target.network, payload: payload) }
  }

  /// The other end of a connection that the node, or another, has opened to the attacker.
  @discardableResult
  func take(_ connection: TCPConnection, as identity: Identity, listens: Endpoint) -> RawPeer? {
    keep { RawPeer(accepted: connection, identity, network: target.network, listens: listens) }
  }

  private func keep(_ make: () throws -> RawPeer) -> RawPeer? {
    guard let peer = try? make() else { return nil }  // out of descriptors: enough is enough
    peers.append(peer)
    return peer
  }

  /// The first peer whose link stands.
  var linked: RawPeer? { peers.first { $0.isEstablished && !$0.isOver } }

  func say(_ message: Message, by peer: RawPeer? = nil) {
    messages += 1
    (peer ?? linked)?.write(message)
  }

  /// Many frames in one message.
  func say(_ frames: [[UInt8]], by peer: RawPeer? = nil) {
    messages += frames.count
    (peer ?? linked)?.write(frames.flatMap { $0 })
  }

  func goOn(_ attack: Attack) {
    turn += 1
    attack.goOn(self)
  }

  func end() -> Attacker.Outcome {
    let outcome = Attacker.Outcome(
      connections: peers.count, messages: messages, bytes: peers.reduce(0) { $0 + $1.sentBytes },
      ended: peers.count(where: \.isOver), visitors: visitors, answers: peers.reduce(0) { $0 + $1.frames.count },
      heldBack: peers.reduce(0) { $0 + $1.connection.pendingBytes })
    for peer in peers { peer.connection.reset() }
    listener?.close()
    falseMember?.close()
    falseMember = nil
    return outcome
  }
}

/// Runs attacks on a loop of its own.
final class Attacker: @unchecked Sendable {
  struct Outcome: Sendable {
    var connections = 0
    var messages = 0
    var bytes = 0
    /// Connections that the node has ended.
    var ended = 0
    var visitors = 0
    /// Frames that the node has said to it.
    var answers = 0
    /// Bytes that the node has not taken.
    var heldBack = 0
  }

  private static let pace = Duration.milliseconds(10)

  private let loop: EventLoop
  private let target: Target
  // Both belong to the loop's thread.
  private var campaign: Campaign?
  private var next: Deadline?

  init(_ target: Target) throws {
    self.target = target
    loop = try EventLoop.start(threadName: "attacker")
  }

  func begin(_ attack: Attack) {
    loop.post { [self] in
      let campaign = Campaign(on: loop, target)
      self.campaign = campaign
      attack.begin(campaign)
      next = Deadline(on: loop) { [weak self] in self?.goOn(attack) }
      next?.set(loop.now + Self.pace)
    }
  }

  private func goOn(_ attack: Attack) {
    campaign?.goOn(attack)
    next?.set(loop.now + Self.pace)
  }

  /// Ends the attack, and tells what was done.
  func end() -> Outcome {
    let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var outcome = Outcome()
    loop.post { [self] in
      next?.cancel()
      outcome = campaign?.end() ?? Outcome()
      campaign = nil
      done.signal()
    }
    done.wait()
    return outcome
  }
}
