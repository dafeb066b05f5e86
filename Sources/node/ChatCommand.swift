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
      Works in a terminal and in a pipe. With no bootstrap node there it starts a new ring and, unless --bootstrap is given, also \
      listens on the first bootstrap address, so that the next one to start finds it. At the end of input (Ctrl-D) it waits for \
      undelivered texts for up to 30 seconds; Ctrl-C leaves at once.

      EXAMPLES
        node chat --username alice
        node chat --key-file alice.key    be the same alice#… next time
        node chat --ask                   see who wants to talk before they can
        node chat --rpc --username bot    JSON-RPC 2.0, one message per line
        printf '/msg bob#… the build is done\\n' | node chat --username ci
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
    let frontEnd: any FrontEnd =
      member.rpc
      ? RPCServer(hasUser: true)
      : LineMode(isTerminal: isTerminal, usesCompiledInBootstraps: network.bootstrap.isEmpty)
    throw try Host(configuration, requiresBootstrap: network.requireBootstrap, frontEnd).run()
  }
}
