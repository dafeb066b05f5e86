// What somebody has done at the keyboard, whatever bytes their terminal says it with.

/// One key, or a piece of a paste.
enum Key: Equatable {
  /// Characters that show themselves, one or several.
  case text(String)
  /// Ctrl and a letter, or one of `@ [ \ ] ^ _`; in lower case.
  case control(Character)
  /// Alt, or ESC before it, and a character.
  case alt(Character)
  case named(Name)
  case altNamed(Name)
  case controlNamed(Name)
  case function(Int)
  /// The terminal marks what is pasted: begin, any number of pieces, end.
  case pasteBegan
  case pasted(String)
  case pasteEnded
  /// A sequence that means nothing here.
  case unknown

  enum Name: Equatable {
    case enter, tab, backTab, backspace, delete, escape, up, down, left, right, home, end, pageUp, pageDown, insert
  }
}
