// What members say to each other: the four messages of Chord's maintenance, the routed requests, and the copies of records.
//
// A `Ticket` numbers a question among those its sender has open; the answer carries it back. Messages between two nodes keep
// their order (they share one TCP link), but an answer may be late, double or missing, and the machine copes.

/// The number of an open question, chosen by whoever asks.
public typealias Ticket = UInt64

/// A message of the ring.
public enum Message: Hashable, Sendable {
  /// stabilize: show me your predecessor and your successors.
  case query(UInt32)
  case view(UInt32, View)
  /// The same question of one who has seen the answer before: its digest.
  case queryAgain(UInt32, UInt64)
  /// You have seen it: nothing has changed.
  case unchanged(UInt32)
  /// I may be your predecessor.
  case notify(UInt32)
  /// Heard; and whether the sender of `notify` is the predecessor now. If not, the one there is is asked first whether it lives.
  case notified(UInt32, isPredecessor: Bool)
  /// Are you alive? (ping_predecessor, and whoever has become silent.)
  case ping(UInt32)
  /// Alive, and in a ring or not: who is in none can be nobody's neighbour.
  case pong(UInt32, isMember: Bool)
  /// My pointers have changed: now is a good moment to stabilize with me.
  case changed
  /// This node may be a closer successor of yours. Hearsay: to be checked before it is believed.
  case hint(Peer)
  /// I leave the ring; these were my neighbours. Hints too.
  case leaving(predecessor: Peer?, successors: [Peer])
  /// Those behind me, nearest first: they stand behind you as well. Serves to route alone.
  case before([Peer])
  /// You stand before me, as far as I know: who stands behind you? Answered by `before`.
  case askBefore
  /// Are you alive? I have you as a finger: route over this link too. Answered like `ping`.
  case chosen(UInt32)
  /// find_successor and what rides on it, handed on from member to member.
  case request(Request)
  /// I have the request and am working on it.
  case accepted(UInt32)
  /// The answer, on its way back along the path of the request.
  case reply(Reply)
  /// Keep a copy of this record.
  case replicate(UInt32, Record)
  /// Whether the copy is kept; if not, it is not to be sent again either. Also the answer to `extend`: if not, the record is missing.
  case replicated(UInt32, isKept: Bool)
  /// Your copy of this record lives longer.
  case extend(UInt32, Renewal)
}

/// A question that travels to the owner of a key.
public struct Request: Hashable, Sendable {
  /// What the sender believes about the receiver.
  public enum Claim: Hashable, Sendable {
    /// Nothing: hand it on towards the key.
    case none
    /// You own the key, as far as I can see. If not, redirect me to the one before you.
    case owner
    /// Whoever stood before you does not answer: answer in its place.
    case insist
    /// Answer from the records you hold; if you hold none, ask that many further copies.
    case replica(UInt8)
  }

  /// What is asked of the owner.
  public enum Question: Hashable, Sendable {
    /// find_successor: who are you?
    case findSuccessor
    /// join: this node wants to enter; which member is to be its predecessor?
    case join(Peer)
    /// Which records do you hold under the key?
    case get
    /// Hold this record under the key.
    case put(Record)
    /// Let the record that you hold live longer.
    case extend(Renewal)
    /// Which members do you know nearest to the key, and what do you hold under it? Not handed on: whoever is asked answers.
    case nearest
  }

  /// Numbers the request between these two nodes.
  public var ticket: UInt32
  public var key: Identifier
  /// How many more times it may be handed on: starts at `limit`.
  public var hopsLeft: UInt8
  public var claim: Claim
  public var question: Question

  public init(ticket: UInt32, key: Identifier, hopsLeft: UInt8, claim: Claim, question: Question) {
    self.ticket = ticket
    self.key = key
    self.hopsLeft = hopsLeft
    self.claim = claim
    self.question = question
  }

  /// Ten times what a ring of a million nodes needs on average.
  public static let limit: UInt8 = 32
}

/// The answer to a request.
public struct Reply: Hashable, Sendable {
  public enum Answer: Hashable, Sendable {
    /// The owner of the key, and its neighbours.
    case owner(Peer, View)
    /// The member behind which to join.
    case joinPoint(Peer)
    /// The records under the key, tombstones included; none means that nobody has written there.
    case records([Record])
    /// The record is held in this many places.
    case stored(copies: UInt8)
    /// Not mine: ask the one before me.
    case redirect(Peer)
    case failure(Refusal)
    /// The records held under the key, and the members known nearest to it on either side, in no order.
    case nearest([Record], [Peer])
  }

  public var ticket: UInt32
  /// The nodes passed, from the one that sends this reply to the owner.
  public var path: [Identifier]
  public var answer: Answer

  public init(ticket: UInt32, path: [Identifier], answer: Answer) {
    self.ticket = ticket
    self.path = path
    self.answer = answer
  }
}

/// Why a request was not answered.
public enum Refusal: UInt8, Hashable, Sendable, CaseIterable {
  /// I am in no ring.
  case notInRing = 1
  /// I know nobody closer who answers.
  case unreachable = 2
  /// It was handed on too often.
  case tooManyHops = 3
  /// The record, or its extension, is not valid or too old.
  case refused = 4
  /// I hold too many records, or too many from there.
  case full = 5
  /// What is to be extended is not here: put the whole record.
  case unknown = 6
  /// I hand on too much already, for you or to whom it would go: ask another way, or later.
  case busy = 7
}

extension Reply.Answer {
  /// Whether this can be an answer to the question: whoever answers may say anything.
  func answers(_ question: Request.Question) -> Bool {
    switch (self, question) {
    case (.redirect, _), (.failure, _), (.owner, .findSuccessor), (.joinPoint, .join), (.records, .get),
      (.records, .put), (.records, .extend), (.stored, .put), (.stored, .extend), (.nearest, .nearest):
      true
    case (.owner, _), (.joinPoint, _), (.records, _), (.stored, _), (.nearest, _): false
    }
  }

  var refusal: Refusal? {
    if case .failure(let refusal) = self { refusal } else { nil }
  }
}
