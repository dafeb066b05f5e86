// The time of day as the clock on the wall shows it, for the lines that messages begin with.

import Glibc

/// The local time of day.
enum LocalTime {
  /// Hours and minutes now: `21:04`.
  static func hoursAndMinutes() -> String {
    var now = time(nil)
    var parts = tm()
    guard localtime_r(&now, &parts) != nil else { return "--:--" }
    let twoDigits = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
    return "\(twoDigits(parts.tm_hour)):\(twoDigits(parts.tm_min))"
  }
}
