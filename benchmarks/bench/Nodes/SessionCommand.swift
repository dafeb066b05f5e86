// What a person waits for: from starting to being there, from an address to the first message, and then each message.
//
// All clocks are ours: a time begins just before a request is written to the node's standard input and ends when the line that
// answers it has been read, so the pipes and the JSON are in it, as they are for any bot.

import ArgumentParser
import Processes

struct SessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session",
    abstract: "Start to ready, find to first message, and warm round trips.")

  @OptionGroup var options: MeasurementOptions

  @Option(help: "How many bootstrap nodes.")
  var bootstraps = 3

  @Option(help: "How many chat nodes besides the two that are measured.")
  var others = 6

  @Option(help: "How many echoes to measure.")
  var echoes = 1000

  func validate() throws {
    guard (1...20).contains(bootstraps), (0...100).contains(others), (1...1_000_000).contains(echoes) else {
      throw ValidationError("1 to 20 bootstraps, 0 to 100 others, 1 to 1000000 echoes")
    }
  }

  func run() throws {
    Report.print(try measure(), named: "session", asJSON: options.json)
  }

  func measure() throws -> [Sample] {
    var start = Sample("process start to ready", key: "start_to_ready")
    var find = Sample("find, a user never contacted", key: "find")
    var firstMessage = Sample("find and send to first acknowledgement", key: "find_to_first_message")
    var acknowledgement = Sample("warm message to acknowledgement", key: "warm_acknowledgement")
    var echo = Sample("warm echo, bot to bot and back", key: "warm_echo")

    let fleet = try Fleet(bootstraps: bootstraps, names: (0..<others).map { "other \($0)" })
    try fleet.settle()
    let bob = try fleet.startChat("bob")
    let bobsName = JSON.string(try bob.user())

    // Each repetition is a newcomer, who has never been in contact with anybody.
    for number in 0..<options.repetitions {
      let newcomer = try fleet.startChat("newcomer \(number)")
      start.add(newcomer.started.duration(to: try newcomer.readiness().arrived))
      let search = try newcomer.ask("find", ["user": bobsName])
      find.add(search.asked.duration(to: try newcomer.answer(to: search).arrived))
      let message = try newcomer.ask("send", ["user": bobsName, "text": "hello"])
      firstMessage.add(search.asked.duration(to: try newcomer.answer(to: message).arrived))
      _ = try bob.nextText(from: try newcomer.user())
      try newcomer.quit()
      fleet.forget(newcomer)
    }

    let alice = try fleet.startChat("alice")
    let alicesName = JSON.string(try alice.user())
    try alice.send("warm up", to: try bob.user())
    try bob.send("warm up", to: try alice.user())
    _ = try alice.nextText(from: try bob.user())
    _ = try bob.nextText(from: try alice.user())
    for _ in 0..<echoes {
      let question = try alice.ask("send", ["user": bobsName, "text": "ping"])
      _ = try bob.arrival(of: "message")
      let answer = try bob.ask("send", ["user": alicesName, "text": "pong"])
      echo.add(question.asked.duration(to: try alice.arrival(of: "message").arrived))
      acknowledgement.add(question.asked.duration(to: try alice.answer(to: question).arrived))
      _ = try bob.answer(to: answer)
    }
    try fleet.quit()
    return [start, find, firstMessage, acknowledgement, echo]
  }
}
