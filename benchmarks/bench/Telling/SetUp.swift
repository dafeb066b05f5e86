// On what, and of what, a figure was measured: a figure that does not say so cannot be compared with any other.

import Foundation
import Processes
import UVRuntime

/// The program and the machine.
enum SetUp {
  /// Names and values, in the order in which they are told.
  static var facts: [(name: String, value: JSON)] {
    [
      ("commit", .string(commit)), ("build", .string(build)), ("os", .string(operatingSystem)),
      ("cpu", .string(processor)),
      ("cores", .integer(ProcessInfo.processInfo.activeProcessorCount)), ("libuv", .string(EventLoop.libraryVersion)),
    ]
  }

  private static var build: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  /// Of the sources the program was built in, if they are still there and git is.
  private static var commit: String {
    let place = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? "."
    guard let head = output(of: ["git", "-C", place, "rev-parse", "--short", "HEAD"]) else { return "unknown" }
    let changes = output(of: ["git", "-C", place, "status", "--porcelain", "--untracked-files=no"]) ?? ""
    return changes.isEmpty ? head : head + " and changes"
  }

  private static var operatingSystem: String {
    value(of: "PRETTY_NAME", in: "/etc/os-release", separator: "=")?.trimmingCharacters(in: ["\""])
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }

  private static var processor: String { value(of: "model name", in: "/proc/cpuinfo", separator: ":") ?? "unknown" }

  private static func value(of name: String, in file: String, separator: Character) -> String? {
    let lines = (try? String(contentsOfFile: file, encoding: .utf8))?.split(separator: "\n") ?? []
    return lines.first { $0.hasPrefix(name) }?.split(separator: separator, maxSplits: 1).last?
      .trimmingCharacters(in: .whitespaces)
  }

  private static func output(of command: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(data: data, encoding: .utf8)?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// What this process has taken of the machine.
enum Memory {
  static var peakMegabytes: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }
}
