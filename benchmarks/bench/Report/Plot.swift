// One plot: two axes, and in between lines, points, bars and rules, as SVG. Nothing here knows what is plotted.
//
//      title
//      ■ ours   ● theirs            what the colours and shapes mean
//    4 ┤        ●
//    2 ┤  ■  ■                      colours come from PlotStyle, by number, and each has a shape and a dash of its own:
//    0 └──┴──┴──┴──                 who sees no colours, or prints, tells them apart as well
//       name of x

import Foundation

/// What is drawn in one frame.
struct Plot {
  struct Axis {
    var name: String
    var kind = Scale.Kind.linear
    /// The axis reaches as far as these, too.
    var holding: [Double] = []
    var ticks = 7
  }

  struct Point {
    var x: Double
    var y: Double
    /// How far it may be off, up and down.
    var interval: Double?
    /// Written beside it.
    var label = ""
  }

  enum Form {
    case points, line, bars
    /// A thin dashed line without marks: what is expected, not what was measured.
    case rule
    /// A thin grey line between marks of other series.
    case thread
  }

  struct Series {
    var name: String
    var form: Form
    /// Colour, shape and dash.
    var style: Int
    /// Marks that are rings instead of discs: another kind of measurement.
    var isHollow = false
    /// Not told in the legend.
    var isSilent = false
    var points: [Point]
  }

  var title: String
  var x: Axis
  var y: Axis
  var series: [Series]
  var width = 720.0
  var height = 380.0

  private static let margin = (top: 30.0, right: 18.0, bottom: 46.0)
  private static let legendLine = 18.0

  /// The elements, for a place in an `svg` of at least this width and height.
  func elements() -> String {
    let legend = legendPlaces()
    let scales = (
      x: Scale(x.kind, holding: series.flatMap { $0.points.map(\.x) } + x.holding, ticks: x.ticks),
      y: Scale(
        y.kind,
        holding: series.flatMap { $0.points.flatMap { [$0.y - ($0.interval ?? 0), $0.y + ($0.interval ?? 0)] } }
          + y.holding,
        ticks: y.ticks)
    )
    let widest = scales.y.ticks.map { Self.width(of: $0.label) }.max() ?? 0
    let frame = Frame(
      left: widest + (y.name.isEmpty ? 12 : 34), top: Self.margin.top + legend.height,
      right: width - Self.margin.right, bottom: height - Self.margin.bottom)
    var text = "<text class=\"title\" x=\"4\" y=\"17\">\(title.escaped)</text>\n" + legend.text
    text += axes(scales.x, scales.y, frame)
    for series in series { text += draw(series, scales.x, scales.y, frame) }
    return text + labels(scales.x, scales.y, frame)
  }

  // MARK: Around

  private struct Frame {
    let left, top, right, bottom: Double
    func x(_ position: Double) -> Double { left + position * (right - left) }
    func y(_ position: Double) -> Double { bottom - position * (bottom - top) }
  }

  /// About, for what has no fonts: at the size of ticks and legends.
  private static func width(of text: String) -> Double { Double(text.count) * 6.9 }

  private func legendPlaces() -> (text: String, height: Double) {
    let told = series.filter { !$0.isSilent }
    guard !told.isEmpty else { return ("", 0) }
    var (text, left, line) = ("", 8.0, 0.0)
    for series in told {
      let room = 34 + Self.width(of: series.name) + 12
      if left > 8, left + room > width { (left, line) = (8, line + 1) }
      let y = 34 + line * Self.legendLine
      text += PlotStyle.sample(of: series, x: left, y: y)
      text += "<text x=\"\(left + 30)\" y=\"\(y + 4)\">\(series.name.escaped)</text>\n"
      left += room
    }
    return (text, (line + 1) * Self.legendLine + 4)
  }

