// How much time of the processor a process has had: ours, or another one's.

import Foundation

enum ProcessorTime {
  /// Of this process, user and system, in seconds.
  static var own: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

  /// Of all living threads of another process, in seconds, to the nanosecond (Linux, proc(5): `/proc/PID/task/TID/schedstat`); nil if
  /// the system does not tell.
  static func of(_ process: pid_t) -> Double? {
    let tasks = "/proc/\(process)/task"
    guard let threads = try? FileManager.default.contentsOfDirectory(atPath: tasks) else { return nil }
    let nanoseconds = threads.compactMap { thread in
      (try? String(contentsOfFile: "\(tasks)/\(thread)/schedstat", encoding: .utf8))?
        .split(separator: " ").first.flatMap { Double($0) }
    }
    return nanoseconds.isEmpty ? nil : nanoseconds.reduce(0, +) / 1e9
  }
}
