// Whom a person lets talk to them: /accept and /ignore. A name will do for somebody who has been shown, as long as
// nobody else of that name has: a stranger who calls himself like a friend is never accepted in the friend's place.

import NodeKit

extension Chatting {
  func showRequest(of user: User) {
    let name = names.shown(user)
    say("\(Names.full(user)) wants to talk: /accept \(name) or /ignore \(name)", about: .node)
  }

  func accept(_ whom: Whom) {
    guard let user = meant(whom, by: "accept") else { return }
    do throws(NodeFailure) {
      try host.node.accept(user)
      say("\(names.shown(user)) may talk to you")
    } catch {
      complain("\(Names.full(user)) was not accepted: \(error).")
    }
  }

  func ignore(_ whom: Whom) {
    guard let user = meant(whom, by: "ignore") else { return }
    do throws(NodeFailure) {
      try host.node.ignore(user)
      if current == user { current = nil }
      if lastHeard == user { lastHeard = nil }
      let name = names.shown(user)
      say("nothing of \(name) will be shown any more; /accept \(name) undoes this")
    } catch {
      complain("\(Names.full(user)) is not ignored: \(error).")
    }
  }

  /// The user a command is about; nil, after saying why, if that is not plain.
  private func meant(_ whom: Whom, by command: String) -> User? {
    switch whom {
    case .user(let user):
      if user != host.node.user { return user }
      complain("\(Names.full(user)) is you, so there is nothing to \(command).")
      return nil
    case .name(let name):
      if let user = names.only(named: name) { return user }
      let shown = Display.line(name.description)
      complain(
        names.knows(name)
          ? "There is more than one \(shown): write /\(command) NAME#ID, with the id of the one you mean."
          : "Nobody called \(shown) has been here: write /\(command) NAME#ID, with the id.")
      return nil
    }
  }
}