  private func axes(_ xScale: Scale, _ yScale: Scale, _ frame: Frame) -> String {
    var text = ""
    for tick in yScale.ticks {
      guard let position = yScale.position(tick.value) else { continue }
      let y = Self.number(frame.y(position))
      text += "<path class=\"grid\" d=\"M\(Self.number(frame.left)) \(y)H\(Self.number(frame.right))\"/>"
      text +=
        "<text class=\"end\" x=\"\(Self.number(frame.left - 6))\" y=\"\(Self.number(frame.y(position) + 4))\">\(tick.label.escaped)</text>\n"
    }
    for tick in xScale.ticks {
      guard let position = xScale.position(tick.value) else { continue }
      let x = Self.number(frame.x(position))
      text += "<path class=\"axis\" d=\"M\(x) \(Self.number(frame.bottom))v5\"/>"
      text += "<text class=\"middle\" x=\"\(x)\" y=\"\(Self.number(frame.bottom + 18))\">\(tick.label.escaped)</text>\n"
    }
    let (left, bottom) = (Self.number(frame.left), Self.number(frame.bottom))
    text += "<path class=\"axis\" d=\"M\(left) \(Self.number(frame.top))V\(bottom)H\(Self.number(frame.right))\"/>"
    let (middle, centre) = ((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2)
    text +=
      "<text class=\"middle name\" x=\"\(Self.number(middle))\" y=\"\(Self.number(height - 8))\">\(x.name.escaped)</text>\n"
    guard !y.name.isEmpty else { return text }
    return text
      + "<text class=\"middle name\" transform=\"translate(14 \(Self.number(centre))) rotate(-90)\">\(y.name.escaped)</text>\n"
  }

  // MARK: Within

  private func draw(_ series: Series, _ xScale: Scale, _ yScale: Scale, _ frame: Frame) -> String {
    let places = series.points.compactMap { point in
      place(of: point, xScale, yScale, frame).map { (point: point, x: $0.x, y: $0.y) }
    }
    var text = "<g class=\"\(PlotStyle.name(of: series))\">"
    switch series.form {
    case .points: break
    case .line, .rule, .thread:
      let path = places.map { "\(Self.number($0.x)) \(Self.number($0.y))" }.joined(separator: "L")
      if places.count > 1 { text += "<path class=\"\(series.form)\" d=\"M\(path)\"/>" }
    case .bars:
      let step = (xScale.position(1) ?? 1) - (xScale.position(0) ?? 0)
      let wide = max(step * (frame.right - frame.left) * 0.8, 1)
      for place in places {
        text += "<rect class=\"bar\" x=\"\(Self.number(place.x - wide / 2))\" y=\"\(Self.number(place.y))\" "
        text += "width=\"\(Self.number(wide))\" height=\"\(Self.number(max(frame.bottom - place.y, 0)))\"/>"
      }
    }
    for place in places {
      if let interval = place.point.interval, let low = yScale.position(place.point.y - interval),
        let high = yScale.position(place.point.y + interval)
      {
        text +=
          "<path class=\"interval\" d=\"M\(Self.number(place.x)) \(Self.number(frame.y(low)))V\(Self.number(frame.y(high)))\"/>"
      }
      if series.form == .points || series.form == .line { text += PlotStyle.mark(of: series, x: place.x, y: place.y) }
    }
    return text + "</g>\n"
  }

  private func place(of point: Point, _ xScale: Scale, _ yScale: Scale, _ frame: Frame) -> (x: Double, y: Double)? {
    guard let x = xScale.position(point.x), let y = yScale.position(point.y) else { return nil }
    return (frame.x(x), frame.y(y))
  }

  /// Each beside its point, where it hides no other label and no point; left out if there is no such place.
  private func labels(_ xScale: Scale, _ yScale: Scale, _ frame: Frame) -> String {
    let labelled = series.flatMap(\.points).filter { !$0.label.isEmpty }
    let places = labelled.compactMap { point in place(of: point, xScale, yScale, frame).map { (point.label, $0) } }
    var taken = places.map { Box(left: $0.1.x - 5, top: $0.1.y - 5, right: $0.1.x + 5, bottom: $0.1.y + 5) }
    var text = ""
    for (label, (x, y)) in places {
      let wide = Self.width(of: label)
      let boxes = Self.besides(wide)
        .map { shift in Box(left: x + shift.x, top: y + shift.y, right: x + shift.x + wide, bottom: y + shift.y + 14) }
        .filter { $0.left > frame.left && $0.right < width && $0.top > frame.top && $0.bottom < frame.bottom }
      guard let box = boxes.first(where: { box in !taken.contains { $0.meets(box) } }) else { continue }
      taken.append(box)
      text += "<text x=\"\(Self.number(box.left))\" y=\"\(Self.number(box.top + 11))\">\(label.escaped)</text>\n"
    }
    return text
  }

  /// Where the corner of a label may be, seen from its point: the best first.
  private static func besides(_ wide: Double) -> [(x: Double, y: Double)] {
    let (right, left) = (8.0, -8 - wide)
    return [
      (right, -7), (left, -7), (-wide / 2, -22), (-wide / 2, 8), (right, -20), (right, 7), (left, -20), (left, 7),
    ]
  }

  private struct Box {
    let left, top, right, bottom: Double
    func meets(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  /// To a tenth: nobody sees more.
  static func number(_ value: Double) -> String {
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension StringProtocol {
  /// As text or as an attribute's value in HTML and SVG.
  var escaped: String {
    reduce(into: "") { text, character in
      switch character {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      default: text.append(character)
      }
    }
  }
}
