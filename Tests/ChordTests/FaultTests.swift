// What a ring must bear: slow lines, hosts that sleep, networks cut in two, nodes that leave in the middle of things.

import Chord
import Simulation
import Testing

@Suite("A ring under faults")
struct FaultTests {
  static func settled(_ count: Int, seed: UInt64) -> Simulator {
    var ring = RingOfMachinesTests.ring(of: count, seed: seed)
    #expect(ring.run(.seconds(5)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
    ring.run(.seconds(10))
    return ring
  }

  @Test(
    "three nodes far apart, started at the same moment, are one ring within 15 s",
    arguments: [2, 6, 11] as [UInt64])
  func farApart(seed: UInt64) {
    var configuration = Simulator.Configuration()
    configuration.seed = seed
    configuration.latency = .ofPair(.microseconds(50)...(.milliseconds(150)))
    var ring = Simulator(configuration)
    ring.bootstraps = (0..<3).map { ring.start($0) }.compactMap { ring.machine($0)?.me }
    #expect(ring.run(.seconds(15)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
  }

  @Test("a hiccup of 250 ms is no death, however many questions were open", arguments: [1, 2, 3] as [UInt64])
  func hiccup(seed: UInt64) {
    var ring = Self.settled(12, seed: seed)
    let (owner, victim) = (ring.living[5], ring.living[6])
    ring.sleep(victim, for: .milliseconds(250))
    let signers = (0...255).lazy.map { RecordSigner(name: $0, writer: 1) }.filter { [ring] in
      ring.owner(of: $0.key) == owner
    }
    for (number, signer) in signers.prefix(6).enumerated() {
      ring.tell(owner, .put(signer.record(number: ring.time.utcMilliseconds, content: [1]), Ticket(number)))
    }
    #expect(!ring.run(.seconds(2)) { $0.machine(owner)?.ring.successors.first?.id != victim })
  }

