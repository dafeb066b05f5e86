// Keys are gone when they end. Not believed but looked for: a process of its own runs a handshake and a channel, and then all its
// memory that can be written to (heap, stacks, what was given back and not used again) is searched for every key there was.
//
// Of each key the second half is looked for: the heap writes its lists over the first bytes of what it is given back. While the
// keys live they must be found, or the search would prove nothing.

import Foundation
import Testing

@testable import Noise

/// What to look for, and where it must be overlooked: here.
private final class Needles {
  static let bytes = 16

  private(set) var names: [String] = []
  private static let capacity = 64
  private static let pageBytes = 1 << 20
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity * bytes, alignment: 16)
  private let page = UnsafeMutableRawPointer.allocate(byteCount: pageBytes, alignment: 16)

  deinit {
    memory.deallocate()
    page.deallocate()
  }

  func add(_ name: String, _ secret: borrowing Secret) {
    precondition(names.count < Self.capacity)
    secret.withBytes { bytes in
      _ = memcpy(memory + names.count * Self.bytes, bytes + (secret.byteCount - Self.bytes), Self.bytes)
    }
    names.append(name)
  }

  /// The names of those that lie anywhere else in this process.
  func found() throws -> Set<String> {
    var found: Set<String> = []
    let descriptor = open("/proc/self/mem", O_RDONLY)
    defer { close(descriptor) }
    guard descriptor >= 0 else { throw POSIXError(.ENOENT) }
    for range in try Self.writable() {
      var start = range.lowerBound
      while start < range.upperBound {
        let count = pread(descriptor, page, min(Self.pageBytes, range.upperBound - start), off_t(start))
        guard count > 0 else { break }
        look(through: count, from: start, &found)
        // What was found must not be found here again.
        memset(page, 0, count)
        // Steps overlap, so that nothing is missed on a boundary.
        start += count > Self.bytes && start + count < range.upperBound ? count - Self.bytes : count
      }
    }
    return found
  }

  private func look(through count: Int, from start: Int, _ found: inout Set<String>) {
    for (index, name) in names.enumerated() where !found.contains(name) {
      var at = 0
      while let hit = Self.search?(page + at, count - at, memory + index * Self.bytes, Self.bytes) {
        at = hit - UnsafeRawPointer(page)
        if !isOurs(start + at) { found.insert(name) }
        at += 1
      }
    }
  }

  private func isOurs(_ address: Int) -> Bool {
    let (memory, page) = (Int(bitPattern: memory), Int(bitPattern: page))
    return (memory..<(memory + Self.capacity * Self.bytes)).contains(address)
      || (page..<(page + Self.pageBytes)).contains(address)
  }

  private typealias Search = @convention(c) (UnsafeRawPointer, Int, UnsafeRawPointer, Int) -> UnsafeRawPointer?

  /// `memmem`, which the C library has beyond POSIX, and which Swift's module of it therefore does not show.
  private static let search: Search? = dlsym(nil, "memmem").map { unsafeBitCast($0, to: Search.self) }

  /// Whether the heap is among what is searched. It is not under the thread sanitizer, which reserves it in one piece.
  static var heapIsSearched: Bool {
    let sample = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    defer { sample.deallocate() }
    return ((try? writable()) ?? []).contains { $0.contains(Int(bitPattern: sample)) }
  }

  /// The memory that can be written to, as the kernel lists it. Sanitizers reserve terabytes for themselves, which nobody could read
  /// through: those are left out.
  private static func writable() throws -> [Range<Int>] {
    let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    return maps.split(separator: "\n").compactMap { line -> Range<Int>? in
      let fields = line.split(separator: " ", maxSplits: 2)
      let ends = fields[0].split(separator: "-").compactMap { Int($0, radix: 16) }
      guard fields.count == 3, fields[1].hasPrefix("rw"), ends.count == 2, ends[1] - ends[0] < 1 << 30 else {
        return nil
      }
      return ends[0]..<ends[1]
    }
  }
}

@Suite("Keys are wiped", .enabled(if: Needles.heapIsSearched, "the heap is too large to be searched"))
struct WipingTests {
  /// 32 bytes that were nowhere before.
  private static func fresh() -> Secret {
    var generator = SystemRandomNumberGenerator()
    return Secret(byteCount: 32) { bytes in
      for place in 0..<32 { bytes.storeBytes(of: generator.next(), toByteOffset: place, as: UInt8.self) }
    }
  }

  private static func pair(_ name: String, _ needles: Needles) -> KeyPair {
    let secret = fresh()
    needles.add(name, secret)
    return KeyPair(secret: secret)
  }

