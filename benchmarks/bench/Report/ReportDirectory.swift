// Where a report goes. It is tried out before anything is measured: better an error now than after ten minutes.

import Foundation
import Processes

struct ReportDirectory {
  let url: URL
  /// About as much as a page takes.
  private static let page = 1 << 18

  /// Makes it if it is missing, and writes something there for a moment.
  init(_ path: String) throws {
    guard !path.isEmpty else { throw ProcessError("a report needs a directory: its name is empty") }
    url = URL(fileURLWithPath: path, isDirectory: true)
    if let file = Self.fileInTheWay(of: url) {
      throw ProcessError("a report cannot be written to \(path): \(file) is not a directory")
    }
    let trial = url.appendingPathComponent(".trial-\(getpid())")
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: trial) }
      try Data(count: Self.page).write(to: trial)
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// In the place of what is there, all at once or not at all.
  func write(_ text: String, as name: String) throws {
    let file = url.appendingPathComponent(name)
    do { try Data(text.utf8).write(to: file, options: .atomic) } catch { throw Self.failure(file.path, error) }
  }

  /// This one, or one that it would be in.
  private static func fileInTheWay(of url: URL) -> String? {
    var place = url.standardizedFileURL
    while place.path.count > 1 {
      var isDirectory: ObjCBool = false
      if FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory) {
        return isDirectory.boolValue ? nil : place.path
      }
      place.deleteLastPathComponent()
    }
    return nil
  }

  private static func failure(_ path: String, _ error: any Error) -> ProcessError {
    let reason = (error as NSError).localizedFailureReason ?? error.localizedDescription
    return ProcessError("a report cannot be written to \(path): \(reason)")
  }
}
