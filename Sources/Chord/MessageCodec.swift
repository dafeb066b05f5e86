// The bytes of the ring's messages. Every layout begins with its type byte; numbers are big-endian.
//
//   10 query       ticket u32
//   11 view        ticket u32 · member u8 · predecessor? · successors
//   12 notify      ticket u32                      13 notified   ticket u32 · predecessor u8
//   14 ping        ticket u32                      15 pong       ticket u32 · member u8
//   16 changed     –
//   17 hint        peer
//   18 leaving     predecessor? · successors
//   19 request     ticket u32 · key 20 · hopsLeft u8 · claim u8 · question u8 …
//                    claim: 0 none, 1 owner, 2 insist, 16 + n replica(n), n ≤ 15
//                    question: 0 findSuccessor –, 1 join peer, 2 get –, 3 put record, 4 nearest –, 5 extend renewal
//   1A accepted    ticket u32
//   1B reply       ticket u32 · path (u8 + n × 20) · answer u8 …
//                    answer: 0 owner peer · member u8 · predecessor? · successors, 1 joinPoint peer,
//                            2 records (u8 + n × record), 3 stored copies u8, 4 redirect peer, 5 failure reason u8,
//                            6 nearest records (u8 + n × record) · peers (u8 + n × peer)
//   1C replicate   ticket u32 · record             1D replicated ticket u32 · kept u8
//   1E extend      ticket u32 · key 20 · renewal   1F before     peers (u8 + n × peer)
//   20 chosen      ticket u32
//   21 queryAgain  ticket u32 · digest u64         22 unchanged  ticket u32
//   23 askBefore   –
//
//   renewal       W 32 · number u64 · expiry u64 · signature 64
//   peer          identifier 20 · endpoint 7 or 19        peer?   u8 0, or 1 · peer        successors   u8 n · n × peer

/// Limits of what one message may carry.
public enum MessageLimit {
  /// Twice the default length of a successor list, for rings that were set up with more.
  public static let successors = 32
  /// The longest path: as often as a request may be handed on, and redirected each time.
  public static let path = 64
  /// Writers under one key (RecordStore says who they are): their records fit into one frame, and squatters do not fill memory.
  public static let recordsPerKey = 4
  /// Members named as nearest to a key: the eight holders of a record, and as many before it.
  public static let nearest = 16
}

extension Message {
  /// The type bytes of the ring's messages.
  public static let types: ClosedRange<UInt8> = 0x10...0x3F

  /// Appends the type byte and the layout.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .query(let ticket): writer.write(type: 0x10, ticket)
    case .view(let ticket, let view):
      writer.write(type: 0x11, ticket)
      writer.write(view)
    case .notify(let ticket): writer.write(type: 0x12, ticket)
    case .notified(let ticket, let isPredecessor):
      writer.write(type: 0x13, ticket)
      writer.write(isPredecessor)
    case .ping(let ticket): writer.write(type: 0x14, ticket)
    case .pong(let ticket, let isMember):
      writer.write(type: 0x15, ticket)
      writer.write(isMember)
    case .changed: writer.write(UInt8(0x16))
    case .hint(let peer):
      writer.write(UInt8(0x17))
      writer.write(peer)
    case .leaving(let predecessor, let successors):
      writer.write(UInt8(0x18))
      writer.write(predecessor)
      writer.write(successors)
    case .request(let request):
      writer.write(UInt8(0x19))
      writer.write(request)
    case .accepted(let ticket): writer.write(type: 0x1A, ticket)
    case .reply(let reply):
      writer.write(UInt8(0x1B))
      writer.write(reply)
    case .replicate(let ticket, let record):
      writer.write(type: 0x1C, ticket)
      writer.write(record)
    case .replicated(let ticket, let isKept):
      writer.write(type: 0x1D, ticket)
      writer.write(isKept)
    case .extend(let ticket, let renewal):
      writer.write(type: 0x1E, ticket)
      writer.write(renewal.key)
      writer.write(renewal)
    case .before(let peers):
      writer.write(UInt8(0x1F))
      writer.write(peers)
    case .chosen(let ticket): writer.write(type: 0x20, ticket)
    case .queryAgain(let ticket, let digest):
      writer.write(type: 0x21, ticket)
      writer.write(digest)
    case .unchanged(let ticket): writer.write(type: 0x22, ticket)
    case .askBefore: writer.write(UInt8(0x23))
    }
  }

  /// Reads the layout that belongs to `type`; all of `payload` must be used.
  public init(type: UInt8, payload: RawSpan) throws(Malformed) {
    var reader = ByteReader(payload)
    switch type {
    case 0x10: self = .query(try reader.uint32())
    case 0x11: self = .view(try reader.uint32(), try reader.view())
    case 0x12: self = .notify(try reader.uint32())
    case 0x13: self = .notified(try reader.uint32(), isPredecessor: try reader.bool())
    case 0x14: self = .ping(try reader.uint32())
    case 0x15: self = .pong(try reader.uint32(), isMember: try reader.bool())
    case 0x16: self = .changed
    case 0x17: self = .hint(try reader.peer())
    case 0x18:
      self = .leaving(
        predecessor: try reader.optionalPeer(), successors: try reader.peers(atMost: MessageLimit.successors))
    case 0x19: self = .request(try reader.request())
    case 0x1A: self = .accepted(try reader.uint32())
    case 0x1B: self = .reply(try reader.reply())
    case 0x1C: self = .replicate(try reader.uint32(), try reader.record())
    case 0x1D: self = .replicated(try reader.uint32(), isKept: try reader.bool())
    case 0x1E: self = .extend(try reader.uint32(), try reader.renewal(under: try reader.identifier()))
    case 0x1F: self = .before(try reader.peers(atMost: MessageLimit.successors))
    case 0x20: self = .chosen(try reader.uint32())
    case 0x21: self = .queryAgain(try reader.uint32(), try reader.uint64())
    case 0x22: self = .unchanged(try reader.uint32())
    case 0x23: self = .askBefore
    default: throw .invalid(.kind)
    }
    try reader.end()
  }
}

