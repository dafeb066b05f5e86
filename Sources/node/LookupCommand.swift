// `node lookup`: where a key or a user is, asked through any member.

import ArgumentParser
import NodeKit

/// Finds the owner of a key, or a user.
struct LookupCommand: ParsableCommand {
  /// What is looked for.
  enum Target {
    case key(Identifier)
    case user(User)
  }

  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Find the node that owns a key, or where a user is.",
    discussion: """
      EXAMPLES
        node lookup 4f1d0c5e8a7b6f3e2d1c0b9a8f7e6d5c4b3a2f1e
        node lookup alice#K7QM2-XWB9P-TD4HG-Z3R8F --json
      """)

  @Argument(
    help: ArgumentHelp("A key of 40 hexadecimal digits, or a user as alice#K7QM2-…", valueName: "key|username#id"),
    transform: Self.target)
  var target: Target

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var network: NetworkOptions

  func run() throws {
    let observer = try Observer(network)
    throw observer.run {
      switch target {
      case .key(let key):
        observer.node.lookup(key) { result in
          answer(observer, result.map { (json: $0.json, text: Self.text($0)) })
        }
      case .user(let user):
        observer.node.find(user) { result in
          answer(observer, result.map { (json: $0.json, text: text($0, observer.node.ringKey(of: user))) })
        }
      }
    }
  }

  private func answer(_ observer: Observer, _ result: Result<(json: JSON, text: String), NodeFailure>) {
    switch result {
    case .success(let found):
      observer.finish(StandardOutput.print(json ? found.json.line : found.text) ? .success : .ioFailed)
    case .failure(let failure):
      StandardError.say(failure.description)
      switch failure {
      case .userNotFound, .unreachable, .noSession, .messageTooLarge, .emptyText, .timeout, .notAccepted, .busy,
        .oneself,
        .noUser:
        observer.finish(.notFound)
      case .notInRing, .stopped: observer.finish(.alone)
      }
    }
  }

  @Sendable private static func target(_ text: String) throws -> Target {
    if let key = Identifier(text) { return .key(key) }
    guard text.contains("#") else {
      throw ValidationError("give a key of 40 hexadecimal digits, or a user as alice#K7QM2-XWB9P-TD4HG-Z3R8F")
    }
    return .user(try Check.user(text))
  }

  private static func text(_ result: LookupResult) -> String {
    """
    owner    \(result.owner.id)
    address  \(result.owner.endpoint)
    hops     \(result.hops)
    time     \(result.duration.shown)
    """ + result.path.map { "\npath     \($0)" }.joined()
  }

  private func text(_ finding: Finding, _ key: Identifier) -> String {
    """
    user     \(Names.full(finding.user))
    address  \(finding.peer.endpoint)
    node     \(finding.peer.id)
    key      \(key)
    hops     \(finding.hops)
    time     \(finding.duration.shown)
    """
  }
}
