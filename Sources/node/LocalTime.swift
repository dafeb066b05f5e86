// The time of day as the clock on the wall shows it, for the lines that messages begin with, and the day for those between them.

import Glibc

/// A moment as the clock and the calendar on the wall show it.
struct LocalTime: Equatable {
  /// Hours and minutes: `21:04`.
  var clock: String
  /// `Saturday, 28 November 2026`
  var day: String

  /// Now.
  static func now() -> LocalTime {
    var now = time(nil)
    var parts = tm()
    guard localtime_r(&now, &parts) != nil else { return LocalTime(clock: "--:--", day: "") }
    let twoDigits = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
    let weekday = weekdays[Int(parts.tm_wday) % weekdays.count]
    let month = months[Int(parts.tm_mon) % months.count]
    return LocalTime(
      clock: "\(twoDigits(parts.tm_hour)):\(twoDigits(parts.tm_min))",
      day: "\(weekday), \(parts.tm_mday) \(month) \(Int(parts.tm_year) + 1900)")
  }

  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
}
