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
  /// Whether we have ever written to them; otherwise they are strangers.
  fileprivate(set) var isKnown = false

  /// Of too many the least goes: a stranger's first, then one that is over, then one in which all has been read.
  fileprivate var worth: Int { (isKnown ? 4 : 0) + (isOpen ? 2 : 0) + (unread > 0 ? 1 : 0) }

  /// Where there is too much the heaviest forgets its beginning: the longest, and any stranger's before all others. The last entry stays.
  fileprivate var weight: Int {
    if scrollback.numbers.count < 2 { return 0 }
    return scrollback.byteCount + (user == nil || isKnown ? 0 : Talks.byteLimit)
  }
}

/// All conversations, one of which is looked at.
struct Talks {
  /// As many as a node has sessions, and some that are over.
  static let limit = 1000
  /// What all of them may take in memory, in bytes: sixteen that are full. A stranger can begin a thousand, under as many names.
  static let byteLimit = 64 << 20

  private(set) var all: [Talk] = [Talk(user: nil, title: "this node")]
  private(set) var current = 0
  /// So many bytes may come before what is there has to be counted anew.
  private var room = byteLimit
  /// The latest day: one string for all the entries that it has.
  private var day = ""

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
      let others = all.indices.dropFirst().filter { $0 != current }
      let place = others.min { all[$0].worth < all[$1].worth } ?? 1
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
    case .own: all[index].isKnown = true
    case .notice: break  // comings and goings need nobody's attention
    }
    var entry = entry
    if entry.time.day == day { entry.time.day = day } else { day = entry.time.day }
    room -= entry.byteCount
    defer { if room < 0 { makeRoom() } }
    return all[index].scrollback.append(entry)
  }

  /// Forgets until all is within the limit.
  private mutating func makeRoom() {
    var size = 0
    for index in all.indices { size += all[index].scrollback.byteCount }
    while size > Self.byteLimit {
      var heaviest = 0
      for index in all.indices where all[index].weight > all[heaviest].weight { heaviest = index }
      guard all[heaviest].weight > 0 else { break }
      size -= all[heaviest].scrollback.byteCount
      all[heaviest].scrollback.forgetOldest()
      size += all[heaviest].scrollback.byteCount
    }
    room = Self.byteLimit - size
  }
}
