// The conversations of a screen: first what the node has to say, then everybody who has been talked to, in the order of their coming.

import NodeKit

/// One conversation, or what the node has to say.
struct Talk {
  /// Nil: the node itself.
  var user: User?
  /// As it stands in the list.
  var title: String
  var scrollback = Scrollback()
  /// Texts and notices that nobody has seen yet.
  var unread = 0
  /// Where somebody reads; nil: at the end.
  var place: ScrollPlace?
  /// Whether there is a session at present.
  var isOpen = false
  /// Texts of ours that are under way.
  var waiting = 0
}

/// All conversations, one of which is looked at.
struct Talks {
  /// As many as a node has sessions, and some that are over. The oldest that is over and read goes.
  static let limit = 1000

  private(set) var all: [Talk] = [Talk(user: nil, title: "this node")]
  private(set) var current = 0

  /// The one that is looked at.
  var shown: Talk {
    get { all[current] }
    set { all[current] = newValue }
  }

  subscript(index: Int) -> Talk {
    get { all[index] }
    set { all[index] = newValue }
  }

  /// The place of the conversation with a user; nil: of the node's own.
  func index(of user: User?) -> Int? { all.firstIndex { $0.user == user } }

  /// The place of the conversation with a user, which begins if there is none.
  mutating func index(with user: User?) -> Int {
    if let index = index(of: user) { return index }
    if all.count >= Self.limit {
      let over = all.indices.dropFirst().first { $0 != current && !all[$0].isOpen && all[$0].unread == 0 }
      // All of them unread or open: rather one too few than one too many.
      let place = over ?? all.indices.dropFirst().first { $0 != current } ?? 1
      all.remove(at: place)
      if place < current { current -= 1 }
    }
    all.append(Talk(user: user, title: ""))
    return all.count - 1
  }

  /// Looks at another one.
  mutating func show(_ index: Int) {
    guard all.indices.contains(index) else { return }
    current = index
    if all[index].place == nil { all[index].unread = 0 }
  }

  /// The next one, round the list, in which something is unread.
  var nextUnread: Int? {
    let order = Array(all.indices[(current + 1)...]) + Array(all.indices[...current])
    return order.first { all[$0].unread > 0 }
  }

  /// Adds an entry to a conversation. Answers its number.
  @discardableResult
  mutating func append(_ entry: Entry, to index: Int) -> Int {
    let isSeen = index == current && all[index].place == nil
    switch entry.kind {
    case .text, .error: if !isSeen { all[index].unread += 1 }
    case .notice, .own: break  // comings and goings need nobody's attention
    }
    return all[index].scrollback.append(entry)
  }
}
