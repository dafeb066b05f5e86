// Whom a message names: nodes whose addresses the receiver may dial next. Hosts write down on whose word they dial.

extension Message {
  /// The peers whose addresses this message tells, its sender's own excepted.
  public var namedPeers: [Peer] {
    switch self {
    case .view(_, let view): view.namedPeers
    case .hint(let peer): [peer]
    case .before(let peers): peers
    case .leaving(let predecessor, let successors): successors + [predecessor].compactMap(\.self)
    case .request(let request): request.question.namedPeers
    case .reply(let reply): reply.answer.namedPeers
    case .query, .notify, .notified, .ping, .pong, .changed, .accepted, .replicate, .replicated, .extend, .chosen,
      .queryAgain, .unchanged, .askBefore:
      []
    }
  }
}

extension View {
  fileprivate var namedPeers: [Peer] { successors + [predecessor].compactMap(\.self) }
}

extension Request.Question {
  fileprivate var namedPeers: [Peer] {
    switch self {
    case .join(let peer): [peer]
    case .findSuccessor, .get, .put, .extend, .nearest: []
    }
  }
}

extension Reply.Answer {
  fileprivate var namedPeers: [Peer] {
    switch self {
    case .owner(let peer, let view): [peer] + view.namedPeers
    case .joinPoint(let peer), .redirect(let peer): [peer]
    case .nearest(_, let peers): peers
    case .records, .stored, .failure: []
    }
  }
}
