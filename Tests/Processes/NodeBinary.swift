// Where the program under test is.

import Foundation

/// The `node` that the processes of this rig run.
public enum NodeBinary {
  /// The environment variable `NODE_BINARY`; else the one built together with the program that asks (a test bundle, `demo`
  /// and `bench` lie in the same directory as `node`, debug beside debug and release beside release).
  public static func path() throws -> String {
    if let named = ProcessInfo.processInfo.environment["NODE_BINARY"] {
      guard access(named, X_OK) == 0 else { throw ProcessError("NODE_BINARY names no program: \(named)") }
      return named
    }
    return try path(of: "node")
  }

  /// Another program that was built together with the one that asks.
  public static func path(of program: String) throws -> String {
    let ours = [ourselves, CommandLine.arguments.first].compactMap { $0 }
    let candidates = ours.map { path in
      URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(program).path
    }
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
      let places = candidates.joined(separator: " or ")
      throw ProcessError("no program `\(program)` at \(places): build it, or set NODE_BINARY")
    }
    return path
  }

  private static var ourselves: String? {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return nil }
    return String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// What a process under test finds around it.
enum Surroundings {
  /// Our own variables, but for the configuration of whoever runs the tests.
  static let variables = ProcessInfo.processInfo.environment.merging(["XDG_CONFIG_HOME": "/nonexistent"]) { $1 }
}
