// Where the program under test is.

import Foundation

/// The `node` that the processes of this rig run.
public enum NodeBinary {
  /// The environment variable `NODE_BINARY`; else the one built together with the program that asks (a test bundle, `demo`
  /// and `bench` lie in the same directory as `node`, debug beside debug and release beside release).
  public static func path() throws -> String {
    let candidates: [String]
    if let named = ProcessInfo.processInfo.environment["NODE_BINARY"] {
      candidates = [named]
    } else {
      candidates = [builtBesideUs, CommandLine.arguments.first.map(beside)].compactMap { $0 }
    }
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
      throw ProcessError("no program `node` at \(candidates.joined(separator: " or ")): build it, or set NODE_BINARY")
    }
    return path
  }

  private static var builtBesideUs: String? {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return nil }
    return beside(String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  private static func beside(_ path: String) -> String {
    URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("node").path
  }
}
