// What a typed line asks for. A line that begins with a slash is a command and never goes out as a text, however it is
// misspelt; `//` begins a text with a slash. Anything else is a text for the current peer.
//
//     /msg alice smith#K7QM2-XWB9P-TD4HG-Z3R8F the rest is the text, to the last blank
//          '---------.---------------------'
//           names may hold blanks, ids never do: a user ends at the first blank after the #

import NodeKit

/// Whom a command is about: a user, or one who has been shown and is called by name alone.
enum Whom: Equatable {
  case user(User)
  case name(UserName)
}

/// One line of input, understood.
enum LineCommand: Equatable {
  /// A text for the current peer.
  case say(String)
  case find(User)
  case message(User, String)
  case open(User)
  /// Nil: the current peer.
  case close(User?)
  case accept(Whom)
  case ignore(Whom)
  case sessions
  case id
  case status
  case ring
  case peers
  case clear
  case help
  case quit
  /// Nothing to do.
  case nothing
  /// What is wrong and what to do, in a sentence. Nothing of the line is sent.
  case mistake(String)

  /// The commands, with what they take and do, in the order of the help.
  static let all: [(name: String, takes: String, does: String)] = [
    ("msg", "NAME#ID TEXT", "sends a text, and makes that user the one you talk to"),
    ("open", "NAME#ID", "opens a session, and makes that user the one you talk to"),
    ("close", "[NAME#ID]", "closes a session; without a user, the one with whom you talk to now"),
    ("accept", "NAME[#ID]", "lets a user talk to you who has asked to, or whom you ignored"),
    ("ignore", "NAME[#ID]", "closes a session, and shows nothing of that user any more"),
    ("find", "NAME#ID", "says where a user is"),
    ("sessions", "", "lists the sessions that stand, and who has asked for one"),
    ("id", "", "shows your own name and id, to give to a friend"),
    ("status", "", "shows how this node stands in the ring"),
    ("ring", "", "walks round the ring and shows its members"),
    ("peers", "", "lists the nodes that this one has a link to"),
    ("clear", "", "forgets what has been shown"),
    ("help", "", "shows this"),
    ("quit", "", "waits for what is still to be delivered, then leaves"),
  ]

  /// Understands a line.
  static func parse(_ line: String) -> LineCommand {
    guard line.unicodeScalars.first == "/" else { return isBlank(line.unicodeScalars[...]) ? .nothing : .say(line) }
    if line.unicodeScalars.dropFirst().first == "/" {
      return .say(String(line.unicodeScalars.dropFirst()))
    }
    let (name, rest) = word(line.unicodeScalars.dropFirst())
    switch name {
    case "msg": return message(rest)
    case "find": return withUser(name, rest) { .find($0) }
    case "open": return withUser(name, rest) { .open($0) }
    case "close": return isBlank(rest) ? .close(nil) : withUser(name, rest) { .close($0) }
    case "accept": return withWhom(name, rest) { .accept($0) }
    case "ignore": return withWhom(name, rest) { .ignore($0) }
    case "sessions": return alone(name, rest, .sessions)
    case "id": return alone(name, rest, .id)
    case "status": return alone(name, rest, .status)
    case "ring": return alone(name, rest, .ring)
    case "peers": return alone(name, rest, .peers)
    case "clear": return alone(name, rest, .clear)
    case "help": return alone(name, rest, .help)
    case "quit": return alone(name, rest, .quit)
    default: return unknown(name)
    }
  }

  // MARK: What follows a command

  private typealias Scalars = Substring.UnicodeScalarView

  private static func message(_ rest: Scalars) -> LineCommand {
    let (written, text) = user(rest)
    switch parsed(written, for: "msg") {
    case .failure(let mistake): return .mistake(mistake.description)
    case .success(let user):
      guard !text.isEmpty else {
        return .mistake(
          "There is no text after \(Display.line(written)): write it behind, or use /open to talk to this user.")
      }
      return .message(user, String(text))
    }
  }

  private static func withUser(_ name: String, _ rest: Scalars, _ make: (User) -> LineCommand) -> LineCommand {
    // The id may have been typed in groups with blanks between: then all of the rest is the user.
    let (written, more) = user(rest)
    let whole = parsed(trimmed(rest), for: name)
    switch (parsed(written, for: name), whole) {
    case (_, .success(let user)): return make(user)
    case (.success(let user), .failure) where !isBlank(more):
      return .mistake("/\(name) takes a user and nothing else. To send a text, write /msg \(Names.full(user)) TEXT.")
    case (.success, .failure(let mistake)), (.failure(let mistake), .failure): return .mistake(mistake.description)
    }
  }

  private static func withWhom(_ name: String, _ rest: Scalars, _ make: (Whom) -> LineCommand) -> LineCommand {
    let written = trimmed(rest)
    if written.isEmpty || written.unicodeScalars.contains("#") { return withUser(name, rest) { make(.user($0)) } }
    do throws(Mistake) {
      return make(.name(try Written.name(written)))
    } catch {
      return .mistake("\(Display.beginning(written)) is not a user: \(error).")
    }
  }

  private static func alone(_ name: String, _ rest: Scalars, _ command: LineCommand) -> LineCommand {
    isBlank(rest) ? command : .mistake("/\(name) takes nothing after it. Nothing was done.")
  }

  private static func unknown(_ name: String) -> LineCommand {
    let meant = Suggestion.nearest(to: name, among: all.map(\.name)).map { " Did you mean /\($0)?" } ?? ""
    return .mistake(
      "There is no command /\(Display.beginning(name, atMost: 24)), so nothing was done or sent.\(meant)"
        + " /help lists the commands; begin a text with // to send it with a slash.")
  }

  // MARK: Words

  private static func parsed(_ written: String, for command: String) -> Result<User, Mistake> {
    guard !written.isEmpty else {
      return .failure(
        Mistake("/\(command) needs a user: write /\(command) NAME#ID, as your friend's node shows it."))
    }
    do throws(Mistake) {
      return .success(try Written.user(written))
    } catch {
      return .failure(Mistake("\(Display.beginning(written)) is not a user: \(error)."))
    }
  }

  /// The first word, and what follows the one blank after it.
  private static func word(_ scalars: Scalars) -> (String, Scalars) {
    let end = scalars.firstIndex(where: isBlank) ?? scalars.endIndex
    return (String(scalars[..<end]), scalars[end...].dropFirst())
  }

  /// A user as written, and what follows the one blank after it.
  private static func user(_ scalars: Scalars) -> (String, Scalars) {
    let scalars = scalars.drop(while: isBlank)
    guard let mark = scalars.firstIndex(of: "#") else { return word(scalars) }
    let end = scalars[mark...].firstIndex(where: isBlank) ?? scalars.endIndex
    return (String(scalars[..<end]), scalars[end...].dropFirst())
  }

  private static func trimmed(_ scalars: Scalars) -> String {
    let scalars = scalars.drop(while: isBlank)
    let end = scalars.lastIndex { !isBlank($0) }.map { scalars.index(after: $0) } ?? scalars.endIndex
    return String(scalars[..<end])
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
  private static func isBlank(_ scalars: Scalars) -> Bool { scalars.allSatisfy(isBlank) }
}
