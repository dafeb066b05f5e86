// The books of all texts: who sent what to whom, what was shown, what was reported, and whether the three agree.
//
//     asked ──► pending ──result──► delivered(id)     must have been shown to a life of that user, under the same id
//                  │  └───error───► failed(reason)    may have been shown: the acknowledgement can be lost
//                  └──sender dies─► void
//
// A life is one run of one process. Each text names the life that sent it and its number there, so that whatever arrives
// anywhere can be judged by itself: to one life, the texts of another one are shown in the order of their numbers, and none
// twice. A life that began anew (with the same key, even) may be shown again what the life before it did not get to acknowledge.

import Processes

/// All texts of a run.
struct Ledger {
  private enum Outcome {
    case pending
    case delivered(id: Int)
    case failed
    case void
  }

  private struct Text {
    let to: String
    var outcome = Outcome.pending
    var shown: [(life: Int, id: Int)] = []
  }

  private struct Stream: Hashable {
    let from: Int
    let to: Int
  }

  /// By life of the sender, then by number less one.
  private var texts: [Int: [Text]] = [:]
  private var lastShown: [Stream: Int] = [:]

  /// A new text from that life: its content, and its number.
  mutating func write(from life: Int, to user: String, padding: Int) -> (number: Int, text: String) {
    texts[life, default: []].append(Text(to: user))
    let number = texts[life, default: []].count
    return (number, "\(life) \(number) " + String(repeating: "·", count: padding))
  }

  mutating func delivered(_ number: Int, from life: Int, id: Int) {
    texts[life]?[number - 1].outcome = .delivered(id: id)
  }
  mutating func failed(_ number: Int, from life: Int) { texts[life]?[number - 1].outcome = .failed }
  mutating func void(_ number: Int, from life: Int) { texts[life]?[number - 1].outcome = .void }

  /// A text was shown to a life of `user`. `userOf` knows the user of each life.
  mutating func shown(_ message: JSON, to life: Int, of user: String, userOf: (Int) -> String?) throws {
    guard let text = message["text"]?.string, let id = message["id"]?.integer, let sender = message["user"]?.string
    else {
      throw Violation("a message of the wrong shape: \(message)")
    }
    let parts = text.split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, let from = Int(parts[0]), let number = Int(parts[1]), let sent = texts[from],
      (1...sent.count).contains(number)
    else { throw Violation("\(user) was shown a text that nobody sent: \(text.prefix(60))") }
    guard sent[number - 1].to == user, userOf(from) == sender else {
      throw Violation("text \(from)/\(number) to \(sent[number - 1].to) was shown to \(user) as from \(sender)")
    }
    let stream = Stream(from: from, to: life)
    guard number > lastShown[stream] ?? 0 else {
      throw Violation("text \(from)/\(number) was shown to life \(life) after text \(lastShown[stream] ?? 0)")
    }
    lastShown[stream] = number
    texts[from]?[number - 1].shown.append((life, id))
  }

  /// What was reported as delivered but not shown. Everything that the lives said must have been read.
  func audit() throws {
    for (life, sent) in texts.sorted(by: { $0.key < $1.key }) {
      for (index, text) in sent.enumerated() {
        guard case .delivered(let id) = text.outcome else { continue }
        guard let shown = text.shown.last else {
          throw Violation("text \(life)/\(index + 1) was reported as delivered to \(text.to), who was not shown it")
        }
        guard text.shown.contains(where: { $0.id == id }) else {
          throw Violation("text \(life)/\(index + 1) was delivered as number \(id), but shown as number \(shown.id)")
        }
      }
    }
  }

  /// How many were shown although their sender was told that they failed, or did not live to be told.
  var shownAll: Int { texts.values.joined().count { !$0.shown.isEmpty } }
  /// How many were written.
  var count: Int { texts.values.joined().count }
}
