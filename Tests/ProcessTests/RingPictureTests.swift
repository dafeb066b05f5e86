// The ring as a picture: what is drawn of a ring that is as it should be, and of one that is not.

import Foundation
import NodeKit
import Testing

@testable import node

@Suite("The picture of a ring")
struct RingPictureTests {
  private let peers = (0..<8).map { number in
    Peer(
      id: Identifier(fraction: UInt32(number) << 29),
      endpoint: Endpoint(host: .v4(0x7F00_0001), port: 7400 + UInt16(number)))
  }

  /// A walk round all of them, where the third one names the first as its predecessor if `isWrong`.
  private func walk(isWrong: Bool) -> RingWalk {
    var walk = RingWalk(at: peers[0])
    for index in peers.indices {
      let before = peers[(index + peers.count - 1) % peers.count]
      let predecessor = isWrong && index == 2 ? peers[0] : before
      let next = peers[(index + 1) % peers.count]
      _ = walk.answered(View(isMember: true, predecessor: predecessor, successors: [next]))
    }
    return walk
  }

  @Test("fingers go half, a quarter and an eighth of the circle ahead, each once")
  func fingers() {
    let picture = RingPicture(walk(isWrong: false), fingersOf: peers[1])
    #expect(picture.fingers.map(\.id) == [peers[5], peers[3], peers[2]].map(\.id))
    #expect(RingPicture(walk(isWrong: false), fingersOf: nil).fingers.isEmpty)
  }

  @Test("a wrong predecessor is red, and only that")
  func wrong() {
    let right = RingPicture(walk(isWrong: false), fingersOf: peers[0])
    #expect(!right.svg.contains("#d02020") && !right.dot.contains("red"))
    #expect(
      right.svg.components(separatedBy: "<path ").count == 9 && right.svg.components(separatedBy: "<line ").count == 4)
    #expect(right.dot.components(separatedBy: " -> ").count == 9 + 3)
    let wrong = RingPicture(walk(isWrong: true), fingersOf: peers[0])
    #expect(wrong.svg.contains("The ring is NOT consistent: 1 problems."))
    #expect(wrong.svg.contains("stroke=\"#d02020\""))
    #expect(wrong.dot.contains("\"\(peers[2].id)\" -> \"\(peers[0].id)\" [color=red"))
  }

  @Test("one member alone is a picture too, and so is a walk that came to nothing")
  func small() {
    var walk = RingWalk(at: peers[0])
    _ = walk.answered(View(isMember: true, predecessor: nil, successors: []))
    #expect(RingPicture(walk, fingersOf: peers[0]).svg.contains("1 member. The ring is consistent."))
    var nothing = RingWalk(at: peers[0])
    _ = nothing.failed("does not answer")
    let picture = RingPicture(nothing, fingersOf: nil)
    #expect(picture.svg.contains("0 members") && picture.dot.hasSuffix("}"))
  }
}
