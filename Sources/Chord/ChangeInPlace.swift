// What stands in a table is changed where it lies. `table[key]?.change()` does the same with three allocations each time (Swift 6.3: one
// for each coroutine of the access), and some tables are changed by every message that comes.

extension Dictionary {
  /// Changes the value of this key, if there is one; says whether there is.
  @discardableResult
  mutating func change(_ key: Key, _ body: (inout Value) -> Void) -> Bool {
    guard let place = index(forKey: key) else { return false }
    body(&values[place])
    return true
  }
}
