// How a user is called on the screen: by name, unless that would leave open who is meant. Two users of one name (whatever the
// case of its letters) are both shown with their ids from the moment the second one turns up, and so is a name that could be
// read as part of the line around it, or is that of our own lines: nobody called "error" or "you" speaks for the program or for us.

import NodeKit

/// Remembers who has been shown, to tell users of one name apart.
struct Names {
  /// How many users are remembered. Beyond, everyone is shown with the id: always right, only longer.
  static let limit = 10_000

  private var usersByName: [UserName: Set<User>] = [:]
  private var count = 0

  /// The user's name, with the id where the name does not suffice.
  mutating func shown(_ user: User) -> String {
    let name = user.name.description
    // Two names are equal when they differ in case only.
    if count < Self.limit, usersByName[user.name, default: []].insert(user).inserted { count += 1 }
    let users = usersByName[user.name] ?? []
    let isEnough = users.contains(user) && users.count == 1 && Self.isPlain(user.name)
    return isEnough ? Display.line(name) : Self.full(user)
  }

  /// The user who has been shown under this name; nil if there was nobody, or (as far as is remembered) more than one.
  func only(named name: UserName) -> User? {
    guard count < Self.limit, let users = usersByName[name], users.count == 1 else { return nil }
    return users.first
  }

  /// Whether anybody has been shown under this name.
  func knows(_ name: UserName) -> Bool { count >= Self.limit || usersByName[name] != nil }

  /// The whole `username#id`, safe to show.
  static func full(_ user: User) -> String {
    // The name by itself, or the id after it would be ordered with it.
    "\(Display.line(user.name.description))#\(user.id)"
  }

  /// Whether a name cannot be mistaken for something else on the line: no colon, no blank, no quote, nothing hidden, and not ours.
  private static func isPlain(_ name: UserName) -> Bool {
    let text = name.description
    return text == Display.line(text, isolating: false)
      && text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && ![":", "\"", "|", "("].contains($0) }
      && !isOurs(name)
  }

  // MARK: How our own lines begin

  private static let ours = ["you", "error", "--"]
  /// What is drawn like these, whatever its case: of Cyrillic, Greek and Armenian letters, and of dashes.
  private static let lookalikes: [Unicode.Scalar: String] = [
    "e": "еҽε", "o": "оοօσ0", "r": "г", "u": "υսц", "y": "уүγυ", "-": "‐‑‒–—―−",
  ]

  /// Whether somebody is called as our own lines begin, or so that it looks like that.
  private static func isOurs(_ name: UserName) -> Bool {
    let scalars = String(decoding: name.folded, as: UTF8.self).unicodeScalars.filter {
      !$0.properties.isDefaultIgnorableCodePoint
    }
    return ours.contains { word in
      scalars.count == word.utf8.count && zip(word.unicodeScalars, scalars).allSatisfy { looksLike($0, $1) }
    }
  }

  private static func looksLike(_ letter: Unicode.Scalar, _ other: Unicode.Scalar) -> Bool {
    switch other.value {
    case 0xFF01...0xFF5E, 0x1D400...0x1D7FF: true  // any letter in another shape: wide, bold, slanted
    default: letter == other || lookalikes[letter]?.unicodeScalars.contains(other) ?? false
    }
  }
}
