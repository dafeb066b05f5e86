// Tab: what the word before the cursor may become. Commands after a slash, users behind a command that takes one, names in a text.

/// The ways to complete what has been typed.
struct Completion: Equatable {
  /// How many characters before the cursor are replaced.
  var replaced: Int
  /// What may stand there instead, whole.
  var candidates: [String]

  /// Somebody who may be meant.
  struct Person: Equatable {
    /// As others are shown: a name.
    var name: String
    /// `name#id`
    var full: String
  }

  /// What can be made of a line up to the cursor.
  static func of(_ typed: String, people: [Person]) -> Completion {
    guard typed.hasPrefix("/"), !typed.hasPrefix("//") else { return name(typed, people) }
    guard let blank = typed.firstIndex(of: " ") else {
      let begun = typed.dropFirst()
      let names = LineCommand.all.map(\.name).filter { $0.hasPrefix(begun) }
      return Completion(replaced: typed.count, candidates: names.sorted().map { "/\($0) " })
    }
    let command = typed[typed.index(after: typed.startIndex)..<blank]
    guard LineCommand.all.contains(where: { $0.name == command && $0.takes.contains("NAME") }) else {
      return Completion(replaced: 0, candidates: [])
    }
    let begun = typed[typed.index(after: blank)...]
    let full = people.map(\.full).filter { isBeginning(begun, of: $0) }
    return Completion(replaced: begun.count, candidates: full.map { $0 + " " })
  }

  private static func name(_ typed: String, _ people: [Person]) -> Completion {
    let word = typed.split(separator: " ", omittingEmptySubsequences: false).last ?? ""
    guard !word.isEmpty else { return Completion(replaced: 0, candidates: []) }
    let end = word.count == typed.count ? ": " : " "
    var names: [String] = []
    for person in people where isBeginning(word, of: person.name) && !names.contains(person.name) {
      names.append(person.name)
    }
    return Completion(replaced: word.count, candidates: names.map { $0 + end })
  }

  private static func isBeginning(_ begun: some StringProtocol, of whole: String) -> Bool {
    whole.lowercased().hasPrefix(begun.lowercased())
  }

  /// What all candidates have in common, whatever the case of its letters.
  var common: String {
    guard var common = candidates.first else { return "" }
    for candidate in candidates.dropFirst() {
      while !Self.isBeginning(common, of: candidate) { common.removeLast() }
    }
    return common
  }
}