  /// A member that its successor had heard of before did not say again where it is: nobody could dial it any more.
  @Test("a member that changes its address is soon dialled at the new one by all", arguments: [false, true])
  func moves(keepingLinks: Bool) {
    var ring = Self.settled(12, seed: 1)
    let (before, mover, after) = (ring.living[4], ring.living[5], ring.living[6])
    let address = Simulator.endpoint(500)
    ring.move(mover, to: address, keepingLinks: keepingLinks)
    ring.run(.seconds(40))
    #expect(ring.flaw == nil, "\(ring.flaw ?? "")")
    if !keepingLinks { #expect(ring.machine(before)?.ring.successors.first?.endpoint == address) }
    #expect(ring.machine(after)?.ring.predecessor?.endpoint == address)
  }

  @Test("a link that dies without notice costs neither of its ends its place", arguments: 1...4 as ClosedRange<UInt64>)
  func silentLink(seed: UInt64) {
    var ring = Self.settled(12, seed: seed)
    let (before, after) = (ring.living[5], ring.living[6])
    let wasThere = ring.breakLink(before, after, notice: .none)
    #expect(wasThere)
    #expect(!ring.linked(to: before).isEmpty)
    let links = ring.linkCount
    let isForgotten = ring.run(.seconds(20)) {
      $0.machine(before)?.ring.successors.first?.id != after || $0.machine(after)?.ring.predecessor?.id != before
    }
    #expect(!isForgotten)
    #expect(ring.linkCount > links, "nobody dialled anew")
    #expect(ring.linked(to: before).contains(after) && ring.linked(to: after).contains(before))
  }

  @Test(
    "a silent member that had answered before is out of the ring within 15 s", arguments: 1...20 as ClosedRange<UInt64>)
  func silentMember(seed: UInt64) {
    var ring = Self.settled(12, seed: seed)
    ring.crash(ring.living[6], silently: true)
    // Of 60 seeds the slowest took 13.9 s: where only the predecessor's pointer is left, it is first missed, and then pinged.
    let isExact = ring.runUntilExact(.seconds(15))
    #expect(isExact, "\(ring.flaw ?? "")")
  }

  @Test(
    "a joiner in the place of a silent member is in the ring only when its successor has adopted it",
    arguments: 1...8 as ClosedRange<UInt64>)
  func joinsBeforeTheSilent(seed: UInt64) {
    var ring = Self.settled(12, seed: seed)
    let silent = ring.living[6]
    let place = ring.living[5].advanced(by: .powerOfTwo(60))
    ring.crash(silent, silently: true)
    // From before anybody has noticed until all have.
    ring.run(.milliseconds(Int64(seed) * 700))
    ring.start(100, id: place)
    #expect(ring.run(.seconds(20)) { $0.machine(place)?.isInRing == true })
    let head = ring.machine(place)?.ring.successors.first
    #expect(head.flatMap { ring.machine($0.id) }?.ring.predecessor?.id == place)
    let isExact = ring.runUntilExact(.seconds(15))
    #expect(isExact, "\(ring.flaw ?? "")")
  }

  /// A sleeping host was brought what the network held up, and what it had held up before came after it.
  @Test(
    "what a cut has held up is not overtaken, though its receiver sleeps when it is healed",
    arguments: [1, 2, 3] as [UInt64])
  func heldUp(seed: UInt64) {
    var configuration = Simulator.Configuration()
    configuration.seed = seed
    configuration.checksPromises = true
    var ring = Simulator(configuration)
    ring.fill(with: 8, pause: .milliseconds(100))
    let isExact = ring.runUntilExact(.seconds(20))
    #expect(isExact, "\(ring.flaw ?? "")")
    let victim = ring.living[3]
    ring.cut { ($0 == victim) != ($1 == victim) }
    ring.run(.milliseconds(700))
    ring.sleep(victim, for: .milliseconds(1500))
    ring.run(.milliseconds(700))
    ring.heal()
    let end = ring.now + .seconds(20)
    var broken: String?
    while broken == nil, ring.step(until: end) { broken = ring.brokenInvariantOfLast }
    #expect(broken == nil)
    #expect(ring.flaw == nil)
  }

  @Test("who leaves with requests open answers each of them once")
  func leavesInTheMiddle() {
    var ring = Self.settled(12, seed: 4)
    let signer = RecordSigner(name: 1, writer: 2)
    let owner = ring.owner(of: signer.key)!
    for id in ring.living where id != owner { ring.sleep(id, for: .seconds(20)) }
    let other = ring.machine(ring.living.first { $0 != owner }!)!.me
    ring.tell(owner, .put(signer.record(number: ring.time.utcMilliseconds, content: [1]), 1))
    ring.tell(owner, .look(other, 2))
    ring.tell(owner, .lookUp(other.id, 3))
    ring.run(.milliseconds(10))
    ring.tell(owner, .leave)
    #expect(ring.run(.seconds(2)) { $0.observed(owner).contains(.left) })
    var answers: [Ticket] = []
    for effect in ring.observed(owner) {
      switch effect {
      case .stored(let ticket, _), .viewed(let ticket, _), .failed(let ticket, _), .found(let ticket, _, _, _):
        answers.append(ticket)
      default: break
      }
    }
    #expect(answers.sorted() == [1, 2, 3])
  }

  @Test(
    "what a member stored while it was cut off from all others is found when it is back", arguments: [1, 2] as [UInt64])
  func cutOff(seed: UInt64) {
    var ring = Self.settled(12, seed: seed)
    let alone = ring.living[4]
    ring.cut { ($0 == alone) != ($1 == alone) }
    #expect(ring.run(.seconds(60)) { $0.machine(alone)?.ring.isAlone == true })
    let signers = (1...8).map { RecordSigner(name: $0, writer: 9) }
    for signer in signers {
      let record = signer.record(number: ring.time.utcMilliseconds, content: [3])
      #expect(RecordTests.put(record, from: alone, in: &ring) == 1)
    }
    ring.heal()
    #expect(ring.run(.seconds(20)) { $0.flaw == nil }, "\(ring.flaw ?? "")")
    ring.run(.seconds(5))  // a move that met a broken link is given up after three, and tried again
    for signer in signers { #expect(RecordTests.get(signer.key, from: ring.living[9], in: &ring) == [[3]]) }
  }

  @Test(
    "while silent members are being found out, no lookup names a member after the owner", arguments: [1, 2] as [UInt64])
  func silentThird(seed: UInt64) {
    var ring = Self.settled(30, seed: seed)
    var generator = Generator(seed: seed)
    for victim in ring.living.shuffled(using: &generator).prefix(10) { ring.crash(victim, silently: true) }
    let living = ring.living
    for number in 0..<100 as Range<Ticket> {
      let key = Identifier(hashing: [UInt8(number)], label: "test")
      ring.tell(living[Int(number) % living.count], .lookUp(key, number))
      ring.run(.milliseconds(100))
    }
    ring.run(.seconds(12))
    var answered = 0
    for case .ring(.found(let ticket, let owner, _, _)) in ring.observations.map(\.news) {
      answered += 1
      #expect(owner.id == ring.owner(of: Identifier(hashing: [UInt8(ticket)], label: "test")))
    }
    #expect(answered >= 95)
  }
}
