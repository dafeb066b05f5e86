// Names to addresses.
//
// A numeric host is answered from its text, on the next turn like everything else. A name goes to `uv_getaddrinfo`, which
// occupies one of libuv's four pool threads for as long as the resolver takes: those threads also read our files, so peers
// are best known by address.
//
// Unsafe code. Ownership: a lookup owns the memory of its request; the request holds the one retain of the lookup, given back
// in its callback, which libuv always calls.

import CLibUV
import Glibc

extension EventLoop {
  /// Finds the addresses of a host, in the resolver's order of preference, without repetition and never none.
  ///
  /// `done` is called on the loop, once, never from inside this call. Errors: `unknownName`, `resolverTryAgain`,
  /// `invalidArgument` for what cannot be a name, `canceled` if the loop stops first, and others of `getaddrinfo`. After the
  /// loop has ended nobody is called.
  public func resolve(
    host: String, port: UInt16, _ done: @escaping (Result<[SocketAddress], UVError>) -> Void
  ) {
    requireCurrent()
    guard !hasEnded else { return }
    if let numeric = SocketAddress.Host(host) {
      return later { done(.success([SocketAddress(host: numeric, port: port)])) }
    }
    guard takesHandles else { return later { done(.failure(.canceled)) } }
    // A name is at most 253 bytes (RFC 1035, section 2.3.4); C strings end at the first zero byte.
    guard !host.isEmpty, host.utf8.count <= 253, !host.utf8.contains(0) else {
      return later { done(.failure(.invalidArgument)) }
    }
    let lookup = Lookup(on: self, port: port, done)
    if let error = lookup.start(host) { later { done(.failure(error)) } }
  }
}

/// A name being looked up.
final class Lookup {
  private let loop: EventLoop
  private let port: UInt16
  private let done: (Result<[SocketAddress], UVError>) -> Void
  private let request: UnsafeMutablePointer<uv_getaddrinfo_t>

  init(on loop: EventLoop, port: UInt16, _ done: @escaping (Result<[SocketAddress], UVError>) -> Void) {
    self.loop = loop
    self.port = port
    self.done = done
    request = .allocate(capacity: 1)
    request.initialize(to: uv_getaddrinfo_t())
  }

  deinit {
    request.deallocate()
  }

  /// Nil if it has begun; otherwise nobody will be called.
  func start(_ host: String) -> UVError? {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    let result = uv_getaddrinfo(loop.uv, request, lookupDidFinish, host, nil, &hints)
    guard result == 0 else { return UVError(code: result) }
    request.pointee.data = Unmanaged.passRetained(self).toOpaque()
    loop.lookups[ObjectIdentifier(self)] = self
    return nil
  }

  /// Takes it back if no thread has begun with it yet.
  func cancel() {
    UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) { _ = uv_cancel($0) }
  }

  fileprivate func finished(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
    loop.wakes()
    defer { uv_freeaddrinfo(list) }
    loop.lookups[ObjectIdentifier(self)] = nil
    done(answer(status, list))
    loop.advanceStop()
  }

  private func answer(
    _ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?
  ) -> Result<[SocketAddress], UVError> {
    if status == UV_EAI_CANCELED.rawValue { return .failure(.canceled) }
    if status < 0 { return .failure(UVError(code: status)) }
    var addresses: [SocketAddress] = []
    for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
      guard let entry else { break }
      guard let sockaddr = entry.pointee.ai_addr, var address = SocketAddress(UnsafePointer(sockaddr)) else { continue }
      address.port = port
      if !addresses.contains(address) { addresses.append(address) }
    }
    return addresses.isEmpty ? .failure(.unknownName) : .success(addresses)
  }
}

private func lookupDidFinish(
  _ request: UnsafeMutablePointer<uv_getaddrinfo_t>?, _ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?
) {
  guard let data = request?.pointee.data else { return }
  Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue().finished(status, list)
}
