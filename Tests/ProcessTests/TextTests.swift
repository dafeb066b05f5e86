// Every text of the world arrives as it was sent.

import Processes
import Testing

extension RealProcesses {
  @Suite("Texts") struct Texts {
    @Test("texts of all scripts arrive byte for byte, in order, both ways")
    func everyScript() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["Älice 🦊", "बॉब"])
      let (alice, bob) = (fleet.chats[0], fleet.chats[1])
      for (from, to) in [(alice, bob), (bob, alice)] {
        let (sender, receiver) = (try from.user(), try to.user())
        let tickets = try textsOfTheWorld.map {
          try from.ask("send", ["user": .string(receiver), "text": .string($0)])
        }
        for (number, text) in textsOfTheWorld.enumerated() {
          #expect(try from.answer(to: tickets[number]).value["id"]?.integer == number + 1)
          #expect(Array(try to.nextText(from: sender).utf8) == Array(text.utf8), "text \(number)")
        }
      }
      try fleet.quit()
    }

    @Test("every Unicode scalar arrives")
    func everyScalar() throws {
      let fleet = try Fleet(bootstraps: 1, names: ["alice", "bob"])
      let (alice, bob) = (fleet.chats[0], fleet.chats[1])
      let scalars = (UInt32(0)...0x10FFFF).compactMap(Unicode.Scalar.init)
      for start in stride(from: 0, to: scalars.count, by: 8000) {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[start..<min(start + 8000, scalars.count)])
        try alice.send(text, to: try bob.user())
        #expect(Array(try bob.nextText(from: try alice.user()).utf8) == Array(text.utf8), "from \(start) on")
      }
      try fleet.quit()
    }
  }
}
