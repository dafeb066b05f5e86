// Unicode by way of utf8proc: normalisation form C, case folding, and general categories, so that two people who type the
// same name get the same bytes whatever their keyboards send.
//
// utf8proc knows one version of Unicode. What it does not know (unassigned code points) is refused in names, because a later
// version could fold it differently and the same name would then hash to two places.

import CUTF8Proc

/// The pure functions of utf8proc that names need.
enum UnicodeText {
  /// Normalisation form C of `text`.
  static func composed(_ text: String) -> String {
    transformed(text, options: [UTF8PROC_STABLE, UTF8PROC_COMPOSE])
  }

  /// `text` without its differences of case, in form C. Folding may leave something to compose and composing something to
  /// fold, so it is done until nothing changes; three rounds are enough for every character there is.
  static func folded(_ text: String) -> String {
    var current = text
    for _ in 0..<4 {
      let next = transformed(current, options: [UTF8PROC_STABLE, UTF8PROC_COMPOSE, UTF8PROC_CASEFOLD])
      if next.utf8.elementsEqual(current.utf8) { break }
      current = next
    }
    return current
  }

  /// The general category of one scalar.
  static func category(_ scalar: Unicode.Scalar) -> utf8proc_category_t {
    utf8proc_category(Int32(bitPattern: scalar.value))
  }

  private static func transformed(_ text: String, options: [utf8proc_option_t]) -> String {
    let options = utf8proc_option_t(rawValue: options.reduce(0) { $0 | $1.rawValue })
    let bytes = Array(text.utf8)
    let needed = utf8proc_decompose(bytes, bytes.count, nil, 0, options)
    guard needed > 0 else { return text }  // empty: valid UTF-8 of this size cannot fail
    var scalars = [Int32](repeating: 0, count: needed)
    utf8proc_decompose(bytes, bytes.count, &scalars, needed, options)
    let count = utf8proc_normalize_utf32(&scalars, needed, options)
    var result = String.UnicodeScalarView()
    for value in scalars.prefix(max(count, 0)) {
      if let scalar = Unicode.Scalar(UInt32(bitPattern: value)) { result.append(scalar) }
    }
    return String(result)
  }
}
