// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6, no warning left standing, spans that may be returned and stored.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "chord-chat",
  products: [
    .library(name: "UVRuntime", targets: ["UVRuntime"]),
    .library(name: "Noise", targets: ["Noise"]),
    .library(name: "Chord", targets: ["Chord"]),
    .library(name: "Chat", targets: ["Chat"]),
    .library(name: "NodeKit", targets: ["NodeKit"]),
    .executable(name: "node", targets: ["node"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),  // for `bench` alone
  ],
  targets: [
    // C libraries, from the system.
    .systemLibrary(name: "CLibUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    // Not through pkg-config: libutf8proc's file has a flag that SwiftPM warns about, and nothing that is needed.
    .systemLibrary(name: "CUTF8Proc", providers: [.apt(["libutf8proc-dev"])]),

    // The engine, bottom up. Imports point downwards only (Tests/ArchitectureTests holds them to it).
    .target(name: "UVRuntime", dependencies: ["CLibUV"], swiftSettings: house),
    .target(name: "Noise", dependencies: ["CSodium"], swiftSettings: house),
    .target(name: "Chord", dependencies: ["CSodium"], swiftSettings: house),
    .target(name: "Chat", dependencies: ["Chord", "CSodium", "CUTF8Proc"], swiftSettings: house),
    .target(
      name: "NodeKit",
      dependencies: [
        "UVRuntime", "Noise", "Chord", "Chat", "CSodium", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "node",
      dependencies: [
        "NodeKit", "CUTF8Proc", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),

    // Plain targets that tests, benchmarks and the demo share.
    .target(name: "Simulation", dependencies: ["Chord", "Chat"], path: "Tests/Simulation", swiftSettings: house),
    .target(name: "Processes", path: "Tests/Processes", swiftSettings: house),
    .target(
      name: "RawPeers", dependencies: ["NodeKit", "Noise", "UVRuntime", "Chord", "Chat"], path: "Tests/RawPeers",
      swiftSettings: house),
    .executableTarget(
      name: "sim",
      dependencies: ["Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/Sim", swiftSettings: house),
    .executableTarget(name: "demo", dependencies: ["Processes"], path: "Tests/Demo", swiftSettings: house),
    .executableTarget(
      name: "chaos",
      dependencies: [
        "Processes", "UVRuntime", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Chaos", swiftSettings: house),
    .executableTarget(
      name: "hostile",
      dependencies: [
        "RawPeers", "Processes", "NodeKit", "UVRuntime", "Chord", "Chat",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Hostile", swiftSettings: house),
    .executableTarget(
      name: "bench",
      dependencies: [
        "Chat", "Chord", "NodeKit", "Processes", "RawPeers", "Simulation", "UVRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "benchmarks/bench", swiftSettings: house),
    .target(name: "CAllocations", path: "benchmarks/allocations", publicHeadersPath: "include"),
    .executableTarget(
      name: "counts",
      dependencies: [
        "CAllocations", "Chord", "NodeKit", "Noise", "Simulation", "UVRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "benchmarks/counts", exclude: ["counts.txt"], swiftSettings: house),

    .testTarget(name: "UVRuntimeTests", dependencies: ["UVRuntime", "CLibUV"], swiftSettings: house),
    .testTarget(
      name: "NoiseTests", dependencies: ["CSodium", "Noise", "Processes"],
      exclude: ["Vectors", "noiseprotocol_side.py"], swiftSettings: house),
    .testTarget(name: "ChordTests", dependencies: ["CSodium", "Chord", "Simulation"], swiftSettings: house),
    .testTarget(name: "ChatTests", dependencies: ["Chat", "Chord", "CSodium", "Simulation"], swiftSettings: house),
    .testTarget(name: "NodeKitTests", dependencies: ["NodeKit", "Noise", "RawPeers"], swiftSettings: house),
    .testTarget(name: "ProcessTests", dependencies: ["NodeKit", "Processes", "chaos", "node"], swiftSettings: house),
    .testTarget(
      name: "FuzzTests", dependencies: ["Noise", "Chord", "Chat", "NodeKit", "UVRuntime", "CSodium", "node"],
      path: "Tests/Fuzz",
      exclude: ["CFuzzer", "Fuzzer", "Corpus"], sources: ["Targets", "CorpusTests.swift", "FindingTests.swift"],
      swiftSettings: house),
    .testTarget(name: "ArchitectureTests", swiftSettings: house),
  ]
)

// `make fuzz` builds the same sources in another way, into a directory of its own: the files of Tests/Fuzz are a program then, and
// what it tries of `node` is a library, since no program can use another one's code.
if Context.environment["CHORD_FUZZ"] != nil {
  package.products = []
  let others = ["node", "demo", "bench", "counts", "CAllocations", "hostile", "RawPeers"]
  package.targets.removeAll { $0.isTest || others.contains($0.name) }
  package.targets += [
    .target(
      name: "node", dependencies: ["NodeKit", "CUTF8Proc"],
      sources: [
        "Display.swift", "JSON.swift", "JSONReader.swift", "JSONWriter.swift", "LineCommand.swift",
        "LineSplitter.swift", "Names.swift", "RPCRequest.swift", "Suggestion.swift", "Written.swift",
        "Screen/InputLine.swift", "Screen/Key.swift", "Screen/KeyDecoder.swift", "Screen/KeySequences.swift",
        "Screen/Row.swift", "Screen/TextWidth.swift",
      ],
      swiftSettings: house),
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz", dependencies: ["Noise", "Chord", "Chat", "NodeKit", "UVRuntime", "CSodium", "CFuzzer", "node"],
      path: "Tests/Fuzz",
      exclude: ["CFuzzer", "Corpus", "CorpusTests.swift", "FindingTests.swift"], sources: ["Targets", "Fuzzer"],
      swiftSettings: house),
  ]
}
