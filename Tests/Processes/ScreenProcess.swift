// A program in a terminal, seen through the eyes of a person: what stands on the screen, and keys.

import Foundation

/// `node`, or another program, in a terminal of our own.
public final class ScreenProcess: @unchecked Sendable {
  private struct State {
    var screen: TerminalEmulator
    var byteCount = 0
  }

  public let process: ChildProcess
  private let state: Gate<State>

  public init(
    _ arguments: [String], columns: Int = 80, rows: Int = 24, environment: [String: String] = [:]
  ) throws {
    let state = Gate(State(screen: TerminalEmulator(columns: columns, rows: rows)))
    self.state = state
    var variables = Surroundings.variables.merging(["TERM": "xterm-256color"]) { $1 }
    variables["NO_COLOR"] = nil
    process = try ChildProcess(
      try NodeBinary.path(), arguments, environment: variables.merging(environment) { $1 },
      connection: .terminal(columns: UInt16(columns), rows: UInt16(rows))
    ) { bytes, _ in
      state.with {
        $0.screen.feed(bytes)
        $0.byteCount += bytes.count
      }
    }
  }

  /// What the terminal shows now.
  public var screen: TerminalEmulator { state.with { $0.screen } }
  public var rows: [String] { screen.text }
  /// How much has been written to the terminal.
  public var byteCount: Int { state.with { $0.byteCount } }

  public func press(_ keys: String) throws { try process.write(Array(keys.utf8)) }

  public func resize(columns: Int, rows: Int) {
    state.with { $0.screen.resize(columns: columns, rows: rows) }
    process.resize(columns: UInt16(columns), rows: UInt16(rows))
  }

  /// Waits until the screen is as wanted.
  @discardableResult
  public func waitFor<Result>(
    _ what: String, within limit: Duration = Patience.answer, where found: ([String]) -> Result?
  ) throws -> Result {
    let result = state.wait(within: limit) { found($0.screen.text) }
    guard let result else {
      throw ProcessError("no \(what) within \(limit) on the screen:\n\(rows.joined(separator: "\n"))")
    }
    return result
  }

  /// Waits until a text stands somewhere in one row of the screen.
  public func waitFor(_ text: String, within limit: Duration = Patience.answer) throws {
    try waitFor("“\(text)”", within: limit) { rows in rows.contains { $0.contains(text) } ? () : nil }
  }

  /// Waits for its end; the exit code.
  public func exitCode(within limit: Duration = Patience.quitting) throws -> Int32 {
    guard let ending = process.ending(within: limit) else {
      throw ProcessError("still running after \(limit):\n\(rows.joined(separator: "\n"))")
    }
    guard case .exited(let code) = ending else { throw ProcessError("\(ending)") }
    return code
  }
}
