// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Pair",
  dependencies: [.package(name: "chord-chat", path: "../..")],
  targets: [.executableTarget(name: "Pair", dependencies: [.product(name: "NodeKit", package: "chord-chat")])]
)
