// New keys from old ones: HKDF over HMAC-SHA-256 (spec 4.3, RFC 5869), of which Noise needs two outputs at a time.
//
//     temporary = HMAC(chaining key, input)
//     first     = HMAC(temporary, 01)
//     second    = HMAC(temporary, first · 02)
//
// Every step of it, the state of the hash included, lies in secrets.
//
// Unsafe code. The state's memory belongs to a secret of its size, and is initialised before it is used.

import CSodium

/// Two keys made from one.
struct DerivedKeys: ~Copyable {
  let first: Secret
  let second: Secret

  /// HKDF(chainingKey, input, 2).
  init(chainingKey: borrowing Secret, input: borrowing Secret) {
    var extraction = HMAC(key: chainingKey)
    extraction.update(input)
    let temporary = extraction.finish()
    var expansion = HMAC(key: temporary)
    expansion.update(0x01)
    first = expansion.finish()
    expansion = HMAC(key: temporary)
    expansion.update(first)
    expansion.update(0x02)
    second = expansion.finish()
  }
}

/// HMAC-SHA-256, piece by piece.
private struct HMAC: ~Copyable {
  private var state = Secret(byteCount: MemoryLayout<crypto_auth_hmacsha256_state>.size)

  init(key: borrowing Secret) {
    withState { state in
      key.withBytes { _ = crypto_auth_hmacsha256_init(state, $0, key.byteCount) }
    }
  }

  mutating func update(_ bytes: borrowing Secret) {
    withState { state in
      bytes.withBytes { _ = crypto_auth_hmacsha256_update(state, $0, UInt64(bytes.byteCount)) }
    }
  }

  mutating func update(_ byte: UInt8) {
    withState { _ = crypto_auth_hmacsha256_update($0, [byte], 1) }
  }

  consuming func finish() -> Secret {
    var result = Secret(byteCount: Int(crypto_auth_hmacsha256_BYTES))
    result.withMutableBytes { result in
      withState { _ = crypto_auth_hmacsha256_final($0, result) }
    }
    return result
  }

  private mutating func withState(_ body: (UnsafeMutablePointer<crypto_auth_hmacsha256_state>) -> Void) {
    state.withMutableBytes {
      body(UnsafeMutableRawPointer($0).assumingMemoryBound(to: crypto_auth_hmacsha256_state.self))
    }
  }
}
