// Reading and writing the wire: big-endian, fixed layouts, every length checked once, here. Past the decoders nobody
// checks lengths. What is malformed is the peer's fault: a typed value that ends its link, never a trap.

/// Why bytes from a peer, a file or a record could not be read.
public enum Malformed: Error, Hashable, Sendable {
  /// The bytes ended before the layout did.
  case truncated
  /// Bytes were left over after the layout's end.
  case trailing
  /// A value is outside what the layout allows.
  case invalid(Reason)

  /// What was wrong, in a few words, for counters and for people.
  public enum Reason: String, Hashable, Sendable {
    case kind, count, flag, address, text, path, length, point
  }
}

/// Appends big-endian values to a growing array of bytes.
public struct ByteWriter: Sendable {
  /// All that has been written.
  public var bytes: [UInt8] = []

  /// A writer with nothing written.
  public init() {}

  public mutating func write(_ value: UInt8) { bytes.append(value) }

  public mutating func write(_ value: UInt16) { writeInteger(value) }
  public mutating func write(_ value: UInt32) { writeInteger(value) }
  public mutating func write(_ value: UInt64) { writeInteger(value) }
  public mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
  public mutating func write(_ value: [UInt8]) { bytes += value }

  public mutating func write(_ value: Identifier) {
    writeInteger(value.high)
    writeInteger(value.middle)
    writeInteger(value.low)
  }

  /// One byte of count, then the bytes. There must be at most 255.
  public mutating func writeShort(_ value: [UInt8]) {
    write(UInt8(value.count))
    write(value)
  }

  /// Two bytes of count, then the bytes. There must be at most 65,535.
  public mutating func writeLong(_ value: [UInt8]) {
    write(UInt16(value.count))
    write(value)
  }

  /// Forgets what has been written and keeps the memory.
  public mutating func restart() { bytes.removeAll(keepingCapacity: true) }

  private mutating func writeInteger(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Reads big-endian values from a span of bytes that somebody else sent.
public struct ByteReader: ~Escapable {
  private let bytes: RawSpan
  private var offset = 0

  /// Reads `bytes` from their beginning.
  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan) {
    self.bytes = bytes
  }

  /// How many bytes have not been read.
  public var remaining: Int { bytes.byteCount - offset }

  @_lifetime(self: copy self)
  public mutating func byte() throws(Malformed) -> UInt8 { try integer() }

  @_lifetime(self: copy self)
  public mutating func uint16() throws(Malformed) -> UInt16 { try integer() }

  @_lifetime(self: copy self)
  public mutating func uint32() throws(Malformed) -> UInt32 { try integer() }

  @_lifetime(self: copy self)
  public mutating func uint64() throws(Malformed) -> UInt64 { try integer() }

  /// A byte that must be 0 or 1.
  @_lifetime(self: copy self)
  public mutating func bool() throws(Malformed) -> Bool {
    let value = try byte()
    guard value <= 1 else { throw .invalid(.flag) }
    return value == 1
  }

  @_lifetime(self: copy self)
  public mutating func identifier() throws(Malformed) -> Identifier {
    Identifier(high: try integer(), middle: try integer(), low: try integer())
  }

  /// Exactly `count` bytes.
  @_lifetime(self: copy self)
  public mutating func array(_ count: Int) throws(Malformed) -> [UInt8] {
    guard count >= 0, remaining >= count else { throw .truncated }
    let part = bytes.extracting(offset..<(offset + count))
    offset += count
    return part.withUnsafeBytes { Array($0) }
  }

  /// One byte of count, then that many bytes.
  @_lifetime(self: copy self)
  public mutating func short() throws(Malformed) -> [UInt8] { try array(Int(byte())) }

  /// Two bytes of count, then that many bytes, of which at most `limit` are allowed.
  @_lifetime(self: copy self)
  public mutating func long(atMost limit: Int) throws(Malformed) -> [UInt8] {
    let count = Int(try uint16())
    guard count <= limit else { throw .invalid(.length) }
    return try array(count)
  }

  /// All that is left.
  @_lifetime(self: copy self)
  public mutating func rest() throws(Malformed) -> [UInt8] { try array(remaining) }

  /// Requires that everything has been read.
  public func end() throws(Malformed) {
    guard remaining == 0 else { throw .trailing }
  }

  @_lifetime(self: copy self)
  private mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>() throws(Malformed) -> Value {
    let width = MemoryLayout<Value>.size
    guard remaining >= width else { throw .truncated }
    let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self)
    offset += width
    return Value(bigEndian: value)
  }
}
