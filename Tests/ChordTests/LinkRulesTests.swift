// The rules of links one by one, as events and what they lead to. Every order of them is tried in LinkExploration.swift.

import Chord
import Testing

@Suite("Which connection is the link") struct LinkRulesTests {
  private let smaller = Identifier(fraction: 1 << 30)
  private let larger = Identifier(fraction: 1 << 31)

  /// One node's rules, seen from outside.
  private struct Table {
    var rules: LinkRules
    var now = Instant(nanoseconds: 0)
    let other: Peer

    init(me: Identifier, other: Identifier) {
      rules = LinkRules(me: me)
      self.other = Peer(id: other, endpoint: Endpoint(host: .v4(0x7F00_0001), port: 1))
    }

    mutating func handle(_ event: LinkRules.Event) -> [LinkRules.Effect] {
      var effects: [LinkRules.Effect] = []
      rules.handle(event, at: now, into: &effects)
      return effects
    }

    mutating func send(_ frame: UInt8, dialling: Int = 0) -> [LinkRules.Effect] {
      handle(.send([frame], to: other, dialling: dialling))
    }

    mutating func established(_ number: Int, isDialled: Bool) -> [LinkRules.Effect] {
      handle(.established(number, with: other.id, isDialled: isDialled))
    }
  }

  private func theSmaller() -> Table { Table(me: smaller, other: larger) }
  private func theLarger() -> Table { Table(me: larger, other: smaller) }

  @Test("what is said while a node is dialled goes over the link, and a dial that fails is told")
  func dialling() {
    var table = theSmaller()
    #expect(table.send(1, dialling: 7) == [.dial(table.other, 7, onWordOf: nil)])
    #expect(table.send(2) == [])
    #expect(table.established(7, isDialled: true) == [.linked(larger, 7), .write([1], on: 7), .write([2], on: 7)])
    #expect(table.handle(.ended(7, isHeardOut: false)) == [.lost(larger)])
    #expect(table.send(3, dialling: 8) == [.dial(table.other, 8, onWordOf: nil)])
    #expect(table.handle(.ended(8, isHeardOut: false)) == [.unreachable(table.other)])
    #expect(table.rules.isAtRest)
  }

  @Test("what waits for dials to two addresses of a node goes in the order in which it was said")
  func twoAddresses() {
    var table = theSmaller()
    let elsewhere = Peer(id: larger, endpoint: Endpoint(host: .v4(0x7F00_0001), port: 0xFFFF))
    _ = table.handle(.send([1], to: elsewhere, dialling: 1))
    _ = table.send(2, dialling: 2)
    _ = table.handle(.send([3], to: elsewhere, dialling: 3))
    let written = table.established(2, isDialled: true).dropFirst()
    #expect(Array(written) == [.write([1], on: 2), .write([2], on: 2), .write([3], on: 2)])
  }

  @Test("of two connections dialled at the same moment, both ends keep the one that the smaller identifier dialled")
  func crossing() {
    var first = theSmaller()
    _ = first.established(2, isDialled: false)
    #expect(first.established(1, isDialled: true) == [.close(2, .replaced)])
    var second = theLarger()
    _ = second.established(1, isDialled: false)
    #expect(second.established(2, isDialled: true) == [.close(2, .replaced)])
    #expect(first.rules.link(to: larger) == 1)
    #expect(second.rules.link(to: smaller) == 1)
  }

  @Test("what is said after a link was replaced waits until the other side has heard all that was said on the old one")
  func nothingIsOvertaken() {
    var table = theLarger()
    _ = table.send(1, dialling: 2)
    _ = table.established(2, isDialled: true)
    #expect(table.established(1, isDialled: false) == [.close(2, .replaced)])
    #expect(table.send(2) == [])
    #expect(table.handle(.saidGoodbye(2, .replaced)) == [], "the other side may have said so before it heard us")
    #expect(table.handle(.ended(2, isHeardOut: true)) == [.write([2], on: 1)])
  }

