// A program that is measured: started with arguments, ended by us at the latest when its time is up, and telling one JSON object. Ours and
// those of others are all of this kind, so that whatever starting and asking costs is the same for all.

import Foundation
import Processes
import UVRuntime

/// A program and what it is called.
struct PeerProgram {
  /// In seconds. The slowest run, of c-toxcore, takes a quarter of a minute; a busy machine may need some times that.
  static let longestRun = 120

  var name: String
  var path: String
  var arguments: [String] = []
  /// What must be there besides the program itself: a script, say.
  var needs: [String] = []
  /// What would bring it.
  var install = "make bench-peers"

  /// This very program, with other arguments.
  static func ours(_ arguments: [String]) throws -> PeerProgram {
    PeerProgram(name: "ours", path: try NodeBinary.path(of: "bench"), arguments: arguments, install: "make bench")
  }

  var isThere: Bool {
    access(path, X_OK) == 0 && needs.allSatisfy { access($0, F_OK) == 0 }
  }

  /// Runs it to its end; the last line it tells.
  func run() throws -> JSON {
    let process = try LineProcess(arguments + [String(Self.longestRun)], of: path)
    let code = try process.exitCode(within: .seconds(Self.longestRun + 5))
    guard code == 0, let line = process.outputLines.last else {
      throw ProcessError("\(name) ended with \(code): \(process.process.standardError)")
    }
    return try JSON(parsing: line)
  }

  /// Starts it as an echo server; it ends with the object that is answered.
  func serve(within limit: Duration = Patience.answer) throws -> EchoServerProcess {
    let process = try LineProcess(arguments + [String(Self.longestRun)], of: path)
    let text = try process.waitForOutput("address", within: limit) { output in
      output.split(separator: "\n").first.flatMap { output.contains("\n") ? String($0) : nil }
    }
    guard let address = try JSON(parsing: text)["address"]?.string.flatMap({ SocketAddress($0) }) else {
      throw ProcessError("\(name) does not say where it listens: \(text)")
    }
    return EchoServerProcess(process: process, address: address)
  }
}

/// An echo server that runs, and what a load on it gives.
struct EchoServerProcess {
  let process: LineProcess
  let address: SocketAddress

  /// Puts a load on it, from a process of its own. The server's processor time is added to what the load tells.
  func measure(_ shape: EchoShape, messages: Int) throws -> JSON {
    let load = try PeerProgram.ours([
      "echo", "--load", address.description, "--connections", String(shape.connections), "--in-flight",
      String(shape.inFlight), "--bytes", String(shape.bytes), "--messages", String(messages), "--json", "--seconds",
    ])
    let before = ProcessorTime.of(process.process.id)
    guard case .object(var result) = try load.run() else { throw ProcessError("a load without a result") }
    if let before, let after = ProcessorTime.of(process.process.id) {
      // The warm-up is in the server's time, so it is in the divisor.
      result["server_cpu_us"] = .number((after - before) * 1e6 / (Double(messages) * (1 + EchoLoad.warmUp)))
    }
    return .object(result)
  }
}
