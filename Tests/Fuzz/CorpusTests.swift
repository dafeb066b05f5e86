// Every input that the fuzzer found worth keeping, through the same functions, in the ordinary test suite.

import Foundation
import Testing

@Suite("The corpus of the fuzzer") struct CorpusTests {
  @Test("no kept input is at fault any more", arguments: FuzzTarget.allCases)
  func corpus(target: FuzzTarget) throws {
    let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
      components: "Corpus", target.rawValue)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(!names.isEmpty, "nothing is kept for \(target.rawValue)")
    for name in names.sorted() {
      let bytes = try Data(contentsOf: directory.appending(component: name))
      #expect(target.fault(in: Array(bytes)) == nil, "\(target.rawValue)/\(name)")
    }
  }

  @Test("an input that says nothing is none to any target", arguments: FuzzTarget.allCases)
  func empty(target: FuzzTarget) { #expect(target.fault(in: []) == nil) }
}
