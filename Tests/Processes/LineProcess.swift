// A program as a person or a shell script meets it: text in, text out, through pipes or a terminal.

import Foundation

/// Any command of `node`, or another program, with its standard output and error kept as text.
public final class LineProcess: @unchecked Sendable {
  private struct State {
    var output: [UInt8] = []
    var hasEnded = false
  }

  /// Output beyond this is dropped.
  static let maximumOutput = 16 << 20

  public let process: ChildProcess
  private let state = Gate(State())

  /// Starts `node`, or the program at that path, with these arguments; `environment` replaces variables of our own.
  public init(
    _ arguments: [String], of program: String? = nil, environment: [String: String] = [:], directory: String? = nil,
    connection: ChildProcess.Connection = .pipes
  ) throws {
    let state = state
    process = try ChildProcess(
      try program ?? NodeBinary.path(), arguments,
      environment: Surroundings.variables.merging(environment) { $1 },
      directory: directory, connection: connection
    ) { bytes, _ in
      state.with { state in
        if bytes.isEmpty { state.hasEnded = true }
        if state.output.count < Self.maximumOutput { state.output.append(contentsOf: bytes) }
      }
    }
  }

  /// Runs a command to its end, with that standard input.
  public static func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:], directory: String? = nil,
    within limit: Duration = Patience.standingAlone
  ) throws -> (code: Int32, output: String, errors: String) {
    let run = try LineProcess(arguments, environment: environment, directory: directory)
    if !input.isEmpty { try run.process.write(input.utf8) }
    run.process.closeInput()
    let code = try run.exitCode(within: limit)
    return (code, run.output, run.process.standardError)
  }

  /// Types a line.
  public func type(_ line: String) throws { try process.write((line + "\n").utf8) }

  /// Everything on standard output so far.
  public var output: String { state.with { String(decoding: $0.output, as: UTF8.self) } }

  /// The lines of standard output so far, split at line feeds and nowhere else.
  public var outputLines: [String] {
    state.with { $0.output.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Waits until the output, standard error included, satisfies a condition.
  @discardableResult
  public func waitForOutput<Result>(
    _ what: String, within limit: Duration = Patience.answer, where found: (String) -> Result?
  ) throws -> Result {
    // Standard error wakes nobody here; whatever comes there late is seen by asking again.
    let result = eventually(within: limit) { found(output + process.standardError) }
    guard let result else {
      throw ProcessError("no \(what) within \(limit); output so far:\n\(output)\n\(process.standardError)")
    }
    return result
  }

  /// Waits until the output, standard error included, contains a text.
  public func waitForOutput(containing text: String, within limit: Duration = Patience.answer) throws {
    try waitForOutput("“\(text)”", within: limit) { $0.contains(text) ? () : nil }
  }

  /// Waits for its end; the exit code.
  public func exitCode(within limit: Duration = Patience.quitting) throws -> Int32 {
    guard let ending = process.ending(within: limit) else {
      throw ProcessError("still running after \(limit); output so far:\n\(output)\n\(process.standardError)")
    }
    guard case .exited(let code) = ending else { throw ProcessError("\(ending): \(process.standardError)") }
    return code
  }
}
