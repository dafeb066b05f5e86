// A small terminal, so that tests see what a person would: bytes in, cells out. It knows what full-screen programs need and counts
// columns as the C library does (wcwidth), scalar by scalar: many terminals do, and it is not how the program under test counts.
//
// Sequences that it does not know are kept in `unknown`: a program that needs more than this terminal can is found out.

import Foundation

/// A screen of cells.
public struct TerminalEmulator {
  /// What stands at one place.
  public struct Cell: Equatable {
    /// Empty: the second half of a wide character.
    public var text = " "
    public var isReversed = false
    public var isBold = false
    public var color: Int?
  }

  public private(set) var columns: Int
  public private(set) var rows: Int
  public private(set) var cells: [[Cell]]
  public private(set) var cursor = (row: 0, column: 0)
  /// Private modes (DECSET) that are set.
  public private(set) var modes: Set<Int> = [7, 25]
  public private(set) var unknown: [String] = []
  /// What had been on the first screen when the second one was shown.
  private var first: [[Cell]]?
  private var pen = Cell()
  private var partial: [UInt8] = []

  public init(columns: Int, rows: Int) {
    _ = Self.locale
    (self.columns, self.rows) = (columns, rows)
    cells = Self.empty(columns, rows)
  }

  private static let locale: Bool = setlocale(LC_CTYPE, "C.UTF-8") != nil

  private typealias Width = @convention(c) (Int32) -> Int32

  /// Part of POSIX, but hidden from Swift's Glibc module.
  private static let wcwidth = dlsym(nil, "wcwidth").map { unsafeBitCast($0, to: Width.self) }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    max(0, Int(wcwidth?(Int32(bitPattern: scalar.value)) ?? 1))
  }

  private static func empty(_ columns: Int, _ rows: Int) -> [[Cell]] {
    Array(repeating: Array(repeating: Cell(), count: columns), count: rows)
  }

  /// The rows as text, without blanks at their ends.
  public var text: [String] {
    cells.map { row in
      var text = Substring(row.map(\.text).joined())
      while text.last == " " { text.removeLast() }
      return String(text)
    }
  }

  public mutating func resize(columns: Int, rows: Int) {
    var new = Self.empty(columns, rows)
    for row in 0..<min(rows, self.rows) {
      for column in 0..<min(columns, self.columns) { new[row][column] = cells[row][column] }
    }
    (self.columns, self.rows, cells) = (columns, rows, new)
    cursor = (min(cursor.row, rows - 1), min(cursor.column, columns - 1))
  }

  public mutating func feed(_ bytes: some Collection<UInt8>) {
    let input = partial + bytes
    var place = 0
    while place < input.count {
      let taken = take(input[place...])
      if taken == 0 { break }
      place += taken
    }
    partial = Array(input[place...])
  }

  private mutating func take(_ bytes: ArraySlice<UInt8>) -> Int {
    guard let byte = bytes.first else { return 0 }
    switch byte {
    case 0x1B: return escape(bytes)
    case 0x0D: cursor.column = 0
    case 0x0A: lineFeed()
    case 0x08: cursor.column = max(0, cursor.column - 1)
    case 0x07: break
    case 0..<0x20: unknown.append("control \(byte)")
    default:
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      guard bytes.count >= length else { return 0 }
      for scalar in String(decoding: bytes.prefix(length), as: UTF8.self).unicodeScalars { put(scalar) }
      return length
    }
    return 1
  }

  private mutating func lineFeed() {
    guard cursor.row == rows - 1 else {
      cursor.row += 1
      return
    }
    cells.removeFirst()
    cells.append(Array(repeating: Cell(), count: columns))
  }

  private mutating func put(_ scalar: Unicode.Scalar) {
    let width = Self.width(of: scalar)
    if width == 0 {
      let place = max(0, cursor.column - 1)
      let column = cells[cursor.row][place].text.isEmpty ? max(0, place - 1) : place
      if cursor.column > 0 { cells[cursor.row][column].text.unicodeScalars.append(scalar) }
      return
    }
    if cursor.column + width > columns {
      if modes.contains(7) {
        cursor.column = 0
        lineFeed()
      } else {
        cursor.column = columns - width
      }
    }
    var cell = pen
    cell.text = String(scalar)
    clearHalves(cursor.column)
    cells[cursor.row][cursor.column] = cell
    if width == 2 {
      clearHalves(cursor.column + 1)
      cells[cursor.row][cursor.column] = cell
      cell.text = ""
      cells[cursor.row][cursor.column + 1] = cell
    }
    cursor.column += width
    if !modes.contains(7) { cursor.column = min(cursor.column, columns - 1) }
  }

  /// Half a wide character is none.
  private mutating func clearHalves(_ column: Int) {
    if column + 1 < columns, cells[cursor.row][column + 1].text.isEmpty { cells[cursor.row][column + 1].text = " " }
    if cells[cursor.row][column].text.isEmpty, column > 0 { cells[cursor.row][column - 1].text = " " }
  }

  private mutating func escape(_ bytes: ArraySlice<UInt8>) -> Int {
    let after = bytes.dropFirst()
    guard let second = after.first else { return 0 }
    guard second == UInt8(ascii: "[") else {
      unknown.append("ESC \(Character(Unicode.Scalar(second)))")
      return 2
    }
    let body = after.dropFirst()
    guard let end = body.firstIndex(where: { (0x40...0x7E).contains($0) }) else { return 0 }
    let text = String(decoding: body[..<end], as: UTF8.self)
    obey(text, Character(Unicode.Scalar(body[end])))
    return end + 1 - bytes.startIndex
  }

  private mutating func obey(_ text: String, _ final: Character) {
    let isPrivate = text.hasPrefix("?")
    let numbers = (isPrivate ? text.dropFirst() : text[...]).split(separator: ";", omittingEmptySubsequences: false)
      .map { Int($0) ?? 0 }
    let first = numbers.first ?? 0
    switch (final, isPrivate) {
    case ("h", true), ("l", true): for mode in numbers { set(mode, final == "h") }
    case ("H", false):
      cursor = (min(max(1, first), rows) - 1, min(max(1, numbers.count > 1 ? numbers[1] : 1), columns) - 1)
    case ("G", false): cursor.column = min(max(1, first), columns) - 1
    case ("J", false) where first == 2 || first == 3: cells = Self.empty(columns, rows)
    case ("K", false) where first == 0:
      for column in min(cursor.column, columns - 1)..<columns { cells[cursor.row][column] = Cell() }
    case ("m", false): for number in numbers { style(number) }
    default: unknown.append("CSI \(text)\(final)")
    }
  }

  private mutating func set(_ mode: Int, _ isOn: Bool) {
    if isOn { modes.insert(mode) } else { modes.remove(mode) }
    guard mode == 1049 else { return }
    if isOn {
      first = first ?? cells
      cells = Self.empty(columns, rows)
    } else if let before = first {
      cells = before
      first = nil
      resize(columns: columns, rows: rows)
      cursor = (0, 0)
    }
  }

  private mutating func style(_ number: Int) {
    switch number {
    case 0: pen = Cell()
    case 1: pen.isBold = true
    case 2: break
    case 7: pen.isReversed = true
    case 30...37: pen.color = number - 30
    default: unknown.append("style \(number)")
    }
  }
}
