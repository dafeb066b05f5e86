// The project as it stands, held to the rules; and every rule shown to bite.

import Foundation
import Testing

/// All files of the project that are text and not made by a build.
private let project: [SourceFile] = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  // The fuzzer's corpus is bytes of any kind, and some of it may look like text.
  let notOurs: Set<String> = [".git", ".swiftpm", "Package.resolved", ".vscode", "Corpus"]
  var files: [SourceFile] = []
  func walk(_ directory: URL, _ path: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    for name in names.sorted() where !notOurs.contains(name) && !name.hasPrefix(".build") {
      let url = directory.appendingPathComponent(name)
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory)
      if isDirectory.boolValue {
        walk(url, path + name + "/")
      } else if let text = try? String(contentsOf: url, encoding: .utf8) {
        files.append(SourceFile(path: path + name, text: text))
      }
    }
  }
  walk(root, "")
  return files
}()

private let swiftFiles = project.filter { $0.path.hasSuffix(".swift") }
/// These hold the bad samples.
private let ourselves = "Tests/ArchitectureTests/"

@Suite("The architecture") struct Architecture {
  @Test("there is something to look at")
  func found() {
    #expect(project.contains { $0.path == "Package.swift" })
    for module in Rules.imports.keys { #expect(swiftFiles.contains { $0.module == module }, "\(module)") }
  }

  @Test("modules import what is below them, and nothing else")
  func imports() { #expect(swiftFiles.flatMap(Rules.wrongImports) == []) }

  @Test("the manifest allows no more than that")
  func manifest() throws {
    let manifest = try #require(project.first { $0.path == "Package.swift" })
    #expect(Rules.wrongDependencies(inManifest: manifest.text) == [])
  }

  @Test("the protocols know neither clock nor generator")
  func purity() { #expect(swiftFiles.flatMap(Rules.impurities) == []) }

  @Test("no node that ships checks signatures otherwise than by working them out")
  func otherChecks() { #expect(swiftFiles.flatMap(Rules.otherChecks) == []) }

  @Test("nothing in Sources traps on what it cannot know")
  func traps() { #expect(swiftFiles.flatMap(Rules.traps) == []) }

  @Test("no file is left unfinished")
  func leftovers() { #expect(project.filter { !$0.path.hasPrefix(ourselves) }.flatMap(Rules.leftovers) == []) }

  @Test("a file is one idea: none is longer than it has a reason to be")
  func length() {
    #expect(swiftFiles.flatMap(Rules.tooLong) == [])
    #expect(Rules.idleReasons(among: swiftFiles) == [])
  }

  @Test("no file knows the machine it was written on")
  func localPaths() { #expect(project.filter { !$0.path.hasPrefix(ourselves) }.flatMap(Rules.localPaths) == []) }
}

@Suite("The rules bite") struct RulesBite {
  private func file(_ module: String, _ text: String) -> SourceFile {
    SourceFile(path: "Sources/\(module)/Sample.swift", text: text)
  }

  @Test(
    "an import that is not allowed is found, however it is written",
    arguments: [
      "import Foundation", "  import Foundation", "@preconcurrency import Foundation", "@_exported import Foundation",
      "private import Foundation", "import struct Foundation.Date", "@testable internal import Foundation // why not",
      "@_spi(Private) public import func Foundation.exit",
    ])
  func imports(text: String) {
    #expect(Rules.wrongImports(in: file("Chord", text)).count == 1)
    #expect(Rules.wrongImports(in: file("NoSuchModule", text)).count == 1)
  }

  @Test("an import upwards is found, one downwards is fine")
  func upwards() {
    #expect(Rules.wrongImports(in: file("Chord", "import Chat")).count == 1)
    #expect(Rules.wrongImports(in: file("UVRuntime", "import Chord")).count == 1)
    #expect(Rules.wrongImports(in: file("Chat", "import Chord\nimport CSodium\n// import Foundation")) == [])
  }

  @Test("a dependency that is not allowed is found in the manifest")
  func manifest() {
    func manifest(chord: String) -> String {
      let others = Rules.imports.keys.filter { $0 != "Chord" }.map { ".target(name: \"\($0)\", swiftSettings: house)," }
      return others.joined(separator: "\n")
        + ".target(\n name: \"Chord\",\n dependencies: [\(chord)], swiftSettings: house)"
    }
    #expect(Rules.wrongDependencies(inManifest: manifest(chord: "\"CSodium\"")) == [])
    #expect(Rules.wrongDependencies(inManifest: manifest(chord: "\"CSodium\", \"UVRuntime\"")).count == 1)
    #expect(
      Rules.wrongDependencies(inManifest: manifest(chord: ".product(name: \"Logging\", package: \"swift-log\")")).count
        == 1)
    #expect(
      Rules.wrongDependencies(inManifest: ".target(name: \"Chord\", swiftSettings: house)").count
        == Rules.imports.count - 1)
  }

  @Test(
    "a clock, a generator and output are found in pure code",
    arguments: [
      "let now = ContinuousClock.now", "Date()", "clock_gettime(CLOCK_MONOTONIC, &time)", "Int.random(in: 0..<5)",
      "peers.randomElement()", "peers.shuffled()", "peers.shuffle()", "var g = SystemRandomNumberGenerator()",
      "randombytes_buf(&bytes, 32)", "crypto_sign_keypair(&a, &b)", "crypto_aead_chacha20poly1305_keygen(&k)",
      "Task { }", "print(\"hello\")",
    ])
  func purity(text: String) {
    #expect(Rules.impurities(in: file("Chord", text)).count == 1)
    #expect(Rules.impurities(in: file("NodeKit", text)) == [], "only in pure modules")
  }

  @Test(
    "what takes time and chance as arguments is pure",
    arguments: [
      "Int.random(in: 0..<5, using: &generator)", "peers.randomElement(using: &generator)", "// Date() in a comment",
      "crypto_sign_seed_keypair(&a, &b, seed)", "let candidate = update(now)", "shuffled(using: &generator)",
    ])
  func pure(text: String) { #expect(Rules.impurities(in: file("Chat", text)) == []) }

  @Test(
    "another check of signatures is found",
    arguments: [
      "let check = SignatureCheck { _, _, _ in true }", "SignatureCheck.init(memory)", "SignatureCheck(remembering: 5)",
      "configuration.check = .init { _, _, _ in true }", "ring.check = check",
    ])
  func otherChecks(text: String) {
    #expect(Rules.otherChecks(in: file("NodeKit", text)).count == 1)
    #expect(Rules.otherChecks(in: SourceFile(path: "Tests/Simulation/Sample.swift", text: text)) == [])
    #expect(Rules.otherChecks(in: file("Chord", "    self.check = check")) == [])
    #expect(Rules.otherChecks(in: file("Chord", "package var check = SignatureCheck.ed25519")) == [])
  }

  @Test("traps are found", arguments: ["let a = try! f()", "x as! Int", "fatalError(\"no\")", "default: fatalError()"])
  func traps(text: String) {
    #expect(Rules.traps(in: file("node", text)).count == 1)
    #expect(Rules.traps(in: file("node", "precondition(count > 0) // not fatalError, try! or as!")) == [])
  }

  @Test("leftovers are found", arguments: ["// TODO: later", "/* FIXME */", "XXX"])
  func leftovers(text: String) {
    #expect(Rules.leftovers(in: file("node", text)).count == 1)
    #expect(Rules.leftovers(in: file("node", "let mastodon = \"Todo\"")) == [])
  }

  @Test("a long file is found")
  func length() {
    let long = file("node", String(repeating: "\n", count: Rules.maximumLines + 1))
    #expect(Rules.tooLong(long).count == 1)
    #expect(Rules.tooLong(file("node", String(repeating: "\n", count: Rules.maximumLines))) == [])
    #expect(Rules.idleReasons(among: []).count == Rules.longFiles.count)
  }

  @Test(
    "paths of one machine are found", arguments: ["cd /home/me/project", "/root/x", "\"/srv/me\"", "(/Users/me)"])
  func localPaths(text: String) {
    #expect(Rules.localPaths(in: file("node", text)).count == 1)
    #expect(
      Rules.localPaths(in: file("node", "https://example.org/home/page, ../srv/x, /usr/lib, Tests/root/x")) == [])
  }
}
