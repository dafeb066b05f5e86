// A conversation with another implementation, which chooses its own ephemeral keys: PyPI's noiseprotocol, when Python has it.

import Foundation
import Noise
import Processes
import Testing

/// A Python that has the package, if there is one.
private let python: String? = {
  let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  return directories.map { "\($0)/python3" }.first { path in
    guard FileManager.default.isExecutableFile(atPath: path),
      let check = try? LineProcess(["-c", "import noise.connection"], of: path)
    else { return false }
    return (try? check.exitCode(within: Patience.answer)) == 0
  }
}()

/// The other side, a process of its own.
private final class OtherSide {
  private let process: LineProcess
  private var linesRead = 0

  init(_ role: Handshake.Role, secret: [UInt8], prologue: [UInt8]) throws {
    let program = try #require(python)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "noiseprotocol_side.py")
    process = try LineProcess(
      [
        script.path, role == .initiator ? "initiator" : "responder", Hexadecimal.text(secret),
        Hexadecimal.text(prologue),
      ],
      of: program)
  }

  func say(_ message: [UInt8]) throws { try process.type(Hexadecimal.text(message)) }

  func rekey() throws { try process.type("rekey") }

  /// The next line.
  func hear() throws -> [UInt8] {
    let line = try process.waitForOutput("line \(linesRead + 1) of the other side") { _ in
      let output = process.output
      let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
      return lines.count > linesRead + 1 ? lines[linesRead] : nil
    }
    linesRead += 1
    return try #require(Hexadecimal.bytes(String(line)), "not hexadecimal: \(line)")
  }

  func end() throws {
    process.process.closeInput()
    #expect(try process.exitCode() == 0)
  }
}

@Suite("A conversation with noiseprotocol", .enabled(if: python != nil, "no python3 with the package noiseprotocol"))
struct ConversationTests {
  private static let secret = [UInt8](repeating: 0x0D, count: 32)

  @Test(
    "handshake, texts of all lengths, and new keys",
    arguments: [Handshake.Role.initiator, .responder], [[], Array("chord-chat".utf8)] as [[UInt8]])
  func conversation(role: Handshake.Role, prologue: [UInt8]) throws {
    let other = try OtherSide(role == .initiator ? .responder : .initiator, secret: Self.secret, prologue: prologue)
    var generator = SystemRandomNumberGenerator()
    let ephemeralSecret = Secret(byteCount: 32) { bytes in
      for place in 0..<32 { bytes.storeBytes(of: generator.next(), toByteOffset: place, as: UInt8.self) }
    }
    var handshake = Handshake(role, prologue: prologue, staticKey: Both.alice, ephemeralSecret: ephemeralSecret)
    var said: [UInt8] = []
    for number in 0..<3 {
      if number.isMultiple(of: 2) == (role == .initiator) {
        said = Array("message \(number)".utf8)
        try other.say(handshake.write(said))
      } else {
        let payload = try handshake.read(other.hear())
        #expect(payload == [UInt8(number)] + said)
      }
    }
    let hash = try other.hear()
    var transport = try handshake.split()
    #expect(transport.handshakeHash == hash)
    #expect(transport.remoteStaticKey == KeyPair(secret: Secret(Self.secret)).publicKey)

    for round in 0..<3 {
      for length in [0, 1, 63, 64, 65, 1000, 65_519] {
        let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ round) }
        try other.say(transport.sending.sealed(text))
        let answer = try transport.receiving.opened(other.hear())
        #expect(answer == text.reversed())
      }
      try other.rekey()
      transport.sending.rekey()
      transport.receiving.rekey()
    }
    try other.end()
  }
}
