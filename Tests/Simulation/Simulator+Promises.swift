// What a node may rely on, whatever happens to its connections (Sources/Chord/LinkRules.swift): what it says to another one is heard in
// order, and once; and where something may not have arrived it is told of a loss before anything said later is heard. If that is to be
// checked, each frame carries its turn among all that its sender has said to this receiver, and goes with the last loss that its
// sender was told of: among frames of the same loss none may come after a later one, and none may be missing that was said since.
//
// Not covered by the promise: what is dropped because too much waits already.

import Chord

/// A frame's place in what one host says to another.
struct Turn {
  var loss: Loss
  var number: UInt32 = 0
}

/// A host is told that what it has said to another may not have arrived.
struct Loss {
  var number: UInt32
  /// The first turn after it.
  var next: UInt32
}

extension Simulator {
  private static let turnLength = 4

  /// Sends a frame with its turn at the end. One that is dropped takes none.
  mutating func sendNumbered(
    _ frame: [UInt8], from host: Int, to peer: Peer, dialling number: LinkRules.Number,
    into effects: inout [LinkRules.Effect]
  ) {
    let other = numbers[peer.id] ?? -1
    var turn = hosts[host].said[other] ?? Turn(loss: nextLoss(before: 1))
    turn.number += 1
    var writer = ByteWriter()
    writer.bytes = frame
    writer.write(turn.number)
    let dropped = hosts[host].rules.droppedCount
    hosts[host].rules.handle(.send(writer.bytes, to: peer, dialling: number), at: now, into: &effects)
    if hosts[host].rules.droppedCount == dropped { hosts[host].said[other] = turn }
  }

  /// The last loss that this host was told of before what it now writes on a connection.
  func lastLoss(_ host: Int, on number: LinkRules.Number) -> Loss {
    guard configuration.checksPromises, let end = hosts[host].ends[number],
      let said = hosts[host].said[Int(end.other)]
    else { return Loss(number: 0, next: 0) }
    return said.loss
  }

  /// Something that this host has said to another may not have arrived, and it knows.
  mutating func toldOfLoss(_ host: Int, _ id: Identifier) {
    guard configuration.checksPromises, let other = numbers[id] else { return }
    let number = hosts[host].said[other]?.number ?? 0
    hosts[host].said[other] = Turn(loss: nextLoss(before: number + 1), number: number)
  }

  /// A frame that is heard, without its turn.
  mutating func unnumbered(_ frame: [UInt8], _ loss: Loss, by host: Int, from other: Int) -> [UInt8] {
    guard configuration.checksPromises else { return frame }
    var number = UInt32(0)
    for byte in frame.suffix(Self.turnLength) { number = number << 8 | UInt32(byte) }
    if let last = hosts[host].heard[other], last.loss.number == loss.number {
      let isLate = number <= last.number
      let isMissing = number > max(last.number + 1, loss.next)
      if brokenPromise == nil, isLate || isMissing {
        brokenPromise = "\(hosts[host].me.id.short) hears \(number) of \(hosts[other].me.id.short) after \(last.number)"
      }
    }
    hosts[host].heard[other] = Turn(loss: loss, number: number)
    return Array(frame.dropLast(Self.turnLength))
  }

  private mutating func nextLoss(before turn: UInt32) -> Loss {
    lastLoss += 1
    return Loss(number: lastLoss, next: turn)
  }
}
