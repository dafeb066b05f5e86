// One connection to one node: handshake, then frames both ways, then an end with one reason.
//
//     handshaking ──proved──► established ──► ended(reason)
//
//     bytes ──MessageReader──► message ──SecureChannel──► frames ──► owner
//     owner ──► frames, gathered as a draft in the connection's buffer ──sealed when the turn ends──► bytes
//
// A link that ends in good order says so (goodbye, with why); a connection that just breaks is `lost`, and whoever cares looks
// whether the node still lives.

import Chord
import UVRuntime

/// A connection to another node.
final class Link: TCPConnectionHandler {
  private enum Phase { case handshaking, established, ended }

  /// As the table numbers its connections.
  var number = 0
  let isDialled: Bool
  /// The address dialled, or the one the peer came from.
  let address: Endpoint
  private(set) var remote: RemoteNode?
  /// The address at which the peer sees us.
  private(set) var seenAs: Endpoint?
  /// Why it ended, once it has.
  private(set) var failure: LinkFailure?
  /// The peer said goodbye: its end is no loss.
  private(set) var farewell: Goodbye?
  /// We have said goodbye, or the peer has: nothing more is sent.
  private(set) var isDraining = false
  /// It has ended in good order, after goodbyes both ways, so each end has heard all that the other said.
  private(set) var isHeardOut = false
  var lastUsed: LoopTime
  /// When anything last came.
  private(set) var lastHeard: LoopTime
  /// The peer has said more than it may, or more than is taken in one turn: it is heard again when its debt is paid, or in the next turn.
  private var isResting = false
  /// Goodbye was said, and for whatever the peer still says there is nobody to hear it.
  private var isDeaf = false

  private weak var owner: (any LinkOwner)?
  private let loop: EventLoop
  private var connection: TCPConnection?
  private var phase = Phase.handshaking
  // The channel, the allowance and the portion call nobody: unchecked for the reasons of LoopNode's. Not so the reader, which lends messages out.
  @exclusivity(unchecked) private var channel: SecureChannel
  private var reader = MessageReader()
  @exclusivity(unchecked) private var allowance: Allowance
  /// What may still be taken of the peer in this turn.
  @exclusivity(unchecked) private var portion = Portion()
  private lazy var restEnds = Deadline(on: loop) { [weak self] in self?.goOn() }
  /// Frames of an opened message that wait until the rest is over.
  private var untaken: [UInt8] = []
  /// Since when the message that is coming has been coming.
  private var partialSince: LoopTime?
  private var patience: Deadline?
  /// Who waits for the answer to a ping.
  private var onPong: [(Bool) -> Void] = []

  /// Dials. Fails through `linkEnded`.
  init(
    on loop: EventLoop, to endpoint: Endpoint, timeout: Duration, limits: LinkLimits, channel: consuming SecureChannel,
    owner: any LinkOwner
  ) throws(UVError) {
    self.loop = loop
    self.owner = owner
    isDialled = true
    address = endpoint
    self.channel = channel
    allowance = Allowance(limits, at: loop.now)
    lastUsed = loop.now
    lastHeard = loop.now
    connection = try TCPConnection(on: loop, to: endpoint.socketAddress, timeout: timeout, handler: self)
    connection?.setWatermarks(low: limits.softQueue / 4, high: limits.softQueue, maximum: limits.hardQueue)
  }

  /// Takes a connection that was accepted.
  init(
    on loop: EventLoop, accepted connection: TCPConnection, from address: Endpoint, limits: LinkLimits,
    channel: consuming SecureChannel, owner: any LinkOwner
  ) {
    self.loop = loop
    self.owner = owner
    self.address = address
    self.connection = connection
    isDialled = false
    self.channel = channel
    allowance = Allowance(limits, at: loop.now)
    lastUsed = loop.now
    lastHeard = loop.now
    connection.handler = self
    connection.setWatermarks(low: limits.softQueue / 4, high: limits.softQueue, maximum: limits.hardQueue)
    setPatience(Self.handshakePatience) { [weak self] in self?.end(.silent) }
  }

  // MARK: What the table does

  /// Sends a frame, `Frame.encoded`.
  func send(_ frame: [UInt8]) {
    guard case .established = phase, !isDraining else { return }
    lastUsed = loop.now
    draft(frame)
  }

  /// Bytes that wait to leave.
  var pendingBytes: Int { connection?.pendingBytes ?? 0 }
  /// Whether so much waits that the peer is not to be told more than it must.
  var isCongested: Bool { connection?.isOverHighWatermark ?? false }

  /// Says goodbye and closes when everything has left.
  func close(_ goodbye: Goodbye) {
    guard !isDraining else { return }
    if case .established = phase {
      draft(
        Frame.encoded { writer in
          writer.write(UInt8(0x03))
          writer.write(goodbye.rawValue)
        })
    }
    drain(goodbye)
  }

