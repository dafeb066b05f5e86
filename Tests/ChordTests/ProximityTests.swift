// Rings whose members route over near links, both ways round.

import Chat
import Foundation
import Simulation
import Testing

@testable import Chord

@Suite("Routing by proximity")
struct ProximityTests {
  private static func configuration(_ routing: Routing = .proximity) -> Simulator.Configuration {
    var configuration = Simulator.Configuration()
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    configuration.keepsObservations = false
    configuration.node.routing = routing
    return configuration
  }

  private static func ideal(_ count: Int, _ routing: Routing = .proximity, successors: Int = 16) -> Simulator {
    var configuration = configuration(routing)
    configuration.node.successors = successors...successors
    var ring = Simulator.idealRing(of: count, configuration)
    ring.run(.seconds(20))
    return ring
  }

  private static func time(_ tally: LookupTally) -> Double { tally.milliseconds.reduce(0, +) }

  @Test("a ring that stands has all its fingers and no pointer changes", arguments: [1, 2, 30])
  func stands(count: Int) {
    var ring = Self.ideal(count)
    #expect(ring.flaw == nil && ring.hasExactFingers)
    let changes = ring.changeCount
    ring.run(.seconds(60))
    #expect(ring.changeCount == changes && ring.flaw == nil && ring.hasExactFingers)
  }

  @Test("lookups are right, and shorter and quicker than classic ones over hardly more peers", arguments: [64, 100])
  func lookups(count: Int) {
    var (near, classic) = (
      LookupExperiment(Self.ideal(count), seed: 7), LookupExperiment(Self.ideal(count, .classic), seed: 7)
    )
    let (ours, theirs) = (near.run(lookups: 100), classic.run(lookups: 100))
    #expect(ours.right == 100 && theirs.right == 100)
    func hops(_ tally: LookupTally) -> Int { tally.hops.reduce(0, +) }
    #expect(hops(ours) * 5 < hops(theirs) * 4)
    #expect(Self.time(ours) * 2 < Self.time(theirs))
    let known = near.ring.living.compactMap { near.ring.machine($0)?.knownPeers.count }
    #expect(known.allSatisfy { $0 <= 65 })
  }

  @Test("whom everybody has as a finger remembers few of them, and routes over those who are near")
  func chosenByAll() throws {
    var ring = Self.ideal(128, successors: 8)
    let chosen = ring.living[0]
    for peer in ring.living.dropFirst().compactMap({ ring.address(of: $0) }) {
      ring.deliver(.chosen(0), from: peer, to: chosen)
    }
    ring.run(.seconds(10))
    let member = try #require(ring.machine(chosen))
    let limit = 8 + 4.1 * log2(128)
    #expect(abs(Double(member.knownPeers.count) - limit) < 3, "\(member.knownPeers.count) of \(limit)")
    let inbound = member.inbound.entries.map(\.peer.id)
    let distances = inbound.compactMap { ring.roundTrip(chosen, $0) }
    #expect(inbound.count > 5)
    // Delays are even between 20 and 80 ms: those of whoever stayed are well below the middle.
    #expect(distances.reduce(.zero, +) / distances.count < .milliseconds(80), "\(distances)")
  }

  @Test("lookups are right when many have died at once", arguments: [0.2, 0.5])
  func failures(share: Double) {
    var experiment = LookupExperiment(Self.ideal(64), failing: share, seed: 5)
    #expect(experiment.run(lookups: 100).right == 100)
  }

  @Test("a record is found at its nearest copy, and not any more when it was withdrawn", arguments: [0, 0.3])
  func records(share: Double) {
    var experiment = RecordExperiment(Self.ideal(40), failing: share, seed: 4)
    let tallies = experiment.run(records: 30)
    #expect(tallies.puts.right == 30)
    #expect((tallies.finds.right, tallies.finds.wrong) == (30, 0))
    #expect((tallies.withdrawals.right, tallies.withdrawals.wrong) == (30, 0))
    if share == 0 {
      var classic = RecordExperiment(Self.ideal(40, .classic), seed: 4)
      let theirs = classic.run(records: 30).finds
      #expect(Self.time(tallies.finds) * 2 < Self.time(theirs))
    }
  }

  @Test("where lists are shorter than copies are many a holder knows itself for one, and no read goes to and fro")
  func shortLists() {
    var experiment = RecordExperiment(Self.ideal(40, successors: 4), seed: 4)
    let tallies = experiment.run(records: 30)
    #expect((tallies.puts.right, tallies.finds.right, tallies.withdrawals.right) == (30, 30, 30))
    #expect(tallies.finds.hops.allSatisfy { $0 <= 4 }, "\(tallies.finds.hops)")
    #expect(tallies.finds.lookups.allSatisfy { $0.messages <= 12 }, "\(tallies.finds.lookups.map(\.messages))")
  }

  @Test("what was missing in an answer to the successor is told to it as soon as it is known again")
  func gaps() {
    var member = MemberOfThree()
    let (predecessor, second, third) = (MemberOfThree.peer(40), MemberOfThree.peer(35), MemberOfThree.after)
    var told: [[Peer]] {
      member.sent.compactMap { if case (.before(let peers), MemberOfThree.next) = $0 { peers } else { nil } }
    }
    func tellAndWait() {
      member.handle(.received(.before([second, third]), from: predecessor))
      member.now.monotonic = member.now.monotonic + .milliseconds(30)
      member.handle(.tick)
    }
    member.handle(.received(.notify(1), from: predecessor))
    tellAndWait()
    #expect(told == [[predecessor, second, third]])
    member.handle(.unreachable(second))
    member.handle(.received(.askBefore, from: MemberOfThree.next))
    #expect(told == [[predecessor, third]])
    tellAndWait()
    #expect(told == [[predecessor, second, third]])
  }

  @Test("a ring that grows finds near fingers, loses some, and has new ones in their places soon")
  func grows() throws {
    var configuration = Self.configuration()
    configuration.node.successors = 4...4
    var ring = try #require(Simulator.ring(of: 30, configuration))
    #expect(ring.flaw == nil)
    for victim in Array(ring.living.dropFirst(3).prefix(8)) { ring.crash(victim) }
    let isExact = ring.runUntilExact(.seconds(20))
    #expect(isExact)
    ring.run(.seconds(180))
    #expect(ring.hasExactFingers)
  }
}
