// The configuration file, and everything that is made from the argument parser.

import Foundation
import Processes
import Testing

@testable import node

@Suite("The configuration file")
struct ConfigFileTests {
  private func program() throws -> CommandModel { try #require(CommandModel.program) }

  private func mistake(_ text: String) throws -> String? {
    let program = try program()
    do throws(Mistake) {
      _ = try ConfigFile(text, for: program)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("the parser shows its commands and options in the way that is expected here")
  func model() throws {
    let program = try program()
    #expect(program.subcommands.map(\.name) == ["chat", "bootstrap", "lookup", "ring", "status", "ping", "config"])
    let chat = try #require(program.subcommands.first)
    let names = chat.settings.compactMap(\.long)
    for name in ["username", "ask", "listen", "bootstrap", "network", "key-file", "control", "metrics", "log-level"] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(!names.contains("help") && !names.contains("version"))
    #expect(chat.settings.first { $0.long == "bootstrap" }?.isRepeating == true)
    #expect(chat.settings.first { $0.long == "ask" }?.kind == .flag)
  }

  @Test("a section is for its command, before what is for all; what is typed comes before both")
  func precedence() throws {
    let text = """
      # a comment
      network = everywhere
      bootstrap = 192.0.2.1:7401
      bootstrap=192.0.2.2:7401\r
      listen = 127.0.0.1:1

      [chat]
        username =  alice smith\u{20}
      ask = true
      listen = 127.0.0.1:2
      [bootstrap]
      rpc = false
      """
    let file = try ConfigFile(text, for: program())
    let both = ["--bootstrap=192.0.2.1:7401", "--bootstrap=192.0.2.2:7401"]
    #expect(
      Configuration.arguments(["chat", "--plain"], with: file)
        == ["chat", "--username=alice smith", "--ask", "--listen=127.0.0.1:2"] + both + [
          "--network=everywhere", "--plain",
        ])
    #expect(
      Configuration.arguments(["chat", "--listen", "127.0.0.1:3", "--bootstrap=192.0.2.3:1"], with: file)
        == [
          "chat", "--username=alice smith", "--ask", "--network=everywhere", "--listen", "127.0.0.1:3",
          "--bootstrap=192.0.2.3:1",
        ])
    #expect(
      Configuration.arguments(["bootstrap"], with: file)
        == ["bootstrap", "--listen=127.0.0.1:1"] + both + ["--network=everywhere"])
    #expect(Configuration.arguments(["status"], with: file) == ["status"])
    #expect(Configuration.arguments([], with: file) == [])
    #expect(Configuration.arguments(["dance"], with: file) == ["dance"])
  }

  @Test("a mistake is told with its line and what to write instead")
  func mistakes() throws {
    let samples = [
      ("usrname = x", "line 1: there is no option usrname. Did you mean username?"),
      ("\n\nask", "line 3: ask has no value: write ask = true"), ("ask = yes", "line 1: ask is true or false, not yes"),
      ("[chatt]", "line 1: there is no command [chatt]: write [chat] or [bootstrap]"),
      ("[chat", "line 1: there is no command"),
      ("[lookup]\nusername = x", "line 2: there is no option username of lookup"),
      ("= x", "line 1: there is no option "),
      ("help = true", "line 1: there is no option help"), ("listen", "write listen = HOST:PORT"),
      ("\u{1B}[2J = x", "line 1: there is no option ␛[2J"),
    ]
    for (text, expected) in samples {
      let found = try mistake(text)
      #expect(found?.contains(expected) == true, "\(text.debugDescription): \(found ?? "nothing")")
    }
    #expect(try mistake("") == nil)
  }
}

extension RealProcesses {
  @Suite("What is configured") struct ConfiguredTests {
    private func run(_ arguments: [String], with text: String?) throws -> (code: Int32, output: String, errors: String)
    {
      let home = try Home()
      if let text {
        try FileManager.default.createDirectory(atPath: home.path + "/chord-chat", withIntermediateDirectories: true)
        try text.write(toFile: home.path + "/chord-chat/config", atomically: false, encoding: .utf8)
      }
      return try LineProcess.run(arguments, environment: ["XDG_CONFIG_HOME": home.path])
    }

