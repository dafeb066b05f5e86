// The bytes of the conversation's messages. Every layout begins with its type byte; numbers are big-endian.
//
//   40 open         opening
//   41 opened       opening · answering u32
//   42 refused      session u32 · reason u8
//   43 texts        session u32 · sequence u64 · n × (length u16, 1 to 32,768 · UTF-8), n from 1 to 256, to the end
//   44 acknowledge  session u32 · sequence u64
//   45 close        session u32 · reason u8
//   46 unknown      session u32
//   47 waiting      session u32
//
//   opening         from user · salt 16 · to user · session u32 · epoch u64 · first u64 · knownEpoch u64 · received u64
//   user            name (u8 + n bytes of UTF-8 in form C) · 20 symbols, each a byte below 32
//
// Sequence numbers are below 2^63, so that nobody who adds 1 to one can be made to overflow.

import Chord

extension ChatMessage {
  /// The type bytes of the conversation's messages.
  public static let types: ClosedRange<UInt8> = 0x40...0x5F

  /// Whether a frame of this type belongs to the conversation.
  public static func isChat(_ type: UInt8) -> Bool { types.contains(type) }

  /// How many texts the payload of `texts` holds, whole or not; 256 if there are more.
  public static func textCount(in payload: RawSpan) -> Int {
    var offset = headBytes
    var count = 0
    while count < TextRun.maximumCount, payload.byteCount - offset >= TextRun.lengthBytes {
      let length = unsafe payload.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
      offset += TextRun.lengthBytes + Int(UInt16(bigEndian: length))
      count += 1
    }
    return count
  }

  /// What stands before the texts.
  private static let headBytes = 12

  /// Appends the type byte and the layout.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .open(let opening):
      writer.write(UInt8(0x40))
      writer.write(opening)
    case .opened(let opening, let answering):
      writer.write(UInt8(0x41))
      writer.write(opening)
      writer.write(answering)
    case .refused(let session, let reason):
      writer.write(UInt8(0x42))
      writer.write(session)
      writer.write(reason.rawValue)
    case .texts(let session, let sequence, let texts):
      writer.bytes.reserveCapacity(writer.bytes.count + 1 + Self.headBytes + texts.bytes.count)
      writer.write(UInt8(0x43))
      writer.write(session)
      writer.write(sequence)
      writer.write(texts.bytes)
    case .acknowledge(let session, let sequence):
      writer.write(UInt8(0x44))
      writer.write(session)
      writer.write(sequence)
    case .close(let session, let reason):
      writer.write(UInt8(0x45))
      writer.write(session)
      writer.write(reason.rawValue)
    case .unknown(let session):
      writer.write(UInt8(0x46))
      writer.write(session)
    case .waiting(let session):
      writer.write(UInt8(0x47))
      writer.write(session)
    }
  }

  /// Reads the layout that belongs to `type`; all of `payload` must be used.
  public init(type: UInt8, payload: RawSpan) throws(Malformed) {
    var reader = ByteReader(payload)
    switch type {
    case 0x40: self = .open(try reader.opening())
    case 0x41: self = .opened(try reader.opening(), answering: try reader.uint32())
    case 0x42:
      let session = try reader.uint32()
      guard let reason = Refusal(rawValue: try reader.byte()) else { throw .invalid(.kind) }
      self = .refused(session: session, reason)
    case 0x43:
      let (session, sequence) = (try reader.uint32(), try reader.sequence())
      let texts = try TextRun(checking: try reader.rest())
      guard sequence + UInt64(texts.count) <= 1 << 63 else { throw .invalid(.count) }
      self = .texts(session: session, sequence: sequence, texts)
    case 0x44: self = .acknowledge(session: try reader.uint32(), sequence: try reader.sequence())
    case 0x45:
      let session = try reader.uint32()
      guard let reason = Ending(rawValue: try reader.byte()) else { throw .invalid(.kind) }
      self = .close(session: session, reason)
    case 0x46: self = .unknown(session: try reader.uint32())
    case 0x47: self = .waiting(session: try reader.uint32())
    default: throw .invalid(.kind)
    }
    try reader.end()
  }
}

extension ByteWriter {
  fileprivate mutating func write(_ opening: ChatMessage.Opening) {
    write(opening.from)
    write(opening.salt)
    write(opening.to)
    write(opening.session)
    write(opening.epoch)
    write(opening.first)
    write(opening.knownEpoch)
    write(opening.received)
  }
}

extension ByteReader {
  @_lifetime(self: copy self)
  fileprivate mutating func opening() throws(Malformed) -> ChatMessage.Opening {
    let opening = ChatMessage.Opening(
      from: try user(), salt: try array(Identity.saltBytes), to: try user(), session: try uint32(),
      epoch: try uint64(), first: try sequence(), knownEpoch: try uint64(), received: try sequence())
    guard opening.epoch != 0, opening.first != 0 else { throw .invalid(.count) }
    return opening
  }

  @_lifetime(self: copy self)
  fileprivate mutating func sequence() throws(Malformed) -> UInt64 {
    let sequence = try uint64()
    guard sequence < 1 << 63 else { throw .invalid(.count) }
    return sequence
  }
}
