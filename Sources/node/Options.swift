// The options that commands share, and how they become a node's configuration. Everything that can be wrong by itself is found
// here, before anything starts, and told with what to do instead.

import ArgumentParser
import Logging
import NodeKit

/// Whom to ask, and in which network: for every command.
struct NetworkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Where another node may be found. Can be given several times: all are tried at once, any one suffices. Replaces the \
      addresses compiled in (\(Bootstraps.compiledIn.joined(separator: ", "))).
      """,
      valueName: "host:port"),
    transform: Check.dialled)
  var bootstrap: [String] = []

  @Option(
    help: ArgumentHelp("The network's name: nodes of different networks never meet.", valueName: "name"),
    transform: Check.network)
  var network = NodeConfiguration().network

  @Flag(help: "End with exit code 69 if no bootstrap node answers within 5 seconds, instead of standing alone.")
  var requireBootstrap = false

  @Option(
    help: ArgumentHelp("Makes the node's choices repeatable, for tests. Never touches keys.", valueName: "number"),
    transform: Check.seed)
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Log to standard error: trace, debug, info, notice, warning, error or critical. Never a user, an address or a text.",
      valueName: "level"),
    transform: Check.logLevel)
  var logLevel: Logger.Level?

  /// A configuration with these options.
  var configuration: NodeConfiguration {
    var configuration = NodeConfiguration()
    // Given twice is given once.
    var seen: Set<String> = []
    let given = bootstrap.filter { seen.insert($0).inserted }
    if !given.isEmpty { configuration.bootstraps = given }
    configuration.network = network
    configuration.seed = seed
    if let logLevel {
      configuration.logger = Logger(label: "chord-chat", factory: { StreamLogHandler.standardError(label: $0) })
      configuration.logger.logLevel = logLevel
    }
    return configuration
  }
}

/// How a node takes part in the ring: for `chat` and `bootstrap`.
struct MemberOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Where to listen; port 0 lets the system choose. Default: \(NodeConfiguration().listen) for chat; for bootstrap the first \
      address compiled in that can be had.
      """,
      valueName: "host:port"),
    transform: Check.listened)
  var listen: String?

  @Option(
    help: ArgumentHelp(
      "The address to tell others, if it is not the one listened on (behind a router, say).", valueName: "host:port"),
    transform: Check.advertised)
  var advertise: String?

  @Option(
    help: ArgumentHelp(
      """
      Keep the keys in this file, to be the same node and user next time. It is made, readable by you alone, if there is \
      none. Without it the keys last as long as the session.
      """,
      valueName: "file"),
    transform: Check.file)
  var keyFile: String?

  @Option(
    help: ArgumentHelp(
      "How many successors to keep, 1 to 32. Default: 16, and more in a ring of thousands.", valueName: "number"),
    transform: Check.successors)
  var successors: Int?

  @Flag(help: "Speak JSON-RPC 2.0 over standard input and output, one message per line, for bots and scripts.")
  var rpc = false

  @OptionGroup(title: "Options for whoever runs a node") var operators: OperatorOptions

  @Flag(help: ArgumentHelp("Hold loopback and private addresses to the limits for public ones.", visibility: .hidden))
  var limitPrivate = false

  /// Puts these options into a configuration. Throws if the key file cannot be had.
  func apply(to configuration: inout NodeConfiguration) throws {
    if let listen { configuration.listen = listen }
    configuration.advertise = advertise
    configuration.successors = successors
    configuration.limits.includesPrivateAddresses = limitPrivate
    if let keyFile { configuration.identity = try KeyFileStore.identity(at: keyFile) }
  }
}

/// Checks the values of options. What is thrown here is printed behind "The value '…' is invalid for '--…': ".
enum Check {
  @Sendable static func listened(_ text: String) throws -> String {
    try explained { () throws(Mistake) in try HostPort.check(text, for: .listen) }
  }

  @Sendable static func advertised(_ text: String) throws -> String {
    try explained { () throws(Mistake) in try HostPort.check(text, for: .advertise) }
  }

  @Sendable static func dialled(_ text: String) throws -> String {
    try explained { () throws(Mistake) in try HostPort.check(text, for: .dial) }
  }

  @Sendable static func loopback(_ text: String) throws -> SocketAddress {
    guard let address = SocketAddress(text), address.isLoopback else {
      throw ValidationError("numbers are shown on this machine alone: give a loopback address, as in 127.0.0.1:9400")
    }
    return address
  }

  @Sendable static func network(_ text: String) throws -> String {
    let isText = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    guard (1...64).contains(text.utf8.count), isText else {
      throw ValidationError("a network's name has 1 to 64 bytes and no control characters")
    }
    return text
  }

  @Sendable static func seed(_ text: String) throws -> UInt64 {
    guard let seed = UInt64(text) else { throw ValidationError("a seed is a whole number from 0 to \(UInt64.max)") }
    return seed
  }

  @Sendable static func successors(_ text: String) throws -> Int {
    guard let count = Int(text), (1...32).contains(count) else {
      throw ValidationError("give a whole number from 1 to 32")
    }
    return count
  }

  @Sendable static func count(_ text: String) throws -> Int {
    guard let count = Int(text), (1...1000).contains(count) else {
      throw ValidationError("give a whole number from 1 to 1000")
    }
    return count
  }

  @Sendable static func digits(_ text: String) throws -> String {
    guard (1...40).contains(text.utf8.count), text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
      throw ValidationError("give the first hexadecimal digits of a node's identifier, as `node ring` shows them")
    }
    return text
  }

  @Sendable static func logLevel(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text.lowercased()) else {
      let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("the levels are \(levels)")
    }
    return level
  }

  @Sendable static func file(_ text: String) throws -> String {
    guard !text.isEmpty else { throw ValidationError("give the name of a file") }
    return text
  }

  @Sendable static func username(_ text: String) throws -> UserName {
    try explained { () throws(Mistake) in try Written.username(text) }
  }

  @Sendable static func user(_ text: String) throws -> User {
    try explained { () throws(Mistake) in try Written.user(text) }
  }

  /// An error of ours as one that ArgumentParser prints as it is.
  private static func explained<Value>(_ body: () throws(Mistake) -> Value) throws -> Value {
    do throws(Mistake) {
      return try body()
    } catch {
      throw ValidationError(error.description)
    }
  }
}