    @Test("`node config show` says every value and where it comes from")
    func show() throws {
      let text = "network = mine\n[chat]\nask = true\n"
      let shown = try run(["config", "show", "chat", "--listen", "127.0.0.1:1"], with: text)
      #expect(shown.code == 0 && shown.output.contains("/chord-chat/config\n[chat]\n"))
      for (name, value, source) in [
        ("network", "mine", "line 1 of the file"), ("ask", "true", "line 3 of the file"),
        ("listen", "127.0.0.1:1", "typed"),
        ("successors", "(16, and more in a ring of thousands)", "default"), ("control", "false", "default"),
      ] {
        let line = shown.output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        #expect(
          line?.contains("= \(value) ") == true && line?.hasSuffix("# \(source)") == true, "\(line ?? "no \(name)")")
      }
      let nothing = try run(["config", "show"], with: nil)
      #expect(nothing.code == 0 && nothing.output.hasPrefix("# no file at "))
      #expect(try run(["config", "show", "dance"], with: nil).code == 64)
    }

    @Test("what the file says counts, and what is wrong in it is told as such")
    func counts() throws {
      let file = "require-bootstrap = true\nbootstrap = 127.0.0.1:1\nlisten = 127.0.0.1:0\n[chat]\nusername = zoe\n"
      let obeyed = try run(["chat"], with: file)
      #expect(obeyed.code == 69 && obeyed.errors.contains("127.0.0.1:1"))
      let bad = try run(["chat", "--username", "zoe"], with: "listen = nonsense\n")
      #expect(bad.code == 78 && bad.errors.contains("chord-chat/config") && bad.errors.contains("nonsense"))
      let typo = try run(["ring"], with: "netwrk = x\n")
      #expect(typo.code == 78 && typo.errors.contains("Did you mean network?"))
      #expect(try run(["--help"], with: "netwrk = x\n").code == 0)
      #expect(try run(["chat", "--nonsense"], with: file).code == 64)
    }

    @Test("the words for help go without the file where a command stands, and are values elsewhere")
    func words() throws {
      for command in ["help", "manual"] { #expect(try run([command], with: "netwrk = x\n").code == 0, "\(command)") }
      for name in ["help", "config", "manual"] {
        let bad = try run(["chat", "--bootstrap", "127.0.0.1:1", "--username", name], with: "listen = nonsense\n")
        #expect(bad.code == 78 && bad.errors.contains("nonsense"), "\(name)")
      }
    }

    @Test("the manual page and the completions are what the parser makes of itself: if not, `make generated`")
    func generated() throws {
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("packaging")
      let files = [
        ("node.1", ["manual"]), ("completions/node.bash", ["--generate-completion-script", "bash"]),
        ("completions/_node", ["--generate-completion-script", "zsh"]),
        ("completions/node.fish", ["--generate-completion-script", "fish"]),
      ]
      for (file, arguments) in files {
        let kept = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
        let run = try run(arguments, with: nil)
        #expect(run.code == 0 && run.output == kept, "\(file)")
      }
    }

    @Test("every mistake of a first session is answered with what to do")
    func firstSession() throws {
      let taken = try StrangeServer(.silent)
      defer { taken.end() }
      let base = ["chat", "--username", "alice", "--network", Fleet.freshNetwork()]
      let samples: [([String], String, Int32, String)] = [
        (["caht"], "", 64, "--help"), (base + ["--lisen", "x"], "", 64, "Did you mean '--listen'?"),
        (
          base + ["--listen", taken.address, "--bootstrap", "127.0.0.1:1"], "", 74,
          "choose another with --listen HOST:PORT"
        ),
        (base + ["--bootstrap", "127.0.0.1"], "", 64, "write HOST:PORT"),
        (base + ["--require-bootstrap", "--bootstrap", "127.0.0.1:1"], "", 69, "Start one with `node bootstrap`"),
        (["lookup", "bob"], "", 64, "a user as alice#"),
        (["lookup", "bob#M4TZ8-0QHCV-7W2RK-N9XD4"], "", 64, "check both"),
        (["ring", "--bootstrap", "127.0.0.1:1"], "", 75, "start one with `node bootstrap`"),
        (
          base + ["--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1"], "hello?\n", 75, "Write /open NAME#ID first"
        ),
        (base + ["--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1"], "/mgs x\n", 75, "Did you mean /msg?"),
        (base + ["--listen", "127.0.0.1:0", "--bootstrap", "127.0.0.1:1"], "/msg bob hi\n", 75, "is not a user"),
      ]
      for (arguments, input, code, words) in samples {
        let run = try LineProcess.run(arguments, input: input)
        #expect(run.code == code, "\(arguments): \(run)")
        #expect((run.output + run.errors).contains(words), "\(arguments): \(run)")
      }
    }
  }
}
