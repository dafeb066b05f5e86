// What is open on a loop: libuv's own list of handles, without those of the loop itself, which have no `data`.
//
// Unsafe code. The list is walked at once and holds the owners of the handles, so nobody on it goes while `body` runs.

import CLibUV

extension EventLoop {
  /// What is open, in libuv's words (`tcp`, `signal`, …): names the leaks of a test.
  public var openHandleNames: [String] {
    guard phase < .ended else { return [] }
    var names: [String] = []
    forEachHandle { handle in
      names.append(String(cString: uv_handle_type_name(handle.handle.pointee.type)))
    }
    return names
  }

  /// Everyone's handles, without the loop's own (those have no `data`).
  func forEachHandle(_ body: (LoopHandle) -> Void) {
    var handles: [LoopHandle] = []
    withUnsafeMutablePointer(to: &handles) { handles in
      uv_walk(uv, collectHandle, handles)
    }
    for handle in handles { body(handle) }
  }
}

private func collectHandle(_ handle: UnsafeMutablePointer<uv_handle_t>?, _ list: UnsafeMutableRawPointer?) {
  guard let owner = LoopHandle.behind(handle?.pointee.data), let list else { return }
  list.assumingMemoryBound(to: [LoopHandle].self).pointee.append(owner)
}
