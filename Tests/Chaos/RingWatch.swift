// Looking at many nodes at once: all are asked before the first answer is awaited, so that a picture of forty nodes takes as
// long as the slowest of them, and times measured with it are not smeared by the asking.

import Processes

/// Questions to a set of nodes, judged by the oracle.
struct RingWatch {
  /// What is still wrong is noted this often: a ring that heals slowly is to be understood.
  private static let notesEvery = Duration.seconds(5)

  let lives: [Life]
  let oracle: Oracle
  private let story: Story

  init(_ lives: [Life], _ story: Story) throws {
    self.lives = lives
    self.story = story
    oracle = Oracle(
      nodes: try lives.map { life in
        guard life.isReady(), let node = life.node else { throw Violation("\(life.description) is not ready") }
        return node
      })
  }

  /// Waits until every pointer of every node is exact; how long that took.
  func settle(since began: ContinuousClock.Instant, within limit: Duration, _ what: String) throws -> Duration {
    var faults: [String] = []
    var noteAt = ContinuousClock.now + Self.notesEvery
    let settled: ContinuousClock.Instant? = try eventually(within: limit - (.now - began)) {
      faults = try pointerFaults()
      if noteAt < .now {
        story.note("still \(faults.count) wrong: \(faults.prefix(3).joined(separator: "; "))")
        noteAt = .now + Self.notesEvery
      }
      return faults.isEmpty ? .now : nil
    }
    guard let settled else {
      throw Violation(
        "\(what): \(readable(limit)) later \(faults.count) of \(lives.count) nodes are wrong about their neighbours: "
          + faults.prefix(5).joined(separator: "; "))
    }
    return settled - began
  }

  private func pointerFaults() throws -> [String] {
    guard lives.count > 1 else { return [] }
    return try ask("status", of: lives.map { ($0, nil) }) { life, status in
      guard let node = status["node"]?.string else { return "no status: \(status)" }
      let (successors, predecessor) = (status["successors"]?.strings, status["predecessor"]?.string)
      let expected = oracle.successors(of: node)
      if successors != expected {
        let wrong = zip(successors ?? [], expected ?? []).enumerated().first { $0.element.0 != $0.element.1 }
        let place = wrong.map { "no. \($0.offset + 1) is \($0.element.0.prefix(8)), not \($0.element.1.prefix(8))" }
        return "\(life.description) \(node.prefix(8)): successors, "
          + (place ?? "\(successors?.count ?? 0) instead of \(expected?.count ?? 0)")
      }
      if predecessor != oracle.predecessor(of: node) {
        return "\(life.description) \(node.prefix(8)): predecessor \(predecessor?.prefix(8) ?? "none"), not "
          + "\(oracle.predecessor(of: node)?.prefix(8) ?? "none")"
      }
      return nil
    }
  }

  /// Waits until every node names the true owner of every key; how long that took.
  func agree(on keys: [String], since began: ContinuousClock.Instant, within limit: Duration) throws -> Duration {
    let questions = lives.flatMap { life in keys.map { (life, JSON.object(["key": .string($0)])) } }
    return try allRight("lookup", questions, since: began, within: limit) { life, question, answer in
      oracle.fault(in: answer, to: question?["key"]?.string ?? "", asker: life.node ?? "")
    }
  }

  /// Waits until every living user is found by every node, at the right node; how long that took.
  func find(since began: ContinuousClock.Instant, within limit: Duration) throws -> Duration {
    let users = lives.compactMap { life in life.user.map { ($0, life.node) } }
    let nodes = Dictionary(users, uniquingKeysWith: { $1 })
    let questions = lives.flatMap { life in users.map { (life, JSON.object(["user": .string($0.0)])) } }
    return try allRight("find", questions, since: began, within: limit) { life, question, answer in
      guard let user = question?["user"]?.string, let node = nodes[user] else { return "no question" }
      return answer["node"]?.string == node ? nil : "\(user) was found at \(answer)"
    }
  }

  /// Who of these users can be found by whom: nobody should.
  func ghosts(among users: [String]) throws -> [String] {
    var found: [String] = []
    let questions = lives.flatMap { life in users.map { (life, JSON.object(["user": .string($0)])) } }
    let tickets = try questions.map { ($0, try $0.process.ask("find", $1)) }
    for (index, (life, ticket)) in tickets.enumerated() {
      do {
        let answer = try life.process.answer(to: ticket).value
        found.append("\(life.description) finds \(questions[index].1["user"]?.string ?? "") at \(answer)")
      } catch let error as RPCError where error.reason == "user_not_found" {}
    }
    return found
  }

  private func allRight(
    _ method: String, _ questions: [(Life, JSON)], since began: ContinuousClock.Instant, within limit: Duration,
    _ judge: (Life, JSON?, JSON) -> String?
  ) throws -> Duration {
    var faults: [String] = []
    var rest = questions.map { ($0.0, Optional($0.1)) }
    while true {
      var index = -1
      var wrong: [(Life, JSON?)] = []
      faults = try ask(method, of: rest) { life, answer in
        index += 1
        let fault = judge(life, rest[index].1, answer)
        if fault != nil { wrong.append(rest[index]) }
        return fault
      } refused: { life in
        index += 1
        wrong.append(rest[index])
      }
      if faults.isEmpty { return .now - began }
      rest = wrong
      guard .now - began < limit else {
        throw Violation(
          "\(readable(limit)) later \(faults.count) of \(questions.count) answers to \(method) are wrong: "
            + faults.prefix(4).joined(separator: "; "))
      }
    }
  }

  /// Asks all in portions (a node bounds what it has under way for one asker), and collects what is wrong with the answers.
  private func ask(
    _ method: String, of questions: [(Life, JSON?)], _ judge: (Life, JSON) -> String?,
    refused: (Life) -> Void = { _ in }
  ) throws -> [String] {
    var faults: [String] = []
    var start = 0
    while start < questions.count {
      let portion = questions[start..<min(start + 400, questions.count)]
      let tickets = try portion.map { ($0, try $0.process.ask(method, $1)) }
      for (index, (life, ticket)) in tickets.enumerated() {
        do {
          if let fault = judge(life, try life.process.answer(to: ticket, within: Patience.retrying).value) {
            faults.append(fault)
          }
        } catch let error as RPCError {
          refused(life)
          let question = portion[portion.startIndex + index].1?.description ?? ""
          faults.append("\(life.description): \(method) \(question): \(error)")
        }
      }
      start += portion.count
    }
    return faults
  }
}
