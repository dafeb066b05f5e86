// The JSON-RPC contract as a bot meets it: every method's shape, every error's code. Fields beyond the contract are allowed.

import Processes
import Testing

extension RealProcesses {
  @Suite("The contract") struct Contract {
    let fleet: Fleet
    let alice: NodeProcess
    let bob: NodeProcess

    init() throws {
      fleet = try Fleet(bootstraps: 1, names: ["alice", "bob"])
      (alice, bob) = (fleet.chats[0], fleet.chats[1])
    }

    // MARK: Results

    @Test("`ready` is the status, and comes once")
    func ready() throws {
      let ready = try alice.waitUntilReady()
      expectStatus(ready)
      #expect(ready["user"]?.string?.hasPrefix("alice#") == true)
      try fleet.quit()
      #expect(alice.notifications("ready").count == 1)
    }

    @Test("a user is a name, and 20 symbols of base32 in groups of five")
    func userForm() throws {
      let parts = try alice.user().split(separator: "#", omittingEmptySubsequences: false)
      #expect(parts.count == 2 && parts[0] == "alice")
      let groups = parts[1].split(separator: "-", omittingEmptySubsequences: false)
      #expect(groups.map(\.count) == [5, 5, 5, 5])
      #expect(groups.joined().allSatisfy { "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains($0) })
    }

    @Test("`status` of a chat node and of a bootstrap node")
    func status() throws {
      try fleet.settle()
      for node in fleet.nodes {
        let status = try node.request("status")
        expectStatus(status)
        #expect(status["successors"]?.strings?.count == 2)
        #expect(status["predecessor"]?.string != nil)
      }
      #expect(try alice.request("status")["user"]?.string == alice.user())
      #expect(try fleet.bootstraps[0].request("status")["user"] == .null)
      #expect(try fleet.bootstraps[0].request("status")["address"]?.string == fleet.addresses[0])
      try fleet.quit()
    }

    @Test("`find` tells where a user is")
    func find() throws {
      let found = try alice.request("find", ["user": .string(try bob.user())])
      let status = try bob.request("status")
      #expect(found["user"]?.string == status["user"]?.string)
      #expect(found["address"] == status["address"])
      #expect(found["node"] == status["node"])
      #expect(try #require(found["hops"]?.integer) >= 0)
      #expect(try #require(found["milliseconds"]?.double) >= 0)
      try fleet.quit()
    }

    @Test("a user is found however the name and the id are typed")
    func findAsTyped() throws {
      let user = try bob.user()
      let id = user.dropFirst("bob#".count)
      let bare = id.replacing("-", with: "")
      let confused = bare.replacing("0", with: "o").replacing("1", with: "l")
      for typed in [
        "bob#\(bare)", "bob#\(bare.lowercased())", "BOB#\(id)", "bob#\(id.lowercased())", "bob#\(confused)",
      ] {
        let found = try alice.request("find", ["user": .string(typed)])["user"]?.string
        #expect(found?.lowercased() == user.lowercased(), "typed as \(typed)")
      }
      try fleet.quit()
    }

    @Test("`lookup` names the owner, and the path to it")
    func lookup() throws {
      try fleet.settle()
      let oracle = try fleet.oracle()
      for key in try fleet.interestingKeys() {
        for node in fleet.nodes {
          let answer = try node.request("lookup", ["key": .string(key)])
          #expect(oracle.fault(in: answer, to: key, asker: try node.node()) == nil)
        }
      }
      try fleet.quit()
    }

    @Test("`open` makes a session that both sides see, `close` ends it for both")
    func openAndClose() throws {
      let (alicesName, bobsName) = (try alice.user(), try bob.user())
      #expect(try alice.request("open", ["user": .string(bobsName)])["user"]?.string == bobsName)
      try alice.waitFor("session") { $0["user"]?.string == bobsName && $0["state"] == "open" }
      try bob.waitFor("session") { $0["user"]?.string == alicesName && $0["state"] == "open" }
      for (node, other) in [(alice, bob), (bob, alice)] {
        let sessions = try #require(try node.request("sessions").array)
        #expect(sessions.count == 1)
        #expect(sessions.first?["user"]?.string == (try other.user()))
        #expect(sessions.first?["address"] == (try other.request("status")["address"]))
      }
      #expect(
        try alice.request("open", ["user": .string(bobsName)])["user"]?.string == bobsName, "opening twice is no error")
      #expect(try alice.request("close", ["user": .string(bobsName)]) == [:])
      try alice.waitFor("session") { $0["user"]?.string == bobsName && $0["state"] == "closed" && $0["reason"] != nil }
      try bob.waitFor("session") { $0["user"]?.string == alicesName && $0["state"] == "closed" && $0["reason"] != nil }
      #expect(try alice.request("sessions") == [])
      #expect(try bob.request("sessions") == [])
      try fleet.quit()
    }

