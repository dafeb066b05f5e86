// The rules that keep the project in shape, each as a function from text to what is wrong with it, so that each can be shown to
// fail on a bad sample.

/// A file of ours.
struct SourceFile {
  /// From the package's directory on.
  let path: String
  let text: String

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// The module of a file in Sources.
  var module: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }

  /// The lines without what follows `//`, numbered from 1. (A text with two slashes loses its end, which no rule minds.)
  var code: [(number: Int, line: Substring)] {
    lines.enumerated().map { index, line in
      (index + 1, line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line)
    }
  }
}

enum Rules {
  /// Who may import what. Imports point downwards only.
  static let imports: [String: Set<String>] = [
    "UVRuntime": ["CLibUV", "Glibc", "Synchronization"],
    "Noise": ["CSodium"],
    "Chord": ["CSodium"],
    "Chat": ["Chord", "CSodium", "CUTF8Proc"],
    "NodeKit": ["UVRuntime", "Noise", "Chord", "Chat", "CSodium", "Logging", "FoundationEssentials"],
    "node": [
      "NodeKit", "UVRuntime", "Chord", "Chat", "CUTF8Proc", "ArgumentParser", "Logging", "FoundationEssentials",
      "Glibc",
    ],
  ]

  /// Modules that know neither time nor chance: both are arguments there.
  static let pureModules: Set<String> = ["Noise", "Chord", "Chat"]

  /// Lines a file may have; beyond that it is more than one idea.
  static let maximumLines = 400

  /// Files that may be longer, and why.
  static let longFiles: [String: String] = [
    "Tests/NodeKitTests/HostileTests.swift":
      "every way in which a peer can misbehave, in the order of its coming closer",
    "Tests/ProcessTests/ContractTests.swift": "the whole contract on one page, to be read beside it",
    "Tests/UVRuntimeTests/TCPConnectionTests.swift": "every way in which a connection can begin, go wrong and end",
  ]

  // MARK: Imports

  static func wrongImports(in file: SourceFile) -> [String] {
    guard let module = file.module else { return [] }
    guard let allowed = imports[module] else { return ["\(file.path): no rule says what \(module) may import"] }
    return imported(by: file).filter { !allowed.contains($0.module) }
      .map { "\(file.path):\($0.number): \(module) must not import \($0.module)" }
  }

  static func imported(by file: SourceFile) -> [(number: Int, module: String)] {
    let pattern =
      /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/
    return file.code.compactMap { number, line in
      line.firstMatch(of: pattern).map { (number, String($0.output.1)) }
    }
  }

  /// What the manifest lets the targets in Sources depend on, against the table above.
  static func wrongDependencies(inManifest manifest: String) -> [String] {
    let target = /\.(?:target|executableTarget)\(\s*name:\s*"(\w+)"(?<rest>(?:(?!swiftSettings).|\n)*)/
    var seen: Set<String> = []
    var faults: [String] = []
    for match in manifest.matches(of: target) {
      let name = String(match.output.1)
      guard let allowed = imports[name] else { continue }
      seen.insert(name)
      let products = match.output.rest.replacing(/package:\s*"[^"]*"/, with: "")
      for quoted in products.matches(of: /"([\w-]+)"/) where !allowed.contains(String(quoted.output.1)) {
        faults.append("Package.swift: \(name) must not depend on \(quoted.output.1)")
      }
    }
    return faults + Set(imports.keys).subtracting(seen).sorted().map { "Package.swift: no target \($0)" }
  }

  // MARK: Purity

  /// What reads a clock, draws from a generator, waits, or talks to the world.
  static func impurities(in file: SourceFile) -> [String] {
    guard let module = file.module, pureModules.contains(module) else { return [] }
    let patterns: [(Regex<Substring>, String)] = [
      (
        /\b(?:ContinuousClock|SuspendingClock|DispatchTime|Date|clock_gettime|gettimeofday|uv_now|uv_hrtime)\b/,
        "a clock"
      ),
      (/\b(?:SystemRandomNumberGenerator|arc4random\w*|getrandom|getentropy|randombytes\w*)\b/, "a generator"),
      (/\bcrypto_(?:(?!seed_keypair)\w)+_(?:keygen|keypair)\b/, "a generator"),
      (/\.(?:random\(in:[^,)]*\)|randomElement\(\)|shuffled?\(\))/, "the global generator"),
      (/\b(?:Task|DispatchQueue|Thread|pthread_\w+|Timer)\b/, "concurrency"),
      (/\b(?:print|debugPrint|dump|NSLog)\(/, "output"),
    ]
    return file.code.flatMap { number, line in
      patterns.filter { line.contains($0.0.wordBoundaryKind(.simple)) }.map {
        "\(file.path):\(number): \($0.1) in \(module)"
      }
    }
  }

  // MARK: Signatures

  /// What would have a node check signatures in another way than by working every one of them out: only simulations may.
  static func otherChecks(in file: SourceFile) -> [String] {
    guard file.module != nil, file.path != "Sources/Chord/SignatureCheck.swift" else { return [] }
    return file.code.flatMap { number, line in
      [(/\bSignatureCheck\s*(?:\.init\s*)?[({]/, "made"), (/\.check\s*=[^=]/, "replaced")]
        .filter { line.contains($0.0.wordBoundaryKind(.simple)) && !line.contains(/^\s*self\.check = check$/) }
        .map { "\(file.path):\(number): a check of signatures is \($0.1)" }
    }
  }

  // MARK: Traps

  /// What ends the program for a reason that is not our bug: only `precondition` may, and it tells its reason.
  static func traps(in file: SourceFile) -> [String] {
    guard file.module != nil else { return [] }
    return file.code.flatMap { number, line in
      [(/\btry!/, "try!"), (/\bas!/, "as!"), (/\bfatalError\b/, "fatalError")]
        .filter { line.contains($0.0.wordBoundaryKind(.simple)) }.map { "\(file.path):\(number): \($0.1)" }
    }
  }

  // MARK: Order

  static func leftovers(in file: SourceFile) -> [String] {
    file.lines.enumerated().filter { $0.element.contains(/\b(?:TODO|FIXME|XXX)\b/.wordBoundaryKind(.simple)) }
      .map { "\(file.path):\($0.offset + 1): \($0.element)" }
  }

  static func tooLong(_ file: SourceFile) -> [String] {
    let count = file.lines.count - 1
    if count > maximumLines, longFiles[file.path] == nil { return ["\(file.path): \(count) lines"] }
    return []
  }

  /// Reasons for files that are not long any more, or gone.
  static func idleReasons(among files: [SourceFile]) -> [String] {
    let long = Set(files.filter { $0.lines.count - 1 > maximumLines }.map(\.path))
    return longFiles.keys.filter { !long.contains($0) }.sorted().map { "\($0) needs no reason to be long" }
  }

  /// Paths that exist on one machine only.
  static func localPaths(in file: SourceFile) -> [String] {
    file.lines.enumerated().filter { $0.element.contains(/(?:^|[^\w.\/])\/(?:home|root|srv|Users)\/\w/) }
      .map { "\(file.path):\($0.offset + 1): \($0.element)" }
  }
}