  /// If what the peer still has under way is to be heard, we end our direction after its goodbye, and it does so after ours: the end
  /// says that all was heard. Whoever waits too long for it resets the connection.
  private func drain(_ goodbye: Goodbye) {
    isDraining = true
    answerPing(false)
    guard goodbye.isHeardOut else {
      isDeaf = true
      connection?.closeAfterFlush(deadline: Self.farewellPatience)
      return
    }
    if farewell != nil { connection?.shutdown() }
    setPatience(Self.farewellPatience) { [weak self] in
      self?.failure = self?.failure ?? .replaced
      self?.connection?.reset()
    }
  }

  /// Closes at once, for this reason.
  func end(_ failure: LinkFailure) {
    if self.failure == nil { self.failure = failure }
    isDraining = true
    connection?.close()
  }

  /// Whether the peer still answers, within `limit`.
  func ping(within limit: Duration, _ done: @escaping (Bool) -> Void) {
    guard !isDraining else { return done(false) }
    onPong.append(done)
    guard onPong.count == 1 else { return }
    send(Frame.encoded { $0.write(UInt8(0x04)) })
    setPatience(limit) { [weak self] in self?.answerPing(false) }
  }

  private func answerPing(_ isAlive: Bool) {
    guard !onPong.isEmpty else { return }
    if !isDraining { patience?.cancel() }
    let waiting = onPong
    onPong = []
    for done in waiting { done(isAlive) }
  }

  private func setPatience(_ limit: Duration, _ expired: @escaping () -> Void) {
    patience?.cancel()
    patience = Deadline(on: loop, expired)
    patience?.set(loop.now + limit)
  }

  /// Takes nothing more before that moment, which may have come: then not in this turn.
  private func rest(until moment: LoopTime) {
    isResting = true
    connection?.pauseReading()
    restEnds.set(moment)
  }

  /// Whether anything is taken any more. If not, the connection is read on for its end alone, and what comes is dropped.
  private var hears: Bool { failure == nil && !isDeaf }

  /// Whether the next frame may be taken.
  private var isListening: Bool { hears && !isResting }

  /// Whether the message that is coming takes too long to come.
  func dribbles(at now: LoopTime) -> Bool {
    !isResting && partialSince.map { now - $0 > Self.messagePatience } ?? false
  }

  // MARK: What goes

  /// Adds a frame to the message that leaves at the end of this turn.
  private func draft(_ frame: [UInt8]) {
    guard let connection else { return }
    if connection.draftCount + frame.count > channel.longestDraft { seal(connection) }
    let headroom = connection.draftCount == 0 ? channel.headroom : 0
    connection.draft(atMost: headroom + frame.count) { output in
      output.append(repeating: 0, count: headroom, as: UInt8.self)
      output.append(contentsOf: frame.span.bytes)
    }
  }

  func draftLeaves(_ connection: TCPConnection) {
    let renewsKey = channel.wantsRekey(at: loop.now)
    if renewsKey { draft(SecureChannel.rekeyFrame) }
    seal(connection)
    if renewsKey { channel.rekeySealing(at: loop.now) }
  }

  private func seal(_ connection: TCPConnection) {
    var failure: LinkFailure?
    connection.finishDraft(adding: SecureChannel.tagLength) { draft in
      do throws(LinkFailure) { try channel.seal(&draft) } catch { failure = error }
    }
    if let failure { end(failure) }
  }

  // MARK: What the connection says

  func connected(_ connection: TCPConnection) {
    setPatience(Self.handshakePatience) { [weak self] in self?.end(.silent) }
    do throws(LinkFailure) { connection.write(try channel.first()) } catch { end(error) }
  }

  func received(_ bytes: inout MutableRawSpan, on connection: TCPConnection) {
    guard hears else { return }
    lastUsed = loop.now
    lastHeard = loop.now
    if phase == .handshaking, reader.mayKeep(bytes.byteCount), putsOff() { return reader.keep(bytes.bytes) }
    var isWhole = false
    do throws(LinkFailure) {
      try reader.read(&bytes, limit: { channel.longestMessage }) { message throws(LinkFailure) in
        isWhole = true
        try take(&message)
        return isListening
      }
    } catch {
      refuse(error)
    }
    noteWhatIsPartial(isWhole)
    if phase == .handshaking, !isWhole, isListening { rest(until: loop.now + Self.pauseAfterPart) }
  }

  /// The rest is over: what has come meanwhile is taken, as far as it goes, and then the connection is read again.
  private func goOn() {
    isResting = false
    guard hears else {
      connection?.resumeReading()  // for its end
      return
    }
    if phase == .handshaking, putsOff() { return }
    lastHeard = loop.now
    portion.begin(loop.statistics.turns + 1)  // deadlines fire just before a turn is counted
    do throws(LinkFailure) {
      let frames = untaken
      untaken = []
      try takeFrames(frames.span.bytes)
      if isListening {
        try reader.goOn(limit: { channel.longestMessage }) { message throws(LinkFailure) in
          try take(&message)
          return isListening
        }
      }
    } catch {
      refuse(error)
    }
    noteWhatIsPartial(true)
    if !isResting { connection?.resumeReading() }
  }