// MARK: - Parts

extension ByteWriter {
  fileprivate mutating func write(type: UInt8, _ ticket: UInt32) {
    write(type)
    write(ticket)
  }

  fileprivate mutating func write(_ view: View) {
    write(view.isMember)
    write(view.predecessor)
    write(view.successors)
  }

  fileprivate mutating func write(_ request: Request) {
    write(request.ticket)
    write(request.key)
    write(request.hopsLeft)
    switch request.claim {
    case .none: write(UInt8(0))
    case .owner: write(UInt8(1))
    case .insist: write(UInt8(2))
    case .replica(let further): write(16 + min(further, 15))
    }
    switch request.question {
    case .findSuccessor: write(UInt8(0))
    case .join(let peer):
      write(UInt8(1))
      write(peer)
    case .get: write(UInt8(2))
    case .put(let record):
      write(UInt8(3))
      write(record)
    case .nearest: write(UInt8(4))
    case .extend(let renewal):
      write(UInt8(5))
      write(renewal)
    }
  }

  fileprivate mutating func write(_ reply: Reply) {
    write(reply.ticket)
    write(UInt8(reply.path.count))
    for id in reply.path { write(id) }
    switch reply.answer {
    case .owner(let peer, let view):
      write(UInt8(0))
      write(peer)
      write(view)
    case .joinPoint(let peer):
      write(UInt8(1))
      write(peer)
    case .records(let records):
      write(UInt8(2))
      write(records)
    case .stored(let copies):
      write(UInt8(3))
      write(copies)
    case .redirect(let peer):
      write(UInt8(4))
      write(peer)
    case .failure(let refusal):
      write(UInt8(5))
      write(refusal.rawValue)
    case .nearest(let records, let peers):
      write(UInt8(6))
      write(records)
      write(peers)
    }
  }

  private mutating func write(_ records: [Record]) {
    write(UInt8(records.count))
    for record in records { write(record) }
  }
}

extension ByteReader {
  @_lifetime(self: copy self)
  fileprivate mutating func view() throws(Malformed) -> View {
    View(
      isMember: try bool(), predecessor: try optionalPeer(), successors: try peers(atMost: MessageLimit.successors))
  }

  @_lifetime(self: copy self)
  fileprivate mutating func request() throws(Malformed) -> Request {
    let ticket = try uint32()
    let key = try identifier()
    let hopsLeft = try byte()
    guard hopsLeft <= Request.limit else { throw .invalid(.count) }
    let claim: Request.Claim
    switch try byte() {
    case 0: claim = .none
    case 1: claim = .owner
    case 2: claim = .insist
    case let code where (16...31).contains(code): claim = .replica(code - 16)
    default: throw .invalid(.flag)
    }
    let question: Request.Question
    switch try byte() {
    case 0: question = .findSuccessor
    case 1: question = .join(try peer())
    case 2: question = .get
    case 3: question = .put(try record())
    case 4: question = .nearest
    case 5: question = .extend(try renewal(under: key))
    default: throw .invalid(.kind)
    }
    return Request(ticket: ticket, key: key, hopsLeft: hopsLeft, claim: claim, question: question)
  }

  @_lifetime(self: copy self)
  fileprivate mutating func reply() throws(Malformed) -> Reply {
    let ticket = try uint32()
    let count = Int(try byte())
    guard count <= MessageLimit.path else { throw .invalid(.path) }
    var path: [Identifier] = []
    for _ in 0..<count { path.append(try identifier()) }
    return Reply(ticket: ticket, path: path, answer: try answer())
  }

  @_lifetime(self: copy self)
  private mutating func answer() throws(Malformed) -> Reply.Answer {
    switch try byte() {
    case 0: return .owner(try peer(), try view())
    case 1: return .joinPoint(try peer())
    case 2: return .records(try records())
    case 3: return .stored(copies: try byte())
    case 4: return .redirect(try peer())
    case 5:
      guard let refusal = Refusal(rawValue: try byte()) else { throw .invalid(.kind) }
      return .failure(refusal)
    case 6: return .nearest(try records(), try peers(atMost: MessageLimit.nearest))
    default: throw .invalid(.kind)
    }
  }

  @_lifetime(self: copy self)
  private mutating func records() throws(Malformed) -> [Record] {
    let count = Int(try byte())
    guard count <= MessageLimit.recordsPerKey else { throw .invalid(.count) }
    var records: [Record] = []
    for _ in 0..<count { records.append(try record()) }
    return records
  }
}

extension View {
  /// Stands for this view between two who have it: FNV-1a over what follows the ticket in `view`. Whoever makes up another one with the same
  /// digest deceives nobody but about itself, and could have said anything.
  var digest: UInt64 {
    var writer = ByteWriter()
    writer.write(self)
    return writer.bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
