// What a connection tells whoever uses it.

/// Hears about one or many connections; every call comes on the loop's thread.
///
/// A connection keeps its handler alive until `closed` has returned. Every call may close, reset or write to the connection.
public protocol TCPConnectionHandler: AnyObject {
  /// A connection that we dialled is open. Not called for accepted ones, which are open from the beginning.
  func connected(_ connection: TCPConnection)
  /// Bytes have come. They lie in a buffer of the loop, are valid only during the call, and may be changed where they lie.
  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection)
  /// Bytes are about to leave, and the last of them are a draft: finish it now, or close the connection.
  func draftLeaves(_ connection: TCPConnection)
  /// What waits to be sent has fallen to the low watermark after having been above the high one.
  func writable(_ connection: TCPConnection)
  /// The peer will send nothing more (FIN); we may still write. Once our side has ended too the connection closes by itself.
  func ended(_ connection: TCPConnection)
  /// The connection is gone: exactly once, last, and never from inside a call to the connection. The error is nil if we
  /// closed it ourselves or both sides have ended.
  func closed(_ connection: TCPConnection, error: UVError?)
}

extension TCPConnectionHandler {
  /// Nothing: for those who only accept.
  public func connected(_ connection: TCPConnection) {}
  /// Closes the connection: whoever writes drafts finishes them.
  public func draftLeaves(_ connection: TCPConnection) { connection.close() }
  /// Nothing: for those who never send much.
  public func writable(_ connection: TCPConnection) {}
}

/// A handler as a connection keeps it: its reference never changes, so that it need not be counted for every message.
final class Hearer {
  let handler: any TCPConnectionHandler

  init(_ handler: any TCPConnectionHandler) {
    self.handler = handler
  }
}
