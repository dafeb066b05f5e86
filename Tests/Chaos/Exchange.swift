// What is said: texts on their way, what the nodes show and report of them, and the checks on that which hold at every moment.

import Processes

/// The traffic of one run.
final class Exchange {
  /// The contract: `send` keeps trying for 30 s. The rest is for a machine with more processes than processors.
  static let sendLimit = Duration.seconds(30 + 5)

  let story: Story
  var tally = Tally()
  private(set) var ledger = Ledger()
  private var users: [Int: String] = [:]

  init(_ story: Story) { self.story = story }

  /// How many texts were delivered, and how many failed.
  var delivered: Int { tally.counts[.delivered] ?? 0 }
  var failed: Int { tally.counts[.failed] ?? 0 }

  func send(from life: Life, to user: String, padding: Int = 0) throws {
    let (number, text) = ledger.write(from: life.number, to: user, padding: padding)
    let ticket = try life.process.ask("send", ["user": .string(user), "text": .string(text)])
    life.pending.append((number, ticket, .now + Self.sendLimit))
  }

  /// Takes in what a life has said, and checks it.
  func listen(to life: Life) throws {
    if life.isReady() || life.user != nil { users[life.number] = life.user }
    for message in life.process.takeNotifications("message") {
      try ledger.shown(message.value, to: life.number, of: life.user ?? "") { users[$0] }
    }
    for news in life.process.takeNotifications("session") where news.value["state"]?.string == "open" {
      guard let other = news.value["user"]?.string else { continue }
      if !life.sessions.insert(other).inserted { tally.met(.reopened) }
    }
    try settleTexts(of: life)
  }

  private func settleTexts(of life: Life) throws {
    var rest: [(number: Int, ticket: NodeProcess.Ticket, deadline: ContinuousClock.Instant)] = []
    for sending in life.pending {
      do {
        guard let answer = try life.process.answerSoFar(to: sending.ticket) else {
          rest.append(sending)
          continue
        }
        ledger.delivered(sending.number, from: life.number, id: answer.value["id"]?.integer ?? 0)
        tally.met(.delivered)
      } catch let error as RPCError {
        ledger.failed(sending.number, from: life.number)
        let asked = readable(.now - sending.ticket.asked)
        story.note("text \(life.number)/\(sending.number) of \(life.description) failed after \(asked): \(error)")
        tally.met(.failed)
      } catch is ProcessError {
        ledger.void(sending.number, from: life.number)
      }
    }
    life.pending = rest
  }

  /// A text whose time is over must have been reported by now.
  func expectAnswers(of life: Life) throws {
    guard let late = life.pending.first(where: { $0.deadline < .now }) else { return }
    throw Violation(
      "text \(life.number)/\(late.number) of \(life.description) is neither delivered nor failed "
        + "\(readable(.now - late.ticket.asked)) after it was sent")
  }

  /// Judges an ended life once all it said has been read: it must have ended as it should, and without complaint.
  func judgeEnd(of life: Life) throws {
    let how = try life.process.ending()
    if how != life.expected { throw Violation("\(life.description) ended with \(how)") }
    let errors = life.process.process.standardError
    if !errors.isEmpty { throw Violation("\(life.description) wrote to standard error: \(errors)") }
    if let breach = life.process.breaches.first { throw Violation("\(life.description) broke the contract: \(breach)") }
  }
}
