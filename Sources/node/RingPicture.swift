// A ring as a picture: for a browser (SVG), or for Graphviz (DOT).
//
//     every member at its place on the circle, 0 at the top, clockwise
//     grey    from each member to its successor
//     red     a predecessor that is not the member before: what a wrong pointer names
//     blue    the fingers of one member: who owns the points 1/2, 1/4, 1/8 … of the circle after it
//
// Fingers are where they point once the ring has settled; what a member has in its table at the moment only itself knows.

import Glibc
import NodeKit

/// Draws a walk round the ring.
struct RingPicture {
  let members: [RingMember]
  let problems: [String]
  /// Whose fingers are drawn.
  let centre: Peer?

  init(_ walk: RingWalk, fingersOf centre: Peer?) {
    members = walk.members
    problems = walk.problems
    self.centre = centre
  }

  /// The members that own the points half, a quarter … of the circle after the centre; each once, the farthest first.
  var fingers: [Peer] {
    guard let centre else { return [] }
    let order = members.map(\.peer).sorted { $0.id < $1.id }
    var found: [Peer] = []
    for exponent in (0..<Identifier.bitCount).reversed() {
      let point = centre.id.advanced(by: .powerOfTwo(exponent))
      guard let owner = order.first(where: { $0.id >= point }) ?? order.first else { break }
      if owner.id != centre.id, !found.contains(where: { $0.id == owner.id }) { found.append(owner) }
    }
    return found
  }

  private var successions: [(Peer, Peer)] {
    guard members.count > 1 else { return [] }
    let isClosed = !problems.contains {
      $0.contains("no successor") || $0.contains("leads back") || $0.contains("beyond")
    }
    let pairs = zip(members, members.dropFirst()).map { ($0.peer, $1.peer) }
    guard isClosed, let first = members.first, let last = members.last else { return pairs }
    return pairs + [(last.peer, first.peer)]
  }

  private var wrongs: [(Peer, Peer?)] {
    members.filter { $0.isPredecessorRight == false }.map { ($0.peer, $0.predecessor) }
  }

  // MARK: DOT

  var dot: String {
    var lines = ["digraph ring {", "  layout=circo;", "  node [shape=box, fontname=\"monospace\"];"]
    for member in members {
      let style = member.peer.id == centre?.id ? ", style=filled, fillcolor=lightblue" : ""
      lines.append("  \"\(member.peer.id)\" [label=\"\(Self.short(member.peer))\\n\(member.peer.endpoint)\"\(style)];")
    }
    for (from, to) in successions { lines.append("  \"\(from.id)\" -> \"\(to.id)\";") }
    for (from, to) in wrongs {
      guard let to else { continue }
      lines.append("  \"\(from.id)\" -> \"\(to.id)\" [color=red, label=\"predecessor\", constraint=false];")
    }
    for finger in fingers {
      guard let centre else { continue }
      lines.append("  \"\(centre.id)\" -> \"\(finger.id)\" [color=blue, style=dashed, constraint=false];")
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  // MARK: SVG

  private static let size = 800.0
  private static let radius = 270.0
  /// Beyond so many members names would lie on each other.
  private static let labelLimit = 64

  var svg: String {
    let half = Self.size / 2
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" font-family="monospace" font-size="11">
      <title>A ring of \(members.count) members</title>
      <rect width="800" height="800" fill="#ffffff"/>
      <circle cx="\(half)" cy="\(half)" r="\(Self.radius)" fill="none" stroke="#d0d0d0"/>
      """
    ]
    for (from, to) in successions { parts.append(arc(from, to)) }
    if let centre {
      for finger in fingers { parts.append(line(centre, finger, "#3060c0", "stroke-dasharray=\"5 4\"")) }
    }
    for case (let from, let to?) in wrongs { parts.append(line(from, to, "#d02020", "stroke-width=\"2\"")) }
    let wrong = Set(wrongs.map(\.0.id))
    for member in members {
      let (x, y) = place(of: member.peer)
      let colour = wrong.contains(member.peer.id) ? "#d02020" : member.peer.id == centre?.id ? "#3060c0" : "#303030"
      parts.append(
        "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(members.count > Self.labelLimit ? 3 : 5)\" fill=\"\(colour)\"/>")
      if members.count <= Self.labelLimit { parts.append(label(member.peer, colour)) }
    }
    parts += legend()
    return (parts + ["</svg>"]).joined(separator: "\n")
  }

  private func legend() -> [String] {
    let state = problems.isEmpty ? "The ring is consistent." : "The ring is NOT consistent: \(problems.count) problems."
    var lines = [
      (
        "\(members.count == 1 ? "1 member" : "\(members.count) members"). \(state)",
        problems.isEmpty ? "#303030" : "#d02020"
      )
    ]
    if let centre, members.count > 1 { lines.append(("Blue: the fingers of \(Self.short(centre)).", "#3060c0")) }
    if !wrongs.isEmpty { lines.append(("Red: predecessors that are not the member before.", "#d02020")) }
    return lines.enumerated().map { index, line in
      "<text x=\"20\" y=\"\(30 + 18 * index)\" font-size=\"14\" fill=\"\(line.1)\">\(line.0)</text>"
    }
  }

  private func angle(of peer: Peer) -> Double { peer.id.fractionOfCircle * 2 * .pi - .pi / 2 }

  private func place(of peer: Peer, at radius: Double = radius) -> (Double, Double) {
    let half = Self.size / 2
    return (Self.rounded(half + radius * cos(angle(of: peer))), Self.rounded(half + radius * sin(angle(of: peer))))
  }

  private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

  private func arc(_ from: Peer, _ to: Peer) -> String {
    let ((x, y), (endX, endY)) = (place(of: from), place(of: to))
    let isLong = from.id.distance(to: to.id).fractionOfCircle > 0.5 ? 1 : 0
    return
      "<path d=\"M \(x) \(y) A \(Self.radius) \(Self.radius) 0 \(isLong) 1 \(endX) \(endY)\" fill=\"none\" stroke=\"#707070\" stroke-width=\"2\"/>"
  }

  private func line(_ from: Peer, _ to: Peer, _ colour: String, _ more: String) -> String {
    let ((x, y), (endX, endY)) = (place(of: from), place(of: to))
    return "<line x1=\"\(x)\" y1=\"\(y)\" x2=\"\(endX)\" y2=\"\(endY)\" stroke=\"\(colour)\" \(more)/>"
  }

  private func label(_ peer: Peer, _ colour: String) -> String {
    let (x, y) = place(of: peer, at: Self.radius + 14)
    let isRight = x >= Self.size / 2
    let text = "\(Self.short(peer)) \(peer.endpoint)"
    return
      "<text x=\"\(x)\" y=\"\(y + 4)\" text-anchor=\"\(isRight ? "start" : "end")\" fill=\"\(colour)\"><title>\(peer.id)</title>\(text)</text>"
  }

  private static func short(_ peer: Peer) -> String { String(peer.id.description.prefix(8)) }
}
