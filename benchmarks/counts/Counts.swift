// Counts that must not grow unnoticed: what lookups take in rings that are the same each time, and how often the engine asks for memory.
// Times are not among them: they depend on the machine, counts do not.
//
//   counts                       prints a line for each: name, value
//   counts --check FILE          fails if a value exceeds the one in the file, or is missing there
//
// The file is the output of an earlier run. Whoever makes something cheaper writes it anew; whoever makes something dearer has to say why.

import ArgumentParser
import CAllocations
import Chord
import Foundation
import NodeKit
import Noise
import Simulation
import UVRuntime

@main
struct Counts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "counts", abstract: "Hops, messages, bytes and allocations, compared with those of before.")

  @Option(help: "The values of before: none may be exceeded by more than a hundredth.")
  var check: String?

  /// A hash table that grows elsewhere than before.
  private static let tolerance = 1.01

  func run() throws {
    let counts =
      Self.lookups + [
        Self.crossing, Self.coding, try Self.sealing, ("texts.allocations", try TextAllocations.measure()),
      ] + (try Echoes.counts())
    for (name, value) in counts { print(name, String(format: "%.3f", value)) }
    guard let check else { return }
    let before = try Self.read(check)
    var dearer: [String] = []
    for (name, value) in counts {
      guard let limit = before[name] else { throw ValidationError("\(check) has no value for \(name)") }
      if value > limit * Self.tolerance + 0.0005 { dearer.append("\(name): \(value), before \(limit)") }
    }
    guard dearer.isEmpty else {
      throw Dearer(
        "dearer than before (write the file anew if that is meant):\n" + dearer.joined(separator: "\n"))
    }
  }

  private static func read(_ file: String) throws -> [String: Double] {
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: " ")
    }
    return try Dictionary(
      lines.map { line in
        guard line.count == 2, let value = Double(line[1]) else {
          throw ValidationError("\(file): not a name and a value: \(line.joined(separator: " "))")
        }
        return (String(line[0]), value)
      }, uniquingKeysWith: { $1 })
  }

  // MARK: Lookups

  private static var lookups: [(String, Double)] {
    [(64, 0.0), (256, 0), (1000, 0), (256, 0.3)].flatMap { nodes, share in
      var experiment = LookupExperiment(ring(of: nodes), failing: share, seed: 11)
      let tally = experiment.run(lookups: 1000)
      func mean(_ values: [Int]) -> Double { Double(values.reduce(0, +)) / Double(tally.count) }
      let name = "lookup.\(nodes)" + (share > 0 ? ".failed-\(share)" : "")
      return [
        ("\(name).not-right", Double(tally.count - tally.right)), ("\(name).hops", mean(tally.hops)),
        ("\(name).timeouts", mean(tally.timeouts)), ("\(name).messages", mean(tally.lookups.map(\.messages))),
        ("\(name).bytes", mean(tally.lookups.map(\.bytes))),
      ]
    }
  }

  private static func ring(of nodes: Int) -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.latency = .ofPair(.milliseconds(20)...(.milliseconds(80)))
    configuration.keepsObservations = false
    var ring = Simulator.idealRing(of: nodes, configuration)
    ring.run(.seconds(45))
    return ring
  }

  // MARK: Allocations

  /// Of a member that a lookup crosses: the request, the next member's word that it has it, and the answer.
  private static var crossing: (String, Double) {
    let ring = ring(of: 256)
    guard var member = ring.machine(ring.living[7]), let asker = ring.address(of: ring.living[8]) else {
      return ("crossing.allocations", .infinity)
    }
    var effects: [ChordNode.Effect] = []
    effects.reserveCapacity(64)
    var time = ring.time
    var made: UInt64 = 0
    func handle(_ event: ChordNode.Event) {
      let before = allocations_made()
      member.handle(event, at: time, into: &effects)
      made += allocations_made() - before
    }
    var crossed = 0
    for number in 0..<2000 {
      time.monotonic = time.monotonic + .milliseconds(10)
      let key = Identifier(hashing: Array("key \(number)".utf8), label: "counts")
      let request = Request(
        ticket: UInt32(number), key: key, hopsLeft: 30, claim: .none, question: .findSuccessor)
      effects.removeAll(keepingCapacity: true)
      handle(.received(.request(request), from: asker))
      for case .send(.request(let request), let next) in effects {
        effects.removeAll(keepingCapacity: true)
        let view = View(isMember: true, predecessor: asker, successors: member.ring.successors)
        handle(.received(.accepted(request.ticket), from: next))
        handle(
          .received(.reply(Reply(ticket: request.ticket, path: [next.id], answer: .owner(next, view))), from: next))
        crossed += 1
        break
      }
    }
    return ("crossing.allocations", Double(made) / Double(max(crossed, 1)))
  }

  /// Of a request that is written and read.
  private static var coding: (String, Double) {
    let request = Request(
      ticket: 1, key: Identifier(hashing: [1], label: "counts"), hopsLeft: 30, claim: .none, question: .findSuccessor)
    let message = Message.request(request)
    let rounds = 1000
    let before = allocations_made()
    for _ in 0..<rounds {
      var writer = ByteWriter()
      message.encode(into: &writer)
      let payload = writer.bytes.span.bytes.extracting(1..<writer.bytes.count)
      guard (try? Message(type: writer.bytes[0], payload: payload)) == message else {
        return ("coding.allocations", .infinity)
      }
    }
    return ("coding.allocations", Double(allocations_made() - before) / Double(rounds))
  }

  /// Of a small message that is sealed and opened where it lies.
  private static var sealing: (String, Double) {
    get throws {
      var one = Self.half(isInitiator: true)
      var other = Self.half(isInitiator: false)
      let first = try one.write()
      _ = try other.read(first.span.bytes)
      let second = try other.write()
      _ = try one.read(second.span.bytes)
      let third = try one.write()
      _ = try other.read(third.span.bytes)
      var from = try one.split()
      var to = try other.split()
      var message = [UInt8](repeating: 1, count: 64 + Self.tagLength)
      let rounds = 1000
      let before = allocations_made()
      for _ in 0..<rounds {
        var elements = message.mutableSpan
        var bytes = elements.mutableBytes
        try from.sending.seal(&bytes)
        _ = try to.receiving.open(&bytes)
      }
      return ("sealing.allocations", Double(allocations_made() - before) / Double(rounds))
    }
  }

  private static let tagLength = 16

  private static func half(isInitiator: Bool) -> Handshake {
    Handshake(
      isInitiator ? .initiator : .responder, prologue: [],
      staticKey: KeyPair(ed25519Seed: [UInt8](repeating: isInitiator ? 1 : 2, count: 32)),
      ephemeralSecret: Randomness.secret())
  }
}

/// What has grown.
struct Dearer: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