  private static func handshake(_ role: Handshake.Role, _ needles: Needles) -> Handshake {
    let ephemeralSecret = fresh()
    needles.add("\(role) ephemeral", ephemeralSecret)
    return Handshake(
      role, prologue: [], staticKey: pair("\(role) static", needles), ephemeralSecret: ephemeralSecret)
  }

  /// What a handshake holds at this moment.
  private static func add(_ name: String, _ handshake: borrowing Handshake, _ needles: Needles) {
    switch handshake.state {
    case let state?:
      needles.add("\(name) chaining key", state.symmetric.chainingKey)
      switch state.symmetric.cipher {
      case let cipher?: needles.add("\(name) cipher key", cipher.key)
      case nil: break
      }
    case nil: break
    }
  }

  /// A handshake and a channel, from beginning to end; the names of what was found while they lived.
  @inline(never)
  private static func conversation(_ needles: Needles) throws -> (handshake: Set<String>, channel: Set<String>) {
    var both = Both()
    both.initiator = handshake(.initiator, needles)
    both.responder = handshake(.responder, needles)
    for number in 0..<3 {
      let message = try both.write(number, payload: [1, 2, 3])
      _ = try both.read(number, message)
      if number > 0 {
        // Chaining keys are the same on both sides.
        add("message \(number + 1)", both.initiator, needles)
      }
    }
    let first = try needles.found()
    var ends = try both.split()
    var message = try ends.initiator.sending.sealed([4, 5, 6])
    _ = try ends.responder.receiving.opened(message)
    needles.add("first key", ends.initiator.sending.key)
    needles.add("second key", ends.initiator.receiving.key)
    ends.initiator.sending.rekey()
    ends.responder.receiving.rekey()
    needles.add("first key, renewed", ends.initiator.sending.key)
    message = try ends.initiator.sending.sealed([7, 8, 9])
    _ = try ends.responder.receiving.opened(message)
    return (first, try needles.found())
  }

  @Test("of a handshake and a channel that have ended no key is left anywhere in memory")
  func conversation() async {
    await #expect(processExitsWith: .success) {
      let needles = Needles()
      let (handshake, channel) = try WipingTests.conversation(needles)
      #expect(
        handshake == [
          "initiator ephemeral", "initiator static", "responder ephemeral", "responder static",
          "message 3 chaining key",
          "message 3 cipher key",
        ], "while the handshake lives: \(handshake.sorted())")
      // The static keys are the nodes' and live on.
      #expect(
        channel == ["initiator static", "responder static", "second key", "first key, renewed"],
        "while the channel lives: \(channel.sorted())")
      #expect(needles.names.count == 11)
      let remains = try needles.found()
      #expect(remains == [], "left: \(remains.sorted())")
    }
  }

  @Test("a handshake that fails forgets its keys at once, though it is still there")
  func failure() async {
    await #expect(processExitsWith: .success) {
      let needles = Needles()
      var both = Both()
      both.initiator = WipingTests.handshake(.initiator, needles)
      both.responder = WipingTests.handshake(.responder, needles)
      var message = try both.message(1)
      WipingTests.add("responder", both.responder, needles)
      #expect(try needles.found() == Set(needles.names))
      message[95] ^= 1
      #expect(throws: NoiseError.forged) { _ = try both.read(1, message) }
      #expect(throws: NoiseError.outOfTurn) { _ = try both.responder.write() }
      // The static key is the node's, and held by both still.
      #expect(try needles.found() == ["initiator static", "responder static"])
      #expect(throws: NoiseError.ended) { _ = try both.responder.write() }
      #expect(throws: NoiseError.ended) { _ = try both.initiator.write() }
    }
  }

  @Test("keys made from a seed, agreements and derived keys leave nothing behind")
  func temporaries() async {
    await #expect(processExitsWith: .success) {
      let needles = Needles()
      func derive() throws {
        let seed = WipingTests.fresh()
        let own = KeyPair(ed25519Seed: seed.array)
        needles.add("converted", own.secret)
        let shared = try own.sharedSecret(with: Both.bob.publicKey)
        needles.add("shared", shared)
        let keys = DerivedKeys(chainingKey: WipingTests.fresh(), input: shared)
        needles.add("first", keys.first)
        needles.add("second", keys.second)
        #expect(try needles.found() == Set(needles.names))
        withExtendedLifetime(own) {}
      }
      try derive()
      let remains = try needles.found()
      #expect(remains == [], "left: \(remains.sorted())")
    }
  }
}
