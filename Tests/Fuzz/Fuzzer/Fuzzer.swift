// The program that `make fuzz` runs: libFuzzer, on the target that the environment names.
//
//   FUZZ_TARGET=message fuzz [options and directories of libFuzzer]      tries inputs; a finding is kept as a file
//   FUZZ_TARGET=message fuzz FILE …                                      replays these inputs
//
// The target comes through the environment since libFuzzer starts itself again, with its own arguments alone, to merge corpora.

import CFuzzer
import Glibc

@main enum Fuzzer {
  private static let target = getenv("FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) }

  static func main() {
    guard let target else {
      print("FUZZ_TARGET is one of:", FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))
      exit(64)
    }
    // Of an option given twice the last one counts.
    var arguments = CommandLine.arguments
    arguments.insert("-max_len=\(target.maximumLength)", at: 1)
    var count = CInt(arguments.count)
    let words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
    for (index, argument) in arguments.enumerated() { words[index] = strdup(argument) }
    words[arguments.count] = nil
    var vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = words
    exit(
      LLVMFuzzerRunDriver(&count, &vector) { start, count in
        let bytes = Array(UnsafeBufferPointer(start: start, count: count))
        // To libFuzzer a finding is a process that dies.
        if let fault = Fuzzer.target?.fault(in: bytes) { fatalError(fault) }
        return 0
      })
  }
}
