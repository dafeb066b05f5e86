// What libuv says when the world says no.
//
// An error is libuv's negative code and nothing else: the name ("ECONNREFUSED") and the text ("connection refused") are
// looked up when somebody prints it. Codes are libuv's own (-errno on Linux, and a few below -3000 such as EAI_NONAME).

import CLibUV
import Glibc

/// An error of the operating system or of the resolver, as libuv reports it.
public struct UVError: Error, Hashable, Sendable {
  /// libuv's code: negative, `-errno` for the system's errors.
  public let code: Int32

  /// Takes libuv's (negative) code.
  public init(code: Int32) {
    self.code = code
  }

  /// Takes an `errno` (positive).
  public init(errno: Int32) {
    self.code = uv_translate_sys_error(errno)
  }

  /// The symbol of the code, for example `ECONNREFUSED`.
  public var name: String {
    text(of: uv_err_name_r)
  }

  /// The code in words, for example `connection refused`.
  public var text: String {
    text(of: uv_strerror_r)
  }

  private typealias Describe = (Int32, UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?

  /// The `_r` forms: the plain ones allocate for ever for a code that libuv does not know.
  private func text(of describe: Describe) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      start.initialize(repeating: 0, count: buffer.count)
      _ = describe(code, start, buffer.count)
      return String(cString: start)
    }
  }

  /// Throws if a libuv function answered with an error; what it answered otherwise.
  @discardableResult
  static func check(_ result: Int32) throws(UVError) -> Int32 {
    guard result >= 0 else { throw UVError(code: result) }
    return result
  }
}

extension UVError: CustomStringConvertible {
  /// The text and the name: `connection refused (ECONNREFUSED)`.
  public var description: String { "\(text) (\(name))" }
}

extension UVError {
  /// Nobody listens there.
  public static let connectionRefused = UVError(code: UV_ECONNREFUSED.rawValue)
  /// The peer, or a machine between, broke the connection off.
  public static let connectionReset = UVError(code: UV_ECONNRESET.rawValue)
  /// The connection was given up before it was accepted.
  public static let connectionAborted = UVError(code: UV_ECONNABORTED.rawValue)
  /// Another socket has this address.
  public static let addressInUse = UVError(code: UV_EADDRINUSE.rawValue)
  /// No interface of this machine has this address.
  public static let addressNotAvailable = UVError(code: UV_EADDRNOTAVAIL.rawValue)
  /// No answer in time.
  public static let timedOut = UVError(code: UV_ETIMEDOUT.rawValue)
  /// Given up because its owner or its loop closed.
  public static let canceled = UVError(code: UV_ECANCELED.rawValue)
  /// Nobody reads the other end any more.
  public static let brokenPipe = UVError(code: UV_EPIPE.rawValue)
  /// The stream has ended.
  public static let endOfFile = UVError(code: UV_EOF.rawValue)
  /// An argument makes no sense.
  public static let invalidArgument = UVError(code: UV_EINVAL.rawValue)
  /// The process has as many descriptors open as it may.
  public static let tooManyOpenFiles = UVError(code: UV_EMFILE.rawValue)
  /// The machine has as many descriptors open as it may.
  public static let fileTableOverflow = UVError(code: UV_ENFILE.rawValue)
  /// The disk is full.
  public static let noSpace = UVError(code: UV_ENOSPC.rawValue)
  /// More bytes wait to be sent than may.
  public static let noBufferSpace = UVError(code: UV_ENOBUFS.rawValue)
  /// Out of memory.
  public static let outOfMemory = UVError(code: UV_ENOMEM.rawValue)
  /// Not allowed.
  public static let permissionDenied = UVError(code: UV_EACCES.rawValue)
  /// The descriptor is not open.
  public static let badDescriptor = UVError(code: UV_EBADF.rawValue)
  /// The socket is not connected.
  public static let notConnected = UVError(code: UV_ENOTCONN.rawValue)
  /// No route to that machine.
  public static let hostUnreachable = UVError(code: UV_EHOSTUNREACH.rawValue)
  /// No route to that network.
  public static let networkUnreachable = UVError(code: UV_ENETUNREACH.rawValue)
  /// The resolver knows no such name.
  public static let unknownName = UVError(code: UV_EAI_NONAME.rawValue)
  /// The resolver cannot say at the moment.
  public static let resolverTryAgain = UVError(code: UV_EAI_AGAIN.rawValue)
  /// This kind of object cannot do that.
  public static let notSupported = UVError(code: UV_ENOTSUP.rawValue)
  /// Not now: it would block.
  static let again = UVError(code: UV_EAGAIN.rawValue)
}
