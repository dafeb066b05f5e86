// The terminal as a device: keys in, bytes out, its size, and the way back to how it was.
//
//     bytes ──► KeyDecoder ──► keys          an ESC alone is a key after 50 ms (the decoder has no clock; here is one)
//     SIGWINCH, SIGCONT ──► changed
//
// Nothing waits: what is not whole yet stays in the decoder, and what the terminal does not take is not added to.

import Glibc
import NodeKit

/// A terminal in raw mode, with its second screen.
final class Terminal {
  /// What it tells, on the loop.
  struct Handlers {
    var keys: ([Key]) -> Void
    /// The window has another size, or what it showed is lost: paint everything.
    var changed: () -> Void
    /// It has gone away.
    var gone: () -> Void
  }

  private let loop: EventLoop
  private let handlers: Handlers
  private var output: OutputStream?
  private var input: InputStream?
  private var decoder = KeyDecoder()
  private var watchers: [SignalWatcher] = []
  private var hasEntered = false
  private lazy var escape = Deadline(on: loop) { [unowned self] in handlers.keys(decoder.timedOut()) }
  /// Where nobody can stop us (no shell with job control) we go on.
  private lazy var resumption = Deadline(on: loop) { [unowned self] in enter() }

  /// Takes the terminal. Throws what the system says if it cannot be had; then it is as it was.
  init(on loop: EventLoop, _ handlers: Handlers) throws(UVError) {
    self.loop = loop
    self.handlers = handlers
    output = try OutputStream(on: loop, descriptor: 1) { [weak self] _ in self?.handlers.gone() }
    input = try InputStream(
      on: loop, descriptor: 0,
      { [weak self] bytes in bytes.withUnsafeBytes { self?.received($0) } },
      { [weak self] _ in self?.handlers.gone() })
    watchers.append(try SignalWatcher(on: loop, signal: SIGWINCH) { [weak self] in self?.handlers.changed() })
    watchers.append(try SignalWatcher(on: loop, signal: SIGCONT) { [weak self] in self?.enter() })
    try input?.setRaw(true)
    hasEntered = true
    write(Array(TerminalGuard.enter().utf8))
  }

  /// In columns and rows; what a terminal has that does not say.
  var size: (columns: Int, rows: Int) {
    let size = output?.terminalSize ?? (80, 24)
    return (max(1, size.columns), max(1, size.rows))
  }

  /// Whether something has not been taken yet. Whoever paints waits: a slow terminal shows the latest, not everything.
  var isBusy: Bool { (output?.pendingBytes ?? 0) > 0 }

  func write(_ bytes: [UInt8]) {
    output?.write(bytes)
  }

  func whenWritten(_ done: @escaping () -> Void) {
    output?.whenFlushed { _ in done() }
  }

  private func received(_ bytes: UnsafeRawBufferPointer) {
    let keys = decoder.decode(bytes)
    if decoder.waitsForMore { escape.set(loop.now + KeyDecoder.escapePatience) } else { escape.cancel() }
    if !keys.isEmpty { handlers.keys(keys) }
  }

  /// Stops the program, as Ctrl-Z does elsewhere; the shell says when it goes on.
  func suspend() {
    leave()
    kill(0, SIGTSTP)
    resumption.set(loop.now + .milliseconds(200))
  }

  private func enter() {
    resumption.cancel()
    guard let input else { return }
    _ = try? input.setRaw(false)  // libuv believes that nothing has changed meanwhile
    _ = try? input.setRaw(true)
    write(Array(TerminalGuard.enter().utf8))
    handlers.changed()
  }

  private func leave() {
    TerminalGuard.restore()
  }

  /// Gives it back.
  func close() {
    guard input != nil else { return }
    for watcher in watchers { watcher.close() }
    input?.close()
    input = nil
    output?.close()
    output = nil
    escape.cancel()
    resumption.cancel()
    leave()
  }
}
