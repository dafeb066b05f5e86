// Making a loop and a node, with every failure told in words and as the exit code that belongs to it.

import ArgumentParser
import NodeKit

/// Starts what a command needs.
enum Startup {
  /// A loop. Throws `ExitCode`, after saying why.
  static func loop() throws -> EventLoop {
    do throws(UVError) {
      return try EventLoop()
    } catch {
      StandardError.say("the event loop cannot be made: \(error.text)")
      throw ExitCode.ioFailed
    }
  }

  /// A node on that loop. With several addresses to listen on, the first that can be had is taken.
  /// Throws `ExitCode`, after saying why.
  static func node(
    _ configuration: NodeConfiguration, listeningOnFirstOf addresses: [String] = [], on loop: EventLoop,
    _ inbox: EventInbox
  ) throws -> LoopNode {
    var refusals: [String] = []
    for address in addresses.isEmpty ? [configuration.listen] : addresses {
      var configuration = configuration
      configuration.listen = address
      do throws(NodeError) {
        return try LoopNode(configuration, on: loop) { inbox.receiver($0) }
      } catch {
        guard case .cannotListen(let address, let why) = error else { throw told(error) }
        refusals.append("\(address): \(why)")
      }
    }
    StandardError.say(
      "cannot listen on " + refusals.joined(separator: "; ")
        + ". Stop the program that has the address, or choose another with --listen HOST:PORT.")
    throw ExitCode.ioFailed
  }

  private static func told(_ error: NodeError) -> ExitCode {
    switch error {
    case .badAddress(let address, let why):
      StandardError.say("\(Display.line(address)) is not an address that can be used: \(why). Write HOST:PORT.")
      return .wrongUsage
    case .cannotListen(let address, let why):
      StandardError.say("cannot listen on \(Display.line(address)): \(why)")
      return .ioFailed
    case .system(let what):
      StandardError.say("the node cannot be started: \(what)")
      return .ioFailed
    }
  }
}
