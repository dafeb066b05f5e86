// How plots look: colours for light and for dark, shapes of marks, dashes of lines. And several plots side by side as one picture, which
// stands in a page, or in a file of its own that finds out by itself whether it is dark around it.
//
// The colours are those of Okabe and Ito, which the colour-blind tell apart; darker on white and lighter on black, for contrast.

import Foundation

enum PlotStyle {
  private static let count = 7

  /// Of a page or a picture; in a page once for all pictures.
  static let sheet = """
    .plot{--ground:#fff;--ink:#1b1b1b;--faint:#6b6b6b;--grid:#e4e4e4;\
    --c0:#0072b2;--c1:#c65300;--c2:#00815c;--c3:#a8457f;--c4:#8a6d00;--c5:#2a8fc7;--c6:#444;\
    font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
    @media (prefers-color-scheme:dark){.plot{--ground:#161a1f;--ink:#e8e8e8;--faint:#a3a9b0;--grid:#30363d;\
    --c0:#56b4e9;--c1:#ff9248;--c2:#2fc79a;--c3:#e39ac4;--c4:#e8c547;--c5:#9ad2f2;--c6:#c4c4c4}}
    @media print{.plot{--ground:#fff;--ink:#000;--faint:#444;--grid:#ccc;\
    --c0:#0072b2;--c1:#c65300;--c2:#00815c;--c3:#a8457f;--c4:#8a6d00;--c5:#2a8fc7;--c6:#444}}
    .plot .ground{fill:var(--ground)}.plot text{fill:var(--ink)}.plot .title{font-size:14px;font-weight:600}\
    .plot .name{fill:var(--faint)}.plot .end{text-anchor:end}.plot .middle{text-anchor:middle}\
    .plot .grid{stroke:var(--grid);fill:none}.plot .axis{stroke:var(--faint);fill:none}\
    .plot .line,.plot .rule,.plot .interval{stroke:var(--c);fill:none;stroke-width:2}\
    .plot .rule{stroke-width:1.5}.plot .thread{stroke:var(--faint);fill:none}.plot .interval{stroke-width:1}.plot .bar{fill:var(--c);fill-opacity:.7}\
    .plot .mark{fill:var(--c);stroke:var(--c);stroke-width:1.5}.plot .hollow .mark{fill:var(--ground);stroke-width:2}
    .plot .hollow .bar{fill-opacity:.12;stroke:var(--c);stroke-width:1.5}

    """ + (0..<count).map { ".plot .s\($0){--c:var(--c\($0))}" }.joined() + "\n"
    + zip(0..., ["", "7 3", "2 3", "9 3 2 3", "5 2", "1 2", "12 4"]).filter { !$0.1.isEmpty }
    .map { ".plot .s\($0.0) .line,.plot .s\($0.0) .rule{stroke-dasharray:\($0.1)}" }.joined() + "\n"

  static func name(of series: Plot.Series) -> String { "s\(series.style % count)" + (series.isHollow ? " hollow" : "") }

  /// For the legend.
  static func sample(of series: Plot.Series, x: Double, y: Double) -> String {
    var text = "<g class=\"\(name(of: series))\">"
    switch series.form {
    case .points: text += mark(of: series, x: x + 12, y: y)
    case .line: text += "<path class=\"line\" d=\"M\(x) \(y)h24\"/>" + mark(of: series, x: x + 12, y: y)
    case .rule: text += "<path class=\"rule\" d=\"M\(x) \(y)h24\"/>"
    case .thread: break
    case .bars: text += "<rect class=\"bar\" x=\"\(x + 6)\" y=\"\(y - 5)\" width=\"12\" height=\"10\"/>"
    }
    return text + "</g>"
  }

  /// A disc, square, triangle and so on by the number of the style; where colours begin again, shapes begin one later.
  static func mark(of series: Plot.Series, x: Double, y: Double) -> String {
    let corners: [(Double, Double)]
    switch (series.style + series.style / count) % count {
    case 0: return "<circle class=\"mark\" cx=\"\(Plot.number(x))\" cy=\"\(Plot.number(y))\" r=\"4\"/>"
    case 1: corners = [(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)]
    case 2: corners = [(0, -4.5), (4.5, 3.5), (-4.5, 3.5)]
    case 3: corners = [(0, -5), (5, 0), (0, 5), (-5, 0)]
    case 4: corners = [(0, 4.5), (4.5, -3.5), (-4.5, -3.5)]
    case 5: corners = [(-4.5, -1.5), (4.5, -1.5), (4.5, 1.5), (-4.5, 1.5)]
    default: corners = [(-1.5, -4.5), (1.5, -4.5), (1.5, 4.5), (-1.5, 4.5)]
    }
    let path = corners.map { "\(Plot.number(x + $0.0)) \(Plot.number(y + $0.1))" }.joined(separator: "L")
    return "<path class=\"mark\" d=\"M\(path)Z\"/>"
  }
}

/// Plots that belong together, in rows.
struct Picture {
  /// Of its file, without an ending.
  let name: String
  let title: String
  /// What is seen in it, in a sentence or two.
  let caption: String
  var columns = 1
  let plots: [Plot]

  /// For a page that has the style sheet.
  var inline: String { svg(style: "") }

  /// A file of its own.
  var file: String { svg(style: "<style>\n\(PlotStyle.sheet)</style>\n") }

  private func svg(style: String) -> String {
    let wide = plots.map(\.width).max() ?? 0
    let high = plots.map(\.height).max() ?? 0
    let columns = min(columns, max(plots.count, 1))
    let (width, height) = (wide * Double(columns) + 16, high * Double((plots.count + columns - 1) / columns) + 16)
    var text =
      "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Plot.number(width)) \(Plot.number(height))\" "
    text +=
      "width=\"\(Plot.number(width))\" height=\"\(Plot.number(height))\" role=\"img\" aria-label=\"\((title + ". " + caption).escaped)\">\n"
    text += style + "<rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n"
    for (number, plot) in plots.enumerated() {
      let (x, y) = (8 + wide * Double(number % columns), 8 + high * Double(number / columns))
      text += "<g transform=\"translate(\(Plot.number(x)) \(Plot.number(y)))\">\n\(plot.elements())</g>\n"
    }
    return text + "</svg>\n"
  }
}
