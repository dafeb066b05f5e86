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

  private static let centre = (x: 560.0, y: 430.0)
  private static let radius = 290.0
  /// Beyond so many members names would lie on each other.
  private static let labelLimit = 64
  /// From one label to the next.
  private static let lineHeight = 14.0

  var svg: String {
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1120 800" font-family="monospace" font-size="11">
      <title>A ring of \(members.count) members</title>
      <rect width="1120" height="800" fill="#ffffff"/>
      <circle cx="\(Self.centre.x)" cy="\(Self.centre.y)" r="\(Self.radius)" fill="none" stroke="#d0d0d0"/>
      """
    ]
    for (from, to) in successions { parts.append(arc(from, to)) }
    if let centre {
      for finger in fingers { parts.append(line(centre, finger, "#3060c0", "stroke-dasharray=\"5 4\"")) }
    }
    for case (let from, let to?) in wrongs { parts.append(line(from, to, "#d02020", "stroke-width=\"2\"")) }
    if members.count <= Self.labelLimit { parts += labels(isRight: true) + labels(isRight: false) }
    for member in members {
      let (x, y) = place(of: member.peer)
      let radius = members.count > Self.labelLimit ? 3 : 5
      parts.append("<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(radius)\" fill=\"\(colour(of: member))\"/>")
    }
    parts += legend()
    return (parts + ["</svg>"]).joined(separator: "\n")
  }

  private func colour(of member: RingMember) -> String {
    if member.isPredecessorRight == false { return "#d02020" }
    return member.peer.id == centre?.id ? "#3060c0" : "#303030"
  }

  /// The names of one side, from top to bottom: beside their members, but never on each other.
  private func labels(isRight: Bool) -> [String] {
    let side = members.filter { (place(of: $0.peer).0 >= Self.centre.x) == isRight }
      .sorted { place(of: $0.peer).1 < place(of: $1.peer).1 }
    var heights: [Double] = []
    for member in side {
      heights.append(max(place(of: member.peer, at: Self.radius + 20).1, (heights.last ?? 0) + Self.lineHeight))
    }
    // What has been pushed out at the bottom pushes back.
    var limit = 790.0
    for index in heights.indices.reversed() {
      heights[index] = min(heights[index], limit)
      limit = heights[index] - Self.lineHeight
    }
    return zip(side, heights).map { member, height in
      let (x, y) = place(of: member.peer)
      let edge = Self.rounded(place(of: member.peer, at: Self.radius + 26).0)
      let (anchor, start) = isRight ? ("start", edge + 8) : ("end", edge - 8)
      let height = Self.rounded(height)
      return
        "<polyline points=\"\(x),\(y) \(edge),\(height)\" fill=\"none\" stroke=\"#c0c0c0\"/>"
        + "<text x=\"\(start)\" y=\"\(height + 4)\" text-anchor=\"\(anchor)\" fill=\"\(colour(of: member))\">"
        + "<title>\(member.peer.id)</title>\(Self.short(member.peer)) \(member.peer.endpoint)</text>"
    }
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
    let (x, y) = (Self.centre.x + radius * cos(angle(of: peer)), Self.centre.y + radius * sin(angle(of: peer)))
    return (Self.rounded(x), Self.rounded(y))
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

  private static func short(_ peer: Peer) -> String { String(peer.id.description.prefix(8)) }
}