  @Test(
    "a replaced link that breaks before it was heard to its end is told as lost, and the one that stays is linked"
  )
  func nothingVanishes() {
    var table = theLarger()
    _ = table.established(2, isDialled: true)
    _ = table.established(1, isDialled: false)
    _ = table.handle(.saidGoodbye(2, .replaced))
    #expect(table.handle(.ended(2, isHeardOut: false)) == [.lost(smaller), .linked(smaller, 1)])
    #expect(table.rules.isAtRest)
  }

  @Test("a second connection by the same side is taken if the first does not answer, and drained if it does")
  func inQuestion() {
    var table = theSmaller()
    _ = table.established(1, isDialled: false)
    #expect(table.established(2, isDialled: false) == [.ping(1)])
    #expect(table.send(9) == [])
    var other = table
    #expect(
      table.handle(.answered(1, isAlive: false)) == [
        .end(1), .lost(larger), .linked(larger, 2), .write([9], on: 2),
      ])
    #expect(other.handle(.answered(1, isAlive: true)) == [.close(2, .replaced), .write([9], on: 1)])
  }

  @Test("a link that has stood for a while is asked, even where it would stay")
  func laterMoment() {
    var table = theSmaller()
    _ = table.established(1, isDialled: true)
    var early = table
    #expect(early.established(2, isDialled: false) == [.close(2, .replaced)])
    table.now = table.now + LinkRules.sameMoment
    #expect(table.established(2, isDialled: false) == [.ping(1)])
  }

  @Test("what waits for an answer is sent when the new connection goes before it comes")
  func contenderGoes() {
    var table = theSmaller()
    _ = table.established(1, isDialled: false)
    _ = table.established(2, isDialled: false)
    _ = table.send(9)
    #expect(table.handle(.ended(2, isHeardOut: false)) == [.write([9], on: 1)])
    #expect(table.handle(.answered(1, isAlive: true)) == [])
  }

  @Test("a node that leaves on a connection that is being replaced has left")
  func leavesOnTheOld() {
    var table = theSmaller()
    _ = table.established(2, isDialled: false)
    _ = table.established(1, isDialled: true)
    #expect(table.handle(.saidGoodbye(2, .leaving)) == [.departed(larger)])
  }

  @Test("a link that was given up is told as lost when it has ended, before the next one is linked")
  func givenUp() {
    var table = theSmaller()
    _ = table.established(1, isDialled: true)
    #expect(table.handle(.giveUp(larger)) == [.end(1)])
    #expect(table.established(2, isDialled: false) == [])
    #expect(table.handle(.ended(1, isHeardOut: false)) == [.lost(larger), .linked(larger, 2)])
  }

  @Test("no dial after leaving, none without an address, and no more at once than the limit")
  func limits() {
    var table = theSmaller()
    let nowhere = Peer(id: larger, endpoint: Endpoint(host: .v4(0), port: 0))
    #expect(table.handle(.send([1], to: nowhere, dialling: 1)) == [.unreachable(nowhere)])
    for number in 0..<LinkRules.dialLimit {
      let peer = Peer(id: Identifier(fraction: UInt32(number)), endpoint: table.other.endpoint)
      #expect(table.handle(.send([1], to: peer, dialling: number)) == [.dial(peer, number, onWordOf: nil)])
    }
    #expect(table.send(1, dialling: 1_000) == [.unreachable(table.other)])
    var left = theSmaller()
    _ = left.handle(.leave)
    #expect(left.send(1, dialling: 1) == [.unreachable(left.other)])
  }

  @Test("frames that wait are bounded")
  func waitingFrames() {
    var table = theSmaller()
    for _ in 0..<(LinkRules.queueLimit + 10) { _ = table.send(1, dialling: 1) }
    #expect(table.rules.droppedCount == 10)
    #expect(table.established(1, isDialled: true).count == 1 + LinkRules.queueLimit)
  }
}
