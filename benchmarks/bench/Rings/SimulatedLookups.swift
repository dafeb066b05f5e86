// One row of simulated lookups: for every seed a ring, what it costs while nobody asks, and then the lookups.

import ArgumentParser
import Chord
import Processes
import Simulation

/// Lookups in simulated rings.
struct SimulatedLookups {
  let options: RingOptions
  let isWarm: Bool
  let load: LookupExperiment.Load
  /// How long the bytes of maintenance are counted.
  let quiet: Duration
  /// For the rows under churn; rate and lifetime come with each.
  let churn: ChurnExperiment.Configuration

  /// Whether there are several rows that differ in what fails alone. Otherwise a ring is used up by its experiment, of which there would be two
  /// in memory.
  let keepsRings: Bool

  /// What was built lately.
  private var kept: (nodes: Int, successors: Int, bySeed: [UInt64: Simulator])?

  init(
    _ options: RingOptions, isWarm: Bool, load: LookupExperiment.Load = .even, quiet: Duration,
    churn: ChurnExperiment.Configuration, rows: Int
  ) {
    (self.options, self.isWarm, self.load, self.quiet, self.churn) = (options, isWarm, load, quiet, churn)
    keepsRings = rows > 1 || quiet > .zero
  }

  /// A share of all fails at once before the lookups.
  mutating func failing(_ share: Double, of nodes: Int, successors: Int) throws -> LookupFigures {
    var figures = figures(nodes, successors, share, more: [("fail", .number(share))])
    for seed in options.allSeeds {
      let began = ProcessorTime.own
      // Handed over at once: a name for it would keep it.
      var experiment = LookupExperiment(
        try ring(of: nodes, successors, seed), failing: share, isWarm: isWarm, load: load, seed: seed)
      figures.knownPeers += experiment.ring.living.compactMap { experiment.ring.machine($0)?.knownPeers.count }
      let progress = Progress("\(nodes) nodes, seed \(seed)", of: options.lookups)
      figures.tallies.append(experiment.run(lookups: options.lookups) { progress.tell($0) })
      progress.end()
      figures.processorSeconds += ProcessorTime.own - began
    }
    if share == 0 { try measureQuiet(&figures, nodes, successors) }
    return figures
  }

  /// Members come and go meanwhile.
  mutating func churning(_ sessions: SessionsArgument, of nodes: Int, successors: Int) throws -> LookupFigures {
    var figures = figures(
      nodes, successors, 0, more: [("churn", .string(sessions.name)), ("crashes", .number(churn.crashes))])
    var (bytes, messages, memberSeconds) = (0, 0, 0.0)
    for seed in options.allSeeds {
      let ring = try ring(of: nodes, successors, seed)
      let began = ProcessorTime.own
      var configuration = churn
      configuration.rate = Double(nodes) / sessions.lifetime.mean
      configuration.lifetime = sessions.lifetime
      figures.knownPeers += ring.living.compactMap { ring.machine($0)?.knownPeers.count }
      var experiment = ChurnExperiment(ring, configuration, seed: seed)
      experiment.run(lookups: options.lookups)
      figures.tallies.append(experiment.tally)
      bytes += experiment.bytes
      messages += experiment.messages
      memberSeconds += experiment.memberSeconds
      figures.processorSeconds += ProcessorTime.own - began
    }
    figures.maintenance = Double(bytes) / max(memberSeconds, 1)
    figures.maintenanceMessages = Double(messages) / max(memberSeconds, 1)
    return figures
  }

  private func figures(
    _ nodes: Int, _ successors: Int, _ share: Double, more: [(name: String, value: JSON)]
  ) -> LookupFigures {
    LookupFigures(
      settings: [
        ("nodes", .integer(nodes)), ("successors", .integer(successors)), ("mode", .string("simulated")),
        ("routing", .string(options.routing.rawValue)),
        ("seed", .integer(Int(truncatingIfNeeded: options.seed))), ("seeds", .integer(options.seeds)),
        ("latency", .string(options.latency.name)), ("warm", .bool(isWarm)),
      ] + more, nodes: nodes, failing: share)
  }

  private mutating func ring(of nodes: Int, _ successors: Int, _ seed: UInt64) throws -> Simulator {
    guard keepsRings else { return try options.ring(of: nodes, successors: successors, seed: seed) }
    if kept.map({ $0.nodes != nodes || $0.successors != successors }) ?? true { kept = (nodes, successors, [:]) }
    if let ring = kept?.bySeed[seed] { return ring }
    let ring = try options.ring(of: nodes, successors: successors, seed: seed)
    kept?.bySeed[seed] = ring
    return ring
  }

  private mutating func measureQuiet(_ figures: inout LookupFigures, _ nodes: Int, _ successors: Int) throws {
    guard quiet > .zero else { return }
    var (bytes, messages) = (0, 0)
    for seed in options.allSeeds {
      var ring = try ring(of: nodes, successors, seed)
      let before = (ring.byteCount, ring.messageCount)
      ring.run(quiet)
      bytes += ring.byteCount - before.0
      messages += ring.messageCount - before.1
    }
    let nodeSeconds = Double(nodes * options.seeds) * (quiet / .seconds(1))
    figures.maintenance = Double(bytes) / nodeSeconds
    figures.maintenanceMessages = Double(messages) / nodeSeconds
  }
}
