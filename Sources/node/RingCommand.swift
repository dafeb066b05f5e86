// `node ring`: walks round the ring through any member and prints it.

import ArgumentParser
import Glibc
import NodeKit

/// Prints the ring.
struct RingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ring",
    abstract: "Walk round the ring and print its members; exit code 1 if it is not consistent.",
    discussion: """
      EXAMPLES
        node ring
        node ring --bootstrap 192.0.2.7:7401 --json
        node ring --svg ring.svg --fingers 4f1d
        node ring --dot | circo -Tpng > ring.png
      """)

  @Flag(
    help:
      "Print one JSON object: {\"members\":[{\"position\",\"node\",\"address\",\"predecessor\",\"right\"}],\"problems\":[…]}."
  )
  var json = false

  @Flag(help: "Print the ring for Graphviz, with wrong pointers in red and the fingers of one member in blue.")
  var dot = false

  @Option(help: ArgumentHelp("Draw the ring into this file, for a browser.", valueName: "file"), transform: Check.file)
  var svg: String?

  @Option(
    help: ArgumentHelp(
      "Whose fingers are drawn: a member whose identifier begins like this. Default: the first one.",
      valueName: "digits"),
    transform: Check.digits)
  var fingers: String?

  @OptionGroup var network: NetworkOptions

  func validate() throws {
    if json, dot { throw ValidationError("--json and --dot both write to standard output: choose one.") }
    if fingers != nil, !dot, svg == nil {
      throw ValidationError("--fingers is for a picture: add --svg FILE or --dot.")
    }
  }

  func run() throws {
    let observer = try Observer(network)
    throw observer.run {
      // Any member would do; the owner of 0 makes the same ring print the same way.
      observer.node.lookup(.zero) { result in
        // If the lookup fails the walk begins at a contact, and shows what is wrong better than the error would.
        let found = try? result.get().owner
        guard let start = found ?? observer.node.contacts.first else {
          StandardError.say("no member of the ring was found: try again in a moment")
          return observer.finish(.alone)
        }
        walk(observer, RingWalk(at: start), .ask(start))
      }
    }
  }

  private func walk(_ observer: Observer, _ walk: RingWalk, _ step: RingWalk.Step) {
    guard case .ask(let peer) = step else { return show(observer, walk) }
    observer.node.view(of: peer) { result in
      var walk = walk
      switch result {
      case .success(let view):
        let step = walk.answered(view)
        self.walk(observer, walk, step)
      case .failure:
        let step = walk.failed("does not answer")
        self.walk(observer, walk, step)
      }
    }
  }

  private func show(_ observer: Observer, _ walk: RingWalk) {
    let centre = walk.members.map(\.peer).first { peer in
      fingers.map { peer.id.description.hasPrefix($0.lowercased()) } ?? true
    }
    if centre == nil, let fingers {
      StandardError.say(
        "no member's identifier begins with \(fingers), so no fingers are drawn: `node ring` shows them all")
    }
    let picture = RingPicture(walk, fingersOf: centre)
    if let svg {
      guard write(picture.svg + "\n", to: svg) else { return observer.finish(.ioFailed) }
    }
    let isPrinted = StandardOutput.print(json ? Self.json(walk).line : dot ? picture.dot : Self.text(walk))
    guard isPrinted else { return observer.finish(.ioFailed) }
    observer.finish(walk.problems.isEmpty ? .success : .notFound)
  }

  /// Whether the file could be written; says why not.
  private func write(_ text: String, to path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    var code = descriptor < 0 ? errno : StandardOutput.write(text, to: descriptor)
    if descriptor >= 0, close(descriptor) != 0 { code = code ?? errno }
    guard let code else { return true }
    StandardError.say("\(Display.line(path)) cannot be written: \(StandardError.text(ofErrno: code))")
    return false
  }

  // MARK: Printing

  private static func json(_ walk: RingWalk) -> JSON {
    let members = walk.members.enumerated().map { position, member -> JSON in
      [
        "position": .integer(position),
        "node": .string(member.peer.id.description),
        "address": .string(member.peer.endpoint.description),
        "predecessor": .optional(member.predecessor?.id.description),
        "right": member.isPredecessorRight.map(JSON.bool) ?? .null,
      ]
    }
    return ["members": .array(members), "problems": .strings(walk.problems)]
  }

  private static func text(_ walk: RingWalk) -> String {
    let width = walk.members.map { $0.peer.endpoint.description.count }.max() ?? 0
    var lines = walk.members.enumerated().map { position, member in
      let number = String(position)
      let address = member.peer.endpoint.description
      let predecessor =
        switch member.isPredecessorRight {
        case true: "right"
        case false: "WRONG"
        case nil: "unknown"
        }
      return String(repeating: " ", count: max(0, 5 - number.count)) + number + "  \(member.peer.id)  " + address
        + String(repeating: " ", count: width - address.count) + "  predecessor \(predecessor)"
    }
    lines.append(walk.members.count == 1 ? "1 member" : "\(walk.members.count) members")
    lines += walk.problems.map { "problem: \($0)" }
    lines.append(
      walk.problems.isEmpty ? "The ring is consistent." : "The ring is NOT consistent; if it is changing, look again.")
    return lines.joined(separator: "\n")
  }
}
