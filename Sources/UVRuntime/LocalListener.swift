// A Unix socket that tells whoever connects one thing: for programs on the same machine that ask how this one is.
//
//     connect ──► the answer, whole ──► the end
//
// Nothing is read, so nobody can send anything amiss. Who may connect is the file system's affair: the socket is its owner's alone.

import CLibUV
import Glibc

/// A listening Unix socket.
///
/// Ownership: keeps itself alive until closed. Belongs to the loop's thread.
public final class LocalListener {
  /// Whoever does not take the answer in this time does not get the rest.
  private static let patience = Duration.seconds(5)
  private let handle: LoopHandle
  private let path: String
  private let spare: SpareDescriptor
  private var answer: (() -> [UInt8])?
  /// libuv has a connection that was not taken, for want of descriptors; until it is, there comes no other.
  private var isHolding = false

  /// Listens at that path. What may have been left there by a process that died is removed.
  /// Throws what binding says; `invalidArgument` for a path that is too long.
  public init(on loop: EventLoop, path: String, _ answer: @escaping () -> [UInt8]) throws(UVError) {
    guard let address = LocalSocketAddress(path) else { throw .invalidArgument }
    let handle = try LoopHandle(UV_NAMED_PIPE, on: loop) {
      uv_pipe_init(loop.uv, $0.assumingMemoryBound(to: uv_pipe_t.self), 0)
    }
    unlink(path)
    do throws(UVError) {
      let socket = try Self.socket(at: address)
      let opened = uv_pipe_open(handle.pipe, socket)
      if opened < 0 { Glibc.close(socket) }  // libuv has not taken it
      try UVError.check(opened)
      try UVError.check(uv_listen(handle.stream, 8, localListenerHasConnection))
      spare = try SpareDescriptor(on: loop)
    } catch {
      unlink(path)
      handle.close()
      throw error
    }
    self.handle = handle
    self.path = path
    self.answer = answer
    handle.owner = self
    spare.isBack = { [unowned self] in if isHolding { connectionWaits() } }
  }

  /// A socket bound there. Nobody else may connect, not even for a moment: a bound socket has the mode that it had before. The mask of the
  /// process is not touched, since other threads may be making files by it.
  private static func socket(at address: LocalSocketAddress) throws(UVError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = Glibc.socket(AF_UNIX, kind, 0)
    guard number >= 0 else { throw UVError(errno: errno) }
    guard fchmod(number, 0o600) == 0, address.withSocketAddress({ bind(number, $0, $1) }) == 0 else {
      let error = UVError(errno: errno)
      Glibc.close(number)
      throw error
    }
    return number
  }

  /// Stops listening, and removes the socket. A second call does nothing.
  public func close() {
    guard handle.isOpen else { return }
    unlink(path)
    handle.close()
    spare.close()
  }

  fileprivate func connectionWaits() {
    spare.connectionCame()
    isHolding = !spare.isThere
    guard let answer, handle.isOpen, !isHolding else { return }
    spare.connectionTaken()
    do throws(UVError) {
      _ = try LocalAnswer(to: handle, answer(), within: Self.patience)
    } catch {
      // Gone again, or no room for it: whoever it was asks again.
    }
  }

  fileprivate func acceptFailed(_ error: UVError) {
    if handle.isOpen, !spare.mayGoOn(after: error) { close() }
  }
}

extension LocalListener: LoopHandleOwner {
  func handleClosed() {
    answer = nil
  }

  func loopStops(drainingFor patience: Duration) {
    close()
  }
}

/// One connection, until it has its answer. Keeps itself alive by its handle.
private final class LocalAnswer: LoopHandleOwner, StreamWriterOwner {
  private let handle: LoopHandle
  private let writer: StreamWriter
  private var deadline: Deadline?

  init(to server: LoopHandle, _ answer: [UInt8], within patience: Duration) throws(UVError) {
    let loop = server.loop
    handle = try LoopHandle(UV_NAMED_PIPE, on: loop) {
      uv_pipe_init(loop.uv, $0.assumingMemoryBound(to: uv_pipe_t.self), 0)
    }
    writer = StreamWriter(handle)
    let accepted = uv_accept(server.stream, handle.stream)
    guard accepted == 0 else {
      handle.close()
      throw UVError(code: accepted)
    }
    handle.owner = self
    writer.owner = self
    writer.ready()
    writer.write(answer.span.bytes)
    deadline = Deadline(on: loop) { [unowned self] in close() }
    deadline?.set(loop.now + patience)
  }

  private func close() {
    deadline?.cancel()
    writer.stop()
    handle.close()
  }

  func writerNeedsDraftFinished() {
    preconditionFailure("an answer writes no drafts")
  }

  func writerProgressed() {
    if writer.isDrained { close() }
  }

  func writerFailed(_ error: UVError) { close() }
  func handleClosed() { deadline = nil }
  func loopStops(drainingFor patience: Duration) { close() }
}

private func localListenerHasConnection(_ server: UnsafeMutablePointer<uv_stream_t>?, _ status: Int32) {
  guard let listener = LoopHandle.owner(server?.pointee.data, as: LocalListener.self) else { return }
  if status == 0 { listener.connectionWaits() } else { listener.acceptFailed(UVError(code: status)) }
}
