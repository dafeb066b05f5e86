import Chord
import Testing

@testable import Chat

@Suite("Users and their ids")
struct UserTests {
  let identity = World.identity(1)
  var alice: User { get throws { User(name: try UserName("Alice"), identity: identity) } }

  @Test("a user is shown as name, hash, and four groups of five symbols, and reads back")
  func shown() throws {
    let text = try alice.description
    #expect(text.hasPrefix("Alice#"))
    let groups = text.dropFirst(6).split(separator: "-")
    #expect(groups.count == 4 && groups.allSatisfy { $0.count == 5 })
    #expect(try User(parsing: text) == alice)
    #expect(try User(parsing: text).description == text)
  }

  @Test("the id of a known key, salt and name is this one")
  func vector() throws {
    let identity = try #require(
      Identity(seed: [UInt8](repeating: 1, count: 32), salt: (0..<16).map { 0xA0 + $0 }))
    #expect(
      Hexadecimal.text(identity.publicKey) == "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c")
    #expect(User(name: try UserName("Alice"), identity: identity).description == "Alice#QWTYE-C2DXH-M44WC-MY5C0")
  }

  @Test("case, hyphens, spaces, and O, I and L do not matter in an id")
  func lenient() throws {
    let text = try alice.description
    let id = String(text.dropFirst(6))
    let plain = id.filter { $0 != "-" }
    let spoken = plain.map { $0 == "0" ? "o" : $0 == "1" ? "l" : $0 }
    for variant in [
      plain, id.lowercased(), " \(plain) \n", String(spoken), String(spoken).uppercased(),
      plain.map { "\($0)-" }.joined(), id.replacing("-", with: "\u{2013}"),
      plain.replacing("1", with: "I"),
    ] { #expect(try User(parsing: "alice#" + variant) == alice) }
  }

  @Test("the last hash separates, so a name with a hash is a bad name")
  func lastHash() throws {
    let text = try alice.description
    #expect(throws: InvalidUser.badName(.containsHash)) { try User(parsing: "x#" + text) }
    #expect(throws: InvalidUser.noHash) { try User(parsing: "alice") }
    #expect(throws: InvalidUser.noHash) { try User(parsing: "") }
    #expect(throws: InvalidUser.badName(.empty)) { try User(parsing: "#") }
    #expect(throws: InvalidUser.wrongLength(0)) { try User(parsing: "alice#") }
    #expect(throws: InvalidUser.wrongLength(3)) { try User(parsing: "alice#ABC") }
    #expect(throws: InvalidUser.wrongLength(21)) { try User(parsing: text + "0") }
    #expect(throws: InvalidUser.badSymbol("U")) { try User(parsing: "alice#UBC") }
    #expect(throws: InvalidUser.badSymbol("é")) { try User(parsing: "alice#é") }
    #expect(throws: InvalidUser.badSymbol("\u{301}")) { try User(parsing: "alice#\u{301}") }
  }

  @Test("every single wrong symbol and every exchange of two symbols is caught")
  func checkSymbol() throws {
    for number in UInt64(1)...20 {
      let user = User(name: try UserName("bob"), identity: World.identity(number))
      let symbols = user.id.symbols
      for place in symbols.indices {
        for wrong in UInt8(0)..<32 where wrong != symbols[place] {
          var typed = symbols
          typed[place] = wrong
          #expect(!CheckSymbol.holds(typed, name: user.name.folded))
        }
        for other in symbols.indices where symbols[other] != symbols[place] {
          var typed = symbols
          typed.swapAt(place, other)
          #expect(!CheckSymbol.holds(typed, name: user.name.folded))
        }
      }
      var text = Array(user.description)
      text.swapAt(4, 5)
      if text != Array(user.description) { #expect(throws: InvalidUser.mistyped) { try User(parsing: String(text)) } }
    }
  }

  @Test("a wrong name passes the check symbol about once in 32")
  func wrongName() throws {
    let id = try alice.id
    let passes = try (0..<3200).filter { User(name: try UserName("n\($0)"), id: id) != nil }.count
    #expect((50...160).contains(passes))
  }

  @Test("a user is proved by its own key and salt, and by no other")
  func proof() throws {
    let user = try alice
    #expect(user.isProved(by: identity.publicKey, salt: identity.salt))
    #expect(try User(parsing: user.description.uppercased()).isProved(by: identity.publicKey, salt: identity.salt))
    #expect(!user.isProved(by: World.identity(2).publicKey, salt: identity.salt))
    #expect(!user.isProved(by: identity.publicKey, salt: World.identity(2).salt))
    #expect(!user.isProved(by: [], salt: []))
    var signed = identity.publicKey
    signed[31] |= 0x80
    #expect(!user.isProved(by: signed, salt: identity.salt))
    #expect(User(name: try UserName("mallory"), identity: identity).id != user.id)
  }

  @Test("anything that can be typed is read or refused, never a trap")
  func anything() {
    var generator = Generator(seed: 1)
    let pool = Array("#aZ09-OILU éüß李\u{0}\u{301}\u{200D}👩‍💻\n".unicodeScalars)
    for _ in 0..<5_000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int(generator.next() % 40) { text.append(pool[Int(generator.next() % UInt64(pool.count))]) }
      _ = try? User(parsing: String(text))
    }
  }
}

