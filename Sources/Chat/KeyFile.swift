// An identity as one line of text, for those who want the same id next time. The host reads and writes the file; this is only
// what stands in it:
//
//   chord-chat-key 1 <seed, 64 hexadecimal digits> <salt, 32 hexadecimal digits>
//
// Whoever has the line is the user, so it is as secret as the key itself.

extension Identity {
  private static let keyFileWord = "chord-chat-key"
  private static let keyFileVersion = "1"

  /// The line of a key file, with its line feed.
  public var keyFileText: String {
    "\(Self.keyFileWord) \(Self.keyFileVersion) \(Hexadecimal.text(seed)) \(Hexadecimal.text(salt))\n"
  }

  /// Reads the contents of a key file. White space around and between the fields does not matter.
  public init(keyFileText text: String) throws(InvalidKeyFile) {
    guard text.utf8.count <= 4096 else { throw .notAKeyFile }  // a whole one has 118 bytes
    let fields = text.unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map(String.init)
    guard let word = fields.first else { throw .empty }
    guard word == Self.keyFileWord, fields.count >= 2 else { throw .notAKeyFile }
    guard fields[1] == Self.keyFileVersion else {
      // It is shown, so what no version would have is no version.
      let isOne = fields[1].utf8.count <= 16 && fields[1].utf8.allSatisfy { (0x21...0x7E).contains($0) }
      guard isOne else { throw .notAKeyFile }
      throw .unknownVersion(fields[1])
    }
    guard fields.count == 4, let seed = Hexadecimal.bytes(fields[2]), let salt = Hexadecimal.bytes(fields[3]),
      seed.count == Self.seedBytes, salt.count == Self.saltBytes
    else { throw .damaged }
    guard let identity = Identity(seed: seed, salt: salt) else { throw .unusableKey }
    self = identity
  }
}

/// Why the contents of a key file were refused.
public enum InvalidKeyFile: Error, Hashable, Sendable {
  case empty
  case notAKeyFile
  case unknownVersion(String)
  case damaged
  case unusableKey
}

extension InvalidKeyFile: CustomStringConvertible {
  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .empty: "the key file is empty: delete it and a new one is made, with a new id"
    case .notAKeyFile: "this is not a key file: check the path"
    case .unknownVersion(let version):
      "the key file has version '\(version)' and this program reads version 1: update the program"
    case .damaged: "the key file is damaged: restore it from a copy, or delete it and a new one is made, with a new id"
    case .unusableKey:
      "the key in the key file cannot be used here: delete the file and a new one is made, with a new id"
    }
  }
}

/// Bytes as lower-case hexadecimal digits, and back from either case.
enum Hexadecimal {
  static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let upper = value(digits[index]), let lower = value(digits[index + 1]) else { return nil }
      bytes.append(upper << 4 | lower)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
