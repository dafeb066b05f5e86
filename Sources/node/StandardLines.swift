// Lines in from standard input, lines out to standard output, with back-pressure between them: while what was written has not
// been taken, or whoever handles the lines asks for a pause, no more lines are handed out and no more bytes read.
//
//     stdin ──► LineSplitter ──(nothing in the way?)──► line(…)
//                    ▲                                     │ write
//               pause, resume ◄──── pending bytes ◄── stdout

import NodeKit

/// Standard input and output, line by line.
final class StandardLines {
  /// Why no lines are handed out at the moment.
  struct Hold: OptionSet {
    let rawValue: UInt8
    /// Standard output has not taken what was written.
    static let outputFull = Hold(rawValue: 1)
    /// The node is not yet ready.
    static let notReady = Hold(rawValue: 2)
    /// As much is under way as may be.
    static let busy = Hold(rawValue: 4)
  }

  /// The longest line, in bytes.
  static let lineLimit = 1 << 20
  /// From so much unwritten output on no more input is taken, until that is written.
  static let highWatermark = 1 << 20
  /// No texts are taken any more above the mark, but events still come. So much of them unread, and nobody reads.
  static let outputLimit = 32 << 20

  /// What comes of it, called on the loop.
  struct Handlers {
    var line: (LineSplitter.Line) -> Void
    /// Input has ended, or (with an error) cannot be read any more. After the last line.
    var ended: (UVError?) -> Void
    /// Standard output failed. Said once.
    var failed: (UVError) -> Void
    /// Much is unwritten (true), or all has been written (false).
    var outputIsFull: (Bool) -> Void
  }

  private let handlers: Handlers
  private var input: InputStream?
  private var output: OutputStream?
  private var splitter = LineSplitter(limit: lineLimit)
  private var holds: Hold = []
  private var inputIsPaused = false
  private var inputHasEnded = false
  private var inputError: UVError?
  private var endIsTold = false
  private var isHandingOut = false
  private var hasFailed = false

  /// Opens standard output, and standard input if its lines are wanted.
  init(on loop: EventLoop, readsInput: Bool, _ handlers: Handlers) throws(UVError) {
    self.handlers = handlers
    output = try OutputStream(on: loop, descriptor: 1) { [weak self] error in self?.outputFailed(error) }
    guard readsInput else { return }
    input = try InputStream(
      on: loop, descriptor: 0,
      { [weak self] bytes in bytes.withUnsafeBytes { self?.received($0) } },
      { [weak self] error in self?.inputEnded(error) })
  }

  // MARK: Out

  /// Writes a line and its end.
  func write(_ line: String) {
    guard let output, !hasFailed else { return }
    output.write(Array(line.utf8) + [UInt8(ascii: "\n")])
    let pending = output.pendingBytes
    if pending > Self.outputLimit { return outputFailed(.noBufferSpace) }
    guard pending > Self.highWatermark, !holds.contains(.outputFull) else { return }
    hold(.outputFull)
    handlers.outputIsFull(true)
    output.whenFlushed { [weak self] error in
      guard error == nil else { return }
      self?.handlers.outputIsFull(false)
      self?.release(.outputFull)
    }
  }

  /// Calls back once everything written has left, or with the error that prevents it.
  func whenWritten(_ done: @escaping (UVError?) -> Void) {
    guard let output else { return done(nil) }
    output.whenFlushed(done)
  }

  private func outputFailed(_ error: UVError) {
    guard !hasFailed else { return }
    hasFailed = true
    handlers.failed(error)
  }

  // MARK: In

  /// Hands out no more lines for this reason, until `release`.
  func hold(_ reason: Hold) {
    holds.insert(reason)
    pauseOrResume()
  }

  /// The reason is gone.
  func release(_ reason: Hold) {
    guard holds.contains(reason) else { return }
    holds.remove(reason)
    handOut()
    pauseOrResume()
  }

  /// Takes no more input at all.
  func stopReading() {
    input?.close()
    input = nil
    endIsTold = true
  }

  private func received(_ bytes: UnsafeRawBufferPointer) {
    splitter.append(bytes)
    handOut()
  }

  private func inputEnded(_ error: UVError?) {
    inputHasEnded = true
    inputError = error
    handOut()
  }

  private func handOut() {
    // A line's handler may write, and so hold, release and come here again.
    guard !isHandingOut else { return }
    isHandingOut = true
    defer { isHandingOut = false }
    while holds.isEmpty, !endIsTold, let line = splitter.next() ?? (inputHasEnded ? splitter.last() : nil) {
      handlers.line(line)
    }
    guard holds.isEmpty, inputHasEnded, !endIsTold else { return }
    endIsTold = true
    handlers.ended(inputError)
  }

  private func pauseOrResume() {
    guard let input, !inputHasEnded, inputIsPaused == holds.isEmpty else { return }
    inputIsPaused.toggle()
    if inputIsPaused { input.pause() } else { input.resume() }
  }
}