@Suite("Identities and key files")
struct IdentityTests {
  @Test("a seed is accepted when its public key's sign bit is 0, which is every other seed")
  func signBit() {
    let accepted = (0..<200).filter { number in
      Identity(seed: [UInt8](repeating: UInt8(number), count: 32), salt: [UInt8](repeating: 0, count: 16)) != nil
    }
    #expect((60...140).contains(accepted.count))
    #expect(Identity(seed: [1], salt: [UInt8](repeating: 0, count: 16)) == nil)
    #expect(Identity(seed: [UInt8](repeating: 0, count: 32), salt: []) == nil)
  }

  @Test("what an identity signs, its public key verifies")
  func signature() {
    let identity = World.identity(3)
    let signature = identity.sign([1, 2, 3])
    #expect(SignatureCheck.ed25519.holds(signature, over: [1, 2, 3], by: identity.publicKey))
    #expect(!SignatureCheck.ed25519.holds(signature, over: [1, 2, 4], by: identity.publicKey))
    #expect(!SignatureCheck.ed25519.holds([], over: [1, 2, 3], by: identity.publicKey))
  }

  @Test("a key file is one line that gives the same identity back")
  func keyFile() throws {
    let identity = World.identity(4)
    let text = identity.keyFileText
    #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("\n"))
    let read = try Identity(keyFileText: text)
    #expect(read.seed == identity.seed && read.salt == identity.salt && read.publicKey == identity.publicKey)
    #expect(
      try Identity(keyFileText: "  " + text.uppercased().replacing("CHORD-CHAT-KEY", with: "chord-chat-key")).seed
        == identity.seed)
  }

  @Test("a key file that cannot be used says why")
  func badKeyFile() throws {
    #expect(throws: InvalidKeyFile.empty) { try Identity(keyFileText: " \n") }
    #expect(throws: InvalidKeyFile.notAKeyFile) { try Identity(keyFileText: "hello world") }
    #expect(throws: InvalidKeyFile.notAKeyFile) { try Identity(keyFileText: String(repeating: "x", count: 100_000)) }
    #expect(throws: InvalidKeyFile.unknownVersion("2")) { try Identity(keyFileText: "chord-chat-key 2 00 00") }
    // It would be shown, and must not drive a terminal.
    #expect(throws: InvalidKeyFile.notAKeyFile) { try Identity(keyFileText: "chord-chat-key \u{1B}[2J 00 00") }
    #expect(throws: InvalidKeyFile.damaged) { try Identity(keyFileText: "chord-chat-key 1 00 00") }
    #expect(throws: InvalidKeyFile.damaged) {
      try Identity(keyFileText: String(World.identity(1).keyFileText.dropLast(2)))
    }
    let unusable = try #require(
      (UInt8(0)...255).map { [UInt8](repeating: $0, count: 32) }.first {
        Identity(seed: $0, salt: [UInt8](repeating: 0, count: 16)) == nil
      })
    #expect(throws: InvalidKeyFile.unusableKey) {
      try Identity(
        keyFileText: "chord-chat-key 1 \(Hexadecimal.text(unusable)) \(String(repeating: "0", count: 32))")
    }
  }
}