  /// Leaves what is to be checked to a later turn, if much has been in this one; not for those whom we have dialled.
  private func putsOff() -> Bool {
    guard !isDialled, owner?.isBusyChecking ?? false else { return false }
    rest(until: .nextTurn)
    return true
  }

  private func noteWhatIsPartial(_ isWhole: Bool) {
    if reader.pendingBytes == 0 {
      partialSince = nil
    } else if isWhole || partialSince == nil {
      partialSince = loop.now
    }
  }

  private func take(_ message: inout MutableRawSpan) throws(LinkFailure) {
    if phase == .handshaking { owner?.checks() }
    switch try channel.open(&message) {
    case .answer(let answer):
      connection?.write(answer)
    case .established(let remote, let frames):
      established(remote)
      try takeFrames(frames.span.bytes)
    case .frames(let count):
      guard count > 0 else { throw .malformed }
      try takeFrames(message.bytes.extracting(0..<count))
    }
  }

  private func established(_ remote: RemoteNode) {
    self.remote = remote
    seenAs = channel.seenAs
    phase = .established
    connection?.breakWhenSilent(idle: Self.idleUntilProbed, unanswered: Self.unanswered)
    patience?.cancel()
    if let greeting = channel.greeting { draft(greeting) }
    owner?.linkEstablished(self)
  }

  private func takeFrames(_ frames: RawSpan) throws(LinkFailure) {
    guard isListening else { return keep(frames, from: 0) }
    var renewsKey = false
    var left = 0
    let taken = try Frame.forEach(in: frames) { type, payload throws(LinkFailure) in
      guard !renewsKey else { throw .unexpected }  // nothing follows the announcement of a key in its message
      if type == 0x06 {
        guard payload.byteCount == 0 else { throw .malformed }
        renewsKey = true
        charge(type, payload)
      } else if Speech.isCostly(type, payload.byteCount), putsOff() {
        left = Frame.headerLength + payload.byteCount
      } else {
        try take(type, payload)
      }
      return renewsKey || isListening
    }
    if renewsKey { channel.rekeyOpening() }
    keep(frames, from: taken - left)
  }

  private func keep(_ frames: RawSpan, from offset: Int) {
    guard offset < frames.byteCount else { return }
    if hears { frames.extracting(offset..<frames.byteCount).withUnsafeBytes { untaken += $0 } }
  }

  /// Counts a frame, after which the peer may have to rest.
  private func charge(_ type: UInt8, _ payload: RawSpan) {
    let speech = Speech(type)
    let weight = speech.weight(of: payload)
    let goesOn = portion.take(weight, in: loop.statistics.turns)
    if let until = allowance.charge(speech, weight: weight, at: loop.now) ?? (goesOn ? nil : .nextTurn) {
      rest(until: until)
    }
  }

  private func take(_ type: UInt8, _ payload: RawSpan) throws(LinkFailure) {
    if Speech.isCostly(type, payload.byteCount) { owner?.checks() }
    charge(type, payload)
    if isCongested && Speech.isQuestion(type) { return }
    switch type {
    case 0x03:
      guard payload.byteCount == 1 else { throw .malformed }
      let goodbye = Goodbye(rawValue: payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self)) ?? .fault
      (farewell, isDeaf) = (goodbye, true)
      owner?.linkSaidGoodbye(self, goodbye)
      if isDraining { connection?.shutdown() } else if goodbye.isHeardOut { close(goodbye) } else { drain(goodbye) }
    case 0x04:
      guard payload.byteCount == 0 else { throw .malformed }
      send(Frame.encoded { $0.write(UInt8(0x05)) })
    case 0x05:
      guard payload.byteCount == 0 else { throw .malformed }
      answerPing(true)
    default: try owner?.linkReceived(type, payload, on: self)
    }
  }

  /// The peer's fault ends its link. During the handshake we close at once: whoever speaks something else would not understand.
  private func refuse(_ failure: LinkFailure) {
    guard case .established = phase else { return end(failure == .oversized ? .foreignProtocol : failure) }
    self.failure = self.failure ?? failure
    close(.fault)
  }

  func ended(_ connection: TCPConnection) {
    connection.closeAfterFlush(deadline: Self.farewellPatience)
  }

  func closed(_ connection: TCPConnection, error: UVError?) {
    isHeardOut = failure == nil && error == nil && farewell?.isHeardOut == true
    if failure == nil { failure = reason(for: error) }
    phase = .ended
    patience?.cancel()
    restEnds.cancel()
    self.connection = nil
    answerPing(false)
    owner?.linkEnded(self)
  }

  private func reason(for error: UVError?) -> LinkFailure {
    if case .established = phase {
      return error == .noBufferSpace ? .slow : error == .timedOut ? .silent : .lost
    }
    switch error {
    case UVError.connectionRefused?: return .refused
    case UVError.timedOut?: return .silent
    case nil, UVError.endOfFile?, UVError.connectionReset?, UVError.brokenPipe?, UVError.connectionAborted?:
      return .closedEarly
    default: return isDialled && remote == nil ? .unreachable : .lost
    }
  }
}
