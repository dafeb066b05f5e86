// One connection through the proxy: two TCP connections, and what is on its way between them.
//
//     healthy ──silence──► silent (takes all, passes nothing; an end that leaves is let go, the other is not told)
//        │
//        └──cut, or an end leaves──► over
//
// Each direction is a lane: a queue of what has arrived and may not leave yet. Without a delay the queue is empty and bytes
// pass at once.

import UVRuntime

/// What crosses the proxy on one connection. Belongs to the loop's thread.
final class Crossing: TCPConnectionHandler {
  private enum Item {
    case bytes([UInt8])
    case end
  }

  private struct Lane {
    var items: [(due: LoopTime, item: Item)] = []
  }

  /// How long the last bytes may take to leave when one end has gone.
  private static let drainLimit = Duration.seconds(5)

  /// The door it came through.
  let place: Int
  /// The dialler's port.
  let dialledFrom: UInt16
  private unowned let proxy: Proxy
  private let near: TCPConnection
  private var far: TCPConnection?
  private var lanes: (toNear: Lane, toFar: Lane) = (Lane(), Lane())
  private var delay = Duration.zero
  private var isSilent = false
  private var isOver = false
  private var open = 1
  private lazy var deadline = Deadline(on: near.loop) { [weak self] in self?.pass() }

  init(_ near: TCPConnection, place: Int, proxy: Proxy) {
    self.near = near
    self.place = place
    self.proxy = proxy
    dialledFrom = near.remoteAddress?.port ?? 0
    near.handler = self
  }

  /// Whether both ends are there and nothing has been swallowed.
  var isHealthy: Bool { !isSilent && !isOver && far != nil }

  func dial(_ address: SocketAddress, timeout: Duration) {
    do throws(UVError) {
      far = try TCPConnection(on: near.loop, to: address, timeout: timeout, handler: self)
      open += 1
    } catch {
      near.reset()
    }
  }

  // MARK: Faults

  func cut(_ how: Cut) {
    proxy.counts.cuts += 1
    isOver = true
    switch how {
    case .reset:
      near.reset()
      far?.reset()
    case .finish:
      near.closeAfterFlush(deadline: Self.drainLimit)
      far?.closeAfterFlush(deadline: Self.drainLimit)
    }
  }

  func silence() {
    guard !isSilent, !isOver else { return }
    proxy.counts.silenced += 1
    isSilent = true
    lanes = (Lane(), Lane())
    deadline.cancel()
    near.resumeReading()
    far?.resumeReading()
  }

  func delay(by delay: Duration) {
    if delay > .zero { proxy.counts.delayed += 1 }
    self.delay = delay
  }

  // MARK: What the connections tell

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    if isSilent {
      proxy.counts.swallowedBytes += bytes.byteCount
    } else if let other = other(than: connection) {
      if delay == .zero, isEmpty(towards: other) {
        other.write(bytes.bytes)
        if other.isOverHighWatermark { connection.pauseReading() }
      } else {
        put(.bytes(bytes.withUnsafeBytes { Array($0) }), towards: other)
      }
    }
  }

  func writable(_ connection: TCPConnection) { other(than: connection)?.resumeReading() }

  func ended(_ connection: TCPConnection) {
    if isSilent {
      connection.close()
    } else if let other = other(than: connection) {
      put(.end, towards: other)
      pass()
    }
  }

  func closed(_ connection: TCPConnection, error: UVError?) {
    open -= 1
    if open == 0 { proxy.left(self) }
    guard !isSilent, !isOver, let other = other(than: connection) else { return }
    isOver = true
    if error == nil {
      pass(all: true)
      other.closeAfterFlush(deadline: Self.drainLimit)
    } else {
      other.reset()
    }
  }

  // MARK: Lanes

  private func other(than connection: TCPConnection) -> TCPConnection? { connection === near ? far : near }

  private func isEmpty(towards end: TCPConnection) -> Bool {
    end === near ? lanes.toNear.items.isEmpty : lanes.toFar.items.isEmpty
  }

  private func put(_ item: Item, towards end: TCPConnection) {
    let entry = (due: near.loop.now + delay, item: item)
    if end === near { lanes.toNear.items.append(entry) } else { lanes.toFar.items.append(entry) }
    deadline.set([lanes.toNear, lanes.toFar].compactMap(\.items.first?.due).min() ?? entry.due)
  }

  /// Lets through what is due. A delay that was made shorter overtakes nothing: the queue is a queue.
  private func pass(all: Bool = false) {
    let now = near.loop.now
    pass(&lanes.toNear, to: near, until: all ? .distantFuture : now)
    if let far { pass(&lanes.toFar, to: far, until: all ? .distantFuture : now) }
    if let next = [lanes.toNear, lanes.toFar].compactMap(\.items.first?.due).min() { deadline.set(next) }
  }

  private func pass(_ lane: inout Lane, to end: TCPConnection, until now: LoopTime) {
    while let first = lane.items.first, first.due <= now {
      lane.items.removeFirst()
      switch first.item {
      case .bytes(let bytes): end.write(bytes)
      case .end: end.shutdown()
      }
    }
  }
}
