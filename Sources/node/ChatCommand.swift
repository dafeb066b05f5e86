// `node chat`: a node with a user, for a person in plain lines or for a bot in JSON-RPC.

import ArgumentParser
import Glibc
import NodeKit

/// Chats.
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Chat: type a line to send it, /help for the commands.",
    discussion: """
      In a terminal it takes the whole screen (F1 or /help lists keys and commands), with --plain it writes plain lines, as it does \
      in a pipe. With no bootstrap node there it starts a new ring and, unless --bootstrap is given, also \
      listens on the first bootstrap address, so that the next one to start finds it. At the end of input (Ctrl-D) it waits for \
      undelivered texts for up to 30 seconds; Ctrl-C leaves at once.

      EXAMPLES
        node chat --username alice
        node chat --key-file alice.key    be the same alice#… next time
        node chat --ask                   see who wants to talk before they can
        node chat --rpc --username bot    JSON-RPC 2.0, one message per line
        make 2>&1 | tail -1 | node chat --username ci --to bob#M4TZ8-0QHCV-7W2RK-N9XD3
      """)

  @Option(
    help: ArgumentHelp(
      "The name others see, 1 to 32 characters without #. Default: asked for in a terminal, otherwise $USER.",
      valueName: "name"),
    transform: Check.username)
  var username: UserName?

  @Flag(
    help:
      "Let nobody unknown talk to you before you /accept them. Otherwise whoever has your name and id can; /ignore ends that."
  )
  var ask = false

  @Option(
    help: ArgumentHelp(
      """
      Talk to this user from the start. In a pipe every line of input is a text to them, whatever it begins with, and the exit code \
      is 0 only if all were acknowledged.
      """,
      valueName: "username#id"),
    transform: Check.user)
  var to: User?

  @Flag(help: "Write plain lines in a terminal too, one event a line: for screen readers, and for who likes it so.")
  var plain = false

  @OptionGroup var member: MemberOptions
  @OptionGroup var network: NetworkOptions

  func run() throws {
    let isTerminal = isatty(0) == 1
    var configuration = network.configuration
    configuration.username = try username ?? UsernameChoice.make(canAsk: isTerminal && !member.rpc)
    configuration.asksBeforeAccepting = ask
    try member.apply(to: &configuration)
    let isOpenToAll = network.bootstrap.isEmpty && !network.requireBootstrap
    configuration.standsInForBootstrap = isOpenToAll
    let frontEnd = frontEnd(isTerminal: isTerminal)
    let host = try Host(
      configuration, requiresBootstrap: network.requireBootstrap, member.operators, frontEnd)
    throw try host.run()
  }

  private func frontEnd(isTerminal: Bool) -> any FrontEnd {
    if member.rpc { return RPCServer(hasUser: true) }
    let circumstances = Chatting.Circumstances(
      isPerson: isTerminal, usesCompiledInBootstraps: network.bootstrap.isEmpty, addressee: to)
    let kind = TerminalKind.ofThisProcess
    return !plain && kind.suitsScreen
      ? ScreenMode(circumstances, hasColors: kind.hasColors) : LineMode(circumstances)
  }

  func validate() throws {
    if member.rpc, to != nil {
      throw ValidationError("--to and --rpc do not go together: a bot sends with the method send.")
    }
  }
}
