// How the program ends, in numbers that scripts can rely on; the upper ones are those of sysexits.h.

import ArgumentParser

extension ExitCode {
  /// What was looked for is not there, or the ring is not as it should be.
  static let notFound = ExitCode(1)
  /// Wrong usage: an option or argument makes no sense.
  static let wrongUsage = ExitCode(64)
  /// No bootstrap node answered, and `--require-bootstrap` was given.
  static let noBootstrap = ExitCode(69)
  /// Our own bug.
  static let ourBug = ExitCode(70)
  /// Input or output failed: the port is taken, the key file unreadable, standard output closed.
  static let ioFailed = ExitCode(74)
  /// Nobody else is there, or a message was not delivered.
  static let alone = ExitCode(75)
  /// A file of the configuration does not hold what it should.
  static let badConfiguration = ExitCode(78)
}
