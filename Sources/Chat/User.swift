// `alice#K7QM2-XWB9P-TD4HG-Z3R8F`: a name that proves itself.
//
// The id is made from the name, the session's public key and its salt, so whoever shows the key and the salt, and proves that
// the key is theirs, has proved the whole `name#id`; nobody else can claim it, and no server is asked.
//
//   95 bits = first bits of SHA-256( "chord-chat user" · 0 · folded name (u8 + n) · public key 32 · salt 16 )

import Chord

/// A user of the network: a name and the id that belongs to it.
public struct User: Sendable {
  /// The name as typed.
  public let name: UserName
  /// The id; its check symbol fits the name.
  public let id: UserID

  /// The user of a session.
  public init(name: UserName, identity: Identity) {
    self.init(name: name, publicKey: identity.publicKey, salt: identity.salt)
  }

  init(name: UserName, publicKey: [UInt8], salt: [UInt8]) {
    var input = ByteWriter()
    input.writeShort(name.folded)
    input.write(publicKey)
    input.write(salt)
    let digest = Digest.sha256("chord-chat user", input.bytes)
    let symbols = (0..<(UserID.symbolCount - 1)).map { index in
      let bit = 5 * index
      let pair = UInt16(digest[bit / 8]) << 8 | UInt16(digest[bit / 8 + 1])
      return UInt8(pair >> UInt16(11 - bit % 8) & 31)
    }
    self.name = name
    id = UserID(symbols: symbols + [CheckSymbol.completing(symbols, name: name.folded)])
  }

  /// Nil when the check symbol does not fit the name.
  init?(name: UserName, id: UserID) {
    guard CheckSymbol.holds(id.symbols, name: name.folded) else { return nil }
    self.name = name
    self.id = id
  }

  /// Whether this public key and salt give this user. That the key is the other side's own, the secure channel has proved.
  public func isProved(by publicKey: [UInt8], salt: [UInt8]) -> Bool {
    Identity.isAcceptable(publicKey: publicKey) && salt.count == Identity.saltBytes
      && User(name: name, publicKey: publicKey, salt: salt).id == id
  }
}

// MARK: - Writing and reading

extension User: CustomStringConvertible {
  /// The form that people see and type: the name as typed, `#`, and the id in groups.
  public var description: String { "\(name)#\(id)" }

  /// Reads what somebody typed or pasted. The last `#` separates name and id; in the id, case, hyphens and spaces do not
  /// matter, and `O`, `I` and `L` read as 0, 1 and 1.
  public init(parsing text: String) throws(InvalidUser) {
    let scalars = text.unicodeScalars
    guard let hash = scalars.lastIndex(of: "#") else { throw .noHash }
    let name: UserName
    do { name = try UserName(String(scalars[..<hash])) } catch { throw .badName(error) }
    var symbols: [UInt8] = []
    var count = 0
    for scalar in scalars[scalars.index(after: hash)...] where !Self.isSeparator(scalar) {
      guard let symbol = UserID.value(of: scalar) else { throw .badSymbol(Character(scalar)) }
      if symbols.count < UserID.symbolCount { symbols.append(symbol) }
      count += 1
    }
    guard count == UserID.symbolCount else { throw .wrongLength(count) }
    guard let user = User(name: name, id: UserID(symbols: symbols)) else { throw .mistyped }
    self = user
  }

  /// Hyphens, the dashes that word processors make of them, and white space.
  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "-" || (0x2010...0x2015).contains(scalar.value) || scalar.value == 0x2212
      || scalar.properties.isWhitespace
  }
}

extension User: Hashable {
  public static func == (a: User, b: User) -> Bool { a.id == b.id && a.name == b.name }
  /// The id alone spreads well enough: it is a hash of the name already.
  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// Why a text is not a `name#id`.
public enum InvalidUser: Error, Hashable, Sendable {
  case noHash
  case badName(InvalidUserName)
  /// So many symbols were given instead of 20.
  case wrongLength(Int)
  case badSymbol(Character)
  /// The check symbol does not fit.
  case mistyped
}

extension InvalidUser: CustomStringConvertible {
  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .noHash: "a user is written name#id: add the '#' and the id your friend gave you"
    case .badName(let why): why.description
    case .wrongLength(let count):
      "an id has \(UserID.symbolCount) symbols and this one has \(count): check that all of it was copied"
    case .badSymbol(let symbol): "'\(symbol)' is not a symbol of an id: use digits and letters other than U"
    case .mistyped: "the name and the id do not belong together, one of them is mistyped: check both"
    }
  }
}

extension ByteWriter {
  /// The name as typed (u8 and up to 128 bytes), then the 20 symbols, a byte each.
  mutating func write(_ user: User) {
    writeShort(Array(user.name.text.utf8))
    write(user.id.symbols)
  }
}

extension ByteReader {
  /// A user whose name is valid and in form C, and whose check symbol fits.
  @_lifetime(self: copy self)
  mutating func user() throws(Malformed) -> User {
    let typed = try short()
    let symbols = try array(UserID.symbolCount)
    guard let text = String(validating: typed, as: UTF8.self), symbols.allSatisfy({ $0 < 32 }) else {
      throw .invalid(.text)
    }
    // A peer is told that its text is wrong, not what a person would be told who typed it.
    guard let name = try? UserName(text), name.text.utf8.elementsEqual(typed),
      let user = User(name: name, id: UserID(symbols: symbols))
    else { throw .invalid(.text) }
    return user
  }
}
