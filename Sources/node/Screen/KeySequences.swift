// The sequences of xterm and its many relatives (XTerm Control Sequences, "PC-Style Function Keys"), rxvt and the Linux console.
//
//     CSI 1;m A    arrows, Home, End, F1 to F4; m is 1 and the sum of Shift 1, Alt 2, Ctrl 4
//     CSI n;m ~    the others, by number

/// Knows what sequences mean.
enum KeySequences {
  static func key(_ numbers: [Int], _ final: UInt8) -> Key {
    let modifiers = numbers.count > 1 ? max(0, numbers[1] - 1) : 0
    switch final {
    case UInt8(ascii: "~"):
      switch numbers.first {
      case 1, 7: return modified(.home, modifiers)
      case 2: return modified(.insert, modifiers)
      case 3: return modified(.delete, modifiers)
      case 4, 8: return modified(.end, modifiers)
      case 5: return modified(.pageUp, modifiers)
      case 6: return modified(.pageDown, modifiers)
      case let number? where (11...15).contains(number): return .function(number - 10)
      case let number? where (17...21).contains(number): return .function(number - 11)
      case 23: return .function(11)
      case 24: return .function(12)
      default: return .unknown
      }
    case UInt8(ascii: "A"): return modified(.up, modifiers)
    case UInt8(ascii: "B"): return modified(.down, modifiers)
    case UInt8(ascii: "C"): return modified(.right, modifiers)
    case UInt8(ascii: "D"): return modified(.left, modifiers)
    case UInt8(ascii: "H"): return modified(.home, modifiers)
    case UInt8(ascii: "F"): return modified(.end, modifiers)
    case UInt8(ascii: "P")...UInt8(ascii: "S"): return .function(Int(final - UInt8(ascii: "P")) + 1)
    case UInt8(ascii: "Z"): return .named(.backTab)
    case UInt8(ascii: "M"): return .named(.enter)  // of a keypad in application mode
    // rxvt: Ctrl and an arrow.
    case UInt8(ascii: "a"): return .controlNamed(.up)
    case UInt8(ascii: "b"): return .controlNamed(.down)
    case UInt8(ascii: "c"): return .controlNamed(.right)
    case UInt8(ascii: "d"): return .controlNamed(.left)
    default: return .unknown
    }
  }

  private static func modified(_ name: Key.Name, _ modifiers: Int) -> Key {
    if modifiers & 4 != 0 { return .controlNamed(name) }
    return modifiers & 2 != 0 ? .altNamed(name) : .named(name)
  }
}
