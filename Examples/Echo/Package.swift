// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Echo",
  dependencies: [.package(name: "chord-chat", path: "../..")],
  targets: [.executableTarget(name: "Echo", dependencies: [.product(name: "UVRuntime", package: "chord-chat")])]
)