    @Test("`send` opens the session, and numbers the messages from 1 each way")
    func send() throws {
      let (alicesName, bobsName) = (try alice.user(), try bob.user())
      for number in 1...5 {
        #expect(try alice.send("text \(number)", to: bobsName) == number)
        let message = try bob.waitFor("message")
        #expect(message["user"]?.string == alicesName)
        #expect(message["text"]?.string == "text \(number)")
        #expect(message["id"]?.integer == number)
      }
      #expect(try bob.send("an answer", to: alicesName) == 1)
      #expect(try alice.waitFor("message")["id"] == 1)
      #expect(bob.notifications("session").filter { $0["state"] == "open" }.count == 1)
      try fleet.quit()
    }

    @Test("with `--ask` a session waits for `accept`; `ignore` ends it, and what comes then is not_accepted")
    func consent() throws {
      let carol = try fleet.startChat("carol", extra: ["--ask"])
      try carol.waitUntilReady()
      let (alicesName, carolsName) = (try alice.user(), try carol.user())
      let sent = try alice.ask("send", ["user": .string(carolsName), "text": "hello"])
      try carol.waitFor("session") { $0["user"]?.string == alicesName && $0["state"] == "requested" }
      try alice.waitFor("session") { $0["user"]?.string == carolsName && $0["state"] == "waiting" }
      #expect(try carol.request("sessions") == [] && carol.notifications("message").isEmpty)
      #expect(try carol.request("accept", ["user": .string(alicesName)]) == [:])
      #expect(try alice.answer(to: sent).value["id"] == 1)
      #expect(try carol.nextText(from: alicesName) == "hello")
      #expect(try carol.request("ignore", ["user": .string(alicesName)]) == [:])
      try alice.waitFor("session") { $0["user"]?.string == carolsName && $0["state"] == "closed" }
      let refusal = try alice.refusal(
        of: "open", ["user": .string(carolsName)], within: Patience.retrying)
      #expect(refusal?.code == -32000 && refusal?.reason == "not_accepted")
      #expect(
        !carol.notifications("session").contains { $0["state"] == "requested" }, "said once, and waited for above")
      try fleet.quit()
    }

    @Test("texts sent at once arrive in the order of sending")
    func order() throws {
      let count = 300
      let bobsName = try bob.user()
      let tickets = try (1...count).map {
        try alice.ask("send", ["user": .string(bobsName), "text": .string("text \($0)")])
      }
      for number in 1...count {
        #expect(try alice.answer(to: tickets[number - 1]).value["id"]?.integer == number)
        #expect(try bob.nextText(from: try alice.user()) == "text \(number)")
      }
      try fleet.quit()
    }

    @Test("`quit` tells the peers, answers, and ends with 0")
    func quit() throws {
      let alicesName = try alice.user()
      try alice.send("bye", to: try bob.user())
      #expect(try alice.request("quit") == [:])
      #expect(try alice.exitCode() == 0)
      try bob.waitFor("session") { $0["user"]?.string == alicesName && $0["state"] == "closed" }
      #expect(alice.process.standardError.isEmpty)
      #expect(alice.breaches == [])
    }

    @Test("what was asked before the end of input is answered before the node quits")
    func answeredBeforeTheEnd() throws {
      let ticket = try alice.ask("send", ["user": .string(try bob.user()), "text": "written by a script"])
      alice.process.closeInput()
      #expect(try alice.answer(to: ticket).value["id"] == 1)
      #expect(try bob.nextText(from: alice.user()) == "written by a script")
      #expect(try alice.exitCode() == 0)
      fleet.forget(alice)
      try fleet.quit()
    }

    @Test("the end of input is `quit`")
    func endOfInput() throws {
      let alicesName = try alice.user()
      for node in [alice, fleet.bootstraps[0]] { node.process.closeInput() }
      for node in [alice, fleet.bootstraps[0]] { #expect(try node.exitCode() == 0) }
      #expect(try bob.refusal(of: "find", ["user": .string(alicesName)])?.reason == "user_not_found")
    }

    // MARK: Errors

    @Test("a line that is no JSON is -32700, with a null id, and the node goes on")
    func notJSON() throws {
      let samples = [
        "{", "hello", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"", "]", "{'jsonrpc':'2.0'}", "\u{0}",
        "GET / HTTP/1.1", String(repeating: "[", count: 200_000),
        "{\"a\":" + String(repeating: "{\"a\":", count: 50_000),
      ]
      for sample in samples {
        let answer = try alice.error(ofLine: sample.utf8)
        #expect(answer.error.code == -32700 && answer.id == .null, "\(sample.prefix(60)): \(answer)")
      }
      for sample in [[0xFF, 0xFE], Array(#"{"jsonrpc":"2.0","id":1,"method":""#.utf8) + [0xC3, 0x28, 0x22, 0x7D]]
        as [[UInt8]]
      {
        #expect(try alice.error(ofLine: sample).error.code == -32700)
      }
      try expectAliveAndCorrect()
    }

    @Test("a line over 1 MiB is skipped and answered -32700; one below it is not")
    func overlong() throws {
      let request = #"{"jsonrpc":"2.0","id":"long","method":"status"}"#
      func padded(to length: Int) -> String { request + String(repeating: " ", count: length - request.utf8.count) }
      let answer = try alice.error(ofLine: padded(to: (1 << 20) + 1).utf8)
      #expect(answer.error.code == -32700 && answer.id == .null)
      let huge = try alice.error(ofLine: [UInt8](repeating: UInt8(ascii: "x"), count: 5 << 20))
      #expect(huge.error.code == -32700)
      try alice.sendLine(padded(to: (1 << 20) - 1))
      #expect(try alice.nextStrayAnswer()["id"] == "long")
      try expectAliveAndCorrect()
    }

    @Test("JSON that is no request is -32600")
    func notARequest() throws {
      let samples = [
        "1", "null", "\"status\"", "[]", "{}", #"{"jsonrpc":"2.0","id":7}"#, #"{"jsonrpc":"2.0","id":7,"method":7}"#,
        #"{"jsonrpc":"2.0","id":7,"method":null}"#, #"{"jsonrpc":"1.0","id":7,"method":"status"}"#,
      ]
      for sample in samples {
        #expect(try alice.error(ofLine: sample.utf8).error.code == -32600, "\(sample)")
      }
      try expectAliveAndCorrect()
    }

    @Test("a batch is answered as one, or refused as -32600")
    func batch() throws {
      try alice.sendLine(#"[{"jsonrpc":"2.0","id":"in a batch","method":"status"}]"#)
      let answer = try alice.nextStrayAnswer()
      #expect(answer["id"] == "in a batch" || answer["error"]?["code"] == -32600)
      try expectAliveAndCorrect()
    }

    @Test("an unknown method is -32601")
    func unknownMethod() throws {
      for method in ["", "Status", "status ", "rpc.discover", "шутка", "quit\u{0}"] {
        #expect(try alice.refusal(of: method)?.code == -32601, "\(method)")
      }
      try expectAliveAndCorrect()
    }

    @Test("a bootstrap node knows no chat methods")
    func bootstrapMethods() throws {
      let node = fleet.bootstraps[0]
      let user = JSON.string(try bob.user())
      for (method, params) in [
        ("open", ["user": user]), ("send", ["user": user, "text": "x"]), ("close", ["user": user]),
        ("accept", ["user": user]), ("ignore", ["user": user]),
      ] as [(String, JSON)] {
        #expect(try node.refusal(of: method, params)?.code == -32601, "\(method)")
      }
      #expect(try node.refusal(of: "sessions")?.code == -32601)
      try expectAliveAndCorrect()
    }

    @Test("params that are missing or of the wrong form are -32602")
    func wrongParams() throws {
      let key = String(repeating: "0", count: 40)
      let samples: [(String, JSON?)] = [
        ("find", nil), ("find", [:]), ("find", []), ("find", ["user": 1]), ("find", ["user": nil]), ("find", "bob"),
        ("lookup", nil), ("lookup", ["key": ""]), ("lookup", ["key": .string(key + "0")]),
        ("lookup", ["key": .string(String(key.dropLast()))]),
        ("lookup", ["key": .string(String(key.dropLast()) + "g")]),
        ("lookup", ["key": 0]), ("open", nil), ("open", ["user": ["bob"]]), ("close", [:]),
        ("accept", nil), ("ignore", ["user": 1]), ("ignore", ["user": .string(try alice.user())]),
        ("send", ["user": .string(try bob.user())]), ("send", ["text": "x"]),
        ("send", ["user": .string(try bob.user()), "text": 5]),
        ("send", ["user": .string(try bob.user()), "text": nil]),
      ]
      for (method, params) in samples {
        #expect(try alice.refusal(of: method, params)?.code == -32602, "\(method) \(params ?? .null)")
      }
      try expectAliveAndCorrect()
    }

    @Test("a malformed user is -32602")
    func malformedUser() throws {
      let user = try bob.user()
      let id = String(user.dropFirst("bob#".count))
      let wrongSymbol = (id.first == "A" ? "B" : "A") + id.dropFirst()
      let samples = [
        "", "bob", "#", "bob#", "#\(id)", "bob#\(id)#\(id)", "bob#\(id)X", "bob#\(id.dropLast())", "bob##\(id)",
        "bob#\(id.dropLast())U", "bob#\(wrongSymbol)", "bop#\(id)", "b\nob#\(id)", "bob#\(id)\u{0}",
        String(repeating: "b", count: 33) + "#\(id)", String(repeating: "b", count: 100_000),
      ]
      for method in ["find", "open", "send", "close", "accept", "ignore"] {
        for sample in samples {
          let refusal = try alice.refusal(of: method, ["user": .string(sample), "text": "x"])
          #expect(refusal?.code == -32602, "\(method) \(sample.prefix(60)): \(refusal as Any)")
        }
      }
      try expectAliveAndCorrect()
    }

    @Test("a user who is not there is user_not_found, at once")
    func unknownUser() throws {
      // A real user, but of another network.
      let elsewhere = try Fleet(bootstraps: 1, names: ["carol"])
      let params: JSON = ["user": .string(try elsewhere.chats[0].user()), "text": "x"]
      for method in ["find", "open", "send"] {
        let refusal = try alice.refusal(of: method, params)
        #expect(refusal?.code == -32000 && refusal?.reason == "user_not_found", "\(method): \(refusal as Any)")
      }
      #expect(try alice.refusal(of: "close", params)?.reason == "no_session")
      try elsewhere.quit()
      try expectAliveAndCorrect()
    }

    @Test("a user whose node was killed cannot be reached, and `send` says so in the end")
    func killedUser() throws {
      let bobsName = try bob.user()
      fleet.kill([bob])
      let params: JSON = ["user": .string(bobsName), "text": "are you there?"]
      for method in ["open", "send"] {
        let refusal = try alice.refusal(of: method, params, within: Patience.retrying)
        #expect(refusal?.code == -32000, "\(method)")
        #expect(["unreachable", "timeout", "user_not_found"].contains(refusal?.reason), "\(method): \(refusal as Any)")
      }
      try fleet.quit()
    }

    @Test("an empty text and a lone surrogate are -32602, and nothing arrives")
    func badTexts() throws {
      let bobsName = try bob.user()
      #expect(try alice.refusal(of: "send", ["user": .string(bobsName), "text": ""])?.code == -32602)
      for escaped in [#"\ud800"#, #"\udc00"#, #"a\ud83d"#, #"\ud83d\ud83d\ude00"#, #"\ude00\ud83d"#] {
        let line = #"{"jsonrpc":"2.0","id":"s","method":"send","params":{"user":"\#(bobsName)","text":"\#(escaped)"}}"#
        let answer = try alice.error(ofLine: line.utf8)
        #expect(answer.error.code == -32602 && answer.id == "s", "\(escaped): \(answer)")
      }
      try alice.send("the first", to: bobsName)
      #expect(try bob.nextText(from: try alice.user()) == "the first")
      try expectAliveAndCorrect()
    }

    @Test("a text of 32,768 bytes arrives; one byte more is message_too_large")
    func longTexts() throws {
      let (alicesName, bobsName) = (try alice.user(), try bob.user())
      let longest = [
        String(repeating: "x", count: 32_768), String(repeating: "\u{0}", count: 32_768),
        String(repeating: "\u{1F600}", count: 8192), String(repeating: "\"", count: 32_768),
      ]
      for text in longest {
        try alice.send(text, to: bobsName)
        #expect(Array(try bob.nextText(from: alicesName).utf8) == Array(text.utf8))
      }
      for text in [
        longest[0] + "x", longest[2] + "x", String(repeating: "é", count: 16_385),
        String(repeating: "x", count: 500_000),
      ] {
        let refusal = try alice.refusal(of: "send", ["user": .string(bobsName), "text": .string(text)])
        #expect(refusal?.code == -32000 && refusal?.reason == "message_too_large")
      }
      try expectAliveAndCorrect()
    }

    // MARK: Lines

    @Test("a request without an id is done, and not answered")
    func withoutId() throws {
      let bobsName = try bob.user()
      try alice.sendLine(
        #"{"jsonrpc":"2.0","method":"send","params":{"user":"\#(bobsName)","text":"no answer, please"}}"#)
      try alice.sendLine(#"{"jsonrpc":"2.0","method":"no such method"}"#)
      try alice.sendLine(#"{"jsonrpc":"2.0","method":"find","params":5}"#)
      #expect(try bob.nextText(from: try alice.user()) == "no answer, please")
      #expect(try alice.send("the next", to: bobsName) == 2)
      #expect(throws: ProcessError.self, "nothing but answers to questions") {
        try alice.nextStrayAnswer(within: .milliseconds(1))
      }
      try expectAliveAndCorrect()
    }

    @Test("an id comes back as it was given")
    func ids() throws {
      for id in [#""a text""#, #""\u0000ü""#, "-5", "9007199254740993", #""""#] {
        try alice.sendLine(#"{"jsonrpc":"2.0","id":\#(id),"method":"status"}"#)
        #expect(try alice.nextStrayAnswer()["id"] == (try JSON(parsing: id)))
      }
      try expectAliveAndCorrect()
    }

    @Test("space around a request, unknown members and an order of its own do no harm")
    func spaces() throws {
      try alice.sendLine(
        "  {\"method\":\"status\" , \"extra\":[1,{\"a\":null}],\"id\":\"s\",\"jsonrpc\":\"2.0\",\"params\":{}}\t\r")
      #expect(try alice.nextStrayAnswer()["id"] == "s")
      try expectAliveAndCorrect()
    }

    @Test("many requests in one piece, and one in many pieces, are all answered")
    func pieces() throws {
      let lines = (0..<200).map { #"{"jsonrpc":"2.0","id":"\#($0)","method":"status"}"# + "\n" }.joined()
      try alice.process.write(lines.utf8)
      let answered = Set(try (0..<200).map { _ in try alice.nextStrayAnswer()["id"] })
      #expect(answered.count == 200)
      for byte in #"{"jsonrpc":"2.0","id":"slow","method":"status"}"#.utf8 { try alice.process.write([byte]) }
      try alice.process.write([UInt8(ascii: "\n")])
      #expect(try alice.nextStrayAnswer()["id"] == "slow")
      try expectAliveAndCorrect()
    }

    // MARK: -

    private func expectStatus(_ status: JSON, sourceLocation: SourceLocation = #_sourceLocation) {
      func isNode(_ value: JSON?) -> Bool {
        value?.string.map { $0.utf8.count == 40 && $0.allSatisfy { "0123456789abcdef".contains($0) } } ?? false
      }
      #expect(status["user"] == .null || status["user"]?.string != nil, sourceLocation: sourceLocation)
      #expect(isNode(status["node"]), sourceLocation: sourceLocation)
      #expect(status["address"]?.string?.hasPrefix("127.0.0.1:") == true, sourceLocation: sourceLocation)
      #expect(status["predecessor"] == .null || isNode(status["predecessor"]), sourceLocation: sourceLocation)
      #expect(status["successors"]?.array?.allSatisfy(isNode) == true, sourceLocation: sourceLocation)
      #expect((status["peers"]?.integer ?? -1) >= 0, sourceLocation: sourceLocation)
    }

    /// Nothing was harmed: alice and bob talk, all quit, and nobody has broken the contract or said anything else.
    private func expectAliveAndCorrect() throws {
      let text = "still there?"
      try alice.send(text, to: try bob.user())
      while try bob.nextText(from: try alice.user()) != text {}
      try fleet.quit()
      for node in [alice, bob] { #expect(node.process.standardError == "") }
    }
  }
}
