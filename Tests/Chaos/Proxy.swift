// The bad network: one proxy for all nodes, on one thread, with our own event loop.
//
//     node 3 ──dials──► door 7 │ crossing │ ──dials──► node 7
//              near ◄──────────┴──────────┴──────────► far
//
// Each node listens on an address that nobody is told, and advertises the door in front of it. So whatever a node says to
// another goes through a crossing, which can be delayed, cut and silenced. A door is closed while nobody lives behind it: who
// dials it is refused by the system, as on a machine whose program has died.
//
// The dialler of a crossing is not visible from here (it dials from whatever port the system gave it); who wants to silence
// all that one process says asks the system for its ports (Sockets.swift).

import Foundation
import UVRuntime

/// Where a node listens, and where others are told to dial it.
struct Door: Sendable {
  /// Names the door; the place of its node.
  let place: Int
  let inside: SocketAddress
  let outside: SocketAddress
}

/// How a crossing can end before its time.
enum Cut: CaseIterable {
  /// RST to both sides.
  case reset
  /// FIN to both sides, as from a middlebox that is polite.
  case finish
}

/// The proxy. Its public verbs may be called from any thread and are done by the loop's; the rest belongs to that thread.
final class Proxy: @unchecked Sendable {
  /// What has come to pass, for the summary.
  struct Counts: Sendable {
    var crossings = 0
    var cuts = 0
    var silenced = 0
    var delayed = 0
    var swallowedBytes = 0
  }

  /// A dial inside one machine is answered at once; a stopped process's backlog can be full.
  private static let dialTimeout = Duration.seconds(10)

  let loop: EventLoop
  private var listeners: [Int: TCPListener] = [:]
  private var crossings: [Crossing] = []
  private var silentPlaces: Set<Int> = []
  private var silentProcesses: [pid_t: Sockets] = [:]
  var counts = Counts()

  init() throws {
    loop = try EventLoop.start(threadName: "proxy")
  }

  // MARK: From any thread

  /// Opens a door; throws if its port is taken.
  func open(_ door: Door) throws {
    let error: UVError? = onLoop { [self] in
      guard listeners[door.place] == nil else { return nil }
      do throws(UVError) {
        listeners[door.place] = try TCPListener(on: loop, address: door.outside) { [unowned self] in
          enters($0, through: door)
        }
        return nil
      } catch {
        return error
      }
    }
    if let error { throw error }
  }

  /// Closes a door; those who have come through it stay.
  func close(_ door: Door) {
    loop.post { [self] in listeners.removeValue(forKey: door.place)?.close() }
  }

  /// Cuts the crossing that `chance` points at, a number of any size; false if there is none.
  func cut(_ how: Cut, _ chance: UInt64) -> Bool { onLoop { [self] in with(chance) { $0.cut(how) } } }

  /// From now on that crossing takes everything and passes nothing on.
  func silence(_ chance: UInt64) -> Bool { onLoop { [self] in with(chance) { $0.silence() } } }

  /// From now on everything needs that long to cross.
  func delay(_ chance: UInt64, by delay: Duration) -> Bool { onLoop { [self] in with(chance) { $0.delay(by: delay) } } }

  /// A host falls silent: whatever is said to it or by it is swallowed, and whoever dials it is not refused, but never answered.
  func silence(host place: Int, process: pid_t) {
    onLoop { [self] in
      silentPlaces.insert(place)
      var sockets = Sockets(of: process)
      let ports = sockets.ports()
      silentProcesses[process] = sockets
      for crossing in crossings where crossing.place == place || ports.contains(crossing.dialledFrom) {
        crossing.silence()
      }
    }
  }

  /// The host is heard again. What was silenced stays so: no bytes can be had back.
  func hear(host place: Int, process: pid_t) {
    onLoop { [self] in
      silentPlaces.remove(place)
      silentProcesses[process] = nil
    }
  }

  /// The faults are over: nothing new is silenced or delayed. What was silenced stays so, for its two ends to find out.
  func calm() {
    onLoop { [self] in
      silentPlaces = []
      silentProcesses = [:]
      for crossing in crossings { crossing.delay(by: .zero) }
    }
  }

  /// What has come to pass so far.
  var account: Counts { onLoop { [self] in counts } }

  func stop() {
    loop.stop()
    loop.waitUntilClosed()
  }

  @discardableResult
  private func onLoop<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
    let done = Answer<Result>()
    loop.post { done.give(body()) }
    return done.take()
  }

  // MARK: On the loop's thread

  private func enters(_ near: TCPConnection, through door: Door) {
    let crossing = Crossing(near, place: door.place, proxy: self)
    crossings.append(crossing)
    counts.crossings += 1
    if silentPlaces.contains(door.place) || isFromSilence(crossing) { return crossing.silence() }
    crossing.dial(door.inside, timeout: Self.dialTimeout)
  }

  private func isFromSilence(_ crossing: Crossing) -> Bool {
    silentProcesses.keys.contains { silentProcesses[$0]?.ports().contains(crossing.dialledFrom) == true }
  }

  func left(_ crossing: Crossing) {
    crossings.removeAll { $0 === crossing }
  }

  private func with(_ chance: UInt64, _ body: (Crossing) -> Void) -> Bool {
    let healthy = crossings.filter(\.isHealthy)
    guard !healthy.isEmpty else { return false }
    body(healthy[Int(chance % UInt64(healthy.count))])
    return true
  }
}

/// One answer from another thread.
private final class Answer<Value: Sendable>: @unchecked Sendable {
  private let given = DispatchSemaphore(value: 0)
  private var value: Value?

  func give(_ value: Value) {
    self.value = value
    given.signal()
  }

  func take() -> Value {
    given.wait()
    guard let value else { preconditionFailure("an answer that was not given") }
    return value
  }
}
